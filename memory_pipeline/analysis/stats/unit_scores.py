"""What does each unit say about whether a cell makes a difference: its score, and its information?

The model is that of a random intercept per unit (generalised least squares with intraclass correlation `icc`;
ref. 1) and a fixed effect per stratum of time. Attempts of one unit are compared with each other, free of
whatever makes the unit easy or hard; units with units, where a unit with n attempts weighs
`w = n / (1 + (n - 1) icc)`; and both only within the same time. With z the indicator of the cell, less its
projection on the strata, and e the residual of the outcome on the strata, unit u contributes::

    score       s_u = sum (z - mean z) (e - mean e) / (1 - icc) + w (mean z) (mean e)
    information I_u = sum (z - mean z)^2 / (1 - icc) + w (mean z)^2

with sums over the attempts and means over the unit. The effect is `sum s_u / sum I_u` (ref. 2). Scores and
informations of units add up, so whole groups of units can be taken as one.

References
----------
1. Scott and Holt (1982), The effect of two-stage sampling on ordinary least squares methods, JASA 77.
2. Frisch and Waugh (1933), Partial time regressions as compared with individual trends, Econometrica 1;
   Lovell (1963), Seasonal adjustment of economic time series, JASA 58.
3. Johnson, Kotz and Kemp (1992), Univariate discrete distributions, 2nd edition, section 6.3 (moments).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memory_pipeline.analysis.arrays import Ints, Numbers
    from memory_pipeline.analysis.stats.grouped_sample import Sample


LARGEST_CORRELATION = 0.99
_NO_INFORMATION = 1e-9
_LARGE_SHARE = 0.02
"""Share of a stratum's attempts above which a unit matters for its level."""
_RIDGE = 1e-6


@dataclass(frozen=True)
class UnitScores:
    """Scores of cells by unit.

    Attributes
    ----------
    whole, total
        Score and information of each cell, shape (cells,); the information is 0 where there is none.
    score, information
        Of each cell and unit, shape (cells, units). In a unit's score the outcome is compared with the levels
        of the strata without that unit, so that the scores add up to `whole` only nearly.
    least_variance
        Least variance of each cell's score, shape (cells,): that of the model, or the one with the
        hypergeometric variance of the part within units, given the rate of each unit, where that is larger.
    third_moment
        Third central moment of each cell's score under the null hypothesis, shape (cells,): the part within
        units is hypergeometric, and skewed where few attempts are inside and most of a unit's end alike.
    separable
        Share of each cell's information that is left once time is adjusted for, shape (cells,).
    """

    whole: Numbers
    score: Numbers
    information: Numbers
    total: Numbers
    least_variance: Numbers
    third_moment: Numbers
    separable: Numbers


class CellSums(NamedTuple):
    """Sums over the attempts inside of cells.

    Attributes
    ----------
    k
        Attempts with the target, shape (cells,).
    n1, left_out1, projected1
        By unit: of ones, of `NullModel.left_out`, and of the projection at the attempt's stratum, shape
        (cells, units).
    by_stratum
        Attempts by stratum, shape (cells, strata).
    projection
        Of `NullModel.projections`, shape (cells, strata).
    """

    k: Numbers
    n1: Numbers
    left_out1: Numbers
    projected1: Numbers
    by_stratum: Numbers
    projection: Numbers


@dataclass(frozen=True)
class NullModel:
    """The outcome without any effect of a cell: a level per stratum of time, and units that differ.

    Attributes
    ----------
    unit, stratum
        Unit and stratum of each row, shape (rows,).
    left_out
        Attempts with the target less those expected from all units but the row's, shape (rows,).
    units, strata
        How many there are of each.
    """

    unit: Ints
    stratum: Ints
    left_out: Numbers
    units: int
    strata: int
    _is_clustered: bool
    _scale: float  # variance of the outcome of one attempt
    _precision: float  # of an attempt within its unit: 1 / (1 - icc)
    _weight: Numbers  # w, by unit
    _between: Numbers  # (w / n - 1 / (1 - icc)) / n, by unit
    _levels: Numbers  # by stratum
    _hits: Numbers  # by unit
    _attempts: Numbers  # by unit and stratum
    _residuals: Numbers  # by unit and stratum
    _left_out: Numbers  # by unit and stratum
    _inverse: Numbers  # of the information about the strata

    @classmethod
    def fit(cls, sample: Sample, icc: float, *, group: Ints | None = None) -> NullModel:
        """Fit the levels of the strata by generalised least squares.

        Parameters
        ----------
        sample
            The population.
        icc
            Intraclass correlation of the target within units, in [0, 1].
        group
            Of attempts that are independent observations: groups of rows, shape (rows,), whose scores are to
            be told apart. None: one group.
        """
        is_clustered = sample.unit is not None
        unit = sample.unit if sample.unit is not None else group
        unit = np.zeros(len(sample.n), dtype=np.int64) if unit is None else unit.astype(np.int64)
        icc = min(icc, LARGEST_CORRELATION) if is_clustered else 0.0
        stratum = sample.strata()
        units, strata = int(unit.max(initial=0)) + 1, int(stratum.max(initial=0)) + 1
        key, size = unit * strata + stratum, units * strata
        attempts = np.bincount(key, sample.n, size).reshape(units, strata)
        hits = np.bincount(key, sample.k, size).reshape(units, strata)
        n, precision = attempts.sum(axis=1), 1 / (1 - icc)
        weight = np.where(n > 0, n / (1 + np.maximum(n - 1, 0) * icc), 0.0) * is_clustered
        between = np.divide(weight / np.maximum(n, 1) - precision, n, out=np.zeros(units), where=n > 0)
        between *= is_clustered
        information = precision * np.diag(attempts.sum(axis=0)) + (attempts.T * between) @ attempts
        inverse = np.linalg.pinv(information, hermitian=True)
        levels = inverse @ (precision * hits.sum(axis=0) + attempts.T @ (between * hits.sum(axis=1)))
        left, residuals = sample.k - sample.n * levels[stratum], hits - attempts * levels
        # A unit with most attempts of a time sets the level of that time: without it, the level is another.
        if is_clustered:
            large, change = _levels_without(attempts, residuals, between, precision, information)
            own = np.zeros((units, strata))
            own[large] = change
            left, lefts = left - sample.n * own[unit, stratum], residuals - attempts * own
        else:
            lefts = residuals
        return cls(
            unit=unit,
            stratum=stratum,
            left_out=left,
            units=units,
            strata=strata,
            _is_clustered=is_clustered,
            _scale=sample.rate * (1 - sample.rate),
            _precision=precision,
            _weight=weight,
            _between=between,
            _levels=levels,
            _hits=hits.sum(axis=1),
            _attempts=attempts,
            _residuals=residuals,
            _left_out=lefts,
            _inverse=inverse,
        )

    @property
    def sizes(self) -> Numbers:
        """Attempts of each unit, shape (units,)."""
        sizes: Numbers = self._attempts.sum(axis=1)
        return sizes

    def levels(self, totals: Numbers) -> Numbers:
        """Estimate the level of each stratum by generalised least squares, shape (strata,).

        Parameters
        ----------
        totals
            Sum of a variable over the attempts of each row, shape (rows,).
        """
        by_unit = self._between * np.bincount(self.unit, totals, self.units)
        by_stratum = self._precision * np.bincount(self.stratum, totals, self.strata)
        levels: Numbers = self._inverse @ (by_stratum + self._attempts.T @ by_unit)
        return levels

    def sums(self, sample: Sample, place: Ints, size: int) -> CellSums:
        """Sum over the attempts inside of cells.

        Parameters
        ----------
        sample
            The population that the model was fitted to.
        place
            Which cell each row is in, -1 for none, shape (rows,).
        size
            Number of cells.
        """
        n, k = sample.n.astype(float), np.bincount(place + 1, sample.k, size + 1)[1:]
        counts = count_cells([place], (self.unit, self.stratum), n, (size, self.units, self.strata))
        return sum_cells([place], [self], n, counts, k[None, :])[0]

    def projections(self, n1: Numbers, by_stratum: Numbers) -> Numbers:
        """Project the indicators of cells on the strata, shape (cells, strata).

        Parameters
        ----------
        n1
            Attempts inside by cell and unit, shape (cells, units).
        by_stratum
            Attempts inside by cell and stratum, shape (cells, strata).
        """
        together = self._precision * by_stratum + n1 @ (self._between[:, None] * self._attempts)
        projected: Numbers = together @ self._inverse
        return projected

    def scores(self, sums: CellSums) -> UnitScores:
        """Compute scores of cells by unit."""
        from memory_pipeline.analysis.stats.score_kernels import combine_scores  # noqa: PLC0415 - takes time

        n1, projection = sums.n1, sums.projection
        score, information, total, moments = combine_scores(
            (n1, sums.left_out1, sums.projected1),
            (
                projection @ self._attempts.T,
                projection @ self._left_out.T,
                (projection**2) @ self._attempts.T,
            ),
            self._of_unit,
            self._precision,
        )
        # The residuals from all units are orthogonal to the strata, so that the projection cancels.
        whole = self._precision * (sums.k - sums.by_stratum @ self._levels)
        whole += n1 @ (self._between * self._residuals.sum(axis=1))
        plain, exact, third = self._without_time(moments)
        has = (plain > _NO_INFORMATION) & (total > _NO_INFORMATION)
        separable = np.divide(total, plain, out=np.zeros(len(total)), where=has).clip(0.0, 1.0)
        total = np.where(has, total, 0.0)
        least = np.maximum(self._scale * total, exact * separable)
        return UnitScores(whole, score, information, total, least, third * separable**1.5, separable)

    @cached_property
    def _of_unit(self) -> Numbers:
        """What `score_kernels.combine_scores` takes of each unit, shape (10, units)."""
        n, k, weight = self._attempts.sum(axis=1), self._hits, self._weight
        some = np.maximum(n, 1)
        variance = np.divide(k * (n - k), n**2 * (n - 1), out=np.zeros(len(n)), where=n > 1)
        skew = np.divide(
            k * (n - k) * (n - 2 * k),
            n**3 * (n - 1) * (n - 2),
            out=np.zeros(len(n)),
            where=n > 2,  # noqa: PLR2004
        )
        linear = weight / some, variance * n, skew * n**2
        square = 1 / some, weight / some**2, variance, -3 * skew * n
        between = self._between, self._between * self._left_out.sum(axis=1)
        return np.array([*between, *linear, *square, 2 * skew])

    def _without_time(self, moments: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Compute information, variance and third moment of the scores without strata, shape (cells,) each.

        The variance is that of a hypergeometric number within each unit (ref. 3) plus the model's between
        units.

        Parameters
        ----------
        moments
            Of `score_kernels.combine_scores`, shape (cells, 9).
        """
        n, a = self._attempts.sum(), self._precision
        total, weighted, linear2, linear3, inverse, weighted2, square2, square3, cube3 = moments.T
        if not self._is_clustered:
            plain = total - total**2 / max(float(n), 1.0)
            return plain, self._scale * plain, np.zeros(len(plain))
        within = a * (total - inverse)
        spread = np.maximum(weighted2 - weighted**2 / max(float(self._weight.sum()), 1e-12), 0.0)
        second, third = linear2 - square2, linear3 + square3 + cube3
        return within + spread, a**2 * second + self._scale * spread, a**3 * third


def count_cells(
    places: Iterable[Ints], keys: tuple[Ints, Ints], n: Numbers, shape: tuple[int, int, int]
) -> tuple[Numbers, Numbers]:
    """Count the attempts inside of cells by unit and by stratum.

    Parameters
    ----------
    places
        One or several divisions of the rows: which cell each row is in, -1 for none, shape (rows,).
    keys
        Unit and stratum of each row, shape (rows,) each.
    n
        Attempts of each row, shape (rows,).
    shape
        Cells, units and strata.

    Returns
    -------
    n1, by_stratum
        Shape (cells, units) and (cells, strata).
    """
    from memory_pipeline.analysis.stats.score_kernels import count_inside  # noqa: PLC0415 - takes time

    size, units, strata = shape
    n1, by_stratum = np.zeros((size, units)), np.zeros((size, strata))
    for place in places:
        count_inside(place.astype(np.int32, copy=False), keys, n, n1, by_stratum)
    return n1, by_stratum


def sum_cells(
    places: Iterable[Ints],
    models: Sequence[NullModel],
    n: Numbers,
    counts: tuple[Numbers, Numbers],
    k: Numbers,
) -> list[CellSums]:
    """Sum over the attempts inside of cells, for several targets of the same rows at once.

    Parameters
    ----------
    places, n
        As in `count_cells`.
    models
        Of the targets; their units and strata are the same.
    counts
        Attempts inside by unit and by stratum, from `count_cells`.
    k
        Attempts with the target by target and cell, shape (models, cells).

    Returns
    -------
    list of CellSums
        In the order of the models.
    """
    from memory_pipeline.analysis.stats.score_kernels import sum_inside  # noqa: PLC0415 - takes time

    one, (n1, by_stratum) = models[0], counts
    projection = np.array([model.projections(n1, by_stratum) for model in models])
    left_out = np.array([model.left_out for model in models])
    left_out1, projected1 = np.zeros((2, len(models), *n1.shape))
    for place in places:
        keys, sums = (one.unit, one.stratum), (left_out1, projected1)
        sum_inside(place.astype(np.int32, copy=False), keys, (n, left_out), projection, sums)
    return [
        CellSums(k[i], n1, left_out1[i], projected1[i], by_stratum, projection[i]) for i in range(len(models))
    ]


def _levels_without(
    attempts: Numbers, residuals: Numbers, between: Numbers, precision: float, information: Numbers
) -> tuple[Ints, Numbers]:
    """Compute how the levels of strata change when one unit is left out, for units with a large share.

    Parameters
    ----------
    attempts, residuals
        By unit and stratum, shape (units, strata).
    between, precision, information
        As in `NullModel`.

    Returns
    -------
    large
        The units, shape (large,).
    change
        Of the levels, shape (large, strata); 0 where a stratum has no attempts of others.
    """
    share = attempts / np.maximum(attempts.sum(axis=0), 1.0)
    large = np.flatnonzero(share.max(axis=1, initial=0.0) > _LARGE_SHARE)
    n, e, d = attempts[large], residuals[large], between[large, None]
    strata = np.eye(attempts.shape[1])
    own = precision * n[:, :, None] * strata + (d * n)[:, :, None] * n[:, None, :]
    left = information - own + _RIDGE * np.trace(information) / len(strata) * strata
    # Without the unit, the residuals of the others are no longer orthogonal to the strata.
    pull = precision * e + d * n * e.sum(axis=1, keepdims=True)
    change: Numbers = -np.linalg.solve(left, pull[:, :, None])[:, :, 0]
    return large, change
