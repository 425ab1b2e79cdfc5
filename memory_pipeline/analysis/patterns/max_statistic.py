"""How large does the largest statistic of a whole search get by chance (Westfall-Young max-T)?

The null distribution is that of `stats.sign_draws`. The family-wise p-value of a statistic is the share of
draws whose largest statistic, over everything searched, reaches it (ref. 1). Unlike Bonferroni's and the
false discovery rate procedures, this takes into account how combinations overlap.

References
----------
1. Westfall and Young (1993), Resampling-based multiple testing, section 2.6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.stats.clustered_tests import CellTests, concatenate
from memory_pipeline.analysis.stats.grouped_sample import Sample
from memory_pipeline.analysis.stats.sign_draws import (
    SignDraws,
    family_wise_p_values,
    normal_scores,
    random_groups,
)
from memory_pipeline.analysis.stats.unit_scores import CellSums, NullModel, count_cells, sum_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memory_pipeline.analysis.arrays import Ints, Numbers
    from memory_pipeline.analysis.evidence.combinations import Tally
    from memory_pipeline.analysis.stats.unit_scores import UnitScores


DRAWS = 299
_MOST_UNITS = 4096
"""More units are tested as this many random groups of them; the largest stay groups of their own."""
_MOST_GROUPS = 512
"""Groups that attempts are assigned to where there are no units."""
_MOST_DRAWN = 15_000
"""Combinations that are tested in each draw; of more, a random sample (allowed for by a union bound)."""
_MOST_ENTRIES = 2**21
"""Most entries that the attempts of rows are split into, where there are no units."""
_MOST_CELLS = 2**18
"""Combinations times units that are tested at a time."""
_HIGHEST_SCORE, _HALVINGS = 40.0, 36


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

        Parameters
        ----------
        score
            Normal deviates, shape (scores,).
        """
        p_values = family_wise_p_values(score, self.null_maxima)
        return np.where(score > 0, np.minimum(p_values / self.drawn, 1.0), 1.0)

    def scores_at(self, p_value: Numbers) -> Numbers:
        """Compute the scores whose family-wise p-values are some others, to 1e-9, by halving.

        Parameters
        ----------
        p_value
            Family-wise p-values, shape (scores,).
        """
        low, high = np.zeros(len(p_value)), np.full(len(p_value), _HIGHEST_SCORE)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_above = self.p_values_of(middle) > p_value
            low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
        return high


def search_with_resampling(
    tally: Tally,
    samples: Mapping[str, Sample],
    numbers: Ints,
    *,
    icc: Mapping[str, float],
    min_units: int,
    min_effect: float,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Searched]:
    """Test combinations for several targets, on the history and on draws in which conditions have no effect.

    Parameters
    ----------
    tally
        The combinations.
    samples
        By target: the history in which both are counted. They differ in the attempts with the target only.
    numbers
        Places of the combinations in the tally, ascending, shape (combinations,).
    icc
        By target: intraclass correlation within units.
    min_units, min_effect
        What a combination must reach to be a finding, in the history and in the draws.
    draws
        Number of draws.
    seed
        Seed of the draws.
    """
    if not samples:
        return {}
    groups = {target: _UnitGroups.of(sample, icc[target]) for target, sample in samples.items()}
    one = next(iter(groups.values()))
    nulls = {target: SignDraws(one.model.sizes, draws, seed) for target in samples}
    drawn = min(_MOST_DRAWN / max(len(numbers), 1), 1.0)
    tried = np.random.default_rng(seed + 1).random(len(numbers)) < drawn
    parts: dict[str, list[CellTests]] = {target: [] for target in samples}
    step = max(_MOST_CELLS // one.model.units, 1)
    tables = _JointTables(tally, one.row)
    for low in range(0, len(numbers), step):
        some = numbers[low : low + step]
        k = {target: tally.k[target][some] for target in samples}
        for (target, group), sums in zip(groups.items(), _sums(tables, groups, some, k), strict=True):
            scores = group.model.scores(sums)
            tests = group.tests(scores, sums.n1, tally.n[some], k[target])
            parts[target].append(tests)
            eligible = tried[low : low + step] & (tests.units >= min_units) & (tests.effect_variance > 0)
            nulls[target].update(scores, tests.degrees, eligible, min_effect)
    return {
        target: _searched(concatenate(parts[target]), nulls[target], drawn, min_units, min_effect)
        for target in samples
    }


def _searched(tests: CellTests, null: SignDraws, drawn: float, min_units: int, min_effect: float) -> Searched:
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
    row: Ints
    """Row of each entry, shape (entries,)."""
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
        group = random_groups(np.bincount(sample.unit, weights=sample.n), _MOST_UNITS)[sample.unit]
        entries = replace(sample, unit=group)
        row = np.arange(len(sample.n))
        return cls(entries, row, NullModel.fit(entries, icc), is_clustered=True)

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


class _JointTables:
    """Which combinations the entries of a history are in, one joint table after the other.

    Parameters
    ----------
    tally
        The combinations.
    row
        Row of each entry, shape (entries,).
    """

    def __init__(self, tally: Tally, row: Ints) -> None:
        self._tally = tally
        self._row = row
        self._codes = np.array([codes for codes, _ in tally.coded])

    def places(self, numbers: Ints) -> Iterator[Ints]:
        """Yield, for each joint table of some combinations, which of them each entry is in; -1 for none."""
        from memory_pipeline.analysis.stats.score_kernels import place_rows  # noqa: PLC0415 - takes time

        tally = self._tally
        for table in np.unique(tally.table[numbers]).tolist():
            where = np.flatnonzero(tally.table[numbers] == table)
            cells = tally.cell[numbers[where]]
            place_of_cell = np.full(int(cells.max()) + 1, -1, dtype=np.int32)
            place_of_cell[cells] = where
            columns = np.array(tally.tables[table])
            sizes = np.array([tally.sizes[column] for column in columns], dtype=np.int64)
            steps = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
            yield place_rows(self._codes, columns, steps, place_of_cell, self._row)


def _sums(
    tables: _JointTables, groups: Mapping[str, _UnitGroups], numbers: Ints, k: Mapping[str, Ints]
) -> list[CellSums]:
    """Sum over the attempts inside some combinations, for each target; each table's rows are read twice."""
    models = [group.model for group in groups.values()]
    one = next(iter(groups.values()))
    shape = len(numbers), models[0].units, models[0].strata
    n = one.entries.n.astype(float)
    counts = count_cells(tables.places(numbers), (models[0].unit, models[0].stratum), n, shape)
    hits = np.array([k[target] for target in groups], dtype=float)
    return sum_cells(tables.places(numbers), models, n, counts, hits)


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
    period, source = (None if one is None else one[row] for one in (sample.period, sample.source))
    return Sample(n, k, group, period, source), row
