"""How alike are the outcomes of one unit (intraclass correlation of grouped binomial counts)?

References
----------
1. Ridout, Demetrio and Firth (1999), Estimating intraclass correlation for binary data, Biometrics 55;
   Kleinman (1973), Proportions with extraneous variance, JASA 68.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Ints, Numbers


_KLEINMAN_STEPS = 5
_MOST_STRATA = 24
_LEAST_IN_STRATUM = 100


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
    period
        Code of the period, shape (rows,), ascending with time; None where the time is not known.
    source
        Code of the source of the evidence, shape (rows,), from 0; None where there is one source.
    """

    n: Ints
    k: Ints
    unit: Ints | None
    period: Ints | None = None
    source: Ints | None = None

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
        rest = (None if one is None else one[mask] for one in (self.unit, self.period, self.source))
        return Sample(self.n[mask], self.k[mask], *rest)

    def strata(self) -> Ints:
        """Divide the history into strata of time, shape (rows,), from 0 without gaps.

        Neighbouring periods are put together so that there are at most 24 strata, of about 100 attempts or
        more each. One stratum where the time is not known. Sources are apart, each with strata of its own:
        they differ in how often attempts succeed and in what they record, so that a condition that is met at
        one of them would otherwise show the difference between them.
        """
        if self.source is not None:
            return self._strata_by_source(self.source)
        if self.period is None:
            return np.zeros(len(self.n), dtype=np.int64)
        attempts = np.bincount(self.period, weights=self.n)
        number = int(np.clip(self.total // _LEAST_IN_STRATUM, 1, _MOST_STRATA))
        middle = np.cumsum(attempts) - attempts / 2
        stratum = np.floor(middle / max(self.total, 1) * number).astype(np.int64)
        used = np.zeros(number + 1, dtype=bool)
        used[stratum[np.bincount(self.period) > 0]] = True
        found: Ints = (np.cumsum(used) - 1)[stratum][self.period]
        return found

    def _strata_by_source(self, source: Ints) -> Ints:
        found, used = np.zeros(len(self.n), dtype=np.int64), 0
        for one in np.unique(source):
            rows = source == one
            strata = replace(self.part(rows), source=None).strata()
            found[rows] = used + strata
            used += int(strata.max()) + 1
        return found

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
