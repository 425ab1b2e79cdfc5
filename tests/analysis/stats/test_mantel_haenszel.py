"""The pooled risk difference is that of the paper, of the strata that can be compared."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from memory_pipeline.analysis.stats.mantel_haenszel import StratifiedCounts, risk_difference


def test_the_difference_is_the_one_of_the_paper():
    """Two strata by hand: differences 0.1 and 0.3 with weights 10*30/40 and 20*20/40."""
    n, k = np.array([10, 30, 20, 20]), np.array([5, 12, 16, 10])
    inside, strata = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    counts = StratifiedCounts.of(n, k, inside, strata, 2)
    assert risk_difference(counts) == pytest.approx((7.5 * 0.1 + 10 * 0.3) / 17.5)
    assert counts.overlap == 1


def test_strata_with_one_side_only_do_not_count():
    n, k, inside = np.array([10, 10, 5]), np.array([5, 2, 5]), np.array([True, False, True])
    counts = StratifiedCounts.of(n, k, inside, np.array([0, 0, 1]), 2)
    assert risk_difference(counts) == pytest.approx(0.3)
    assert counts.overlap == pytest.approx(10 / 15)
    alone = StratifiedCounts.of(n, k, inside, np.arange(3), 3)
    assert np.isnan(risk_difference(alone))
    assert alone.overlap == 0


def test_what_is_subtracted_was_never_there():
    rng = np.random.default_rng(0)
    n = rng.integers(1, 9, 60)
    k, inside, strata = rng.binomial(n, 0.4), rng.random(60) < 0.5, rng.integers(0, 4, 60)
    kept = rng.random(60) < 0.7
    whole, part, rest = (
        StratifiedCounts.of(n[rows], k[rows], inside[rows], strata[rows], 4)
        for rows in (slice(None), kept, ~kept)
    )
    assert risk_difference(whole - rest) == risk_difference(part)


def test_without_an_effect_it_is_zero_where_the_pooled_odds_ratio_is_one():
    """Both pool the same tables; statsmodels gives the odds ratio of Mantel and Haenszel."""
    tables = [np.array([[30, 10], [60, 20]]), np.array([[5, 45], [2, 18]])]
    assert StratifiedTable(tables).oddsratio_pooled == pytest.approx(1)
    n, k = np.array([40, 80, 50, 20]), np.array([30, 60, 5, 2])
    counts = StratifiedCounts.of(n, k, np.array([True, False] * 2), np.array([0, 0, 1, 1]), 2)
    assert risk_difference(counts) == pytest.approx(0, abs=1e-12)
