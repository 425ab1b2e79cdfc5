"""How alike are the outcomes of one unit (intraclass correlation of grouped binomial counts)?

References
----------
1. Ridout, Demetrio and Firth (1999), Estimating intraclass correlation for binary data, Biometrics 55;
   Kleinman (1973), Proportions with extraneous variance, JASA 68.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Ints, Numbers


_LARGEST_CORRELATION = 0.99
_KLEINMAN_STEPS = 5


@dataclass(frozen=True)
class Sample:
    """Collapsed rows of one population: attempts, successes of the target, and the unit of each row.

    Attributes
    ----------
    n, k
        Attempts and attempts with the target, shape (rows,).
    unit
        Code of the evidence unit, shape (rows,), from 0; None where every attempt is an independent
        observation.
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
        """Return the sample of the rows in a mask of shape (rows,)."""
        return Sample(self.n[mask], self.k[mask], None if self.unit is None else self.unit[mask])

    def intraclass_correlation(self) -> float:
        """Estimate the intraclass correlation, in [0, 1].

        The larger of two estimates (ref. 1): that of the one-way analysis of variance, in which units are
        weighted by their attempts, and Kleinman's moments, in which they are weighted by the inverse
        variance of their rates. With a few very large units the first depends on little more than these. 0
        without units, 1 where there is one unit or no unit has two attempts.
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


def _kleinman_correlation(n: Numbers, rates: Numbers, icc: float) -> float:
    """Estimate the intraclass correlation by Kleinman's moments, from units with attempts (ref. 1)."""
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
class UnitTotals:
    """Attempts, and attempts with the target, of each unit of a population, shape (units,)."""

    n: Numbers
    k: Numbers

    @classmethod
    def of(cls, sample: Sample) -> UnitTotals:
        """Sum the rows of a sample that has units."""
        assert sample.unit is not None  # noqa: S101 - asked for only where there are units
        return cls(np.bincount(sample.unit, weights=sample.n), np.bincount(sample.unit, weights=sample.k))

    def weighted(self, icc: float) -> tuple[Numbers, Numbers, Numbers]:
        """Compute the weights of units under an intraclass correlation.

        Returns
        -------
        weight, rate, residual
            By unit, shape (units,): `n / (1 + (n - 1) icc)`; its rate; and its rate less the weighted mean
            of all. All are 0 for a unit without attempts.
        """
        tried = self.n > 0
        weight = np.where(tried, self.n / (1 + np.maximum(self.n - 1, 0) * icc), 0.0)
        rate = np.divide(self.k, self.n, out=np.zeros(len(self.n)), where=tried)
        mean = float((weight * rate).sum()) / max(float(weight.sum()), 1e-12)
        return weight, rate, np.where(tried, rate - mean, 0.0)
