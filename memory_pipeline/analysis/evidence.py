"""Counted evidence: all rows read once, into counts that add up.

Two shapes. *Collapsed rows*: one row per (period, unit, combination of all conditions) with its
attempts per outcome; nothing below is lost and `collapse(A + B) = collapse(A) + collapse(B)`.
*Counts*: attempts per outcome of every combination of up to `max_conditions` conditions in
distinct columns, derived from the collapsed rows. What is a finding is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features import MISSING, level_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

COUNT_PREFIX = "attempts: "


@dataclass(frozen=True)
class Evidence:
    """Collapsed rows of a history, and the counts that follow from them.

    Attributes
    ----------
    rows
        One row per (period, unit, combination of all conditions) that occurs, shape
        (combinations, keys + outcomes): text keys, then one `attempts: <outcome>` column per outcome.
    conditions
        The condition columns.
    outcomes
        The outcome values, sorted.
    unit, period
        The key columns of the evidence unit and of the period, where the evidence has them.
    max_conditions
        Most conditions in one counted combination.
    """

    rows: pd.DataFrame
    conditions: tuple[str, ...]
    outcomes: tuple[str, ...]
    unit: str | None = None
    period: str | None = None
    max_conditions: int = 3

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell collapsed rows apart."""
        return tuple(key for key in (self.period, self.unit) if key is not None) + self.conditions

    @cached_property
    def counts(self) -> Ints:
        """Attempts per collapsed row and outcome, shape (rows, outcomes)."""
        return self.rows[[COUNT_PREFIX + value for value in self.outcomes]].to_numpy(dtype=np.int64)

    @cached_property
    def n(self) -> Ints:
        """Attempts per collapsed row, shape (rows,)."""
        total: Ints = self.counts.sum(axis=1)
        return total

    def attempts(self, outcome: str) -> Ints:
        """Count the attempts that ended in one outcome, per collapsed row, shape (rows,); zeros if unseen."""
        if outcome not in self.outcomes:
            return np.zeros(len(self.rows), dtype=np.int64)
        return self.counts[:, self.outcomes.index(outcome)]

    def codes(self, column: str) -> tuple[Ints, list[str]]:
        """Integer codes of one key column, shape (rows,), and its sorted values."""
        values, levels = pd.factorize(self.rows[column], sort=True)
        return values.astype(np.int64), [str(level) for level in levels]

    def merge(self, other: Evidence) -> Evidence:
        """Add the evidence of other rows; columns that only one side has are `(missing)` on the other.

        Raises
        ------
        ValueError
            When the two sides count by different units, periods or lengths.
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
        keys = (*self.keys[: len(self.keys) - len(self.conditions)], *conditions)
        stacked = pd.concat([self.rows, other.rows], ignore_index=True)
        return Evidence(
            _sum_equal_rows(stacked, keys, outcomes),
            conditions,
            outcomes,
            self.unit,
            self.period,
            self.max_conditions,
        )

    def to_frame(self) -> pd.DataFrame:
        """Count every combination of up to `max_conditions` conditions that occurs.

        Returns
        -------
        DataFrame
            `conditions` (dict of column to value), `n`, and one column of attempts per outcome value.
        """
        coded = [self.codes(column) for column in self.conditions]
        dicts: list[dict[str, str]] = []
        tables: list[Ints] = []
        for columns, cell, size in iter_cells(coded, self.max_conditions):
            table = np.stack([sum_by(cell, counts, size) for counts in self.counts.T], axis=1)
            occupied = np.flatnonzero(table.sum(axis=1))
            tables.append(table[occupied])
            dicts.extend(self.describe(columns, coded, int(index)) for index in occupied)
        counts = np.concatenate(tables) if tables else np.zeros((0, len(self.outcomes)), dtype=np.int64)
        frame = pd.DataFrame(counts, columns=list(self.outcomes))
        frame.insert(0, "n", counts.sum(axis=1))
        frame.insert(0, "conditions", pd.Series(dicts, dtype=object))
        return frame

    def describe(
        self, columns: tuple[int, ...], coded: Sequence[tuple[Ints, list[str]]], cell: int
    ) -> dict[str, str]:
        """Name the conditions of one cell of a joint table."""
        sizes = [len(coded[column][1]) for column in columns]
        values = np.unravel_index(cell, sizes)
        return {
            self.conditions[column]: coded[column][1][int(value)]
            for column, value in zip(columns, values, strict=True)
        }


def count_evidence(
    frame: pd.DataFrame,
    *,
    conditions: Sequence[str],
    outcome: str,
    unit: str | None = None,
    period: str | None = None,
    max_conditions: int = 3,
) -> Evidence:
    """Read all rows once and count them.

    Parameters
    ----------
    frame
        Shape (attempts, any). Condition columns hold one value per row: categories, text, numbers or
        truth values (see `features.encode` for bins and lists); missing is `(missing)`, a value of its own.
    conditions
        Condition columns.
    outcome
        Column of the outcome's value; rows without one are not counted.
    unit
        Column of what repeats, such as the application.
    period
        Column of when, already cut to periods, such as the month.
    max_conditions
        Most conditions in one combination, at least 1.

    Raises
    ------
    KeyError
        When a named column is not in the frame.
    ValueError
        When `max_conditions` is below 1.
    """
    if max_conditions < 1:
        msg = f"max_conditions is {max_conditions}; it must be at least 1"
        raise ValueError(msg)
    keys = [key for key in (period, unit) if key is not None] + list(conditions)
    absent = [column for column in (*keys, outcome) if column not in frame]
    if absent:
        msg = f"the columns {absent} are not in the frame; it has {list(map(str, frame.columns))}"
        raise KeyError(msg)
    known = frame[frame[outcome].notna()]
    texts = pd.DataFrame({key: _as_text(known[key]) for key in keys}, index=known.index)
    ends = known[outcome].astype(str)
    outcomes = tuple(sorted(ends.unique()))
    for value in outcomes:
        texts[COUNT_PREFIX + value] = (ends == value).astype(np.int64)
    rows = _sum_equal_rows(texts, tuple(keys), outcomes)
    return Evidence(rows, tuple(conditions), outcomes, unit, period, max_conditions)


def _as_text(values: pd.Series) -> pd.Series:
    levels = pd.Categorical(values)
    names = [level_name(level) for level in levels.categories]
    texts = np.asarray([*names, MISSING], dtype=object)[levels.codes]
    return pd.Series(texts, index=values.index, dtype=object)


def _sum_equal_rows(frame: pd.DataFrame, keys: tuple[str, ...], outcomes: tuple[str, ...]) -> pd.DataFrame:
    """Add up rows with equal keys; the result is ordered by its keys, so that equal evidence is equal."""
    counts = [COUNT_PREFIX + value for value in outcomes]
    filled = frame.reindex(columns=[*keys, *counts])
    filled[counts] = filled[counts].fillna(0).astype(np.int64)
    if not keys:
        return filled[counts].sum().to_frame().T
    filled[list(keys)] = filled[list(keys)].fillna(MISSING)
    return filled.groupby(list(keys), sort=True, as_index=False, observed=True)[counts].sum()


def iter_cells(
    coded: Sequence[tuple[Ints, list[str]]], max_conditions: int
) -> Iterator[tuple[tuple[int, ...], Ints, int]]:
    """Go through the joint tables of up to `max_conditions` distinct columns.

    Yields
    ------
    columns
        Positions of the columns.
    cell
        The cell of each collapsed row in the joint table, shape (rows,).
    size
        Number of cells: the product of the columns' level counts.
    """
    sizes = [len(levels) for _, levels in coded]
    for length in range(1, max_conditions + 1):
        for columns in combinations(range(len(coded)), length):
            cell = coded[columns[0]][0]
            size = sizes[columns[0]]
            for column in columns[1:]:
                cell = cell * sizes[column] + coded[column][0]
                size *= sizes[column]
            yield columns, cell, size


def sum_by(group: Ints, values: Ints, size: int) -> Ints:
    """Sum whole numbers per group, exactly (below 2**53), shape (size,)."""
    return np.bincount(group, weights=values, minlength=size).astype(np.int64)
