"""How uncertain are a rate (Wilson) and the difference of two rates (Newcombe)?

References
----------
1. Newcombe (1998), Interval estimation for the difference between independent proportions,
   Statistics in Medicine 17.
2. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Numbers
    from memory_pipeline.analysis.stats.clustered_tests import CellTests
    from memory_pipeline.analysis.stats.grouped_sample import Sample


def wilson_interval(k: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's interval of the rate k / n (ref. 2; statsmodels); (0, 1) where n is 0."""
    if n <= 0:
        return 0.0, 1.0
    low, high = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    return float(low), float(high)


def newcombe_intervals(
    tests: CellTests, variance: Numbers, sample: Sample, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """Compute intervals of risk differences: Newcombe's hybrid of two Wilson intervals (ref. 1).

    Repetition enters twice: both samples shrink by the design effect (the ratio of `variance`, that of the
    difference (`clustered_tests.difference_variances`), to the binomial variance), and the normal quantile
    becomes that of t with `tests.degrees`.

    Returns
    -------
    low, high
        Bounds of the risk difference, shape (cells,).
    """
    total, hits = float(sample.total), float(sample.k.sum())
    rate = sample.rate
    n1, k1 = tests.n.astype(float), tests.k.astype(float)
    n0, k0 = total - n1, hits - k1
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.maximum(variance / (rate * (1 - rate) * (1 / n1 + 1 / n0)), 1.0)
    effect = np.where(np.isfinite(effect), effect, 1.0)
    quantile = stats.t.ppf(0.5 + confidence / 2, tests.degrees)
    p1, p0 = k1 / np.maximum(n1, 1), k0 / np.maximum(n0, 1)
    low1, high1 = _wilson_bounds(p1, n1 / effect, quantile)
    low0, high0 = _wilson_bounds(p0, n0 / effect, quantile)
    difference = p1 - p0
    low: Numbers = difference - np.sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2)
    high: Numbers = difference + np.sqrt((high1 - p1) ** 2 + (p0 - low0) ** 2)
    return low, high


def _wilson_bounds(rate: Numbers, n: Numbers, quantile: Numbers) -> tuple[Numbers, Numbers]:
    square = quantile**2
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = quantile / (1 + square / n) * np.sqrt(rate * (1 - rate) / n + square / (4 * n**2))
    return centre - half, centre + half
