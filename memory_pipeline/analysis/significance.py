"""Whether the difference between attempts inside and outside a cell is more than chance.

The tests here allow for attempts that go together within a unit (the same application tried again and
again). With exchangeable outcomes within units (intraclass correlation `icc`) the variance of the
difference of two rates under the null hypothesis is, over units u with n1 attempts inside of N1 in all
and n0 outside of N0::

    V = p (1 - p) * sum_u [ icc (n1/N1 - n0/N0)^2 + (1 - icc) (n1/N1^2 + n0/N0^2) ]

which counts a unit once where the condition is constant within it, and cancels the unit where the
condition varies within it. It is compared with the cluster-robust variance (squared sums of residuals
per unit), and the larger of the two is used. The reference is Student's t; its degrees of freedom are
Satterthwaite's, with the part of V between units known from as many witnesses as the units' effective
number (total^2 / sum of squared sizes, less 1) and the part within units taken as known. So one
application with half of all attempts cannot carry a finding.

References
----------
1. Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73.
2. Ridout, Demetrio and Firth (1999), Estimating intraclass correlation for binary data, Biometrics 55.
3. Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics 2.
4. Newcombe (1998), Interval estimation for the difference between independent proportions,
   Statistics in Medicine 17.
5. Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing under
   dependency, Annals of Statistics 29.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[Any]
    Ints = NDArray[Any]


@dataclass(frozen=True)
class Sample:
    """Collapsed rows of one population: attempts, successes of the target, and the unit of each row.

    Attributes
    ----------
    n, k
        Attempts and attempts with the target, shape (rows,).
    unit
        Code of the evidence unit, shape (rows,), from 0; None where every attempt is its own witness.
    """

    n: Ints
    k: Ints
    unit: Ints | None

    @property
    def total(self) -> int:
        """All attempts."""
        return int(self.n.sum())

    @property
    def rate(self) -> float:
        """Share of attempts with the target."""
        return float(self.k.sum() / max(self.total, 1))

    def part(self, mask: NDArray[np.bool_]) -> Sample:
        """Return the rows that a mask selects."""
        return Sample(self.n[mask], self.k[mask], None if self.unit is None else self.unit[mask])

    def intraclass_correlation(self) -> float:
        """Estimate how alike outcomes of one unit are, in [0, 1] (one-way analysis of variance, ref. 2)."""
        if self.unit is None:
            return 0.0
        n = np.bincount(self.unit, weights=self.n)
        k = np.bincount(self.unit, weights=self.k)
        n, k = n[n > 0], k[n > 0]
        total, groups = n.sum(), len(n)
        if groups < 2 or total <= groups:  # noqa: PLR2004 - one unit has no between
            return 1.0
        rates = k / n
        between = float((n * (rates - k.sum() / total) ** 2).sum()) / (groups - 1)
        within = float((n * rates * (1 - rates)).sum()) / (total - groups)
        size = (total - float((n**2).sum()) / total) / (groups - 1)
        denominator = between + (size - 1) * within
        return float(np.clip((between - within) / denominator, 0, 1)) if denominator > 0 else 0.0


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
    degrees
        Degrees of freedom of the t reference.
    p_value
        Two-sided.
    """

    n: Ints
    k: Ints
    units: Ints
    difference: Floats
    variance: Floats
    degrees: Floats
    p_value: Floats

    def take(self, index: Ints) -> CellTests:
        """Return some of the tests, in the given order."""
        return CellTests(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @classmethod
    def without_units(cls, n1: Floats, k1: Floats, total: float, hits: float) -> CellTests:
        """Test cells in which every attempt is its own witness.

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
        return cls(whole, k1.astype(np.int64), whole, difference, variance, degrees, p_value)


def concatenate(parts: Sequence[CellTests]) -> CellTests:
    """Put tests one after the other."""
    names = [one.name for one in fields(CellTests)]
    if not parts:
        return CellTests(**dict.fromkeys(names, np.zeros(0)))
    return CellTests(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in names})


def unit_blind_p_values(n: Ints, k: Ints, total: int, hits: int) -> Floats:
    """Two-sided p-values of the pooled z test that takes every attempt for a witness.

    The full test is never more certain than Fisher's exact test, which takes every attempt for a
    witness too; so what this cheap form does not find by far, the full test does not find either.
    """
    rest = total - n
    rate = hits / total
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = k / n - (hits - k) / rest
        spread = np.sqrt(rate * (1 - rate) * (1 / n + 1 / rest))
        z = np.where((n > 0) & (rest > 0) & (spread > 0), difference / spread, 0.0)
    p_values: Floats = 2 * stats.norm.sf(np.abs(z))
    return p_values


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


@dataclass(frozen=True)
class UnitTotals:
    """Attempts, and attempts with the target, of each unit of a population, shape (units,)."""

    n: Floats
    k: Floats

    @classmethod
    def of(cls, sample: Sample) -> UnitTotals:
        """Add up the rows of a sample that has units."""
        assert sample.unit is not None  # noqa: S101 - asked for only where there are units
        return cls(np.bincount(sample.unit, weights=sample.n), np.bincount(sample.unit, weights=sample.k))


def pair_tests(  # noqa: PLR0917 - five columns of one table
    units: UnitTotals, size: int, cell: Ints, unit: Ints, n1u: Floats, k1u: Floats, *, icc: float
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

    def over_pairs(values: Floats) -> Floats:
        return np.bincount(cell, weights=values, minlength=size)

    n1, k1 = over_pairs(n1u), over_pairs(k1u)
    n_u, k_u = units.n[unit], units.k[unit]
    total, hits = float(units.n.sum()), float(units.k.sum())
    rate = hits / max(total, 1.0)
    n0 = total - n1
    with np.errstate(divide="ignore", invalid="ignore"):
        both = 1 / n1 + 1 / n0
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
        scale = rate * (1 - rate)
        n1_share, n0_share = n1u / n1[cell], (n_u - n1u) / n0[cell]
        between = over_pairs((n1_share - n0_share) ** 2 - (n_u / n0[cell]) ** 2)
        between = scale * icc * (between + float((units.n**2).sum()) / n0**2)
        within = scale * (1 - icc) * both
        model = between + within
        # Only the part between units is known from as many witnesses as there are units, of which a few
        # large ones count for less than they are (Kish's effective number).
        witnesses = total**2 / float((units.n**2).sum()) - 1
        degrees = witnesses * (model / between) ** 2 if icc > 0 else np.full(size, total)
        variance = np.maximum(robust, model)
        t = difference / np.sqrt(variance)
    testable = (n1 > 0) & (n0 > 0) & (variance > 0) & (degrees > 0)
    t = np.where(testable, t, 0.0)
    degrees = np.where(testable, degrees, 1.0)
    p_value = np.where(testable, 2 * stats.t.sf(np.abs(t), degrees), 1.0)
    return CellTests(
        n1.astype(np.int64),
        k1.astype(np.int64),
        over_pairs((n1u > 0).astype(float)).astype(np.int64),
        np.nan_to_num(difference),
        np.nan_to_num(variance),
        degrees,
        p_value,
    )


def fisher_p_values(n: Ints, k: Ints, total: int, hits: int) -> Floats:
    """Fisher's exact test of many tables with common margins, two-sided by doubling the smaller tail.

    Each tail is summed from the observed table outwards by the ratio of neighbouring hypergeometric
    terms, for all tables at once.

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, inside each cell, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all.
    """
    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    # Mirror tables below the mean, so that every tail goes upwards: k of n counts the misses instead.
    low = k * total < n * hits
    k, marked = np.where(low, n - k, k), np.where(low, total - hits, float(hits))
    rest = total - marked
    log_term = (
        _log_choose(marked, k) + _log_choose(rest, n - k) - _log_choose(np.full(len(n), float(total)), n)
    )
    term, tail, step = np.ones(len(n)), np.ones(len(n)), 0.0
    while (term > np.finfo(float).eps * tail).any():
        at = k + step
        term *= np.maximum((n - at) * (marked - at), 0) / ((at + 1) * (rest - n + at + 1))
        tail += term
        step += 1
    p_values: Floats = np.minimum(2 * np.exp(log_term) * tail, 1.0)
    return p_values


def _log_choose(n: Floats, k: Floats) -> Floats:
    value: Floats = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return value


def wilson_interval(k: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a rate (statsmodels); (0, 1) where nothing was tried."""
    if n <= 0:
        return 0.0, 1.0
    low, high = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    return float(low), float(high)


def newcombe_intervals(
    tests: CellTests, sample: Sample, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Intervals of the differences: Newcombe's hybrid of two Wilson intervals (ref. 4).

    Repetition enters twice: both samples shrink by the design effect (the ratio of `tests.variance`
    to the binomial variance), and the normal quantile becomes that of t with `tests.degrees`.

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
        effect = np.maximum(tests.variance / (rate * (1 - rate) * (1 / n1 + 1 / n0)), 1.0)
    effect = np.where(np.isfinite(effect), effect, 1.0)
    quantile = stats.t.ppf(0.5 + confidence / 2, tests.degrees)
    p1, p0 = k1 / np.maximum(n1, 1), k0 / np.maximum(n0, 1)
    low1, high1 = _wilson_bounds(p1, n1 / effect, quantile)
    low0, high0 = _wilson_bounds(p0, n0 / effect, quantile)
    difference = p1 - p0
    low: Floats = difference - np.sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2)
    high: Floats = difference + np.sqrt((high1 - p1) ** 2 + (p0 - low0) ** 2)
    return low, high


def _wilson_bounds(rate: Floats, n: Floats, quantile: Floats) -> tuple[Floats, Floats]:
    square = quantile**2
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = quantile / (1 + square / n) * np.sqrt(rate * (1 - rate) / n + square / (4 * n**2))
    return centre - half, centre + half


def false_discovery_q_values(p_values: Floats, searched: int, *, method: str = "fdr_by") -> Floats:
    """Compute q-values of some p-values out of all `searched` (the others count as 1).

    Parameters
    ----------
    p_values
        Shape (tests,).
    searched
        Number of tests.
    method
        `fdr_by`: Benjamini and Yekutieli, valid under any dependence (ref. 5); `fdr_bh`: Benjamini and
        Hochberg, valid under positive dependence.
    """
    padded = np.ones(max(searched, len(p_values)))
    padded[: len(p_values)] = p_values
    q_values: Floats = multipletests(padded, method=method)[1][: len(p_values)]
    return q_values
