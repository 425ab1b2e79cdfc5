"""Findings of the earlier part, tried on the later part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.holdout import reliability, try_on_later_history
from memory_pipeline.analysis.targets import OUTCOME


def history(seed, *, turns):
    """Two conditions matter; one of them turns round in the later half where `turns`."""
    rng = np.random.default_rng(seed)
    size = 8000
    frame = pd.DataFrame(rng.integers(0, 3, (size, 3)).astype(str), columns=list("abc"))
    month = np.arange(size) * 8 // size
    effect = 0.2 * (frame["a"] == "1") + np.where(turns & (month >= 4), -0.2, 0.2) * (frame["b"] == "1")
    good = rng.random(size) < 0.45 + effect
    frame[OUTCOME] = np.where(good, "success;;", "failure;;")
    frame["app"] = [f"app {i}" for i in rng.integers(0, 300, size)]
    frame["month"] = [f"2025-{m + 1:02d}" for m in month]
    return count_evidence(frame, conditions=list("abc"), outcome=OUTCOME, unit="app", period="month")


def test_what_turns_round_later_did_not_hold():
    tried = try_on_later_history(history(1, turns=True), share=0.5, min_sample_size=50)
    held = {next(iter(row["conditions"])): row["held"] for _, row in tried.iterrows()}
    assert held["a"] is True
    assert held["b"] is False
    assert (tried["later_attempts"] > 30).all()


def test_what_stays_holds_and_is_counted_in_the_table():
    tried = try_on_later_history(history(2, turns=False), share=0.5, min_sample_size=50)
    table = reliability(tried)
    assert table["findings"].sum() == len(tried) >= 2
    assert table.iloc[-1]["observed"] == 1
    assert 0 < table.iloc[-1]["ci_low"] < 1


def test_too_few_later_attempts_are_not_tried():
    tried = try_on_later_history(history(2, turns=False), share=0.5, min_sample_size=50, min_attempts=5000)
    assert tried["held"].isna().all()
    assert reliability(tried).empty


def test_reliability_cuts_by_confidence():
    tried = pd.DataFrame(
        {"confidence": [0.6, 0.65, 0.92, 0.99, 1.0], "held": [False, True, True, None, True]}
    )
    table = reliability(tried)
    assert table["findings"].tolist() == [2, 1, 1]
    assert table["observed"].tolist() == [0.5, 1.0, 1.0]


def test_a_history_without_periods_cannot_be_cut():
    frame = pd.DataFrame({"a": ["x", "y"], OUTCOME: ["success;;", "failure;;"]})
    with pytest.raises(ValueError, match="no two periods"):
        try_on_later_history(
            count_evidence(frame, conditions=["a"], outcome=OUTCOME), share=0.5, min_sample_size=2
        )
