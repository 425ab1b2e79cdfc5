"""How large does the largest statistic of a whole search get by chance (Westfall-Young max-T)?

A draw from the null distribution gives the score of each unit (`stats.unit_scores`) a random sign, one for all
combinations, and divides the sums by the standard error that these scores have: the wild bootstrap of scores,
by units, with studentised statistics (refs. 1 and 2). Whatever makes attempts of a unit go together stays as it
is; with more than 512 units, random groups of them get one sign. The family-wise p-value of a statistic is the
share of draws whose largest statistic, over everything searched, reaches it (ref. 3). Unlike Bonferroni's and
the false discovery rate procedures, this takes into account how combinations overlap.

Only p-values above 0.1 are counted from the draws. Smaller ones are extrapolated: a normal tail with the
effective number of independent tests that fits the draws at 0.1 (ref. 5). So a finding's family-wise p-value
is always an approximation; how well it holds was measured (`benchmarks/error_rates.py`).

References
----------
1. Kline and Santos (2012), A score based approach to wild bootstrap inference, Journal of Econometric
   Methods 1.
2. Cameron, Gelbach and Miller (2008), Bootstrap-based improvements for inference with clustered errors,
   Review of Economics and Statistics 90; MacKinnon, Nielsen and Webb (2023), Fast and reliable jackknife and
   bootstrap methods for cluster-robust inference, Journal of Applied Econometrics 38 (scores with each
   cluster left out).
3. Westfall and Young (1993), Resampling-based multiple testing, section 2.6.
4. Wallace (1959), Bounds on normal approximations to Student's and the chi-square distributions,
   Annals of Mathematical Statistics 30.
5. Dudbridge and Gusnanto (2008), Estimation of significance thresholds for genomewide association
   scans, Genetic Epidemiology 32 (the effective number of independent tests).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.stats.clustered_tests import MOST_LEVERAGE, CellTests, concatenate
from memory_pipeline.analysis.stats.grouped_sample import Sample
from memory_pipeline.analysis.stats.unit_scores import CellSums, NullModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.analysis.arrays import Ints, Mask, Numbers
    from memory_pipeline.analysis.evidence.combinations import Tally
    from memory_pipeline.analysis.stats.unit_scores import UnitScores


DRAWS = 299
_COUNTED_ABOVE = 0.1
"""Family-wise p-values above this are counted from the draws; smaller ones are extrapolated."""
_MOST_UNITS = 4096
"""More units are tested as this many random groups of them; the largest stay groups of their own."""
_MOST_GROUPS = 512
"""Up to this many units get a random sign each; of more, random groups of them do."""
_MOST_DRAWN = 15_000
"""Combinations that are tested in each draw; of more, a random sample (allowed for by a union bound)."""
_MOST_ENTRIES = 2**21
"""Most entries that the attempts of rows are split into, where there are no units."""
_MOST_CELLS = 2**19
"""Combinations times units that are tested at a time."""
_FEW_PER_TABLE = 3
_AT_ONCE = 256


def normal_scores(t: Numbers, degrees: Numbers) -> Numbers:
    """Transform t statistics to normal deviates of nearly the same two-sided p-value (ref. 4)."""
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
        with m such that it is 0.1 at the draws' quantile of 0.9 (ref. 5).

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
    target: str,
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
    tally, target, sample
        The combinations, the target, and the history in which both are counted.
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
    n, k = tally.n[numbers], tally.k[target][numbers]
    for sums in _in_batches(groups.sums(tally, numbers), _MOST_CELLS // groups.model.units):
        scores = groups.model.scores(sums)
        here = slice(done, done + len(scores.total))
        tests = groups.tests(scores, sums.n1, n[here], k[here])
        parts.append(tests)
        null.update(scores, tests, tried[here] & (tests.units >= min_units), min_effect)
        done = here.stop
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
    """Attempts by row and group."""
    row: Ints | slice
    """Row of each entry, or all of them in their order."""
    model: NullModel
    is_clustered: bool
    """Whether attempts repeat within units; if not, the groups carry no information."""

    @classmethod
    def of(cls, sample: Sample, icc: float) -> _UnitGroups:
        if sample.unit is None:
            entries, row = _split_at_random(sample)
            group = entries.unit
            entries = replace(entries, unit=None)
            return cls(entries, row, NullModel.fit(entries, icc, group=group), is_clustered=False)
        group = _random_groups(np.bincount(sample.unit, weights=sample.n), _MOST_UNITS)[sample.unit]
        entries = replace(sample, unit=group)
        return cls(entries, slice(None), NullModel.fit(entries, icc), is_clustered=True)

    def sums(self, tally: Tally, numbers: Ints) -> Iterator[CellSums]:
        """Yield sums over the attempts inside some combinations after the other.

        Where tables have many combinations, the rows are read once per table; where they have few, as with
        very many columns, once per combination.
        """
        tables = np.unique(tally.table[numbers])
        if len(numbers) < _FEW_PER_TABLE * len(tables):
            for low in range(0, len(numbers), _AT_ONCE):
                some = numbers[low : low + _AT_ONCE]
                rows = [np.flatnonzero(tally.rows(number)[self.row]) for number in some.tolist()]
                whose = np.repeat(np.arange(len(some)), [len(one) for one in rows])
                yield self.model.sums(self.entries, np.concatenate(rows), whose, len(some))
            return
        for table in tables:
            wanted = tally.cell[numbers[tally.table[numbers] == table]]
            cells = tally.cells_of_rows(int(table))
            step = max(_MOST_CELLS // self.model.units, 1)
            for low in range(0, len(wanted), step):
                some = wanted[low : low + step]
                place = np.full(max(int(cells.max(initial=0)), int(some[-1])) + 1, -1, dtype=np.int32)
                place[some] = np.arange(len(some), dtype=np.int32)
                position = place[cells][self.row]
                inside = np.flatnonzero(position >= 0)
                whose = position[inside].astype(np.int64)
                yield self.model.sums(self.entries, inside, whose, len(some))

    def tests(self, scores: UnitScores, n1: Numbers, n: Ints, k: Ints) -> CellTests:
        """Test combinations from their scores by unit."""
        return CellTests.of(
            scores,
            n,
            k,
            (n1 > 0).sum(axis=1) if self.is_clustered else n,
            total=self.entries.total,
            hits=int(self.entries.k.sum()),
            is_clustered=self.is_clustered,
        )


class _NullDraws:
    """The draws without effects, and the largest score of each so far."""

    def __init__(self, groups: _UnitGroups, draws: int, seed: int) -> None:
        model = groups.model
        self.maxima = np.zeros(draws)
        self._starts: Ints | None = None
        if model.units > _MOST_GROUPS:
            group = _random_groups(model.sizes, _MOST_GROUPS)
            self._order = np.argsort(group, kind="stable")
            self._starts = np.searchsorted(group[self._order], np.arange(int(group.max()) + 1))
        number = model.units if self._starts is None else len(self._starts)
        signs = np.random.default_rng(seed).integers(0, 2, (number, draws), dtype=np.int8)
        self._signs = (2 * signs - 1).astype(np.float32)

    def update(self, scores: UnitScores, tests: CellTests, eligible: Mask, min_effect: float) -> None:
        """Test some combinations in every draw."""
        chosen = np.flatnonzero(eligible & (tests.effect_variance > 0))
        for low in range(0, len(chosen), _AT_ONCE):
            some = chosen[low : low + _AT_ONCE]
            score, information, total = scores.score[some], scores.information[some], scores.total[some]
            weight = 1 / (1 - np.clip(information / total[:, None], 0.0, MOST_LEVERAGE)) ** 2
            cross = weight * score * information
            squares = [(weight * score**2).sum(axis=1), (weight * information**2).sum(axis=1)]
            drawn, crossed = self._draw(score), self._draw(cross)
            effect = drawn / total[:, None].astype(np.float32)
            # The jackknife's sum of squares, with the signs of the draw.
            spread = squares[0][:, None] - 2 * effect * crossed + effect**2 * squares[1][:, None]
            t = np.abs(drawn) / np.sqrt(np.maximum(spread, scores.least_variance[some][:, None]))
            # A normal score is below its t: a t below the largest score so far needs no transformation.
            row, draw = np.nonzero((t >= self.maxima) & (np.abs(effect) >= min_effect))
            normal = normal_scores(t[row, draw], tests.degrees[some][row])
            np.maximum.at(self.maxima, draw, normal)

    def _draw(self, values: Numbers) -> Numbers:
        """Sum values over units with the signs of each draw, shape (combinations, draws)."""
        if self._starts is not None:
            values = np.add.reduceat(values[:, self._order], self._starts, axis=1)
        drawn: Numbers = values.astype(np.float32) @ self._signs
        return drawn


def _in_batches(parts: Iterator[CellSums], rows: int) -> Iterator[CellSums]:
    """Concatenate consecutive parts until they have at least `rows` rows."""
    waiting: list[CellSums] = []
    for part in parts:
        waiting.append(part)
        if sum(len(one.n1) for one in waiting) >= rows:
            yield CellSums(*map(np.concatenate, zip(*waiting, strict=True)))
            waiting = []
    if waiting:
        yield CellSums(*map(np.concatenate, zip(*waiting, strict=True)))


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
    return Sample(n, k, group, None if sample.period is None else sample.period[row]), row


def _random_groups(sizes: Numbers, most: int) -> Ints:
    """Assign units to at most `most` random groups, a quarter of which have one of the largest units each."""
    if len(sizes) <= most:
        return np.arange(len(sizes))
    alone = most // 4
    group = np.random.default_rng(2).integers(alone, most, len(sizes))
    group[np.argsort(-sizes, kind="stable")[:alone]] = np.arange(alone)
    used: Ints = np.unique(group, return_inverse=True)[1]
    return used
