"""Whether the difference between attempts inside and outside a cell is more than chance.

The tests here allow for attempts that go together within a unit (the same application tried again and
again): they compare as a model with a random intercept per unit does (generalised least squares with
intraclass correlation `icc`). Attempts of one unit, inside against outside the cell, are compared with
each other, free of whatever makes the unit easy or hard; and units with units, where a unit with n
attempts weighs `w = n / (1 + (n - 1) icc)`, so that one application with half of all attempts cannot
carry a finding. With x the unit's share of attempts inside, y its rate, and means weighted by w::

    score       S = sum_u [ W / (1 - icc) + w (x - mean x) (y - mean y) ],   W = k1 - n1 y
    information I = sum_u [ n1 (1 - x) / (1 - icc) + w (x - mean x)^2 ]
    effect = S / I,   variance = max(p (1 - p) I, sum_u of squared terms that the effect leaves) / I^2

The first variance follows from the model, the second is cluster-robust; the larger is used. So is, for
the part within units, the hypergeometric variance given the rate of each unit, where that is larger. The
reference is Student's t; its degrees of freedom are Satterthwaite's, with the part of I between units
known from as many witnesses as the units' effective number (sum of w squared / sum of squared w, less
1) and the part within units taken as known.

Beside it stands the plain difference of the two rates, with the variance that repetition gives it::

    V = p (1 - p) * sum_u [ icc (n1/N1 - n0/N0)^2 + (1 - icc) (n1/N1^2 + n0/N0^2) ]

or the cluster-robust one, where that is larger.

References
----------
1. Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73;
   Scott and Holt (1982), The effect of two-stage sampling on ordinary least squares methods, JASA 77.
2. Ridout, Demetrio and Firth (1999), Estimating intraclass correlation for binary data, Biometrics 55;
   Kleinman (1973), Proportions with extraneous variance, JASA 68.
3. Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics 2.
4. Newcombe (1998), Interval estimation for the difference between independent proportions,
   Statistics in Medicine 17.
5. Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing under
   dependency, Annals of Statistics 29.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
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


_LARGEST_CORRELATION = 0.99
_MOST_DEGREES = 1e9
_NO_INFORMATION = 1e-9
_NO_SKEWNESS = 1e-4
_KLEINMAN_STEPS = 5


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
        """Estimate how alike outcomes of one unit are, in [0, 1].

        The larger of two estimates (ref. 2): the one-way analysis of variance, in which units count by
        their attempts, and Kleinman's moments, in which they count by what their attempts tell. With a few
        very large units the first is hardly more than their own scatter.
        """
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
        icc = float(np.clip((between - within) / denominator, 0, 1)) if denominator > 0 else 0.0
        return max(icc, _kleinman_correlation(n, rates, icc))


def _kleinman_correlation(n: Floats, rates: Floats, icc: float) -> float:
    """Estimate the intraclass correlation by Kleinman's moments, from units that were tried (ref. 2)."""
    for _ in range(_KLEINMAN_STEPS):
        weight = n / (1 + (n - 1) * icc)
        share = weight / weight.sum()
        mean = float(share @ rates)
        scale = mean * (1 - mean)
        if scale <= 0:
            return icc
        # E[sum share (rate - mean)^2] = scale * sum share (1 - share) (icc + (1 - icc) / n)
        spread = float(share @ (rates - mean) ** 2) / scale
        rest, alone = float((share * (1 - share)).sum()), float((share * (1 - share) / n).sum())
        icc = float(np.clip((spread - alone) / (rest - alone), 0, 1)) if rest > alone else 0.0
    return icc


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
        and its variance; what the test is about.
    degrees
        Degrees of freedom of the t reference of both.
    skewness
        Of the effect where there is none: the part within units is hypergeometric, and skewed where few
        attempts are inside and most of a unit's end alike.
    p_value
        Of the effect, two-sided.
    """

    n: Ints
    k: Ints
    units: Ints
    difference: Floats
    variance: Floats
    effect: Floats
    effect_variance: Floats
    degrees: Floats
    skewness: Floats
    p_value: Floats

    @property
    def t(self) -> Floats:
        """The effect over its standard error, shape (cells,); 0 where there is none.

        On the side to which chance itself is skewed it is lessened to the normal deviate of the same
        probability (Wilson and Hilferty's approximation of a gamma distribution with that skewness).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(self.effect_variance > 0, self.effect / np.sqrt(self.effect_variance), 0.0)
        ratio = np.nan_to_num(ratio)
        skew, size = np.abs(self.skewness), np.abs(ratio)
        heavy = (np.sign(self.skewness) == np.sign(ratio)) & (skew > _NO_SKEWNESS)
        with np.errstate(divide="ignore", invalid="ignore"):
            lessened = 6 / skew * (np.cbrt(1 + skew * size / 2) - 1) + skew / 6
        lessened = np.where(heavy, np.minimum(lessened, size), size)
        return np.sign(ratio) * lessened

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

    def weighted(self, icc: float) -> tuple[Floats, Floats, Floats]:
        """Weigh units by what their attempts tell together.

        Returns
        -------
        weight, rate, residual
            Of each unit, shape (units,): `n / (1 + (n - 1) icc)`; its rate; and its rate less the weighted
            mean of all. All are 0 for a unit without attempts.
        """
        tried = self.n > 0
        weight = np.where(tried, self.n / (1 + np.maximum(self.n - 1, 0) * icc), 0.0)
        rate = np.divide(self.k, self.n, out=np.zeros(len(self.n)), where=tried)
        mean = float((weight * rate).sum()) / max(float(weight.sum()), 1e-12)
        return weight, rate, np.where(tried, rate - mean, 0.0)


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
    n1u: Floats,
    k1u: Floats,
    *,
    icc: float,
    scale: float,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Estimate effects by generalised least squares; returns variances, degrees and skewness too."""

    def over_pairs(values: Floats) -> Floats:
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
    # What each unit's term leaves once the effect is taken out; units without attempts inside have the
    # share 0 and are summed over all units, less the others.
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
    witnesses = max(weights**2 / float((weight**2).sum()) - 1, 0.0)
    second, third = _hypergeometric_moments(units.n[unit], units.k[unit], n1u)
    exact = over_pairs(second) / (1 - icc) ** 2 + scale * between
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(np.maximum(squares, scale * information), exact) / information**2
        degrees = witnesses * (information / between) ** 2
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


def _hypergeometric_moments(total: Floats, hits: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Second and third central moments of the hits among so many drawn from each unit."""
    product = drawn * hits * (total - hits) * (total - drawn)
    scale = total**2 * (total - 1)
    second = np.divide(product, scale, out=np.zeros(len(total)), where=scale > 0)
    product *= (total - 2 * hits) * (total - 2 * drawn)
    scale *= total * (total - 2)
    third = np.divide(product, scale, out=np.zeros(len(total)), where=scale > 0)
    return second, third


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
