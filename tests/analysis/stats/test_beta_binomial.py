"""How far small samples are drawn to what is expected of them."""

import numpy as np
import pytest
from scipy import stats

from memory_pipeline.analysis.stats.beta_binomial import (
    fit_offset,
    fit_strengths,
    log_odds,
    pooled_rate,
    smoothed_shares,
)


@pytest.mark.parametrize("strength", [5.0, 40.0, 400.0])
def test_strength_is_recovered(strength):
    random = np.random.default_rng(1)
    expected = random.uniform(0.3, 0.9, 400)
    attempts = random.integers(50, 1000, 400).astype(float)
    rates = random.beta(strength * expected, strength * (1 - expected))
    successes = random.binomial(attempts.astype(int), rates).astype(float)
    strengths = fit_strengths(attempts, successes, expected).strengths
    assert np.median(strengths) == pytest.approx(strength, rel=0.35)
    assert strengths[0] <= strength <= strengths[-1]


def test_strength_is_where_the_beta_binomial_likelihood_peaks():
    random = np.random.default_rng(2)
    attempts = np.full(300, 50)
    successes = random.binomial(attempts, random.beta(6, 4, 300))
    found = fit_strengths(attempts.astype(float), successes.astype(float), np.full(300, 0.6))
    fitted = np.median(found.strengths)
    assert found.evidence > 10

    def likelihood(strength):
        return stats.betabinom.logpmf(successes, attempts, strength * 0.6, strength * 0.4).sum()

    assert likelihood(fitted) > max(likelihood(fitted * 1.5), likelihood(fitted / 1.5))


def test_binomial_cells_are_not_believed_apart():
    random = np.random.default_rng(3)
    attempts = np.full(500, 40.0)
    successes = random.binomial(40, 0.7, 500).astype(float)
    found = fit_strengths(attempts, successes, np.full(500, 0.7))
    assert np.median(found.strengths) > 1000
    assert found.evidence < 0


def test_few_attempts_a_cell_leave_the_strength_open():
    random = np.random.default_rng(4)
    successes = random.binomial(2, 0.6, 60).astype(float)
    strengths = fit_strengths(np.full(60, 2.0), successes, np.full(60, 0.6)).strengths
    assert strengths[-1] > 50 * strengths[0]


def test_pooled_rate_by_hand():
    # (20 * 0.5 + 9) / (20 + 10) = 19 / 30
    assert pooled_rate(np.array([10.0]), np.array([9.0]), np.array([0.5]), 20.0) == pytest.approx([19 / 30])


def test_shares_by_hand():
    # Everywhere: (8 + 5/2) / 15 = 0.7; here: (0 + 5 * 0.7) / 7 = 0.5.
    shares = smoothed_shares([np.array([8.0, 2.0]), np.array([0.0, 2.0])])
    assert shares == pytest.approx([0.5, 0.5])
    assert smoothed_shares([np.zeros(3)]) == pytest.approx([1 / 3] * 3)


def test_log_odds_stay_finite():
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_the_mean_of_cells_is_told_from_the_mean_of_attempts():
    # What succeeds is tried again: a third of the cells have nearly all attempts.
    random = np.random.default_rng(6)
    rates = random.beta(4, 4, 300)
    attempts = np.where(rates > 0.6, 60.0, 6.0)
    successes = random.binomial(attempts.astype(int), rates).astype(float)
    pooled = np.full(300, successes.sum() / attempts.sum())
    assert pooled[0] > 0.65
    offset = fit_offset(attempts, successes, pooled)
    centred = 1 / (1 + np.exp(-(log_odds(pooled) + offset)))
    assert centred[0] == pytest.approx(0.5, abs=0.08)
    # Where cells are tried alike there is nothing to move.
    alike = np.full(300, 20.0)
    successes = random.binomial(20, rates).astype(float)
    assert abs(fit_offset(alike, successes, np.full(300, successes.mean() / 20))) <= 0.11
