"""Adjusted patterns: Simpson's paradox is told, and what other columns explain is taken away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.names import OUTCOME
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.patterns.confounding import Adjuster


def simpson(seed=1, attempts=8000):
    """The setting helps by 8 points everywhere and is used for what is difficult, so it looks harmful."""
    rng = np.random.default_rng(seed)
    hard = rng.random(attempts) < 0.5
    uses = rng.random(attempts) < np.where(hard, 0.85, 0.15)
    rate = 0.85 - 0.5 * hard + 0.08 * uses
    return pd.DataFrame(
        {
            "application_name": [f"app {i}" for i in rng.integers(0, 400, attempts)],
            "difficulty": np.where(hard, "hard", "easy"),
            "workaround": np.where(uses, "yes", "no"),
            "colour": rng.choice(["red", "blue"], attempts),
            "outcome_status": np.where(rng.random(attempts) < rate, "success", "failure"),
        }
    )


def counted(frame, columns, unit=None):
    labelled = frame.assign(**{OUTCOME: outcome_labels(frame, "success")})
    return count_evidence(labelled, conditions=columns, outcome=OUTCOME, unit=unit)


def test_a_turned_sign_is_found_and_its_cause_named():
    frame = simpson()
    columns = ["difficulty", "workaround", "colour"]
    evidence = counted(frame, columns, unit="application_name")
    found = Adjuster(evidence, "success").adjust({"workaround": "yes"})

    assert found.by == "difficulty"
    assert found.stratified == pytest.approx(0.08, abs=0.03)
    assert found.ci_low < 0.08 < found.ci_high
    assert found.modelled == pytest.approx(0.08, abs=0.03)
    assert found.turns(-0.27)
    assert not found.turns(0.08)


def test_a_pattern_that_stands_alone_keeps_its_difference():
    frame = simpson()
    frame["outcome_status"] = np.where(frame["colour"] == "red", "success", frame["outcome_status"])
    evidence = counted(frame, ["difficulty", "workaround", "colour"])
    found = Adjuster(evidence, "success").adjust({"colour": "red"})
    assert found.modelled == pytest.approx(0.37, abs=0.04)
    assert not found.turns(0.37)


def test_the_sentence_says_what_the_company_has_to_do_with_it():
    found = find_patterns(simpson(), min_sample_size=50, tier="exploratory")
    worded = found[found["conditions"].map(lambda one: one == {"workaround": "yes"})]
    assert found.iloc[0]["conditions"] in ({"difficulty": "hard"}, {"difficulty": "easy"})
    for _, row in worded.iterrows():
        assert "Among attempts with the same difficulty it is the other way round" in row["sentence"]
        assert row["turns"]


def test_a_column_that_is_the_pattern_leaves_no_model():
    """Nothing recorded is left to compare with: the column alone cannot be told from the pattern."""
    frame = simpson()
    frame["copy"] = frame["workaround"]
    evidence = counted(frame, ["workaround", "copy"])
    found = Adjuster(evidence, "success").adjust({"workaround": "yes"})
    assert found.by is None
    assert not found.turns(-0.27)
