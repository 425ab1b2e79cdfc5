"""Which combinations could be significant at all: the testability floor of exact tests.

The margins of a 2x2 table bound its p-value from below: a combination with four attempts cannot reach
p = 0.001, however they end. Such tables cannot be false findings, so that a Bonferroni correction need
not count them (Tarone); the level is often many times higher than with all that were searched.

References
----------
1. Tarone (1990), A modified Bonferroni method for discrete data, Biometrics 46.
2. Terada, Okada-Hatakeyama, Tsuda and Sese (2013), Statistical significance of combinatorial
   regulations, PNAS 110 (LAMP).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]
    Ints = NDArray[Any]

Alternative = Literal["two-sided", "greater"]


class TaroneLevel(NamedTuple):
    """How many tests have to be paid for, and the level that is left for each."""

    tests: int
    level: float


def minimum_p_values(n: Ints, total: int, hits: int, *, alternative: Alternative = "two-sided") -> Floats:
    """Find the smallest p-value that Fisher's exact test can give to tables with these margins.

    It is that of the most extreme table: all of the cell's attempts end in the target (or as many as
    there are), or none (or as few as can be).

    Parameters
    ----------
    n
        Attempts inside each cell, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all.
    alternative
        `two-sided` doubles the smaller tail, as `significance.fisher_p_values` does; `greater` asks
        only for more of the target than by chance, as LAMP does.

    Returns
    -------
    array
        Shape (cells,), in (0, 1].

    Raises
    ------
    ValueError
        When a cell or the target has more attempts than there are.
    """
    n = np.asarray(n, dtype=np.int64)
    if not 0 <= hits <= total:
        msg = f"hits is {hits}; it must lie between 0 and total, which is {total}"
        raise ValueError(msg)
    if len(n) and not 0 <= n.min() <= n.max() <= total:
        msg = f"n lies between {n.min()} and {n.max()}; it must lie between 0 and total, which is {total}"
        raise ValueError(msg)
    sizes, place = np.unique(n, return_inverse=True)  # many cells share a size
    most = stats.hypergeom.pmf(np.minimum(sizes, hits), total, hits, sizes)
    if alternative == "greater":
        return np.asarray(most[place])
    fewest = stats.hypergeom.pmf(np.maximum(sizes - (total - hits), 0), total, hits, sizes)
    return np.asarray(np.minimum(2 * np.minimum(most, fewest), 1.0)[place])


def tarone_level(
    n: Ints, total: int, hits: int, alpha: float = 0.05, *, alternative: Alternative = "two-sided"
) -> TaroneLevel:
    """Find Tarone's level: family-wise error at most `alpha` over all cells, testable or not.

    `tests` is the smallest K such that at most K cells can reach `alpha / K`; the level is `alpha / K`.
    A cell whose minimum p-value is above it needs no test. Cells that cover the same attempts should be
    given once.

    Parameters
    ----------
    n
        Attempts inside each cell searched, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all.
    alpha
        Family-wise error rate.
    alternative
        As in `minimum_p_values`.

    Raises
    ------
    ValueError
        As in `minimum_p_values`, and when `alpha` does not lie between 0 and 1.

    Examples
    --------
    Of three cells of 20 attempts (10 with the target), the one with two attempts cannot be significant:

    >>> tarone_level([2, 8, 9], 20, 10)
    TaroneLevel(tests=2, level=0.025)
    """
    if not 0 < alpha < 1:
        msg = f"alpha is {alpha}; it must lie between 0 and 1"
        raise ValueError(msg)
    least = np.sort(minimum_p_values(n, total, hits, alternative=alternative))
    if len(least) == 0:
        return TaroneLevel(1, alpha)
    # At most K cells reach alpha / K where the one after them does not.
    tests = np.arange(1, len(least) + 1)
    following = np.append(least[1:], np.inf)
    enough = int(tests[np.argmax(following > alpha / tests)])
    return TaroneLevel(enough, alpha / enough)
