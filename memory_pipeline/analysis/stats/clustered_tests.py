"""Is the difference between attempts inside and outside a cell more than chance?

The tests here allow for attempts that are correlated within a unit (the same application tried again and
again): they are those of a model with a random intercept per unit (generalised least squares with
intraclass correlation `icc`; ref. 2). Attempts of one unit, inside against outside the cell, are compared
with each other, free of whatever makes the unit easy or hard; and units with units, where a unit with n
attempts weighs `w = n / (1 + (n - 1) icc)`, so that one application with half of all attempts cannot
carry a finding. With x the unit's share of attempts inside, y its rate, and means weighted by w::

    score       S = sum_u [ W / (1 - icc) + w (x - mean x) (y - mean y) ],   W = k1 - n1 y
    information I = sum_u [ n1 (1 - x) / (1 - icc) + w (x - mean x)^2 ]
    effect = S / I,   variance = max(p (1 - p) I, sum_u of squared terms that the effect leaves) / I^2

The first variance follows from the model, the second is cluster-robust (ref. 1); the larger is used. So
is, for the part within units, the hypergeometric variance given the rate of each unit, where that is
larger. The reference distribution is Student's t; its degrees of freedom are Satterthwaite's (ref. 3),
with the part of I between units known from the effective number of units (sum of w squared / sum of
squared w, less 1) and the part within units taken as known.

The unadjusted difference of the two rates is computed too, with a variance that allows for repetition::

    V = p (1 - p) * sum_u [ icc (n1/N1 - n0/N0)^2 + (1 - icc) (n1/N1^2 + n0/N0^2) ]

or the cluster-robust one, where that is larger.

References
----------
1. Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73.
2. Scott and Holt (1982), The effect of two-stage sampling on ordinary least squares methods, JASA 77.
3. Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics 2.
4. Wilson and Hilferty (1931), The distribution of chi-square, PNAS 17.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.stats.exact_tests import hypergeometric_moments
from memory_pipeline.analysis.stats.grouped_sample import _LARGEST_CORRELATION, Sample, UnitTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Ints, Numbers


_MOST_DEGREES = 1e9
_NO_INFORMATION = 1e-9
_NO_SKEWNESS = 1e-4


@dataclass(frozen=True)
class CellTests:
    """Tests of cells against the rest of their population; all arrays have shape (cells,).

    Attributes
    ----------
    n, k, units
        Attempts, attempts with the target, and units inside the cell.
    difference
        Rate inside less rate outside.
    variance
        Variance of the difference that allows for repetition.
    effect, effect_variance
        Difference between attempts of equally easy units, by the model with a random intercept per unit,
        and its variance; this is what is tested.
    degrees
        Degrees of freedom of the t reference distribution, for both differences.
    skewness
        Skewness of the effect under the null hypothesis: the part within units is hypergeometric, and
        skewed where few attempts are inside and most of a unit's attempts end alike.
    p_value
        Two-sided p-value of the effect.
    """

    n: Ints
    k: Ints
    units: Ints
    difference: Numbers
    variance: Numbers
    effect: Numbers
    effect_variance: Numbers
    degrees: Numbers
    skewness: Numbers
    p_value: Numbers

    @property
    def t(self) -> Numbers:
        """The effect over its standard error, shape (cells,); 0 where there is none.

        On the side to which the null distribution is skewed it is reduced to the normal deviate of the
        same probability (a gamma distribution with that skewness, approximated as in ref. 4).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(self.effect_variance > 0, self.effect / np.sqrt(self.effect_variance), 0.0)
        ratio = np.nan_to_num(ratio)
        skew, size = np.abs(self.skewness), np.abs(ratio)
        heavy = (np.sign(self.skewness) == np.sign(ratio)) & (skew > _NO_SKEWNESS)
        with np.errstate(divide="ignore", invalid="ignore"):
            reduced = 6 / skew * (np.cbrt(1 + skew * size / 2) - 1) + skew / 6
        reduced = np.where(heavy, np.minimum(reduced, size), size)
        return np.sign(ratio) * reduced

    def take(self, index: Ints) -> CellTests:
        """Return the tests at some positions, in the given order."""
        return CellTests(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @classmethod
    def without_units(cls, n1: Numbers, k1: Numbers, total: float, hits: float) -> CellTests:
        """Test cells in which every attempt is an independent observation.

        Parameters
        ----------
        n1, k1
            Attempts, and attempts with the target, inside each cell, shape (cells,).
        total, hits
            Attempts, and attempts with the target, over all.
        """
        n0, rate = total - n1, hits / max(total, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = np.nan_to_num(k1 / n1 - (hits - k1) / n0)
            variance = np.nan_to_num(rate * (1 - rate) * (1 / n1 + 1 / n0), posinf=0.0)
            z = np.nan_to_num(difference / np.sqrt(variance))
        whole, degrees = n1.astype(np.int64), np.full(len(n1), max(total - 2, 1.0))
        p_value = 2 * stats.t.sf(np.abs(z), degrees)
        return cls(
            n=whole,
            k=k1.astype(np.int64),
            units=whole,
            difference=difference,
            variance=variance,
            effect=difference,
            effect_variance=variance,
            degrees=degrees,
            skewness=np.zeros(len(n1)),
            p_value=p_value,
        )


def concatenate(parts: Sequence[CellTests]) -> CellTests:
    """Concatenate several sets of tests."""
    names = [one.name for one in fields(CellTests)]
    if not parts:
        return CellTests(**dict.fromkeys(names, np.zeros(0)))
    return CellTests(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in names})


def cell_tests(sample: Sample, cell: Ints, wanted: Ints, *, icc: float) -> CellTests:
    """Test each wanted cell against everything outside of it.

    Parameters
    ----------
    sample
        The population.
    cell
        The cell of each of its rows, shape (rows,).
    wanted
        The cells to test, ascending, shape (cells,).
    icc
        Intraclass correlation of the target within units, in [0, 1].
    """
    position = np.searchsorted(wanted, cell)
    position[position == len(wanted)] = 0
    inside = wanted[position] == cell if len(wanted) else np.zeros(len(cell), dtype=bool)
    part, place = sample.part(inside), position[inside]
    if part.unit is None:
        n1 = np.bincount(place, weights=part.n, minlength=len(wanted))
        k1 = np.bincount(place, weights=part.k, minlength=len(wanted))
        return CellTests.without_units(n1, k1, float(sample.total), float(sample.k.sum()))
    totals = UnitTotals.of(sample)
    units = len(totals.n)
    pairs, pair = np.unique(place * units + part.unit, return_inverse=True)
    n1u = np.bincount(pair, weights=part.n, minlength=len(pairs))
    k1u = np.bincount(pair, weights=part.k, minlength=len(pairs))
    return pair_tests(totals, len(wanted), pairs // units, pairs % units, n1u, k1u, icc=icc)


def pair_tests(  # noqa: PLR0917 - five columns of one table
    units: UnitTotals, size: int, cell: Ints, unit: Ints, n1u: Numbers, k1u: Numbers, *, icc: float
) -> CellTests:
    """Test cells from their attempts per unit.

    Parameters
    ----------
    units
        The population.
    size
        Number of cells.
    cell, unit
        The pairs that have attempts, shape (pairs,).
    n1u, k1u
        Attempts, and attempts with the target, of each pair, shape (pairs,).
    icc
        Intraclass correlation of the target within units, in [0, 1].
    """

    def over_pairs(values: Numbers) -> Numbers:
        return np.bincount(cell, weights=values, minlength=size).astype(float)  # whole, where there are none

    n1, k1 = over_pairs(n1u), over_pairs(k1u)
    n_u, k_u = units.n[unit], units.k[unit]
    total, hits = float(units.n.sum()), float(units.k.sum())
    scale = hits / max(total, 1.0) * (1 - hits / max(total, 1.0))
    n0 = total - n1
    with np.errstate(divide="ignore", invalid="ignore"):
        rest_rate = (hits - k1) / n0
        difference = k1 / n1 - rest_rate
        # Cluster-robust: the residual of a unit is (k1 - p1 n1)/N1 - (k0 - p0 n0)/N0; units without
        # attempts inside contribute (k - p0 n)^2 / N0^2, taken from sums over all units.
        p1, p0 = (k1 / n1)[cell], rest_rate[cell]
        residual = (k1u - p1 * n1u) / n1[cell] - (k_u - k1u - p0 * (n_u - n1u)) / n0[cell]
        all_outside = (
            float((units.k**2).sum())
            - 2 * rest_rate * float((units.k * units.n).sum())
            + rest_rate**2 * float((units.n**2).sum())
        ) / n0**2
        robust = over_pairs(residual**2) + all_outside - over_pairs(((k_u - p0 * n_u) / n0[cell]) ** 2)
        # Exchangeable: units without attempts inside contribute as if all their attempts were outside.
        n1_share, n0_share = n1u / n1[cell], (n_u - n1u) / n0[cell]
        between = over_pairs((n1_share - n0_share) ** 2 - (n_u / n0[cell]) ** 2)
        between = icc * (between + float((units.n**2).sum()) / n0**2)
        variance = np.maximum(robust, scale * (between + (1 - icc) * (1 / n1 + 1 / n0)))
    effect, effect_variance, degrees, skewness = _random_intercept(
        units, size, cell, unit, n1u, k1u, icc=icc, scale=scale
    )
    tests = CellTests(
        n=n1.astype(np.int64),
        k=k1.astype(np.int64),
        units=over_pairs((n1u > 0).astype(float)).astype(np.int64),
        difference=np.nan_to_num(difference),
        variance=np.nan_to_num(variance),
        effect=effect,
        effect_variance=effect_variance,
        degrees=degrees,
        skewness=skewness,
        p_value=np.ones(size),
    )
    testable = (n1 > 0) & (n0 > 0) & (effect_variance > 0)
    p_value = np.where(testable, 2 * stats.t.sf(np.abs(tests.t), degrees), 1.0)
    return replace(tests, p_value=p_value)


def _random_intercept(  # noqa: PLR0917 - five columns of one table
    units: UnitTotals,
    size: int,
    cell: Ints,
    unit: Ints,
    n1u: Numbers,
    k1u: Numbers,
    *,
    icc: float,
    scale: float,
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Estimate effects by generalised least squares.

    Returns
    -------
    effect, variance, degrees, skewness
        As in `CellTests`, shape (size,) each.
    """

    def over_pairs(values: Numbers) -> Numbers:
        return np.bincount(cell, weights=values, minlength=size).astype(float)  # whole, where there are none

    icc = min(icc, _LARGEST_CORRELATION)
    weight, rate, residual = units.weighted(icc)
    share = n1u / units.n[unit]
    within = (k1u - n1u * rate[unit]) / (1 - icc)
    w, e = weight[unit], residual[unit]
    weights = float(weight.sum())
    mean = over_pairs(w * share) / weights
    score = over_pairs(within + w * share * e)
    inside = over_pairs(n1u * (1 - share)) / (1 - icc)
    between = np.maximum(over_pairs(w * share**2) - mean**2 * weights, 0.0)
    information = inside + between
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(information > _NO_INFORMATION, score / information, 0.0)
    # The residual of each unit's term, given the effect; units without attempts inside have the share 0:
    # their sum is that of all units, less the others.
    own, x = effect[cell], share - mean[cell]
    left = within - own * n1u * (1 - share) / (1 - icc) + w * x * (e - own * x)
    squares = over_pairs(left**2)
    shift = effect * mean
    everywhere = (
        float(((weight * residual) ** 2).sum())
        + 2 * shift * float((weight**2 * residual).sum())
        + shift**2 * float((weight**2).sum())
    )
    squares += mean**2 * np.maximum(everywhere - over_pairs((w * (e + shift[cell])) ** 2), 0.0)
    effective_units = max(weights**2 / float((weight**2).sum()) - 1, 0.0)
    second, third = hypergeometric_moments(units.n[unit], units.k[unit], n1u)
    exact = over_pairs(second) / (1 - icc) ** 2 + scale * between
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(np.maximum(squares, scale * information), exact) / information**2
        degrees = effective_units * (information / between) ** 2
        skewness = over_pairs(third) / (1 - icc) ** 3 / (variance * information**2) ** 1.5
    known = information > _NO_INFORMATION
    degrees = np.clip(np.nan_to_num(degrees, nan=1.0, posinf=_MOST_DEGREES), 0, _MOST_DEGREES)
    known &= degrees > 0
    return (
        np.where(known, effect, 0.0),
        np.where(known, variance, 0.0),
        np.where(known, degrees, 1.0),
        np.where(known, np.nan_to_num(skewness, posinf=0.0, neginf=0.0), 0.0),
    )
