"""Fisher's exact test for many tables at once, and the pooled z-test that screens before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Ints, Numbers


def unit_blind_p_values(n: Ints, k: Ints, total: int, hits: int) -> Numbers:
    """Two-sided p-values of the pooled z test that takes every attempt for a witness.

    The full test is never more certain than Fisher's exact test, which takes every attempt for a
    witness too; so what this cheap form does not find by far, the full test does not find either.
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
    """Second and third central moments of the hits among so many drawn from each unit."""
    product = drawn * hits * (total - hits) * (total - drawn)
    scale = total**2 * (total - 1)
    second = np.divide(product, scale, out=np.zeros(len(total)), where=scale > 0)
    product *= (total - 2 * hits) * (total - 2 * drawn)
    scale *= total * (total - 2)
    third = np.divide(product, scale, out=np.zeros(len(total)), where=scale > 0)
    return second, third


def fisher_p_values(n: Ints, k: Ints, total: int, hits: int) -> Numbers:
    """Fisher's exact test of many tables with common margins, two-sided by doubling the smaller tail.

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
