"""How uncertain a mean is when attempts repeat within units: the cluster bootstrap and its alternatives.

Whole units are resampled, a few resamples at a time, so that memory does not grow with the number of
resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats


_AT_ONCE = 40


def resampled_totals(random: np.random.Generator, columns: Sequence[NDArray[Any]], draws: int) -> Floats:
    """Draw resamples of whole units, with replacement, and sum columns over each resample.

    Parameters
    ----------
    random
        Random number generator.
    columns
        Quantities to sum, shape (units,) each.
    draws
        Number of resamples; each resample has as many units as there are, and is used for all columns.

    Returns
    -------
    array
        Shape (columns, draws).
    """
    units = len(columns[0])
    shares = np.full(units, 1 / units)
    totals = np.empty((len(columns), draws))
    for start in range(0, draws, _AT_ONCE):
        end = min(start + _AT_ONCE, draws)
        picks = random.multinomial(units, shares, size=end - start).astype(float)
        for row, column in zip(totals, columns, strict=True):
            row[start:end] = picks @ column
    return totals


def effective_sample_size(weights: Floats) -> float:
    """Compute Kish's effective sample size of weighted attempts, `(sum w)^2 / sum w^2` (Kish 1965)."""
    squares = float(np.sum(weights**2))
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def effective_degrees(shifts: Floats) -> float:
    """Compute the degrees of freedom of a sum of squared normal deviations with unequal variances.

    `(sum v)^2 / sum v^2`, less 1 (Satterthwaite 1946). Each variance v is estimated by one squared
    deviation, whose own square has the expectation 3 v^2. Few units that dominate leave few degrees.

    Parameters
    ----------
    shifts
        Deviation of each unit's sum from its expectation, shape (units,).
    """
    squares = float(np.sum(shifts**2))
    if squares == 0:
        return 1.0
    return max(1.0, min(3 * squares**2 / float(np.sum(shifts**4)), float(np.sum(shifts != 0))) - 1)


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a mean over attempts, and its standard error."""

    low: float
    high: float
    standard_error: float


def unit_bootstrap(
    values: Floats, unit: NDArray[np.int64], *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Interval:
    """Compute a confidence interval of the mean of values that repeat within units.

    Whole units are drawn with replacement (the cluster bootstrap, Field and Welsh 2007); the spread of
    the resampled means is multiplied by a t quantile (`effective_degrees`), since percentiles of the
    resampled means are too narrow where few units dominate.

    Parameters
    ----------
    values
        Shape (attempts,).
    unit
        Number of the unit of each attempt, shape (attempts,).
    level, draws, seed
        Confidence level; number of resamples; seed, so that the same values give the same interval.

    Returns
    -------
    Interval
        (-1, 1) with an infinite standard error where there is one unit only.
    """
    numbers = np.unique(unit, return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(float)
    sums = np.bincount(numbers, weights=values)
    mean = float(sums.sum() / sizes.sum())
    if len(sizes) < 2:  # noqa: PLR2004 - one unit shows no variation between units
        return Interval(-1.0, 1.0, float("inf"))
    random = np.random.default_rng(seed)
    drawn_sums, drawn_sizes = resampled_totals(random, [sums, sizes], draws)
    means = drawn_sums / drawn_sizes
    error = float(means.std(ddof=1))
    degrees = effective_degrees(sums - mean * sizes)
    margin = float(stats.t.ppf((1 + level) / 2, degrees)) * error
    return Interval(mean - margin, mean + margin, error)


def exchangeable_margin(
    expected: Floats, loads: Floats, residuals: Floats, unit: NDArray[np.int64], *, level: float = 0.95
) -> float:
    """Compute the margin of error of a mean of `expected + loads * residuals` under exchangeable units.

    Where a unit has a large part of all attempts and happens to lie near the mean, resampling units
    underestimates how far it could have been. Here the variance of residuals between and within units is
    estimated from all units together (analysis of variance; Searle, Casella and McCulloch 1992, "Variance
    components", section 3.6), and a unit's share of the variance of the mean follows from its loads. The
    degrees of freedom are the effective number of units, less one.

    Parameters
    ----------
    expected
        Expected value of each attempt, shape (attempts,).
    loads, residuals
        Factor of each attempt's residual in the mean, and the residuals, shape (attempts,) each.
    unit
        Number of the unit of each attempt, shape (attempts,).
    level
        Confidence level.

    Returns
    -------
    float
        Half the width of the interval; infinite where there is one unit only.
    """
    numbers = np.unique(unit, return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(float)
    total, units = sizes.sum(), len(sizes)
    if units < 2:  # noqa: PLR2004 - one unit shows no variation between units
        return float("inf")
    means = np.bincount(numbers, weights=residuals) / sizes
    within = float(np.sum((residuals - means[numbers]) ** 2)) / max(total - units, 1.0)
    spread = float(sizes @ (means - residuals.mean()) ** 2) / (units - 1)
    usual_size = (total - sizes @ sizes / total) / (units - 1)
    between = max(0.0, (spread - within) / usual_size)
    shifts = np.bincount(numbers, weights=expected - expected.mean())
    carried = np.bincount(numbers, weights=loads)
    shares = shifts**2 + between * carried**2 + within * np.bincount(numbers, weights=loads**2)
    variance = float(shares.sum())
    degrees = max(1.0, effective_sample_size(sizes) - 1)
    return float(stats.t.ppf((1 + level) / 2, degrees)) * float(np.sqrt(variance)) / float(total)
