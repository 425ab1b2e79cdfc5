"""Findings of the earlier part, tried on the later part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.learning.replication import (
    finished_quarters,
    reliability,
    replicate_on_later_history,
    replication_rows,
)
from memory_pipeline.analysis.names import OUTCOME
from memory_pipeline.analysis.patterns import search_patterns


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
    tried = replicate_on_later_history(history(1, turns=True), share=0.5, min_sample_size=50)
    held = {next(iter(row["conditions"])): row["held"] for _, row in tried.iterrows()}
    assert held["a"] is True
    assert held["b"] is False
    assert (tried["later_attempts"] > 30).all()


def test_what_stays_holds_and_is_counted_in_the_table():
    tried = replicate_on_later_history(history(2, turns=False), share=0.5, min_sample_size=50)
    table = reliability(tried)
    assert table["findings"].sum() == len(tried) >= 2
    assert table.iloc[-1]["observed"] == 1
    assert 0 < table.iloc[-1]["ci_low"] < 1


def test_what_is_found_does_not_hang_on_its_adjustment():
    evidence = history(2, turns=False)
    whole, plain = (search_patterns(evidence, min_sample_size=50, is_adjusted=one) for one in (True, False))
    assert len(whole) >= 2
    same = [name for name in whole if not name.startswith(("adjusted", "stratified", "turns"))]
    pd.testing.assert_frame_equal(whole[same], plain[same])
    assert whole["adjusted_difference"].notna().all()
    assert plain["adjusted_difference"].isna().all()


def test_too_few_later_attempts_are_not_tried():
    tried = replicate_on_later_history(
        history(2, turns=False), share=0.5, min_sample_size=50, min_attempts=5000
    )
    assert len(tried) >= 2
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
    with pytest.raises(ValueError, match="fewer than two periods"):
        replicate_on_later_history(
            count_evidence(frame, conditions=["a"], outcome=OUTCOME), share=0.5, min_sample_size=2
        )


def attempts(seed, *, turns):
    """Two years of attempts; `a` matters, and turns round in the last quarter but one where `turns`."""
    rng = np.random.default_rng(seed)
    size = 6000
    frame = pd.DataFrame(rng.integers(0, 3, (size, 3)).astype(str), columns=list("abc"))
    frame["app"] = [f"app {i}" for i in rng.integers(0, 200, size)]
    days = np.sort(rng.integers(0, 731, size))
    frame["occurred_at"] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    is_turned = turns & (frame["occurred_at"] >= pd.Timestamp("2025-07-01", tz="UTC"))
    effect = np.where(is_turned, -0.2, 0.2) * (frame["a"] == "1")
    frame["outcome_status"] = np.where(rng.random(size) < 0.5 + effect, "success", "failure")
    return frame


def by_quarter(frame, **more):
    search = {"conditions": list("abc"), "unit": "app", "min_sample_size": 50, "max_quarters": 3}
    return dict(replication_rows(frame, **search | more))


def test_findings_are_tried_in_the_quarter_after_they_were_made():
    quarter = pd.Timestamp("2025-07-01", tz="UTC")
    stays, turned = (by_quarter(attempts(3, turns=turns)) for turns in (False, True))
    # The newest quarter (October to December) is not over.
    assert list(stays) == [pd.Timestamp(day, tz="UTC") for day in ("2025-01-01", "2025-04-01", "2025-07-01")]
    replication, calibration = stays[quarter]
    assert replication["value"] == 1
    assert replication["ci_low"] < 1 == replication["ci_high"]
    said = replication["details"]["mean_confidence"]
    assert 0.9 < said <= 1
    assert calibration["value"] == pytest.approx(1 - said)
    assert replication["details"]["brier"] == pytest.approx((1 - said) ** 2, abs=0.01)

    gone, too_sure = turned[quarter]
    assert gone["value"] < 0.5
    assert too_sure["value"] < -0.4
    assert gone["details"]["brier"] > 0.4
    assert turned[pd.Timestamp("2025-04-01", tz="UTC")][0]["value"] == 1


def test_a_quarter_is_mined_on_what_came_before_it():
    frame = attempts(4, turns=False)
    cut = pd.Timestamp("2025-04-01", tz="UTC")
    changed = frame.assign(
        outcome_status=frame["outcome_status"].where(frame["occurred_at"] < cut, "failure"),
        a=frame["a"].where(frame["occurred_at"] < cut, "new"),
    )
    before = [pd.Timestamp("2025-01-01", tz="UTC")]
    assert by_quarter(frame, quarters=before) == by_quarter(changed, quarters=before)
    # Mined before the cut, and tried where nobody does it any more: not tried at all.
    assert by_quarter(changed, quarters=[cut]) == {cut: []}


def test_quarters_without_enough_history_are_left_out():
    frame = attempts(5, turns=False)
    assert by_quarter(frame, min_history=10_000) == {}
    assert by_quarter(frame.head(0)) == {}
    assert finished_quarters(frame.head(100)) == []
