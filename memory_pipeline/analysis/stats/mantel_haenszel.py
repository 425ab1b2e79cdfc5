"""What is a risk difference within strata, pooled over all strata?

References
----------
1. Mantel and Haenszel (1959), Statistical aspects of the analysis of data from retrospective studies of
   disease, JNCI 22; the risk difference is that of Greenland and Robins (1985), Estimation of a common effect
   parameter from sparse follow-up data, Biometrics 41.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints, Mask, Numbers


@dataclass(frozen=True)
class StratifiedCounts:
    """Attempts inside and outside, stratum by stratum, as floats; what is left out is subtracted.

    Attributes
    ----------
    n1, k1
        Attempts inside, and those with the target, shape (strata,).
    n0, k0
        The same of the others.
    """

    n1: Floats
    k1: Floats
    n0: Floats
    k0: Floats

    @classmethod
    def of(cls, n: Numbers, k: Numbers, inside: Mask, strata: Ints, size: int) -> StratifiedCounts:
        """Add up rows by stratum.

        Parameters
        ----------
        n, k
            Attempts, and attempts with the target, of each row, shape (rows,).
        inside
            Which rows are compared with the others of their stratum, shape (rows,).
        strata
            Stratum of each row, from 0 to `size - 1`, shape (rows,).
        """
        own = strata[inside]
        n1, k1 = (np.bincount(own, values[inside], size).astype(float) for values in (n, k))
        n_all, k_all = (np.bincount(strata, values, size).astype(float) for values in (n, k))
        return cls(n1, k1, n_all - n1, k_all - k1)

    def __sub__(self, other: StratifiedCounts) -> StratifiedCounts:
        return StratifiedCounts(
            self.n1 - other.n1, self.k1 - other.k1, self.n0 - other.n0, self.k0 - other.k0
        )

    @property
    def overlap(self) -> float:
        """Share of the attempts inside that lie in strata with attempts on both sides."""
        return float(self.n1[self.n0 > 0].sum() / max(self.n1.sum(), 1))


def risk_difference(counts: StratifiedCounts) -> float:
    """Compute the Mantel-Haenszel risk difference (ref. 1); not a number where no stratum has both sides.

    The mean over strata of `k1 / n1 - k0 / n0`, weighted by `n1 n0 / (n1 + n0)`.
    """
    both = (counts.n1 > 0) & (counts.n0 > 0)
    if not both.any():
        return float("nan")
    n1, k1, n0, k0 = counts.n1[both], counts.k1[both], counts.n0[both], counts.k0[both]
    weight = n1 * n0 / (n1 + n0)
    return float((weight * (k1 / n1 - k0 / n0)).sum() / weight.sum())


def leave_one_out_differences(hits: Floats, inside: Mask, strata: Ints, unit: Ints) -> tuple[float, Floats]:
    """Compute the Mantel-Haenszel risk difference (ref. 1), and that without each unit in turn.

    Parameters
    ----------
    hits
        1 with the target, else 0, shape (rows,).
    inside
        Which rows are compared with the others of their stratum, shape (rows,).
    strata, unit
        Stratum and unit of each row, from 0, shape (rows,).

    Returns
    -------
    whole, without
        The second has shape (units,); not a number where no stratum has both sides.
    """
    size, units = int(strata.max(initial=0)) + 1, int(unit.max(initial=0)) + 1
    key = unit * size + strata
    whole = StratifiedCounts.of(np.ones(len(hits)), hits, inside, strata, size)
    own = StratifiedCounts.of(np.ones(len(hits)), hits, inside, key, units * size)
    n1, k1, n0, k0 = (
        all_units - of_unit.reshape(units, size)
        for all_units, of_unit in (
            (whole.n1, own.n1),
            (whole.k1, own.k1),
            (whole.n0, own.n0),
            (whole.k0, own.k0),
        )
    )
    both = (n1 > 0) & (n0 > 0)
    weight = np.where(both, n1 * n0 / np.maximum(n1 + n0, 1.0), 0.0)
    total = weight.sum(axis=1)
    pooled = (weight * (k1 / np.maximum(n1, 1.0) - k0 / np.maximum(n0, 1.0))).sum(axis=1)
    without = np.divide(pooled, total, out=np.full(units, np.nan), where=total > 0)
    return risk_difference(whole), without
