"""How far small samples are drawn to what is expected of them."""

import numpy as np
import pytest
from scipy import stats

from memory_pipeline.analysis.pooling import fit_strength, log_odds, pooled_rate, smoothed_shares


@pytest.mark.parametrize("strength", [5.0, 40.0, 400.0])
def test_strength_is_recovered(strength):
    random = np.random.default_rng(1)
    expected = random.uniform(0.3, 0.9, 400)
    attempts = random.integers(50, 1000, 400).astype(float)
    rates = random.beta(strength * expected, strength * (1 - expected))
    successes = random.binomial(attempts.astype(int), rates).astype(float)
    assert fit_strength(attempts, successes, expected) == pytest.approx(strength, rel=0.35)


def test_strength_is_where_the_beta_binomial_likelihood_peaks():
    random = np.random.default_rng(2)
    attempts = np.full(300, 50)
    successes = random.binomial(attempts, random.beta(6, 4, 300))
    fitted = fit_strength(attempts.astype(float), successes.astype(float), np.full(300, 0.6))

    def likelihood(strength):
        return stats.betabinom.logpmf(successes, attempts, strength * 0.6, strength * 0.4).sum()

    assert likelihood(fitted) > max(likelihood(fitted * 1.5), likelihood(fitted / 1.5))


def test_binomial_cells_are_not_believed_apart():
    random = np.random.default_rng(3)
    attempts = np.full(500, 40.0)
    successes = random.binomial(40, 0.7, 500).astype(float)
    assert fit_strength(attempts, successes, np.full(500, 0.7)) > 1000


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
