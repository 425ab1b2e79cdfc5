"""The interval that holds at every look: the mixture's boundary, and how often any look is wrong."""

import numpy as np
import pytest
from scipy import optimize, stats

from memory_pipeline.analysis.stats.confidence_sequences import sequence_margin


def test_the_margin_is_where_the_mixture_of_likelihood_ratios_reaches_twenty():
    # Robbins' mixture, integrated numerically: the mean likelihood ratio of effects N(0, 0.05^2) against 0.
    error, scale = 0.02, 0.05
    effects = np.linspace(-0.5, 0.5, 200_001)
    prior = stats.norm.pdf(effects, 0, scale)

    def excess(estimate):
        ratio = np.exp(effects * estimate / error**2 - effects**2 / (2 * error**2))
        return np.trapezoid(prior * ratio, effects) - 20

    expected = optimize.brentq(excess, 0.01, 0.2)
    assert sequence_margin(error, scale=scale) == pytest.approx(expected, rel=1e-6)


def test_few_units_widen_it():
    wide, narrow = (sequence_margin(0.02, scale=0.05, degrees=degrees) for degrees in (5, 1e7))
    assert narrow == pytest.approx(sequence_margin(0.02, scale=0.05), rel=1e-4)
    assert wide > 1.3 * narrow
    assert sequence_margin(np.inf, scale=0.05) == np.inf
    assert sequence_margin(0.0, scale=0.05) == 0.0
    with pytest.raises(ValueError, match="scale is 0"):
        sequence_margin(0.02, scale=0)


@pytest.mark.statistics
def test_looking_again_and_again_is_wrong_seldom():
    draws = np.random.default_rng(5).normal(0, 0.4, (400, 3000))
    sizes = np.arange(30, 3001, 30)
    means = draws.cumsum(axis=1)[:, sizes - 1] / sizes
    errors = 0.4 / np.sqrt(sizes)
    margins = np.array([sequence_margin(error, scale=0.05) for error in errors])
    ever = (np.abs(means) > margins).any(axis=1).mean()
    ever_once = (np.abs(means) > 1.96 * errors).any(axis=1).mean()
    # At 5%, 33 or more of 400 have a probability of 0.3%.
    assert ever <= 32 / 400
    assert ever_once > 0.2
