"""What does a pattern add to the patterns that were kept before it (partial regression)?

References
----------
1. Frisch and Waugh (1933), Partial time regressions as compared with individual trends, Econometrica 1;
   Lovell (1963), Seasonal adjustment of economic time series, JASA 58.
2. Fuller and Battese (1973), Transformations for estimation of linear models with nested-error structure,
   JASA 68.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.stats.clustered_tests import jackknife_variance
from memory_pipeline.analysis.stats.unit_scores import LARGEST_CORRELATION, NullModel

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Mask
    from memory_pipeline.analysis.stats.grouped_sample import Sample


@dataclass(frozen=True)
class PartialEffect:
    """The effect of a combination given the kept ones.

    Attributes
    ----------
    indicator
        Residual of the combination's indicator on the kept ones, shape (rows,).
    effect, p_value
        Its coefficient, and the two-sided p-value of that.
    outcome
        Residual of the outcome on the kept ones and this combination, shape (rows,).
    """

    indicator: Floats
    effect: float
    outcome: Floats
    p_value: float


class PartialRegression:
    """A least-squares fit of the outcome on the combinations that were kept so far (ref. 1).

    The level of each stratum of time is subtracted, rows are weighted by attempts, and a part of their unit's
    mean is subtracted, which turns generalised into ordinary least squares (ref. 2).

    Parameters
    ----------
    sample
        The population.
    icc
        Intraclass correlation of the target within units.
    """

    def __init__(self, sample: Sample, icc: float) -> None:
        self._is_clustered = sample.unit is not None
        self._unit = sample.unit if sample.unit is not None else np.arange(len(sample.n))
        self._n = sample.n.astype(float)
        self._sizes = np.bincount(self._unit, weights=self._n)
        self._icc = min(icc, LARGEST_CORRELATION) if self._is_clustered else 0.0
        self._noise = sample.rate * (1 - sample.rate)
        self._null = NullModel.fit(sample, icc)
        self._basis = np.zeros((len(sample.n), 0))  # orthonormal
        self._residual = self._transformed(sample.k / self._n)

    def _transformed(self, values: Floats) -> Floats:
        """Subtract the level of each stratum of time and a part of each unit's mean, and weight."""
        centred = values - self._null.levels(values * self._n)[self._null.stratum]
        if self._icc > 0:
            means = np.bincount(self._unit, weights=centred * self._n) / np.maximum(self._sizes, 1)
            share = 1 - np.sqrt((1 - self._icc) / (1 - self._icc + self._sizes * self._icc))
            centred = centred - (share * means)[self._unit]
        scaled: Floats = np.sqrt(self._n / (1 - self._icc)) * centred
        return scaled

    def effect_of(self, inside: Mask, degrees: float) -> PartialEffect | None:
        """Estimate the effect of a combination given the kept ones.

        Its variance is that of `stats.clustered_tests`.

        Parameters
        ----------
        inside
            Which rows the combination covers, shape (rows,).
        degrees
            Most degrees of freedom of the t reference distribution.

        Returns
        -------
        PartialEffect or None
            None where less than a thousandth of the indicator's sum of squares is left: the combination is
            nearly a linear combination of the kept ones.
        """
        whole = self._transformed(inside.astype(float))
        indicator = whole - self._basis @ (self._basis.T @ whole)
        size = float(indicator @ indicator)
        if size <= 1e-3 * float(whole @ whole):
            return None
        effect = float(indicator @ self._residual) / size
        variance = self._noise * size
        if self._is_clustered:
            score, information = (
                np.bincount(self._unit, weights=indicator * one)[None, :]
                for one in (self._residual, indicator)
            )
            robust, own = jackknife_variance(score, information, np.array([effect]))
            variance, degrees = max(float(robust[0]), variance), min(float(own[0]), degrees)
        p_value = float(2 * stats.t.sf(abs(effect) * size / np.sqrt(variance), degrees))
        return PartialEffect(indicator, effect, self._residual - effect * indicator, p_value)

    def add(self, one: PartialEffect) -> None:
        """Add a combination to the kept ones."""
        self._basis = np.column_stack([self._basis, one.indicator / np.linalg.norm(one.indicator)])
        self._residual = one.outcome
