"""How do rows with equal values become one row with counts?

Codes follow the sorted names of a column's levels, and collapsed rows follow their codes, so that equal
histories give equal evidence whatever order they were read in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.compute.threads import on_threads, parts_of, thread_count
from memory_pipeline.analysis.evidence.counting.entries import smallest_unsigned
from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.analysis.names import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memory_pipeline.analysis.arrays import Ints


_CHUNK = 2**18
"""Rows whose codes are packed at a time; their keys stay in the cache."""
_WORD_BITS = 64


@dataclass(frozen=True)
class Column:
    """One column as codes.

    Attributes
    ----------
    levels
        Names, sorted.
    codes
        Level of each row, shape (rows,), of the smallest unsigned type that fits.
    """

    levels: tuple[str, ...]
    codes: Ints

    @property
    def bits(self) -> int:
        """Binary digits of a code."""
        return max(len(self.levels) - 1, 0).bit_length()

    def take(self, rows: Ints) -> Column:
        """Return the column at some rows."""
        return Column(self.levels, self.codes[rows])

    def of_levels(self, levels: tuple[str, ...]) -> Column:
        """Return the column coded by other levels, which contain all of its own."""
        if levels == self.levels:
            return self
        place = {level: code for code, level in enumerate(levels)}
        table = np.array([place[level] for level in self.levels], dtype=smallest_unsigned(len(levels)))
        return Column(levels, table[self.codes])

    def without_unused(self) -> Column:
        """Return the column without the levels that no row has."""
        used = np.bincount(self.codes, minlength=len(self.levels)) > 0
        if used.all():
            return self
        levels = tuple(level for level, is_used in zip(self.levels, used, strict=True) if is_used)
        table = (np.cumsum(used) - 1).astype(smallest_unsigned(len(levels)))
        return Column(levels, table[self.codes])


@dataclass(frozen=True)
class RawColumn:
    """A column of raw values: the position of each among the distinct ones, -1 where missing.

    Attributes
    ----------
    levels
        Names, sorted; some may belong to no row.
    found
        Position of each row's value, shape (rows,), signed.
    code
        Code of each position; the last is that of -1.
    """

    levels: tuple[str, ...]
    found: Ints
    code: Ints

    @classmethod
    def of(cls, values: pd.Series, name: Callable[[Any], str] = level_name) -> RawColumn:
        """Return a column's values as positions among the distinct ones; codes of categories are kept."""
        if isinstance(values.dtype, pd.CategoricalDtype):
            found, distinct = values.cat.codes.to_numpy(), list(values.cat.categories)
        else:
            found, uniques = pd.factorize(values)
            distinct = list(uniques)
        names = [*(name(value) for value in distinct), MISSING]
        levels = tuple(sorted(set(names)))
        place = {level: code for code, level in enumerate(levels)}
        return cls(levels, found, np.array([place[one] for one in names], dtype=np.uint64))

    def take(self, rows: Ints) -> RawColumn:
        """Return the column at some rows."""
        return RawColumn(self.levels, self.found[rows], self.code)

    def column(self) -> Column:
        """Return the column with sorted levels and a code per row."""
        kind = smallest_unsigned(len(self.levels))
        return Column(self.levels, self.code.astype(kind)[self.found]).without_unused()


def collapse_values(
    keys: Sequence[RawColumn], outcome: RawColumn
) -> tuple[list[Column], tuple[str, ...], Ints]:
    """Count rows with equal keys, by outcome.

    Parameters
    ----------
    keys
        Key columns, the most significant first, each of shape (rows,).
    outcome
        Outcome of each row, shape (rows,).

    Returns
    -------
    keys
        One row per combination that occurs, in ascending order.
    outcomes
        The outcomes that occur, sorted.
    counts
        Rows by combination and outcome, shape (combinations, outcomes).
    """
    rows = len(outcome.found)
    sizes = [len(key.levels) for key in (*keys, outcome)]
    bits = [max(size - 1, 0).bit_length() for size in sizes]
    if sum(bits) > _WORD_BITS:
        return _collapse_wide(keys, outcome)
    shifts = np.cumsum([*bits[1:], 0][::-1])[::-1]
    tables = [key.code << np.uint64(shift) for key, shift in zip((*keys, outcome), shifts, strict=True)]
    packed = np.zeros(rows, dtype=np.uint64)
    for low in range(0, rows, _CHUNK):
        for key, table in zip((*keys, outcome), tables, strict=True):
            packed[low : low + _CHUNK] |= table[key.found[low : low + _CHUNK]]
    packed = _sorted(packed)
    starts = _starts(packed)
    number = np.diff(np.append(starts, rows))
    packed = packed[starts]
    ends = packed & np.uint64(2 ** bits[-1] - 1)
    packed >>= np.uint64(bits[-1])
    starts = _starts(packed)
    counts = np.zeros((len(starts), sizes[-1]), dtype=np.int64)
    row = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(packed))))
    counts[row, ends] = number
    packed = packed[starts]
    columns = []
    for key, width in zip(reversed(keys), reversed(bits[:-1]), strict=True):
        code = (packed & np.uint64(2**width - 1)).astype(smallest_unsigned(len(key.levels)))
        columns.append(Column(key.levels, code).without_unused())
        packed >>= np.uint64(width)
    used = np.flatnonzero(counts.any(axis=0))
    outcomes = tuple(outcome.levels[one] for one in used)
    return columns[::-1], outcomes, counts if len(used) == counts.shape[1] else counts[:, used]


def _collapse_wide(
    keys: Sequence[RawColumn], outcome: RawColumn
) -> tuple[list[Column], tuple[str, ...], Ints]:
    """Collapse rows whose keys take more than 64 bits."""
    columns, ends = [key.column() for key in keys], outcome.column()
    order, starts = group_rows(columns, len(outcome.found))
    row = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    size = len(ends.levels)
    counts = np.bincount(row * size + ends.codes[order], minlength=len(starts) * size)
    kept = order[starts]
    return [key.take(kept) for key in columns], ends.levels, counts.reshape(len(starts), size)


def add_rows(columns: Mapping[str, Column], counts: Ints) -> tuple[dict[str, Column], Ints]:
    """Sum the counts of rows with equal codes.

    Parameters
    ----------
    columns
        The most significant first, each of shape (rows,).
    counts
        Attempts by row and outcome, shape (rows, outcomes).

    Returns
    -------
    columns, counts
        One row per combination of codes, ordered by them.
    """
    order, starts = group_rows(list(columns.values()), len(counts))
    kept = order[starts]
    sums = np.add.reduceat(counts[order], starts, axis=0) if len(starts) else counts
    return {key: one.take(kept).without_unused() for key, one in columns.items()}, sums


def group_rows(columns: Sequence[Column], rows: int) -> tuple[Ints, Ints]:
    """Sort rows by their codes, the first column first.

    Returns
    -------
    order
        The rows in order, shape (rows,); equal ones keep theirs.
    starts
        Where in `order` each group of equal rows begins, shape (groups,).
    """
    key, filled = np.zeros(rows, dtype=np.uint64), 0
    for column in columns:
        if filled + column.bits > _WORD_BITS:
            # The columns so far become one: the rank of their combination.
            distinct, rank = np.unique(key, return_inverse=True)
            key, filled = rank.astype(np.uint64), (len(distinct) - 1).bit_length()
            if len(distinct) == rows:
                break  # all rows differ already
        key <<= np.uint64(column.bits)
        key |= column.codes
        filled += column.bits
    order = np.argsort(key, kind="stable")
    return order, _starts(key[order])


def _starts(values: Ints) -> Ints:
    """Return the positions at which runs of equal neighbours begin."""
    return np.flatnonzero(np.append(len(values) > 0, values[1:] != values[:-1])[: len(values)])


def _sorted(values: Ints) -> Ints:
    """Sort in place: parts on a thread each, then merged (a stable sort of sorted runs is one pass)."""
    parts = parts_of(len(values), thread_count())
    on_threads(lambda low, high: values[low:high].sort(), parts)
    if len(parts) > 1:
        values.sort(kind="stable")
    return values
