"""Sizes of findings: right on average and covered, although they were picked as large."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from memory_pipeline.analysis.patterns.replicability import EffectPrior
from memory_pipeline.analysis.patterns.selected import allow_for_selection

THRESHOLD = 3.6
PRIOR = EffectPrior(share=0.2, variance=1.5**2)


def drawn(seed=0, size=2_000_000):
    """Statistics that passed a threshold, their true means, and their plain intervals."""
    rng = np.random.default_rng(seed)
    has = rng.random(size) < PRIOR.share
    mean = np.where(has, rng.normal(0, np.sqrt(PRIOR.variance), size), 0.0)
    seen = mean + rng.normal(size=size)
    passed = (np.abs(seen) >= THRESHOLD) & has
    mean, seen = mean[passed], seen[passed]
    return mean, seen, (seen - 1.96, seen + 1.96)


def adjusted(seen, bounds, shrunk=0.0):
    size = len(seen)
    return allow_for_selection(seen, bounds, np.abs(seen), np.full(size, THRESHOLD), np.full(size, shrunk))


def test_an_interval_covers_although_the_finding_was_picked():
    mean, seen, bounds = drawn()
    plain = (bounds[0] <= mean) & (mean <= bounds[1])
    close = np.abs(seen) < THRESHOLD + 0.5
    assert plain[close].mean() < 0.85
    found = adjusted(seen, bounds)
    covers = (found.low <= mean) & (mean <= found.high)
    assert covers.mean() > 0.94
    assert covers[close].mean() > 0.93


def test_the_likely_size_is_nearer_to_the_truth_than_the_observed_one():
    mean, seen, bounds = drawn(seed=1)
    sign, close = np.sign(seen), np.abs(seen) < THRESHOLD + 0.5
    found = adjusted(seen, bounds, PRIOR.shrinkage(seen, np.ones(len(seen))))
    truth, likely = (sign * mean)[close].mean(), (sign * found.likely)[close].mean()
    assert abs(likely - truth) < 0.25 * ((sign * seen)[close].mean() - truth)


def test_half_of_what_passes_exceeds_the_observed_statistic_at_the_likely_size():
    """The first estimate is median-unbiased given that the threshold was passed."""
    likely = adjusted(np.array([4.5]), (np.array([2.54]), np.array([6.46]))).likely[0]
    seen = likely + np.random.default_rng(2).normal(size=1_000_000)
    seen = seen[np.abs(seen) >= THRESHOLD]
    assert (seen >= 4.5).mean() == pytest.approx(0.5, abs=0.01)


def test_far_beyond_the_threshold_nothing_changes():
    seen = np.array([12.0, -15.0, 80.0])
    bounds = seen - 1.9, seen + 2.1
    found = adjusted(seen, bounds)
    assert found.likely == pytest.approx(seen, rel=1e-6)
    assert found.low == pytest.approx(bounds[0], rel=1e-3)
    assert found.high == pytest.approx(bounds[1], rel=1e-3)


def test_an_interval_stays_on_the_side_of_its_finding_and_holds_the_plain_one():
    score = np.linspace(THRESHOLD + 1e-6, 9.0, 50)
    for sign in (1.0, -1.0):
        seen = sign * score
        bounds = seen - stats.norm.isf(0.025), seen + stats.norm.isf(0.025)
        found = adjusted(seen, bounds)
        assert (np.sign(found.low) == sign).all()
        assert (np.sign(found.high) == sign).all()
        assert (found.low <= bounds[0] + 1e-9).all()
        assert (found.high >= bounds[1] - 1e-9).all()
        assert (np.abs(found.likely) <= score).all()
        assert (np.diff(np.abs(found.likely)) >= -1e-9).all()
