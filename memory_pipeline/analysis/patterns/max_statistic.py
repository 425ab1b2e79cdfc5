"""How large does the largest statistic of a whole search get by chance (Westfall-Young max-T)?

A draw from the null distribution keeps which attempts of which unit meet which conditions, and makes their
outcomes unrelated to the conditions: the residual rates of the units, each standardised by the standard
deviation of a unit of its size, are permuted among the units, and the part within a unit is multiplied by a
standard normal number (with more than 512 units, the terms of whole groups of units are). The family-wise
p-value of a statistic is the share of draws whose largest statistic, over everything searched, reaches it
(ref. 1). Unlike Bonferroni's and the false discovery rate procedures, this takes into account how
combinations overlap.

Only p-values above 0.1 are counted from the draws. Smaller ones are extrapolated: a normal tail with the
effective number of independent tests that fits the draws at 0.1 (ref. 4). So a finding's family-wise p-value
is an approximation, also where the permutation itself would be exact (exchangeable units of equal size and
conditions constant within units). The random factors are the wild bootstrap by units (ref. 2), with normal
factors instead of the usual random signs: with signs, the null statistics were too small where few attempts
of many units meet the conditions. The statistic is divided by the observed standard error in every draw.

References
----------
1. Westfall and Young (1993), Resampling-based multiple testing, section 2.6.
2. Cameron, Gelbach and Miller (2008), Bootstrap-based improvements for inference with clustered errors,
   Review of Economics and Statistics 90.
3. Wallace (1959), Bounds on normal approximations to Student's and the chi-square distributions,
   Annals of Mathematical Statistics 30.
4. Dudbridge and Gusnanto (2008), Estimation of significance thresholds for genomewide association
   scans, Genetic Epidemiology 32 (the effective number of independent tests).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.stats.clustered_tests import CellTests, concatenate, pair_tests
from memory_pipeline.analysis.stats.grouped_sample import Sample, UnitTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.analysis.arrays import Ints, Numbers
    from memory_pipeline.analysis.evidence.combinations import Tally


DRAWS = 299
_COUNTED_ABOVE = 0.1
"""Family-wise p-values above this are counted from the draws; smaller ones are extrapolated."""
_MOST_UNITS = 4096
"""More units are tested as this many random groups of them; the largest stay groups of their own."""
_MOST_GROUPS = 512
"""Up to this many units are permuted; of more, random groups get a random factor each."""
_MOST_DRAWN = 15_000
"""Combinations that are tested in each draw; of more, a random sample (allowed for by a union bound)."""
_MOST_ENTRIES = 2**21
"""Most entries that the attempts of rows are split into, where there are no units."""
_MOST_CELLS = 2**19
"""Combinations times units that are tested at a time."""
_FEW_PER_TABLE = 3
_AT_ONCE = 256


def normal_scores(t: Numbers, degrees: Numbers) -> Numbers:
    """Transform t statistics to normal deviates of nearly the same two-sided p-value (ref. 3)."""
    scores: Numbers = (8 * degrees + 1) / (8 * degrees + 3) * np.sqrt(degrees * np.log1p(t * t / degrees))
    return scores


def is_large(tests: CellTests, min_effect: float) -> Ints:
    """Return which cells reach the least effect, both unadjusted and between equally easy units, (cells,)."""
    together = np.sign(tests.difference) * tests.effect
    return (np.abs(tests.difference) >= min_effect) & (together >= min_effect)


@dataclass(frozen=True)
class Searched:
    """Tests of everything searched, and the null distribution of the largest.

    Attributes
    ----------
    tests
        One per combination, in the order of the numbers.
    score
        Statistic of each as a normal deviate; 0 where it cannot be a finding.
    null_maxima
        The largest score of each draw, shape (draws,), ascending.
    drawn
        Share of the combinations that were tested in the draws.
    """

    tests: CellTests
    score: Numbers
    null_maxima: Numbers
    drawn: float = 1.0

    def family_wise_p_values(self) -> Numbers:
        """Compute the family-wise p-value of each combination, shape (combinations,)."""
        return self.p_values_of(self.score)

    def p_values_of(self, score: Numbers) -> Numbers:
        """Compute the probability that the largest score of a search without effects reaches a score.

        Counted from the draws where it is above 0.1. Below, that of the smallest of m independent p-values,
        with m such that it is 0.1 at the draws' quantile of 0.9 (ref. 4).

        Parameters
        ----------
        score
            Normal deviates, shape (scores,).
        """
        draws = len(self.null_maxima)
        reached = draws - np.searchsorted(self.null_maxima, score, side="left")
        counted = (1 + reached) / (draws + 1)
        # In logarithms, since the p-value of a large score would be rounded to zero.
        alone = np.log(2) + stats.norm.logsf(
            np.append(score, np.quantile(self.null_maxima, 1 - _COUNTED_ABOVE))
        )
        tests = np.log(-np.log1p(-_COUNTED_ABOVE)) - alone[-1]  # logarithm of the effective number
        tail = -np.expm1(-np.exp(np.minimum(tests + alone[:-1], 0.0)))
        p_values = np.where(counted > _COUNTED_ABOVE, counted, np.minimum(tail, _COUNTED_ABOVE))
        return np.where(score > 0, np.minimum(p_values / self.drawn, 1.0), 1.0)


def search_with_resampling(
    tally: Tally,
    sample: Sample,
    numbers: Ints,
    *,
    icc: float,
    min_units: int,
    min_effect: float,
    draws: int = DRAWS,
    seed: int = 0,
) -> Searched:
    """Test combinations, on the history and on draws in which conditions have no effect.

    Parameters
    ----------
    tally, sample
        The combinations, and the history that they are counted in.
    numbers
        Places of the combinations in the tally, ascending, shape (combinations,).
    icc
        Intraclass correlation of the target within units.
    min_units, min_effect
        What a combination must reach to be a finding, in the history and in the draws.
    draws
        Number of draws.
    seed
        Seed of the draws.
    """
    groups = _UnitGroups.of(sample, icc)
    null = _NullDraws(groups, draws, seed)
    drawn = min(_MOST_DRAWN / max(len(numbers), 1), 1.0)
    tried = np.random.default_rng(seed + 1).random(len(numbers)) < drawn
    parts, done = [], 0
    for n1, k1 in _in_batches(groups.sums(tally, numbers), _MOST_CELLS // len(groups.units.n)):
        tests = groups.tests(n1, k1)
        parts.append(tests)
        null.update(n1, k1, tests, tried[done : done + len(n1)] & (tests.units >= min_units), min_effect)
        done += len(n1)
    tests = concatenate(parts)
    possible = (tests.units >= min_units) & is_large(tests, min_effect)
    score = np.where(possible, normal_scores(tests.t, tests.degrees), 0.0)
    return Searched(tests, score, np.sort(null.maxima), drawn)


@dataclass(frozen=True)
class _UnitGroups:
    """The units of a history, or random groups of them where there are very many.

    Sums over random groups of units have the variance of sums over the units, so tests by groups are valid
    too. Where every attempt is an independent observation, the attempts of each row are assigned to groups
    at random.
    """

    entries: Sample
    """Attempts by row and group; `unit` is the group."""
    row: Ints | slice
    """Row of each entry, or all of them in their order."""
    units: UnitTotals
    icc: float
    is_independent: bool
    """Whether every attempt is an independent observation, so that the groups carry no information."""

    @classmethod
    def of(cls, sample: Sample, icc: float) -> _UnitGroups:
        if sample.unit is None:
            entries, row = _split_at_random(sample)
            return cls(entries, row, UnitTotals.of(entries), icc, is_independent=True)
        group = _random_groups(UnitTotals.of(sample).n, _MOST_UNITS)[sample.unit]
        entries = Sample(sample.n, sample.k, group)
        return cls(entries, slice(None), UnitTotals.of(entries), icc, is_independent=False)

    def sums(self, tally: Tally, numbers: Ints) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield attempts, and those with the target, by combination and unit, shape (some, units) each.

        Where tables have many combinations, the rows are read once per table; where they have few, as with
        very many columns, once per combination.
        """
        tables = np.unique(tally.table[numbers])
        if len(numbers) < _FEW_PER_TABLE * len(tables):
            for low in range(0, len(numbers), _AT_ONCE):
                yield self._of_combinations(tally, numbers[low : low + _AT_ONCE])
            return
        for table in tables:
            wanted = tally.cell[numbers[tally.table[numbers] == table]]
            cells = tally.cells_of_rows(int(table))
            step = max(_MOST_CELLS // len(self.units.n), 1)
            for low in range(0, len(wanted), step):
                yield self._of_table(cells, wanted[low : low + step])

    def _of_combinations(self, tally: Tally, numbers: Ints) -> tuple[Numbers, Numbers]:
        shape = (len(numbers), len(self.units.n))
        n1, k1 = np.zeros(shape), np.zeros(shape)
        assert self.entries.unit is not None  # noqa: S101 - made so
        for place, number in enumerate(numbers.tolist()):
            inside = np.flatnonzero(tally.rows(number)[self.row])
            unit = self.entries.unit[inside]
            n1[place] = np.bincount(unit, weights=self.entries.n[inside], minlength=shape[1])
            k1[place] = np.bincount(unit, weights=self.entries.k[inside], minlength=shape[1])
        return n1, k1

    def _of_table(self, cells: Ints, wanted: Ints) -> tuple[Numbers, Numbers]:
        place = np.full(max(int(cells.max(initial=0)), int(wanted[-1])) + 1, -1, dtype=np.int32)
        place[wanted] = np.arange(len(wanted), dtype=np.int32)
        position = place[cells][self.row]
        inside = np.flatnonzero(position >= 0)
        units = len(self.units.n)
        assert self.entries.unit is not None  # noqa: S101 - made so
        key = position[inside].astype(np.int64) * units + self.entries.unit[inside]
        shape, size = (len(wanted), units), len(wanted) * units
        n1 = np.bincount(key, weights=self.entries.n[inside], minlength=size).reshape(shape)
        k1 = np.bincount(key, weights=self.entries.k[inside], minlength=size).reshape(shape)
        return n1, k1

    def tests(self, n1: Numbers, k1: Numbers) -> CellTests:
        """Test combinations from their sums by unit."""
        if self.is_independent:
            return CellTests.without_units(
                n1.sum(axis=1), k1.sum(axis=1), float(self.units.n.sum()), float(self.units.k.sum())
            )
        cell, unit = np.nonzero(n1)
        return pair_tests(self.units, len(n1), cell, unit, n1[cell, unit], k1[cell, unit], icc=self.icc)


class _NullDraws:
    """The draws without effects, and the largest score of each so far."""

    def __init__(self, groups: _UnitGroups, draws: int, seed: int) -> None:
        units = groups.units
        rng = np.random.default_rng(seed)
        self.maxima = np.zeros(draws)
        self._icc = min(groups.icc, 0.99)
        self._weight, self._rate, self._residual = units.weighted(self._icc)
        self._n = units.n
        self._factors = rng.standard_normal((len(units.n), draws), dtype=np.float32)
        self._permuted = None
        if groups.is_independent or len(units.n) > _MOST_GROUPS:  # many: factors of groups are enough
            group = _random_groups(units.n, _MOST_GROUPS)
            self._order = np.argsort(group, kind="stable")
            self._starts = np.searchsorted(group[self._order], np.arange(int(group.max()) + 1))
            self._factors = self._factors[: len(self._starts)]
        else:
            order = np.argsort(rng.random(self._factors.shape), axis=0)
            standardised = self._residual * np.sqrt(self._weight)
            self._permuted = standardised[order].astype(np.float32)
            self._permuted_variance = float(standardised.var())

    def update(self, n1: Numbers, k1: Numbers, tests: CellTests, eligible: Ints, min_effect: float) -> None:
        """Test some combinations in every draw; `n1` and `k1` are sums of `_UnitGroups.sums`."""
        chosen = np.flatnonzero(eligible & (tests.effect_variance > 0))
        for low in range(0, len(chosen), _AT_ONCE):
            some = chosen[low : low + _AT_ONCE]
            score, own_spread, information = self._scores(n1[some], k1[some])
            error = np.sqrt(tests.effect_variance[some])
            # Where there is an effect, the units' terms are larger than under the null hypothesis; dividing
            # them by their own standard deviation allows for that.
            spread = np.maximum(error * information, own_spread).astype(np.float32)[:, None]
            # A normal score is below its t: a t below the largest score so far needs no transformation.
            reach = np.maximum(
                self.maxima.astype(np.float32), (min_effect / error).astype(np.float32)[:, None]
            )
            t = np.abs(score) / spread
            row, draw = np.nonzero(t >= reach)
            scores = normal_scores(t[row, draw], tests.degrees[some][row])
            np.maximum.at(self.maxima, draw, scores)

    def _scores(self, n1: Numbers, k1: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Compute the score of each combination in each draw, its spread and its information."""
        share = np.divide(n1, self._n, out=np.zeros_like(n1), where=self._n > 0)
        share_less_mean = share - ((share @ self._weight) / self._weight.sum())[:, None]
        within = (k1 - n1 * self._rate) / (1 - self._icc)
        information = (n1 * (1 - share)).sum(axis=1) / (1 - self._icc)
        information += share_less_mean**2 @ self._weight
        if self._permuted is None:
            whole = within + share_less_mean * (self._weight * self._residual)
            grouped = np.add.reduceat(whole[:, self._order], self._starts, axis=1)
            spread = np.sqrt((grouped**2).sum(axis=1))
            return grouped.astype(np.float32) @ self._factors, spread, information
        exposed = (share_less_mean * np.sqrt(self._weight)).astype(np.float32)
        spread = np.sqrt((exposed**2).sum(axis=1) * self._permuted_variance + (within**2).sum(axis=1))
        return exposed @ self._permuted + within.astype(np.float32) @ self._factors, spread, information


def _in_batches(parts: Iterator[tuple[Numbers, Numbers]], rows: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Concatenate consecutive parts until they have at least `rows` rows."""
    waiting: list[tuple[Numbers, Numbers]] = []
    for part in parts:
        waiting.append(part)
        if sum(len(n1) for n1, _ in waiting) >= rows:
            yield _stacked(waiting)
            waiting = []
    if waiting:
        yield _stacked(waiting)


def _stacked(parts: list[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    n1, k1 = zip(*parts, strict=True)
    return np.concatenate(n1), np.concatenate(k1)


def _split_at_random(sample: Sample) -> tuple[Sample, Ints]:
    """Split the attempts of each row evenly over random groups; return the entries and the row of each."""
    rng = np.random.default_rng(3)
    rows = len(sample.n)
    pieces = min(_MOST_GROUPS, max(_MOST_ENTRIES // max(rows, 1), 1))
    first = rng.integers(0, _MOST_GROUPS, rows)
    left_n, left_k = sample.n.astype(np.int64), sample.k.astype(np.int64)
    parts = []
    for piece in range(pieces):
        n = left_n // (pieces - piece) + (left_n % (pieces - piece) > 0)
        k = rng.hypergeometric(left_k, left_n - left_k, n)
        row = np.flatnonzero(n)
        parts.append((n[row], k[row], (first[row] + piece) % _MOST_GROUPS, row))
        left_n, left_k = left_n - n, left_k - k
    n, k, group, row = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Sample(n, k, group), row


def _random_groups(sizes: Numbers, most: int) -> Ints:
    """Assign units to at most `most` random groups, a quarter of which have one of the largest units each."""
    if len(sizes) <= most:
        return np.arange(len(sizes))
    alone = most // 4
    group = np.random.default_rng(2).integers(alone, most, len(sizes))
    group[np.argsort(-sizes, kind="stable")[:alone]] = np.arange(alone)
    used: Ints = np.unique(group, return_inverse=True)[1]
    return used
