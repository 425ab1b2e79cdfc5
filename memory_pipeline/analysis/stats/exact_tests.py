"""Is the difference between two rates more than chance, by exact tests of 2x2 tables?

Fisher's exact test for many tables at once, the pooled z-test that screens before it, and the exact test of
one table per unit, in which attempts are independent given their unit.

References
----------
1. Fisher (1935), The logic of inductive inference, Journal of the Royal Statistical Society 98.
2. Mehta, Patel and Gray (1985), Computing an exact confidence interval for the common odds ratio in several
   2 x 2 contingency tables, JASA 80 (the distribution of the sum over tables).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Ints, Numbers


_TIES = 1e-7
"""Relative difference below which two tables are as likely as each other."""


def pooled_z_p_values(n: Ints, k: Ints, total: Ints | int, hits: Ints | int) -> Numbers:
    """Compute two-sided p-values of the pooled z-test, which treats all attempts as independent.

    The p-values of a search are never below those of Fisher's exact test, which treats attempts as
    independent too; so what is far from significant here is not significant there.

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, inside each cell, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all: of each cell, shape (cells,), or one number of all.
    """
    rest = total - n
    rate = hits / total
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = k / n - (hits - k) / rest
        spread = np.sqrt(rate * (1 - rate) * (1 / n + 1 / rest))
        z = np.where((n > 0) & (rest > 0) & (spread > 0), difference / spread, 0.0)
    p_values: Numbers = 2 * stats.norm.sf(np.abs(z))
    return p_values


def fisher_p_values(
    n: Ints, k: Ints, total: int, hits: int, *, method: Literal["double", "less likely"] = "double"
) -> Numbers:
    """Compute two-sided p-values of Fisher's exact test (ref. 1).

    Each tail is summed from the observed table outwards by the ratio of neighbouring hypergeometric
    terms, for all tables at once.

    Parameters
    ----------
    n, k
        Attempts, and attempts with the target, inside each cell, shape (cells,).
    total, hits
        Attempts, and attempts with the target, over all.
    method
        `double`: twice the smaller tail. `less likely`: the sum over all tables that are at most as likely as
        the observed one, as `scipy.stats.fisher_exact` and most published tables have it.
    """
    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    # Mirror tables below the mean, so that every tail goes upwards: k of n counts the misses instead.
    low = k * total < n * hits
    k, marked = np.where(low, n - k, k), np.where(low, total - hits, float(hits))
    own = np.exp(_log_terms(n, k, total, marked))
    tail = _relative_tails(n, k, total, marked)
    if method == "double":
        doubled: Numbers = np.minimum(2 * own * tail, 1.0)
        return doubled
    # The other tail begins at the largest number below the mean that is at most as likely.
    least = np.maximum(n + marked - total, 0)
    below, above = least - 1, np.floor((n + 1) * (marked + 1) / (total + 2))
    limit = _log_terms(n, k, total, marked) + _TIES
    while (above - below > 1).any():
        middle = np.floor((below + above) / 2)
        is_less = _log_terms(n, np.maximum(middle, least), total, marked) <= limit
        below, above = np.where(is_less, middle, below), np.where(is_less, above, middle)
        above = np.maximum(above, below + 1)
    has = below >= least
    start = np.where(has, below, least)
    # Mirrored, the tail below `start` misses is one upwards.
    rest = total - marked
    other = np.exp(_log_terms(n, start, total, marked)) * _relative_tails(n, n - start, total, rest)
    p_values: Numbers = np.minimum(own * tail + np.where(has, other, 0.0), 1.0)
    return p_values


def _log_terms(n: Numbers, k: Numbers, total: int, marked: Numbers) -> Numbers:
    """Compute logarithms of hypergeometric probabilities, shape (cells,)."""
    whole = np.full(len(n), float(total))
    value: Numbers = _log_choose(marked, k) + _log_choose(total - marked, n - k) - _log_choose(whole, n)
    return value


def _relative_tails(n: Numbers, k: Numbers, total: int, marked: Numbers) -> Numbers:
    """Sum hypergeometric probabilities from k upwards, as a multiple of that of k, shape (cells,)."""
    term, tail, step = np.ones(len(n)), np.ones(len(n)), 0.0
    while (term > np.finfo(float).eps * tail).any():
        at = k + step
        term *= np.maximum((n - at) * (marked - at), 0) / ((at + 1) * (total - marked - n + at + 1))
        tail += term
        step += 1
    return tail


def stratified_p_value(total: Ints, hits: Ints, drawn: Ints, observed: int) -> float:
    """Compute the p-value of the exact test of several 2x2 tables, two-sided by doubling the smaller tail.

    The sum over tables of hits inside is compared with its distribution given the margins of each table:
    that of a sum of hypergeometric numbers (ref. 2).

    Parameters
    ----------
    total, hits, drawn
        Attempts, attempts with the target, and attempts inside of each table, shape (tables,).
    observed
        Attempts inside with the target, over all tables.
    """
    from memory_pipeline.analysis.stats.exact_kernels import sum_of_hypergeometrics  # noqa: PLC0415 - takes time

    low = np.maximum(drawn + hits - total, 0)
    tables = [np.asarray(one, dtype=np.int64) for one in (total, hits, drawn)]
    log_factorials = special.gammaln(np.arange(int(total.max(initial=0)) + 1) + 1.0)
    chance = sum_of_hypergeometrics(*tables, log_factorials)
    place = int(observed - low.sum())
    return float(min(2 * min(chance[place:].sum(), chance[: place + 1].sum()), 1.0))


def _log_choose(n: Numbers, k: Numbers) -> Numbers:
    value: Numbers = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return value
