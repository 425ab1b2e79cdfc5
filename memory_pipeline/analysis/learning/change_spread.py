"""Estimate how uncertain the parts of a difference in success are, with units as clusters.

Every part is estimated again without one unit (of many units: without one group of them), which is the
delete-one jackknife; it allows for all that an estimate rests on, the fitted model included. Where few units
happen to lie close together, it is too small. So the variance is never below that of exchangeable units,
whose components (between units, between months of a unit, within) come from all attempts together.

Intervals hold together (ref. 2): the critical value is that of the largest of all deviations, simulated from
the same deviations by unit (a multiplier bootstrap), and then taken to the t distribution with as many
degrees of freedom as the deviations of the part show (few units that dominate leave few).

References
----------
1. Efron and Stein (1981), The jackknife estimate of variance, Annals of Statistics 9.
2. Westfall and Young (1993), Resampling-based multiple testing; Belloni, Chernozhukov, Chetverikov and Wei
   (2018), Uniformly valid post-regularization confidence regions, Annals of Statistics 46.
3. Searle, Casella and McCulloch (1992), Variance components, section 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.learning.change_parts import PARTS, change_parts
from memory_pipeline.analysis.learning.span_counts import without_gaps
from memory_pipeline.analysis.stats.cluster_bootstrap import effective_degrees

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints, Mask
    from memory_pipeline.analysis.learning.change_parts import ChangeParts
    from memory_pipeline.analysis.learning.span_counts import GroupTotals, SpanRows

_DRAWS = 4_000


@dataclass(frozen=True)
class Deviations:
    """What leaving out each group of units changes in some estimates.

    Attributes
    ----------
    shifts
        Estimate without a group less the estimate, scaled so that the sum of squares is the variance,
        shape (groups, estimates).
    variance
        That sum, or a floor where that is larger, shape (estimates,).
    """

    shifts: Floats
    variance: Floats

    def at_least(self, floor: Floats) -> Deviations:
        """Return the same deviations with variances that are never below a floor, shape (estimates,)."""
        return Deviations(self.shifts, np.fmax(self.variance, floor))

    def margins(self, family: Mask, *, level: float, seed: int = 0) -> Floats:
        """Compute half the widths of intervals that hold together for a family, shape (family,).

        Parameters
        ----------
        family
            Which estimates are in the family, shape (estimates,).
        level
            Probability that all intervals of the family hold.
        seed
            Of the simulated deviations.
        """
        shifts, variance = self.shifts[:, family], self.variance[family]
        error = np.sqrt(variance)
        if not shifts.shape[1]:
            return error
        spread = np.sqrt((shifts**2).sum(axis=0))
        relative = np.divide(shifts, spread, out=np.zeros_like(shifts), where=spread > 0)
        random = np.random.default_rng(seed)
        largest = np.abs(random.standard_normal((_DRAWS, len(shifts))) @ relative).max(axis=1)
        # Rounding aside, one interval alone never needs less than its own normal quantile.
        critical = max(float(np.quantile(largest, level)), float(stats.norm.ppf((1 + level) / 2)))
        degrees = np.array([effective_degrees(one) for one in shifts.T])
        margins: Floats = stats.t.isf(stats.norm.sf(critical), degrees) * error
        return margins


def leave_out_each(
    totals: GroupTotals, estimate: ChangeParts, sizes: tuple[int, ...], *, penalty: float
) -> Deviations:
    """Estimate all parts again without each group of units (the jackknife, ref. 1).

    Parameters
    ----------
    totals
        Sums by group.
    estimate
        The parts estimated from all.
    sizes, penalty
        As for `change_parts`.
    """
    whole = totals.whole
    values, shares = estimate.vector(), whole[0][:, 0, :] / whole[0][:, :1, 0]
    groups = len(totals.cross)
    shifts = np.empty((groups, len(values)))
    for group in range(groups):
        rest = (
            whole[0] - totals.cross[group],
            whole[1] - totals.successes[group],
            whole[2] - totals.shared[group],
        )
        parts = change_parts(*rest, sizes, penalty=penalty, rates_at=shares)
        shifts[group] = parts.vector() - values
    shifts *= np.sqrt((groups - 1) / groups)
    return Deviations(shifts, (shifts**2).sum(axis=0))


def variance_floors(rows: SpanRows, estimate: ChangeParts) -> Floats:
    """Compute the variance that exchangeable units would give each part.

    The order is that of `ChangeParts.vector`. It is NaN for the parts of the mix, for which the jackknife
    alone has to do, and where a span has no attempts.
    """
    overall = np.full(len(rows.n), float(rows.k.sum() / rows.n.sum()))
    starts = np.cumsum([0, *map(len, rows.levels)])[:-1] + 1
    predicted = np.full(len(rows.n), estimate.coefficients[0])
    for start, codes in zip(starts, rows.codes, strict=True):
        predicted += estimate.coefficients[start:][codes]
    left = variance_components(rows, predicted)
    floors = np.full(len(estimate.vector()), np.nan)
    floors[0] = _of_difference(variance_components(rows, overall), rows.by_unit(rows.n)[..., None])[0]
    floors[2] = _of_difference(left, rows.by_unit(rows.n)[..., None])[0]
    floors[3] = _of_same_units(left, rows.by_unit(rows.n))
    rates, total = [], rows.by_unit(rows.n).sum(axis=1)
    for place in range(len(rows.columns)):
        n = rows.by_level(place, rows.n)
        share = (n.sum(axis=1) / total[:, None]).mean(axis=0)
        rates.append(share**2 * _of_difference(left, n))
    terms = len(rows.terms)
    floors[PARTS + terms : PARTS + 2 * terms] = np.concatenate([np.zeros(0), *rates])
    return floors


@dataclass(frozen=True)
class _Components:
    """Variance of attempts around a prediction: between units, between a unit's spells, and within."""

    unit: float
    spell: float
    within: float


def _of_difference(components: _Components, n: Floats) -> Floats:
    """Compute the variance of differences of two means, from attempts by span, unit and mean.

    `n` has shape (2, units, means), the result (means,). The attempts of a unit in one span are taken for one
    spell, the least favourable case.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        total = n.sum(axis=1, keepdims=True)
        share = n / total
        return np.asarray(
            components.unit * ((share[1] - share[0]) ** 2).sum(axis=0)
            + components.spell * (share**2).sum(axis=(0, 1))
            + components.within * (1 / total).sum(axis=(0, 1))
        )


def _of_same_units(components: _Components, n: Floats) -> float:
    """Compute the variance of the average change of units with attempts in both spans, (2, units)."""
    n = n[:, (n > 0).all(axis=0)]
    if not n.size:
        return float("nan")
    weight = (n / n.sum(axis=1, keepdims=True)).mean(axis=0)
    return float((weight**2 * (2 * components.spell + components.within * (1 / n).sum(axis=0))).sum())


def variance_components(rows: SpanRows, predicted: Floats) -> _Components:
    """Estimate the components of the variance around a prediction by analysis of variance (ref. 3).

    Parameters
    ----------
    rows
        The rows of both spans.
    predicted
        Predicted share of success of each row, shape (rows,).
    """
    months = without_gaps(rows.unit * (int(rows.month.max()) + 1) + rows.month)
    total, unit = _between(rows.unit, rows, predicted)
    _, both = _between(months, rows, predicted)
    # As with four attempts more, half of them successful: attempts that all ended alike prove nothing.
    attempts = float(rows.n.sum())
    total = (total * attempts + 1) / (attempts + 4)
    unit = min(max(unit, 0.0), total)
    both = min(max(both, unit), total)
    return _Components(unit, both - unit, total - both)


def _between(group: Ints, rows: SpanRows, predicted: Floats) -> tuple[float, float]:
    """Return the variance of attempts around their prediction, and its part between groups."""
    left = rows.k - rows.n * predicted
    squares = float((rows.k * (1 - predicted) ** 2 + (rows.n - rows.k) * predicted**2).sum())
    attempts = float(rows.n.sum())
    mean = float(left.sum()) / attempts
    size = np.bincount(group, weights=rows.n)
    means = np.bincount(group, weights=left) / size
    groups = len(size)
    variance = squares / attempts - mean**2
    if groups < 2 or attempts <= groups:  # noqa: PLR2004 - one group has no between
        return variance, variance
    within = float(squares - (size * means**2).sum()) / (attempts - groups)
    spread = float((size * (means - mean) ** 2).sum()) / (groups - 1)
    usual = float(attempts - (size**2).sum() / attempts) / (groups - 1)
    return variance, (spread - within) / usual
