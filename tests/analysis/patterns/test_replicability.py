"""Confidence: what it promises is kept on later history; luck, winners and drift lower it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.periods import later_rows
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.patterns.replicability import EffectPrior, Halves, probability_to_hold
from memory_pipeline.analysis.stats.clustered_tests import CellTests


def made_tests(difference, variance):
    difference = np.asarray(difference, dtype=float)
    size = len(difference)
    n = np.full(size, 100)
    spread, degrees = np.full(size, variance), np.full(size, 50.0)
    return CellTests(
        n=n,
        k=n // 2,
        units=n,
        difference=difference,
        effect=difference,
        effect_variance=spread,
        degrees=degrees,
        skewness=np.zeros(size),
        separable=np.ones(size),
        p_value=np.full(size, 0.01),
    )


def test_the_prior_is_found_again():
    rng = np.random.default_rng(1)
    variance = rng.uniform(0.0005, 0.002, 20_000)
    effect = np.where(rng.random(20_000) < 0.2, rng.normal(0, 0.2, 20_000), 0.0)
    prior = EffectPrior.fit(effect + rng.normal(0, np.sqrt(variance)), variance)
    assert prior.share == pytest.approx(0.2, abs=0.03)
    assert np.sqrt(prior.variance) == pytest.approx(0.2, abs=0.03)


def test_where_nothing_has_an_effect_a_finding_is_a_coin():
    rng = np.random.default_rng(2)
    variance = np.full(5000, 0.001)
    difference = rng.normal(0, np.sqrt(variance))
    prior = EffectPrior.fit(difference, variance)
    best = np.sort(np.abs(difference))[-5:]
    assert probability_to_hold(made_tests(best, 0.001), prior, None).max() < 0.75


def test_confidence_is_the_share_that_holds():
    """Effects, luck and later samples drawn from the model itself: nine in ten of 0.9 hold."""
    rng = np.random.default_rng(3)
    size, noise, drift = 60_000, 0.03, 0.06
    effect = np.where(rng.random(size) < 0.3, rng.normal(0, 0.1, size), 0.0)
    later_effect = np.where(effect != 0, effect + rng.normal(0, drift, size), 0.0)
    last_effect = np.where(effect != 0, later_effect + rng.normal(0, drift, size), 0.0)
    earlier, later = (
        made_tests(one + rng.normal(0, noise * np.sqrt(2), size), 2 * noise**2)
        for one in (effect, later_effect)
    )
    whole = made_tests((earlier.difference + later.difference) / 2, noise**2)
    prior = EffectPrior.fit(whole.difference, whole.effect_variance)
    chosen = np.abs(whole.difference) > 0.04
    halves = Halves(earlier.take(chosen), later.take(chosen))
    confidence = probability_to_hold(whole.take(chosen), prior, halves)
    again = last_effect[chosen] + rng.normal(0, noise, int(chosen.sum()))
    held = np.sign(again) == np.sign(whole.difference[chosen])
    for low, high in ((0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.0)):
        inside = (confidence > low) & (confidence <= high)
        assert inside.sum() > 300
        assert held[inside].mean() == pytest.approx(confidence[inside].mean(), abs=0.07)


def test_a_finding_that_changed_is_less_sure_than_one_that_did_not():
    prior = EffectPrior(0.3, 0.01)
    whole = made_tests([0.1, 0.1, 0.1], 0.0004)
    halves = Halves(made_tests([0.10, 0.22, 0.10], 0.0008), made_tests([0.10, -0.02, 0.10], 0.0008))
    stable, changed, _ = probability_to_hold(whole, prior, halves)
    assert stable > 0.75
    assert changed < stable - 0.1


def history(seed, *, drifts):
    rng = np.random.default_rng(seed)
    size = 6000
    frame = pd.DataFrame(rng.integers(0, 3, (size, 4)).astype(str), columns=list("abcd"))
    late = np.arange(size) >= size // 2
    effect = np.where(late & drifts, -0.05, 0.3) * (frame["a"] == "1")
    frame["outcome_status"] = np.where(rng.random(size) < 0.5 + effect, "success", "failure")
    frame["application_name"] = [f"app {i}" for i in rng.integers(0, 300, size)]
    frame["occurred_at"] = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.arange(size), unit="h")
    return frame


def test_both_halves_of_the_history_are_told():
    steady = find_patterns(history(1, drifts=False), min_sample_size=50).iloc[0]
    gone = find_patterns(history(1, drifts=True), min_sample_size=50).iloc[0]

    assert steady["conditions"] == gone["conditions"] == {"a": "1"}
    assert steady["earlier_difference"] == pytest.approx(0.3, abs=0.08)
    assert steady["later_difference"] == pytest.approx(0.3, abs=0.08)
    assert gone["later_difference"] == pytest.approx(-0.05, abs=0.08)
    assert gone["confidence"] < 0.7
    assert steady["confidence"] > 0.97


def test_without_time_there_are_no_halves():
    frame = history(2, drifts=False).drop(columns="occurred_at")
    found = find_patterns(frame, min_sample_size=50)
    assert found["later_difference"].isna().all()
    assert found.iloc[0]["confidence"] > 0.95


def test_the_cut_is_between_periods():
    frame = pd.DataFrame({"month": ["1", "1", "2", "3"], "a": ["x", "y", "x", "x"], "end": ["good"] * 4})
    evidence = count_evidence(frame, conditions=["a"], outcome="end", period="month")
    months, levels = evidence.codes("month")
    later = later_rows(evidence, 0.5)
    assert later is not None
    assert {levels[code] for code in months[later]} == {"2", "3"}
    assert later_rows(count_evidence(frame, conditions=["a"], outcome="end"), 0.5) is None


def test_a_pattern_that_the_earlier_half_did_not_have():
    frame = history(3, drifts=False)
    late = np.arange(len(frame)) >= 0.6 * len(frame)
    frame["new"] = np.where(late & (frame["b"] == "1"), "yes", "no")
    frame.loc[frame["new"] == "yes", "outcome_status"] = "failure"
    found = find_patterns(frame, min_sample_size=50)
    row = found[found["conditions"].map(lambda one: set(one) == {"new"})].iloc[0]
    assert row["earlier_difference"] == 0
    assert 0.5 < row["confidence"] <= 1
