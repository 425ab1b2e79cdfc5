"""What is counted, and how do the counts of two histories add up?

Evidence has two shapes. *Collapsed rows*: one row per (period, unit, combination of all conditions) with
its attempts per outcome; all further analysis needs no more, and
`collapse(A + B) = collapse(A) + collapse(B)`. *Counts*: attempts per outcome of every combination of up to
`max_conditions` conditions in distinct columns, derived from the collapsed rows. Which of them are findings
is decided in `analysis.patterns`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence.collapse import Column, RawColumn, add_rows
from memory_pipeline.analysis.evidence.counting.entries import split_by_outcome
from memory_pipeline.analysis.evidence.counting.joint_tables import joint_tables
from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
from memory_pipeline.analysis.features.columns import require_columns
from memory_pipeline.analysis.features.outcomes import is_hit
from memory_pipeline.analysis.names import (
    CONDITION_PREFIX,
    COUNT_PREFIX,
    INTERNAL,
    MISSING,
    PERIOD_COLUMN,
    UNIT_COLUMN,
)
from memory_pipeline.analysis.stats.grouped_sample import Sample

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from memory_pipeline.analysis.arrays import Counts, Ints, Mask
    from memory_pipeline.analysis.evidence.counting.entries import JointTable


_MOST_LISTED = 5e6
"""Combinations above which `to_frame` asks for a `min_count`."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Collapsed rows of a history, and the counts that follow from them.

    Attributes
    ----------
    columns
        By key column (period, unit, conditions): its levels and the code of each row. Rows are ordered
        by their codes and no two are equal, so that equal histories give equal evidence.
    counts
        Attempts per row and outcome, shape (rows, outcomes).
    conditions
        The condition columns.
    outcomes
        The outcome values, sorted.
    unit, period
        The key columns of the evidence unit and of the period, where the evidence has them.
    max_conditions
        Most conditions in one counted combination.
    """

    columns: Mapping[str, Column]
    counts: Ints
    conditions: tuple[str, ...]
    outcomes: tuple[str, ...]
    unit: str | None = None
    period: str | None = None
    max_conditions: int = 3

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns by whose values rows are collapsed."""
        return tuple(key for key in (self.period, self.unit) if key is not None) + self.conditions

    @cached_property
    def n(self) -> Ints:
        """Attempts per collapsed row, shape (rows,)."""
        total: Ints = self.counts.sum(axis=1, dtype=np.int64)
        return total

    @cached_property
    def sources(self) -> Ints | None:
        """Where each collapsed row is from, shape (rows,); None where all are one's own.

        0 is one's own; units of others begin with the mark of their source (`foreign_unit`).
        """
        codes, levels = (None, ()) if self.unit is None else self.codes(self.unit)
        marks = [level.split(INTERNAL)[1] if level.startswith(INTERNAL) else "" for level in levels]
        if codes is None or not any(marks):
            return None
        place = {mark: code for code, mark in enumerate(sorted({"", *marks}))}
        found: Ints = np.array([place[mark] for mark in marks], dtype=np.int64)[codes]
        return found

    def attempts(self, outcome: str) -> Ints:
        """Return the attempts with one outcome per collapsed row, shape (rows,); 0 for an unknown outcome."""
        if outcome not in self.outcomes:
            return np.zeros(len(self), dtype=np.int64)
        return self.counts[:, self.outcomes.index(outcome)].astype(np.int64)

    def hits(self, target: str) -> Counts:
        """Count the attempts with a target per collapsed row, shape (rows,).

        The outcomes are then `features.outcomes.outcome_labels`, the target as in
        `patterns.find.find_patterns`.
        """
        belongs = [is_hit(label, target) for label in self.outcomes]
        return np.asarray(self.counts[:, belongs].sum(axis=1, dtype=np.int64))

    def sample(self, target: str) -> Sample:
        """Return the collapsed rows as tests need them: hits of a target (see `hits`), units, periods."""
        unit, period = (None if one is None else self.codes(one)[0] for one in (self.unit, self.period))
        return Sample(self.n, self.hits(target), unit, period, self.sources)

    def grouped(self, target: str) -> GroupedCounts:
        """Return the collapsed rows as models need them: counts for a target (see `hits`) by condition.

        Units are numbered without gaps; where the evidence has none, every row is its own. For some of the
        rows, take `part` first.
        """
        rows = np.arange(len(self))
        unit = rows if self.unit is None else np.unique(self.codes(self.unit)[0], return_inverse=True)[1]
        codes = [self.columns[column].codes for column in self.conditions]
        return GroupedCounts(
            columns=self.conditions,
            levels=tuple(self.columns[column].levels for column in self.conditions),
            codes=np.array(codes, dtype=np.int64).reshape(len(codes), len(self)).T,
            unit=unit,
            n=self.n.astype(float),
            k=self.hits(target).astype(float),
            period=None if self.period is None else self.codes(self.period)[0].astype(np.int64),
        )

    def codes(self, column: str) -> tuple[Ints, list[str]]:
        """Return the integer codes of one key column, shape (rows,), and its sorted values.

        The codes are of the smallest unsigned type that fits: widen them before computing with them.
        """
        one = self.columns[column]
        return one.codes, list(one.levels)

    @property
    def rows(self) -> pd.DataFrame:
        """The collapsed rows as a frame; see `to_rows`."""
        return self.to_rows()

    def to_rows(self) -> pd.DataFrame:
        """Return the collapsed rows as a frame that can be kept as Parquet.

        Returns
        -------
        DataFrame
            Categorical keys (`period`, `unit`, and `condition: <name>` for each condition), then one column
            `attempts: <outcome>` per outcome, shape (rows, keys + outcomes).
        """
        frame = {
            name: pd.Categorical.from_codes(
                self.columns[key].codes, dtype=pd.CategoricalDtype(list(self.columns[key].levels))
            )
            for name, key in _row_columns(self.period, self.unit, self.conditions)
        }
        counts = {COUNT_PREFIX + one: self.attempts(one) for one in self.outcomes}
        return pd.DataFrame({**frame, **counts}, index=pd.RangeIndex(len(self)))

    @classmethod
    def from_rows(
        cls,
        frame: pd.DataFrame,
        *,
        conditions: Sequence[str],
        outcomes: Sequence[str],
        unit: str | None = None,
        period: str | None = None,
        max_conditions: int = 3,
    ) -> Evidence:
        """Build evidence from a frame of `to_rows`, or from several of them concatenated.

        Rows with equal keys are summed; a count that is missing, since its outcome was not known where the
        row was written, is 0.

        Raises
        ------
        KeyError
            When a column is not in the frame.
        """
        named = _row_columns(period, unit, conditions)
        labels = [COUNT_PREFIX + one for one in outcomes]
        require_columns(frame, [*(name for name, _ in named), *labels])
        columns = {key: RawColumn.of(frame[name]).column() for name, key in named}
        counts = frame[labels].fillna(0).to_numpy(dtype=np.int64)
        columns, counts = add_rows(columns, counts)
        return cls(
            columns, narrow_counts(counts), tuple(conditions), tuple(outcomes), unit, period, max_conditions
        )

    def merge(self, other: Evidence) -> Evidence:
        """Return the sum of two evidences; columns that only one side has are `(missing)` on the other.

        Raises
        ------
        ValueError
            When the two sides differ in the unit, the period or `max_conditions`.
        """
        mine = (self.unit, self.period, self.max_conditions)
        theirs = (other.unit, other.period, other.max_conditions)
        if mine != theirs:
            msg = (
                f"evidence by (unit, period, max_conditions) = {mine} cannot be added to {theirs}; "
                "count both the same way"
            )
            raise ValueError(msg)
        conditions = self.conditions + tuple(c for c in other.conditions if c not in self.conditions)
        outcomes = tuple(sorted({*self.outcomes, *other.outcomes}))
        columns = {}
        for key in (*self.keys[: len(self.keys) - len(self.conditions)], *conditions):
            parts = [side.columns.get(key, _constant(MISSING, len(side))) for side in (self, other)]
            levels = tuple(sorted({*parts[0].levels, *parts[1].levels}))
            columns[key] = Column(levels, np.concatenate([part.of_levels(levels).codes for part in parts]))
        counts = np.zeros((len(self) + len(other), len(outcomes)), dtype=np.int64)
        for side, low in ((self, 0), (other, len(self))):
            places = [outcomes.index(one) for one in side.outcomes]
            counts[low : low + len(side), places] = side.counts
        columns, counts = add_rows(columns, counts)
        rest = (conditions, outcomes, self.unit, self.period, self.max_conditions)
        return Evidence(columns, narrow_counts(counts), *rest)

    def part(self, rows: Mask) -> Evidence:
        """Return the evidence of the collapsed rows in a mask of shape (rows,); levels and outcomes stay."""
        columns = {key: column.take(rows) for key, column in self.columns.items()}
        return replace(self, columns=columns, counts=self.counts[rows])

    def rows_with(self, conditions: Mapping[str, str]) -> Mask:
        """Return which collapsed rows meet all conditions, shape (rows,).

        None does where a column, or its value, is not there.
        """
        inside = np.ones(len(self), dtype=bool)
        for column, value in conditions.items():
            levels = self.columns[column].levels if column in self.columns else ()
            inside &= self.columns[column].codes == levels.index(value) if value in levels else False
        return inside

    def joint_tables(
        self,
        *,
        min_count: int = 1,
        usable: Sequence[Mask] | None = None,
        classes: Sequence[int] | None = None,
        with_marks: bool = False,
    ) -> Iterator[JointTable]:
        """Count every combination of up to `max_conditions` conditions in distinct columns.

        Parameters
        ----------
        min_count
            Fewest attempts of a combination.
        usable
            By condition: which of its levels make a condition, shape (levels,); by default all.
        classes
            Class of each outcome, from 0, shape (outcomes,), where outcomes are taken together; so a
            hundred outcomes are counted as quickly as the few classes that several targets need.
        with_marks
            Whether to return fingerprints of the rows that each combination covers.

        Yields
        ------
        JointTable
            See `evidence.counting.joint_tables.joint_tables`; columns are positions in `conditions`.
        """
        counts = self.counts
        if classes is not None:
            counts = np.zeros((len(self), max(classes, default=-1) + 1), dtype=np.int64)
            for place, one in enumerate(classes):
                counts[:, one] += self.counts[:, place]
        row, outcome, weight = split_by_outcome(counts)
        parts = [self.columns[column] for column in self.conditions]
        if len(row) != len(self):  # rows with several outcomes are several entries
            parts = [part.take(row) for part in parts]
        return joint_tables(
            [part.codes for part in parts],
            [len(part.levels) for part in parts],
            outcome,
            outcomes=counts.shape[1],
            weight=weight,
            max_conditions=self.max_conditions,
            min_count=min_count,
            usable=usable,
            with_marks=with_marks,
        )

    def to_frame(self, *, min_count: int = 1) -> pd.DataFrame:
        """List every combination of up to `max_conditions` conditions that occurs.

        Parameters
        ----------
        min_count
            Fewest attempts of a combination.

        Returns
        -------
        DataFrame
            `conditions` (dict of column to value), `n`, and one column of attempts per outcome value; an
            outcome of one of these two names has the column `attempts: <outcome>`.

        Raises
        ------
        ValueError
            When there may be millions of combinations and `min_count` is 1.
        """
        sizes = [len(self.columns[condition].levels) for condition in self.conditions]
        most = _most_combinations(sizes, len(self), self.max_conditions)
        if min_count == 1 and most > _MOST_LISTED:
            raise ValueError(
                f"there may be {most:.0f} combinations of {len(self.conditions)} conditions; set min_count "
                "to the fewest attempts that one must have, or lower max_conditions"
            )
        tables = list(self.joint_tables(min_count=min_count))
        empty = np.zeros((0, len(self.outcomes)), dtype=np.int64)
        counts = np.concatenate([empty, *(table.counts for table in tables)])
        dicts = chain.from_iterable(self._described(table.columns, table.cells) for table in tables)
        first = {"conditions": pd.Series(list(dicts), dtype=object), "n": counts.sum(axis=1)}
        taken = {*first, *self.outcomes}
        names = [_apart(one, taken) if one in first else one for one in self.outcomes]
        return pd.DataFrame({**first, **dict(zip(names, counts.T, strict=True))})

    def describe(self, columns: tuple[int, ...], cell: int) -> dict[str, str]:
        """Return the conditions of one cell of a joint table, value by column."""
        return next(self._described(columns, np.array([cell])))

    def _described(self, columns: tuple[int, ...], cells: Ints) -> Iterator[dict[str, str]]:
        names = [self.conditions[column] for column in columns]
        levels = [self.columns[name].levels for name in names]
        codes = np.unravel_index(cells, [len(one) for one in levels])
        texts = [[one[code] for code in part] for one, part in zip(levels, codes, strict=True)]
        return (dict(zip(names, values, strict=True)) for values in zip(*texts, strict=True))


def foreign_unit(source: str, unit: str) -> str:
    """Return the name of a unit of another source, which no unit of one's own can have."""
    return f"{INTERNAL}{source}{INTERNAL}{unit}"


def _row_columns(period: str | None, unit: str | None, conditions: Sequence[str]) -> list[tuple[str, str]]:
    """Return the name of each key column in the frame of `Evidence.to_rows`, and the key."""
    first = [(name, key) for name, key in ((PERIOD_COLUMN, period), (UNIT_COLUMN, unit)) if key is not None]
    return [*first, *((CONDITION_PREFIX + condition, condition) for condition in conditions)]


def _apart(outcome: str, taken: Collection[str]) -> str:
    name = outcome
    while name in taken:
        name = COUNT_PREFIX + name
    return name


def _constant(level: str, rows: int) -> Column:
    return Column((level,), np.zeros(rows, dtype=np.uint8))


def narrow_counts(counts: Ints) -> Ints:
    """Return counts with 32 bits each where their sum fits; otherwise unchanged."""
    return counts.astype(np.int32) if counts.sum(dtype=np.float64) < 2**31 else counts


def _most_combinations(sizes: Sequence[int], rows: int, length: int) -> float:
    """Compute an upper bound of the number of combinations of up to `length` levels that occur.

    Per length, the smaller of two bounds: the elementary symmetric polynomial of the sizes (all
    combinations of levels in distinct columns), and the combinations that the rows can have.
    """
    sums = [1.0] + [0.0] * length
    for size in sizes:
        for degree in range(length, 0, -1):
            sums[degree] += size * sums[degree - 1]
    return sum(min(sums[degree], comb(len(sizes), degree) * float(rows)) for degree in range(1, length + 1))
