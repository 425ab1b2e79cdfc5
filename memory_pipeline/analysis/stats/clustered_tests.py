"""Is the difference between attempts inside and outside a cell more than chance?

The tests here allow for attempts that go together within a unit (the same application tried again and again)
in any way, and for success that changes with the calendar: they are those of `stats.unit_scores`, in which
units, and nothing smaller, are the independent observations. With s and I the score and the information of a
unit, and h = I / sum I its leverage::

    effect = sum s / sum I
    variance = max(sum ((s - effect I) / (1 - h))^2, least variance) / (sum I)^2

The first variance is cluster-robust, with each unit left out in turn (CR3; refs. 1 and 2), so that a unit
that has most of the information counts with what is known without it. The second follows from the model; it
protects where few units have information. The reference distribution is Student's t with Satterthwaite's
degrees of freedom for that variance (refs. 2 and 3): with variances in proportion to the information,

    (sum I / (1 - h))^2 / (sum I^2 (1 - 2 h) / (1 - h)^4 + (sum h I / (1 - h)^2)^2)

which is the number of units less one where all have the same information, and less where few have most of it.

References
----------
1. Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73.
2. Bell and McCaffrey (2002), Bias reduction in standard errors for linear regression with multi-stage
   samples, Survey Methodology 28; Pustejovsky and Tipton (2018), Small-sample methods for cluster-robust
   variance estimation, Journal of Business and Economic Statistics 36.
3. Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics 2.
4. Wilson and Hilferty (1931), The distribution of chi-square, PNAS 17.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.stats.unit_scores import NullModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats, Ints, Mask, Numbers
    from memory_pipeline.analysis.stats.grouped_sample import Sample
    from memory_pipeline.analysis.stats.unit_scores import UnitScores


_LEAST_DEGREES, _MOST_DEGREES = 0.1, 1e9
_NO_SKEWNESS = 1e-4
MOST_LEVERAGE = 0.999
"""Leverage of a unit above which nothing is known without it: such a cell is not tested."""


@dataclass(frozen=True)
class CellTests:
    """Tests of cells against the rest of their population; all arrays have shape (cells,).

    Attributes
    ----------
    n, k, units
        Attempts, attempts with the target, and units inside the cell.
    difference
        Rate inside less rate outside.
    effect, effect_variance
        Difference between attempts of equally easy units at the same time, and its variance; this is what is
        tested.
    degrees
        Degrees of freedom of the t reference distribution.
    skewness
        Skewness of the effect under the null hypothesis.
    separable
        Share of the information about the effect that is left once time is adjusted for.
    p_value
        Two-sided p-value of the effect.
    """

    n: Ints
    k: Ints
    units: Ints
    difference: Numbers
    effect: Numbers
    effect_variance: Numbers
    degrees: Numbers
    skewness: Numbers
    separable: Numbers
    p_value: Numbers

    @property
    def t(self) -> Numbers:
        """The effect over its standard error, shape (cells,); 0 where there is none.

        On the side to which the null distribution is skewed it is reduced to the normal deviate of the
        same probability (a gamma distribution with that skewness, approximated as in ref. 4).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(self.effect_variance > 0, self.effect / np.sqrt(self.effect_variance), 0.0)
        return _without_skewness(np.nan_to_num(ratio), self.skewness)

    def take(self, index: Ints | list[int]) -> CellTests:
        """Return the tests at some positions, in the given order."""
        return CellTests(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @classmethod
    def of(
        cls, scores: UnitScores, n: Ints, k: Ints, units: Ints, *, total: int, hits: int, is_clustered: bool
    ) -> CellTests:
        """Test cells from their scores by unit.

        Parameters
        ----------
        scores
            Of each cell.
        n, k, units
            Attempts, attempts with the target, and units inside each cell, shape (cells,).
        total, hits
            Attempts, and attempts with the target, over all.
        is_clustered
            Whether attempts repeat within units; if not, the variance is that of independent attempts.
        """
        information = scores.total
        known = information > 0
        safe = np.where(known, information, 1.0)
        effect = np.where(known, scores.whole / safe, 0.0)
        if is_clustered:
            robust, degrees = jackknife_variance(scores.score, scores.information, effect)
            variance = np.maximum(robust, scores.least_variance)
        else:
            variance, degrees = scores.least_variance, np.full(len(n), max(total - 2.0, 1.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = np.nan_to_num(k / n - (hits - k) / (total - n), posinf=0.0, neginf=0.0)
            skewness = np.nan_to_num(scores.third_moment / variance**1.5, posinf=0.0, neginf=0.0)
        variance = np.where(known & np.isfinite(variance), variance / safe**2, 0.0)
        testable = (n > 0) & (n < total) & (variance > 0)
        ratio = np.divide(effect, np.sqrt(variance), out=np.zeros(len(n)), where=testable)
        t = _without_skewness(ratio, skewness)
        return cls(
            n=n,
            k=k,
            units=units,
            difference=difference,
            effect=effect,
            effect_variance=variance,
            degrees=degrees,
            skewness=skewness,
            separable=scores.separable,
            p_value=np.where(testable, 2 * stats.t.sf(np.abs(t), degrees), 1.0),
        )


def _without_skewness(ratio: Numbers, skewness: Numbers) -> Numbers:
    skew, size = np.abs(skewness), np.abs(ratio)
    heavy = (np.sign(skewness) == np.sign(ratio)) & (skew > _NO_SKEWNESS)
    with np.errstate(divide="ignore", invalid="ignore"):
        reduced = 6 / skew * (np.cbrt(1 + skew * size / 2) - 1) + skew / 6
    reduced = np.where(heavy, np.minimum(reduced, size), size)
    return np.sign(ratio) * reduced


def jackknife_variance(score: Numbers, information: Numbers, effect: Numbers) -> tuple[Numbers, Numbers]:
    """Compute the variance of the sum of scores with each unit left out in turn, and its degrees of freedom.

    Parameters
    ----------
    score, information
        Of cells by unit, shape (cells, units).
    effect
        Of each cell, shape (cells,).

    Returns
    -------
    variance, degrees
        Shape (cells,) each. The variance is infinite where one unit has all the information.
    """
    from memory_pipeline.analysis.stats.score_kernels import jackknife_sums  # noqa: PLC0415 - takes time

    variance, trace, fourth, second = jackknife_sums(score, information, effect, MOST_LEVERAGE).T
    squares = fourth + second**2
    degrees = np.divide(trace**2, squares, out=np.ones(len(trace)), where=squares > 0)
    return variance, np.clip(degrees, _LEAST_DEGREES, _MOST_DEGREES)


def concatenate(parts: Sequence[CellTests]) -> CellTests:
    """Concatenate several sets of tests."""
    names = [one.name for one in fields(CellTests)]
    if not parts:
        return CellTests(**dict.fromkeys(names, np.zeros(0)))
    return CellTests(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in names})


def cell_tests(
    sample: Sample, cell: Ints, wanted: Ints, *, icc: float, null: NullModel | None = None
) -> CellTests:
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
    null
        The model of the population without effects, where it is fitted already.
    """
    model, size = null or NullModel.fit(sample, icc), len(wanted)
    position = np.searchsorted(wanted, cell)
    position[position == size] = 0
    place = np.where(wanted[position] == cell, position, -1) if size else np.full(len(cell), -1)
    sums = model.sums(sample, place, size)
    inside = sums.by_stratum.sum(axis=1).astype(np.int64)
    return CellTests.of(
        model.scores(sums),
        inside,
        sums.k.astype(np.int64),
        inside if sample.unit is None else (sums.n1 > 0).sum(axis=1),
        total=sample.total,
        hits=int(sample.k.sum()),
        is_clustered=sample.unit is not None,
    )


def difference_variances(sample: Sample, inside: Sequence[Mask], *, icc: float) -> Floats:
    """Compute variances of differences between the rates inside and outside that allow for repetition.

    The larger of two: that of exchangeable attempts within units::

        V = p (1 - p) * sum_u [ icc (n1/N1 - n0/N0)^2 + (1 - icc) (n1/N1^2 + n0/N0^2) ]

    and the cluster-robust one (ref. 1). Binomial without units.

    Parameters
    ----------
    sample
        The population.
    inside
        By cell: which rows are inside, shape (rows,).
    icc
        Intraclass correlation of the target within units, in [0, 1].

    Returns
    -------
    array, shape (cells,)
    """
    scale, unit = sample.rate * (1 - sample.rate), sample.unit
    variances = np.zeros(len(inside))
    for place, rows in enumerate(inside):
        total1, total0 = float(sample.n[rows].sum()), float(sample.n[~rows].sum())
        if total1 == 0 or total0 == 0:
            continue
        if unit is None:
            variances[place] = scale * (1 / total1 + 1 / total0)
            continue
        n1, k1 = (np.bincount(unit[rows], one[rows], unit.max() + 1) for one in (sample.n, sample.k))
        n0, k0 = (np.bincount(unit[~rows], one[~rows], unit.max() + 1) for one in (sample.n, sample.k))
        p1, p0 = k1.sum() / total1, k0.sum() / total0
        robust = float((((k1 - p1 * n1) / total1 - (k0 - p0 * n0) / total0) ** 2).sum())
        between = icc * float(((n1 / total1 - n0 / total0) ** 2).sum())
        exchangeable = scale * (between + (1 - icc) * (1 / total1 + 1 / total0))
        variances[place] = max(robust, exchangeable)
    return variances
