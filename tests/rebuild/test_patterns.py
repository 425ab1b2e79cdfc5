"""Patterns as a step: what is searched for, which have their place, and what is stored of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.rebuild.associations import update_associations
from memory_pipeline.rebuild.evidence import update_evidence
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.patterns import have_place, search_targets, update_patterns
from memory_pipeline.rebuild.predictability import update_predictability
from memory_pipeline.store.frames import CONDITION_ASSOCIATIONS, OUTCOME_PREDICTABILITY
from memory_pipeline.store.models import PatternIdentification
from memory_pipeline.store.reads import read_table

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from memory_pipeline.settings import Settings
    from memory_pipeline.store.session import Session


def test_what_persons_keep_has_its_place_first_and_what_they_retired_takes_none() -> None:
    assert have_place(["a", "b", "c"], {}, 2) == [True, True, False]
    assert have_place([], {}, 2) == []
    # Of three places one is kept for "z", which was not found.
    assert have_place(["a", "b", "c"], {"z": "activate"}, 3) == [True, True, False]
    assert have_place(["a", "b", "c"], {"c": "activate"}, 2) == [True, False, True]
    assert have_place(["a", "b", "c"], {"a": "retire"}, 2) == [True, True, True]
    assert have_place(["a", "b"], {"a": None}, 1) == [True, False]  # a note only


def test_reasons_are_searched_for_where_enough_attempts_and_applications_have_them(
    settings: Settings,
) -> None:
    often, seldom, one_application = ["often"] * 40, ["seldom"] * 3, ["narrow"] * 40
    reasons = [*often, *seldom, *one_application, None]
    features = pd.DataFrame(
        {
            "failure_reason": reasons,
            "intervention_kind": ["edited_script"] * 20 + [None] * (len(reasons) - 20),
            "application_name": [
                "same" if reason == "narrow" else f"app {number}" for number, reason in enumerate(reasons)
            ],
        }
    )
    limits = settings.model_copy(update={"min_sample_size": 10, "min_units": 5})
    # The only kind of intervention there is says the same as intervention.
    assert search_targets(features, limits) == ["success", "intervention", "failure_reason=often"]


def test_steps_store_patterns_and_what_goes_together_and_say_how_much(
    memory: Session, add_outcomes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory_pipeline.analysis.patterns.predictability._too_little", lambda *_: "few")
    add_outcomes(500)
    update_features(memory)
    evidence = update_evidence(memory)
    assert evidence.rows == len(evidence.frame) <= 500
    updated = update_patterns(memory)
    stored = read_table(memory.store, PatternIdentification)
    assert updated.rows == len(stored) == updated.found > 0
    assert updated.crowded_out == updated.retired == 0
    assert {"is_quiet = yes", "is_quiet = no"} & set(stored["pattern_name"])
    assert sum(one["found"] for one in updated.searched.values()) == updated.found

    associations = update_associations(memory)
    written, about = memory.frames.read(CONDITION_ASSOCIATIONS)
    assert associations.rows == len(written) > 0
    assert about["left_out"] == associations.left_out
    assert update_predictability(memory).summary == memory.frames.read(OUTCOME_PREDICTABILITY)[1]["summary"]
