"""Learning: success over time, what was known beforehand, what following the memory would have changed.

The rates over many worlds are those of `benchmarks/replay.py`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from error_rates import check_rate
from made_worlds import packaging_world, roles
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.learning import replay
from memory_pipeline.analysis.learning.backtest_measures import prior_knowledge
from memory_pipeline.analysis.learning.measures import MEASURE_COLUMNS
from memory_pipeline.analysis.learning.off_policy import doubly_robust, importance_weights, self_normalised
from memory_pipeline.analysis.learning.replay import _Attempts, _outcome_model
from memory_pipeline.analysis.learning.success_rate import success_over_time
from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.stats.cluster_bootstrap import effective_sample_size


def test_success_over_time_is_a_count_with_wilsons_interval():
    frame = packaging_world(1, attempts=600).outcomes
    table = success_over_time(frame, context=["installer_type"])
    whole = table[table["segment_column"] == ""]
    first = frame[frame["occurred_at"] < pd.Timestamp("2024-02-01", tz="UTC")]
    good = int((first["outcome_status"] == "success").sum())

    assert list(table.columns) == list(MEASURE_COLUMNS)
    assert whole["sample_size"].sum() == 600
    assert whole.iloc[0]["value"] == pytest.approx(good / len(first))
    interval = proportion_confint(good, len(first), method="wilson")
    assert tuple(whole.iloc[0][["ci_low", "ci_high"]]) == pytest.approx(interval)
    segments = table[table["segment_column"] == "installer_type"]
    assert segments["sample_size"].sum() == 600


def test_prior_knowledge_is_positive_where_conditions_explain_and_not_where_they_do_not():
    strong = packaging_world(2, attempts=2500, product_code=0.25, logging=0.2)
    informed = prior_knowledge(strong.outcomes, **roles())
    noise = strong.outcomes.assign(
        outcome_status=np.random.default_rng(2).permutation(strong.outcomes["outcome_status"])
    )
    ignorant = prior_knowledge(noise, **roles())

    assert np.average(informed["value"], weights=informed["sample_size"]) > 0.03
    assert abs(np.average(ignorant["value"], weights=ignorant["sample_size"])) < 0.03
    assert (informed["ci_low"] <= informed["value"]).all()
    assert (informed["value"] <= informed["ci_high"]).all()


def test_a_leak_of_the_future_would_be_seen():
    """A month is predicted from the months before it: what happens later cannot change its value."""
    frame = packaging_world(3, attempts=1500, product_code=0.25).outcomes
    cut = pd.Timestamp("2024-09-01", tz="UTC")
    later = frame["occurred_at"] >= cut
    other_future = frame.copy()
    other_future.loc[later, "outcome_status"] = "failure"
    known, changed = (prior_knowledge(one, **roles()) for one in (frame, other_future))
    before = known["period_start"] < cut

    pd.testing.assert_frame_equal(known[before], changed[changed["period_start"] < cut])
    assert not known[~before]["value"].equals(changed[changed["period_start"] >= cut]["value"])


def test_replay_finds_the_gain_that_is_there_and_covers_it():
    world = packaging_world(4, attempts=5000, units=150, product_code=0.2, logging=0.15)
    result = replay(world.outcomes, **roles(), split=0.5)

    assert result.conclusive
    assert result.ci_low <= result.uplift <= result.ci_high
    assert result.ci_low > 0
    assert result.attempts_before + result.attempts_after == 5000
    assert result.policy_rate - result.observed_rate == pytest.approx(result.uplift)


@pytest.mark.statistics
def test_replay_of_advice_that_does_nothing_any_more_finds_no_gain():
    found = told = 0
    for seed in range(32):
        # Where nothing ever helped nothing is advised, and there is nothing to replay.
        frame = packaging_world(seed, attempts=1200, product_code=0.25).outcomes
        later = frame["occurred_at"] > frame["occurred_at"].median()
        coin = np.where(np.random.default_rng(seed).random(len(frame)) < 0.3, "failure", "success")
        frame = frame.assign(outcome_status=frame["outcome_status"].where(~later, coin))
        result = replay(frame, **roles(confidence_threshold=0.5), split=0.5)
        assert result.conclusive == (result.sufficient and (result.ci_low > 0 or result.ci_high < 0))
        told += result.sufficient
        found += result.conclusive
    check_rate(found, told, stated=0.05, broken=0.5)


def test_replay_refuses_where_the_evidence_is_too_small():
    result = replay(packaging_world(5, attempts=60).outcomes, **roles(), split=0.5)
    assert not result.conclusive
    assert (result.ci_low, result.ci_high) == (-1.0, 1.0)
    assert result.reason


def test_the_split_is_a_share_or_a_moment():
    frame = packaging_world(6, attempts=400).outcomes
    by_moment = replay(frame, **roles(), split=pd.Timestamp("2024-10-01", tz="UTC"))
    assert by_moment.attempts_before == int(
        (frame["occurred_at"] < pd.Timestamp("2024-10-01", tz="UTC")).sum()
    )
    with pytest.raises(ValueError, match="split"):
        replay(frame, **roles(), split=1.5)


def test_estimators_on_a_log_with_known_propensities():
    """The doubly robust mean is right when one of its two models is; references computed by hand."""
    rng = np.random.default_rng(7)
    n = 40_000
    hard = rng.random(n) < 0.5
    chance_a = np.where(hard, 0.8, 0.2)  # how often action 1 is logged
    action = rng.random(n) < chance_a
    reward = (rng.random(n) < np.where(hard, 0.4, 0.7) + 0.1 * action).astype(float)
    true = 0.65  # mean over contexts of 0.4 + 0.1 and 0.7 + 0.1
    logging = np.where(action, chance_a, 1 - chance_a)
    weights = importance_weights(action.astype(float), logging, clip=0.01)
    wrong = np.full(n, 0.1)

    assert self_normalised(reward, weights) == pytest.approx(true, abs=0.01)
    assert doubly_robust(reward, weights, wrong, wrong).mean() == pytest.approx(true, abs=0.01)
    right = np.where(hard, 0.4, 0.7) + 0.1
    uniform = importance_weights(action.astype(float), np.full(n, 0.5), clip=0.01)
    logged = np.where(hard, 0.4, 0.7) + 0.1 * action
    assert doubly_robust(reward, uniform, logged, right).mean() == pytest.approx(true, abs=0.01)
    assert reward[action].mean() == pytest.approx(0.56, abs=0.01)  # the naive rate is far off


def test_effective_sample_size_is_kishs():
    assert effective_sample_size(np.array([1.0, 1.0, 1.0, 1.0])) == 4
    assert effective_sample_size(np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert effective_sample_size(np.zeros(3)) == 0


def test_what_a_unit_did_before_has_no_part_in_what_is_expected_of_it():
    def attempts(unit, place, reward):
        zeros = np.zeros(len(unit))
        yes = np.ones(len(unit), dtype=bool)
        numbers = (np.array(unit), np.array(place), np.zeros(len(unit), dtype=int))
        return _Attempts(np.array(reward, dtype=float), *numbers, yes, yes, zeros, zeros)

    # Units 0 and 1 at place 0: unit 0 always failed, unit 1 always succeeded; unit 2 was elsewhere.
    before = attempts([0] * 30 + [1] * 30 + [2] * 5, [0] * 60 + [1] * 5, [0] * 30 + [1] * 30 + [1] * 5)
    expected = _outcome_model(before, attempts([0, 1, 2, 9], [0, 0, 1, 0], [0, 0, 0, 0]), does=True)
    everywhere = np.array([(1 + 35) / 37, (1 + 5) / 37, (1 + 30) / 62, (1 + 35) / 67])
    home = (20 * everywhere + [35, 5, 30, 35]) / (20 + np.array([35, 35, 60, 65]))
    assert expected == pytest.approx((20 * home + [30, 0, 0, 30]) / (20 + np.array([30, 30, 0, 60])))


def test_a_replay_tries_the_policy_that_it_is_told_to_learn():
    seen = []

    def learn(early, **options):
        seen.append((early["occurred_at"].max(), options["min_sample_size"]))
        return fit_policy(early, **options)

    frame = packaging_world(3, attempts=600).outcomes
    result = replay(frame, **roles(), split=0.5, fit=learn, min_sample_size=12)
    assert seen == [(seen[0][0], 12)]
    assert seen[0][0] < pd.Timestamp(result.split_at)
