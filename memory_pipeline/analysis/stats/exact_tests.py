"""Is the difference between two rates more than chance, if all attempts are independent?

Fisher's exact test for many 2x2 tables at once, the pooled z-test that screens before it, and the moments
of the hypergeometric distribution.

References
----------
1. Fisher (1935), The logic of inductive inference, Journal of the Royal Statistical Society 98.
2. Johnson, Kotz and Kemp (1992), Univariate discrete distributions, 2nd edition, section 6.3 (moments).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Ints, Numbers


def pooled_z_p_values(n: Ints, k: Ints, total: int, hits: int) -> Numbers:
    """Compute two-sided p-values of the pooled z-test, which treats all attempts as independent.

    The p-values of a search are never below those of Fisher's exact test, which treats attempts as
    independent too; so what is far from significant here is not significant there.

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, inside each cell, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all.
    """
    rest = total - n
    rate = hits / total
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = k / n - (hits - k) / rest
        spread = np.sqrt(rate * (1 - rate) * (1 / n + 1 / rest))
        z = np.where((n > 0) & (rest > 0) & (spread > 0), difference / spread, 0.0)
    p_values: Numbers = 2 * stats.norm.sf(np.abs(z))
    return p_values


def hypergeometric_moments(total: Numbers, hits: Numbers, drawn: Numbers) -> tuple[Numbers, Numbers]:
    """Compute the second and third central moments of hypergeometric counts (ref. 2).

    Parameters
    ----------
    total, hits, drawn
        Size of each population, how many of it are hits, and how many are drawn, shape (populations,).

    Returns
    -------
    second, third
        Central moments of the hits among those drawn, shape (populations,).
    """
    product = drawn * hits * (total - hits) * (total - drawn)
    scale = total**2 * (total - 1)
    second = np.divide(product, scale, out=np.zeros(len(total)), where=scale > 0)
    product *= (total - 2 * hits) * (total - 2 * drawn)
    scale *= total * (total - 2)
    third = np.divide(product, scale, out=np.zeros(len(total)), where=scale > 0)
    return second, third


def fisher_p_values(n: Ints, k: Ints, total: int, hits: int) -> Numbers:
    """Compute p-values of Fisher's exact test (ref. 1), two-sided by doubling the smaller tail.

    Each tail is summed from the observed table outwards by the ratio of neighbouring hypergeometric
    terms, for all tables at once.

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, inside each cell, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all.
    """
    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    # Mirror tables below the mean, so that every tail goes upwards: k of n counts the misses instead.
    low = k * total < n * hits
    k, marked = np.where(low, n - k, k), np.where(low, total - hits, float(hits))
    rest = total - marked
    log_term = (
        _log_choose(marked, k) + _log_choose(rest, n - k) - _log_choose(np.full(len(n), float(total)), n)
    )
    term, tail, step = np.ones(len(n)), np.ones(len(n)), 0.0
    while (term > np.finfo(float).eps * tail).any():
        at = k + step
        term *= np.maximum((n - at) * (marked - at), 0) / ((at + 1) * (rest - n + at + 1))
        tail += term
        step += 1
    p_values: Numbers = np.minimum(2 * np.exp(log_term) * tail, 1.0)
    return p_values


def _log_choose(n: Numbers, k: Numbers) -> Numbers:
    value: Numbers = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return value
