"""What is a risk difference within strata, pooled over all strata?

References
----------
1. Mantel and Haenszel (1959), Statistical aspects of the analysis of data from retrospective studies of
   disease, JNCI 22; the risk difference is that of Greenland and Robins (1985), Estimation of a common effect
   parameter from sparse follow-up data, Biometrics 41.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats, Ints, Mask


def mantel_haenszel(n: Ints, k: Ints, inside: Mask, strata: Ints) -> tuple[float, float]:
    """Compute the Mantel-Haenszel risk difference over strata (ref. 1).

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, of each row, shape (rows,).
    inside
        Which rows are compared with the others of their stratum, shape (rows,).
    strata
        Stratum of each row, from 0, shape (rows,).

    Returns
    -------
    difference, overlap
        The difference, 0 where no stratum has both sides; and the share of the attempts inside that lie
        in strata with both.
    """
    size = int(strata.max()) + 1 if len(strata) else 0
    n1, k1, n_all, k_all = (
        np.bincount(strata, weights=values, minlength=size) for values in (n * inside, k * inside, n, k)
    )
    n0, k0 = n_all - n1, k_all - k1
    both = (n1 > 0) & (n0 > 0)
    if not both.any():
        return 0.0, 0.0
    n1, k1, n0, k0, whole = n1[both], k1[both], n0[both], k0[both], n_all[both]
    weight = n1 * n0 / whole
    difference = float((weight * (k1 / n1 - k0 / n0)).sum() / weight.sum())
    return difference, float(n1.sum() / max((n * inside).sum(), 1))


def stratum_sums(
    treated: NDArray[np.bool_], wins: Floats, stratum: NDArray[np.int64], size: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Count per stratum the attempts of both sides, then their successes, shape (size,) each."""
    parts = (treated * 1.0, ~treated * 1.0, treated * wins, ~treated * wins)
    n1, n0, a, b = (np.asarray(np.bincount(stratum, part, size), dtype=float) for part in parts)
    return n1, n0, a, b


def pooled_difference(n1: Floats, n0: Floats, a: Floats, b: Floats) -> float:
    """Compute the Mantel-Haenszel risk difference of strata (ref. 1); NaN where no stratum has both sides."""
    total = np.maximum(n1 + n0, 1)
    weight = float(np.sum(n1 * n0 / total))
    return float(np.sum((a * n0 - b * n1) / total) / weight) if weight > 0 else float("nan")
