"""What an earlier rebuild computed is taken over where nothing that it rests on changed, and only there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_history import outcome_rows
from pandas.testing import assert_frame_equal
from sqlalchemy import delete, insert

from memory_pipeline.rebuild import kept_results
from memory_pipeline.rebuild.associations import update_associations
from memory_pipeline.rebuild.evidence import update_evidence
from memory_pipeline.rebuild.factors import update_factors
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.kept_results import KeptResults, frame_from_plain, frame_to_plain
from memory_pipeline.rebuild.patterns import update_patterns
from memory_pipeline.rebuild.predictability import update_predictability
from memory_pipeline.rebuild.recommendations import update_recommendations
from memory_pipeline.store.frames import KEPT_RESULTS, FrameStore
from memory_pipeline.store.models import PackagingOutcome, PatternIdentification, SuccessFactor
from memory_pipeline.store.reads import read_table
from memory_pipeline.store.session import Session

STEPS = (update_patterns, update_factors, update_recommendations)


def history(count, *, first=0):
    """Attempts in which one of three modes mostly fails."""
    rows = outcome_rows(count, first=first)
    for number, row in enumerate(rows, start=first):
        mode = "abc"[number % 3]
        row["approach_details"] |= {"mode": mode}
        row["outcome_status"] = "failure" if mode == "a" and number % 7 else "success"
    return rows


def add(store, rows):
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), rows)


@pytest.fixture
def frames(tmp_path):
    return FrameStore(str(tmp_path / "frames"))


@pytest.fixture
def session(store, settings, frames):
    """A memory whose features are counted."""
    add(store, history(500))
    made = Session(settings, store, frames)
    prepare(made)
    return made


def prepare(session):
    update_features(session)
    update_evidence(session)


def reused(session, steps=STEPS):
    """Do some steps; return which of them took over what was kept."""
    return [step(session).is_reused for step in steps]


def test_the_same_outcomes_are_not_computed_again_and_give_the_same_tables(session):
    assert reused(session) == [False, False, False]
    update_associations(session)
    first_scores = update_predictability(session).scores
    tables = [read_table(session.store, one) for one in (PatternIdentification, SuccessFactor)]
    prepare(session)
    assert reused(session) == [True, True, True]
    assert len(update_associations(session).associations)
    assert_frame_equal(update_predictability(session).scores, first_scores)
    for before, table in zip(tables, (PatternIdentification, SuccessFactor), strict=True):
        after = read_table(session.store, table)
        assert len(after)
        assert_frame_equal(before.drop(columns="updated_at"), after.drop(columns="updated_at"))


def test_a_kept_policy_answers_as_the_fitted_one(session):
    fitted = update_recommendations(session)
    kept = update_recommendations(session)
    assert (fitted.is_reused, kept.is_reused) == (False, True)
    assert kept.policy.version == fitted.policy.version
    assert kept.stored == fitted.stored


def test_new_outcomes_are_computed(session):
    reused(session)
    add(session.store, history(20, first=500))
    prepare(session)
    assert reused(session) == [False, False, False]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"false_discovery_rate": 0.01}, update_patterns),
        ({"pattern_tier": "strict"}, update_patterns),
        ({"min_sample_size": 40}, update_patterns),
        ({"false_discovery_rate": 0.01}, update_factors),
        ({"confidence_threshold": 0.9}, update_recommendations),
        ({"evidence_half_life": "90d"}, update_recommendations),
    ],
)
def test_another_setting_is_computed(session, change, step):
    step(session)
    assert step(session).is_reused
    other = Session(session.settings.model_copy(update=change), session.store, session.frames)
    assert not step(other).is_reused


def test_other_code_and_other_libraries_are_computed(session, monkeypatch):
    reused(session)
    monkeypatch.setattr(kept_results, "_made_by", lambda: ["other"])
    assert reused(session) == [False, False, False]


def test_what_was_lost_is_made_good_without_computing(session):
    """Tables are written each time: what was kept is the computation, not the table."""
    reused(session)
    before = len(read_table(session.store, SuccessFactor))
    with session.store.transaction() as connection:
        connection.execute(delete(SuccessFactor))
    assert update_factors(session).is_reused
    assert len(read_table(session.store, SuccessFactor)) == before > 0


def test_a_removed_result_is_computed(session):
    reused(session)
    session.frames.filesystem.rm(f"{session.frames.root}/{KEPT_RESULTS}.patterns.json")
    assert reused(session) == [False, True, True]


def test_a_frame_comes_back_as_it_was():
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan, np.inf],
            "count": np.array([1, 2, 3], dtype=np.int32),
            "flag": [True, False, True],
            "text": pd.Series(["a", None, "c"], dtype="str"),
            "moment": pd.to_datetime(["2025-01-01", None, "2025-01-03"], utc=True),
            "things": pd.Series(
                [{"a": (1, 2)}, None, [np.float64(0.1), pd.Timestamp("2025-01-01")]], dtype=object
            ),
        }
    )
    frame.attrs["searched"] = {"success": 3}
    again = frame_from_plain(frame_to_plain(frame))
    assert_frame_equal(again, frame, check_exact=True)
    assert again.attrs == frame.attrs
    assert again["things"][0] == {"a": (1, 2)}


def test_what_cannot_be_kept_is_refused(frames):
    with pytest.raises(TypeError, match="set is not kept"):
        KeptResults(frames).frame("odd", {}, lambda: pd.DataFrame({"things": [{1, 2}]}))
    with pytest.raises(TypeError, match="'level' has categories"):
        frame_to_plain(pd.DataFrame({"level": pd.Categorical(["a"])}))
