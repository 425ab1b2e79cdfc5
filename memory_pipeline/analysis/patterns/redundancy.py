"""What a pattern says beside the patterns that were kept before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Mask
    from memory_pipeline.analysis.stats.grouped_sample import Sample


@dataclass(frozen=True)
class _Remainder:
    """What is left of a combination beside the kept ones, and of the outcome beside that."""

    own: Floats
    effect: float
    residual: Floats
    p_value: float


class _Beside:
    """What was kept so far, as columns of a least-squares fit of the outcome.

    Rows are weighted by attempts and lessened by a part of their unit's mean, which turns generalised
    into ordinary least squares (Fuller and Battese 1973, JASA 68).
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
        lessened = values
        if self._icc > 0:
            means = np.bincount(self._unit, weights=values * self._n) / np.maximum(self._sizes, 1)
            share = 1 - np.sqrt((1 - self._icc) / (1 - self._icc + self._sizes * self._icc))
            lessened = values - (share * means)[self._unit]
        scaled: Floats = np.sqrt(self._n / (1 - self._icc)) * lessened
        return scaled

    def remainder(self, inside: Mask, degrees: float) -> _Remainder | None:
        """Take out of a combination what the kept ones say already; None where nothing is left."""
        indicator = self._transformed(inside.astype(float))
        own = indicator - self._basis @ (self._basis.T @ indicator)
        size = float(own @ own)
        if size < 1e-3 * float(indicator @ indicator):
            return None
        effect = float(own @ self._residual) / size
        left = self._residual - effect * own
        variance = float((np.bincount(self._unit, weights=own * left) ** 2).sum()) / size**2
        variance = max(variance, self._noise / size)
        p_value = float(2 * stats.t.sf(abs(effect) / np.sqrt(variance), degrees))
        return _Remainder(own, effect, left, p_value)

    def keep(self, remainder: _Remainder) -> None:
        """Count a combination among the kept ones."""
        own = remainder.own / np.linalg.norm(remainder.own)
        self._basis = np.column_stack([self._basis, own])
        self._residual = remainder.residual
