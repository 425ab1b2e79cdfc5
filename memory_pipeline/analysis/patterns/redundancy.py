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

    Rows are weighted by attempts, and a part of their unit's mean is subtracted, which turns generalised
    into ordinary least squares (ref. 2).

    Parameters
    ----------
    sample
        The population.
    icc
        Intraclass correlation of the target within units.
    """

    def __init__(self, sample: Sample, icc: float) -> None:
        self._unit = sample.unit if sample.unit is not None else np.arange(len(sample.n))
        self._n = sample.n.astype(float)
        self._sizes = np.bincount(self._unit, weights=self._n)
        self._icc = min(icc, 0.99) if sample.unit is not None else 0.0
        self._noise = sample.rate * (1 - sample.rate)
        constant = self._transformed(np.ones(len(sample.n)))
        self._basis = (constant / np.linalg.norm(constant))[:, None]  # orthonormal
        outcome = self._transformed(sample.k / self._n)
        self._residual = outcome - self._basis @ (self._basis.T @ outcome)

    def _transformed(self, values: Floats) -> Floats:
        centred = values
        if self._icc > 0:
            means = np.bincount(self._unit, weights=values * self._n) / np.maximum(self._sizes, 1)
            share = 1 - np.sqrt((1 - self._icc) / (1 - self._icc + self._sizes * self._icc))
            centred = values - (share * means)[self._unit]
        scaled: Floats = np.sqrt(self._n / (1 - self._icc)) * centred
        return scaled

    def effect_of(self, inside: Mask, degrees: float) -> PartialEffect | None:
        """Estimate the effect of a combination given the kept ones.

        Parameters
        ----------
        inside
            Which rows the combination covers, shape (rows,).
        degrees
            Degrees of freedom of the t reference distribution.

        Returns
        -------
        PartialEffect or None
            None where less than a thousandth of the indicator's sum of squares is left: the combination is
            nearly a linear combination of the kept ones.
        """
        whole = self._transformed(inside.astype(float))
        indicator = whole - self._basis @ (self._basis.T @ whole)
        size = float(indicator @ indicator)
        if size < 1e-3 * float(whole @ whole):
            return None
        effect = float(indicator @ self._residual) / size
        outcome = self._residual - effect * indicator
        variance = float((np.bincount(self._unit, weights=indicator * outcome) ** 2).sum()) / size**2
        variance = max(variance, self._noise / size)
        p_value = float(2 * stats.t.sf(abs(effect) / np.sqrt(variance), degrees))
        return PartialEffect(indicator, effect, outcome, p_value)

    def add(self, one: PartialEffect) -> None:
        """Add a combination to the kept ones."""
        self._basis = np.column_stack([self._basis, one.indicator / np.linalg.norm(one.indicator)])
        self._residual = one.outcome
