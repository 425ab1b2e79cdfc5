"""How large does the largest of many statistics get by chance (wild bootstrap by units)?

A draw from the null distribution gives the score of each unit (`stats.unit_scores`) a random sign, one for
all cells, and divides the sums by the standard error that these scores have: the wild bootstrap of scores,
by units, with studentised statistics (refs. 1 and 2). Whatever makes attempts of a unit go together stays
as it is; with more than 512 units, random groups of them get one sign.

Only p-values above 0.1 are counted from the draws. Smaller ones are extrapolated: a normal tail with the
effective number of independent tests that fits the draws at 0.1 (ref. 4). So a small family-wise p-value is
always an approximation; how well it holds was measured (`benchmarks/error_rates.py`).

References
----------
1. Kline and Santos (2012), A score based approach to wild bootstrap inference, Journal of Econometric
   Methods 1.
2. Cameron, Gelbach and Miller (2008), Bootstrap-based improvements for inference with clustered errors,
   Review of Economics and Statistics 90; MacKinnon, Nielsen and Webb (2023), Fast and reliable jackknife and
   bootstrap methods for cluster-robust inference, Journal of Applied Econometrics 38 (scores with each
   cluster left out).
3. Wallace (1959), Bounds on normal approximations to Student's and the chi-square distributions,
   Annals of Mathematical Statistics 30.
4. Dudbridge and Gusnanto (2008), Estimation of significance thresholds for genomewide association
   scans, Genetic Epidemiology 32 (the effective number of independent tests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.stats.clustered_tests import MOST_LEVERAGE

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Ints, Mask, Numbers
    from memory_pipeline.analysis.stats.unit_scores import UnitScores


_COUNTED_ABOVE = 0.1
"""Family-wise p-values above this are counted from the draws; smaller ones are extrapolated."""
_MOST_GROUPS = 512
"""Up to this many units get a random sign each; of more, random groups of them do."""
_AT_ONCE = 256


def normal_scores(t: Numbers, degrees: Numbers) -> Numbers:
    """Transform t statistics to normal deviates of nearly the same two-sided p-value (ref. 3)."""
    scores: Numbers = (8 * degrees + 1) / (8 * degrees + 3) * np.sqrt(degrees * np.log1p(t * t / degrees))
    return scores


def family_wise_p_values(score: Numbers, null_maxima: Numbers) -> Numbers:
    """Compute the probability that the largest score without effects reaches a score, shape (scores,).

    Counted from the draws where it is above 0.1. Below, that of the smallest of m independent p-values,
    with m such that it is 0.1 at the draws' quantile of 0.9 (ref. 4).

    Parameters
    ----------
    score
        Normal deviates, shape (scores,).
    null_maxima
        The largest score of each draw, shape (draws,), ascending.
    """
    draws = len(null_maxima)
    reached = draws - np.searchsorted(null_maxima, score, side="left")
    counted = (1 + reached) / (draws + 1)
    # In logarithms, since the p-value of a large score would be rounded to zero.
    alone = np.log(2) + stats.norm.logsf(np.append(score, np.quantile(null_maxima, 1 - _COUNTED_ABOVE)))
    tests = np.log(-np.log1p(-_COUNTED_ABOVE)) - alone[-1]  # logarithm of the effective number
    tail = -np.expm1(-np.exp(np.minimum(tests + alone[:-1], 0.0)))
    return np.where(counted > _COUNTED_ABOVE, counted, np.minimum(tail, _COUNTED_ABOVE))


def random_groups(sizes: Numbers, most: int) -> Ints:
    """Assign units to at most `most` random groups, a quarter of which have one of the largest units each."""
    if len(sizes) <= most:
        return np.arange(len(sizes))
    alone = most // 4
    group = np.random.default_rng(2).integers(alone, most, len(sizes))
    group[np.argsort(-sizes, kind="stable")[:alone]] = np.arange(alone)
    used: Ints = np.unique(group, return_inverse=True)[1]
    return used


class SignDraws:
    """The draws without effects, and the largest normal score of each so far (`maxima`, shape (draws,)).

    Parameters
    ----------
    sizes
        Attempts of each unit, shape (units,).
    draws, seed
        Number of draws, and their seed.
    """

    def __init__(self, sizes: Numbers, draws: int, seed: int) -> None:
        self.maxima = np.zeros(draws)
        self.units = len(sizes)
        self._starts: Ints | None = None
        number = len(sizes)
        if number > _MOST_GROUPS:
            group = random_groups(sizes, _MOST_GROUPS)
            self._order = np.argsort(group, kind="stable")
            self._starts = np.searchsorted(group[self._order], np.arange(int(group.max()) + 1))
            number = len(self._starts)
        signs = np.random.default_rng(seed).integers(0, 2, (number, draws), dtype=np.int8)
        self._signs = (2 * signs - 1).astype(np.float32)

    def update(self, scores: UnitScores, degrees: Numbers, eligible: Mask, min_effect: float) -> None:
        """Test some cells in every draw.

        Parameters
        ----------
        scores
            Of the cells; all units that the draws were made for.
        degrees, eligible
            Degrees of freedom of each cell, and whether it can be a finding, shape (cells,).
        min_effect
            Least absolute effect of a finding.
        """
        from memory_pipeline.analysis.stats.score_kernels import (  # noqa: PLC0415 - takes time
            raise_maxima,
            weigh_scores,
        )

        chosen = np.flatnonzero(eligible)
        for low in range(0, len(chosen), _AT_ONCE):
            some = chosen[low : low + _AT_ONCE]
            score, information, total = scores.score[some], scores.information[some], scores.total[some]
            cross, squares = weigh_scores(score, information, total, MOST_LEVERAGE)
            of_cell = np.array([total, *squares, scores.least_variance[some], degrees[some]])
            raise_maxima(self._draw(score), self._draw(cross), of_cell, min_effect, self.maxima)

    def _draw(self, values: Numbers) -> Numbers:
        """Sum values over units with the signs of each draw, shape (cells, draws)."""
        if self._starts is not None:
            values = np.add.reduceat(values[:, self._order], self._starts, axis=1)
        drawn: Numbers = values.astype(np.float32) @ self._signs
        return drawn
