"""Resampling of whole units: as certain as the draws are rare, whatever repeats, however many units.

The rates over many worlds are those of `benchmarks/error_rates.py`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.combinations import count_combinations
from memory_pipeline.analysis.patterns import find_patterns, max_statistic
from memory_pipeline.analysis.patterns.max_statistic import search_with_resampling
from memory_pipeline.analysis.stats import sign_draws
from memory_pipeline.analysis.stats.grouped_sample import Sample
from memory_pipeline.analysis.stats.sign_draws import normal_scores


def world(seed, *, attempts=1200, units=40, columns=3, constant=True, effect=0.0):
    """Attempts of units with different success rates; conditions without effect, but for the first's."""
    rng = np.random.default_rng(seed)
    unit = np.arange(attempts) % units
    of_unit, free = rng.integers(0, 3, (units, columns)), rng.integers(0, 3, (attempts, columns))
    values = of_unit[unit] if constant else free
    rate = rng.beta(1.4, 0.6, units)[unit] * 0.7 + effect * (values[:, 0] == 1)
    frame = pd.DataFrame(values.astype(str), columns=[f"c{i}" for i in range(columns)])
    frame["application_name"] = [f"app {i:06d}" for i in unit]
    frame["outcome_status"] = np.where(rng.random(attempts) < rate, "success", "failure")
    return frame


def searched(frame, *, unit="application_name", draws=499, min_effect=0.0, seed=0):
    columns = [column for column in frame if column.startswith("c")]
    evidence = count_evidence(frame, conditions=columns, outcome="outcome_status", unit=unit)
    belongs = np.array([outcome == "success" for outcome in evidence.outcomes])
    tally = count_combinations(evidence, {"success": belongs}, min_sample_size=30)
    of_row = None if unit is None else evidence.codes(unit)[0]
    sample = Sample(evidence.n, evidence.attempts("success"), of_row)
    number = np.flatnonzero(tally.first_of_equals)
    icc = sample.intraclass_correlation()
    return search_with_resampling(
        tally,
        {"success": sample},
        number,
        icc={"success": icc},
        min_units=2,
        min_effect=min_effect,
        draws=draws,
        seed=seed,
    )["success"]


def test_normal_scores_have_the_p_values_of_t():
    t, degrees = np.array([0.5, 2.0, 3.5, 6.0]), np.array([5.0, 8.0, 30.0, 1000.0])
    np.testing.assert_allclose(
        2 * stats.norm.sf(normal_scores(t, degrees)), 2 * stats.t.sf(t, degrees), rtol=0.05
    )


def test_with_one_condition_it_is_the_permutation_test_of_whole_units():
    frame = world(3, columns=1)
    frame = frame[frame["c0"].isin(["0", "1"])]
    found = searched(frame, draws=4999)

    by_unit = frame.groupby("application_name").agg(
        inside=("c0", lambda c: c.iloc[0] == "1"), rate=("outcome_status", lambda s: (s == "success").mean())
    )
    inside, rate = by_unit["inside"].to_numpy(), by_unit["rate"].to_numpy()
    rng = np.random.default_rng(0)

    def difference(order):
        return abs(rate[order][inside].mean() - rate[order][~inside].mean())

    order = np.arange(len(rate))
    exact = np.mean([difference(rng.permutation(order)) >= difference(order) for _ in range(4999)])
    assert found.family_wise_p_values().min() == pytest.approx(exact, abs=0.03)


@pytest.mark.statistics
@pytest.mark.parametrize(
    ("constant", "unit"), [(True, "application_name"), (False, "application_name"), (False, None)]
)
def test_on_empty_worlds_a_fifth_is_below_a_fifth(constant, unit):
    kwargs = {"constant": constant}
    below = 0
    for seed in range(60):
        frame = world(seed, **kwargs)
        if unit is None:  # independent attempts
            frame["outcome_status"] = np.random.default_rng(seed).permutation(frame["outcome_status"])
        below += searched(frame, unit=unit, draws=199).family_wise_p_values().min() <= 0.2
    # Of 60 at a true rate of 0.2, more than 21 have a probability below 0.2%.
    assert below <= 21


@pytest.mark.statistics
def test_it_is_no_more_cautious_than_needed():
    """At a rate of 0.2, fewer than 4 of 60 have a probability of 0.1%: p-values are not merely large."""
    below = sum(searched(world(seed), draws=199).family_wise_p_values().min() <= 0.2 for seed in range(60))
    assert below >= 4


def test_very_many_units_are_tested_in_groups(monkeypatch):
    frame = world(5, attempts=6000, units=3000, constant=False, effect=0.25)
    whole = searched(frame)
    monkeypatch.setattr(max_statistic, "_MOST_UNITS", 256)
    monkeypatch.setattr(sign_draws, "_MOST_GROUPS", 64)
    grouped = searched(frame)

    np.testing.assert_array_equal(whole.tests.n, grouped.tests.n)
    np.testing.assert_allclose(whole.tests.difference, grouped.tests.difference)
    np.testing.assert_allclose(whole.tests.effect_variance, grouped.tests.effect_variance, rtol=0.5)
    assert grouped.family_wise_p_values().min() <= 0.01


def test_a_part_of_the_combinations_counts_for_all(monkeypatch):
    frame = world(6, constant=False, effect=0.2)
    whole = searched(frame)
    monkeypatch.setattr(max_statistic, "_MOST_DRAWN", len(whole.score) // 4)
    part = searched(frame)

    assert 0.2 < part.drawn < 0.3
    np.testing.assert_array_equal(part.tests.n, whole.tests.n)
    alone = replace(part, drawn=1.0)
    middle = (part.family_wise_p_values() < 1) & (alone.family_wise_p_values() < 1)
    np.testing.assert_allclose(  # a union bound
        part.family_wise_p_values()[middle], alone.family_wise_p_values()[middle] / part.drawn
    )


def test_differences_below_the_least_effect_are_no_luck_either():
    found = searched(world(7, constant=False), min_effect=0.9)
    assert found.null_maxima.max() == 0
    assert set(found.family_wise_p_values()) == {1}


@pytest.mark.statistics
def test_the_tail_from_few_draws_is_the_one_of_many():
    """Scores that luck reaches once in 100 and once in 400 searches, from 499 draws and from 20,000."""
    frame = world(12, attempts=900, constant=False)
    many = searched(frame, draws=20_000)
    for rare in (0.01, 0.0025):
        score = np.quantile(many.null_maxima, 1 - rare)
        told = []
        for seed in range(8):
            few = searched(frame, draws=499, seed=seed)
            told.append(replace(few, score=np.array([score])).family_wise_p_values()[0])
        # On the cautious side rather than not: with few units the tail is shorter than it is taken for.
        assert 0.6 * rare < np.mean(told) < 4 * rare


def test_the_tiers_contain_each_other():
    frame = world(8, attempts=4000, units=100, columns=5, constant=False, effect=0.2)
    frame.loc[frame["c3"] == "2", "outcome_status"] = np.where(
        np.random.default_rng(8).random(int((frame["c3"] == "2").sum())) < 0.42, "success", "failure"
    )
    found = {
        tier: find_patterns(frame, min_sample_size=30, tier=tier)
        for tier in ("strict", "default", "exploratory")
    }
    names = {tier: {str(one) for one in part["conditions"]} for tier, part in found.items()}

    assert names["strict"] <= names["default"]
    assert found["strict"]["family_wise_p_value"].max() <= 0.05
    assert found["default"]["q_value"].max() <= 0.05
    assert any(one.get("c0") == "1" for one in found["strict"]["conditions"])
    assert len(found["exploratory"]) >= len(found["strict"])


def test_an_unknown_tier_is_refused():
    with pytest.raises(ValueError, match="tier is 'sure'; use one of strict, default, exploratory"):
        find_patterns(world(9), min_sample_size=30, tier="sure")
