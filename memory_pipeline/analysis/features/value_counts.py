"""How often does each value of a column occur, and with which units? An encoding is learnt from this alone.

The counts of two parts of a history add up to those of the whole, so they are kept by month.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.levels import as_numbers, distinct_values, level_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memory_pipeline.analysis.arrays import Floats, Ints


COLUMNS = ("column", "is_list", "value", "number", "unit", "attempts")


@dataclass(frozen=True)
class Limits:
    """What a value must reach to be a level of its own: see `features.encoding.learn_encoding`."""

    max_values: int
    count: int
    units: int


@dataclass(frozen=True, eq=False)
class ValueCounts:
    """The values of one column, as entries of (value, unit) with their attempts.

    Attributes
    ----------
    names
        The distinct values as texts (of a column of lists: the elements); two numbers can share one.
    numbers
        The same values as numbers, shape (values,); None where they are not all numbers.
    is_list
        Whether the column holds lists.
    codes
        Value of each entry, shape (entries,).
    units
        Unit of each entry, shape (entries,); None where units do not matter.
    attempts
        Attempts of each entry, shape (entries,); None: one each.
    rows, missing
        Attempts in all, and those without a value.
    """

    names: tuple[str, ...]
    numbers: Floats | None
    is_list: bool
    codes: Ints
    units: Ints | None
    attempts: Ints | None
    rows: int
    missing: int

    @cached_property
    def by_value(self) -> Ints:
        """Attempts of each value, shape (values,)."""
        counts = np.bincount(self.codes, weights=self.attempts, minlength=len(self.names))
        return counts.astype(np.int64)

    @property
    def has_missing(self) -> bool:
        """Whether some attempt has no value."""
        return self.missing > 0

    @property
    def used_names(self) -> list[str]:
        """Names of the values that occur."""
        return [self.names[i] for i in np.flatnonzero(self.by_value)]

    @property
    def known_numbers(self) -> Floats:
        """The numbers that occur, each once; empty where the values are not numbers."""
        empty: Floats = np.zeros(0)
        return empty if self.numbers is None else self.numbers[self.by_value > 0]

    def lacks(self, element: str) -> bool:
        """Return whether some list is without an element."""
        return bool(self.by_value[self.names.index(element)] < self.rows - self.missing)

    def quantile_edges(self, bins: int) -> Floats:
        """Compute the edges of quantile bins.

        Returns
        -------
        ndarray
            Inner edges, ascending, shape (at most `bins` - 1,); empty where the values are not numbers or
            no more than `2 * bins` different ones.
        """
        known = self.known_numbers
        if self.numbers is None or len(known) <= 2 * bins:
            return np.zeros(0)
        order = np.argsort(known)
        every = np.repeat(known[order], self.by_value[self.by_value > 0][order])
        inner: Floats = np.unique(np.quantile(every, np.linspace(0, 1, bins + 1)[1:-1]))
        kept: Floats = inner[(inner > every[0]) & (inner <= every[-1])]
        return kept

    def frequent(self, limits: Limits) -> tuple[str, ...]:
        """Return the most frequent values with enough attempts and units, sorted by name."""
        names, of_value = np.unique(np.array(self.names, dtype=object), return_inverse=True)
        codes = of_value.reshape(-1)[self.codes]
        counts = np.bincount(codes, weights=self.attempts, minlength=len(names)).astype(np.int64)
        good = counts >= limits.count
        if self.units is not None and limits.units > 1 and len(codes):
            size = int(self.units.max()) + 1
            pairs = np.unique(codes.astype(np.int64) * size + self.units)
            good &= np.bincount(pairs // size, minlength=len(names)) >= limits.units
        # Ties are broken by name, so that the same rows in another order give the same levels.
        ordered = sorted((-int(counts[i]), str(names[i])) for i in np.flatnonzero(good))
        return tuple(sorted(name for _, name in ordered[: limits.max_values]))


def count_columns(
    frame: pd.DataFrame, columns: Sequence[str], unit: str | None = None
) -> dict[str, ValueCounts]:
    """Count the values of columns of a frame, with the units of one of its columns.

    Attempts without a unit are one unit of their own. The unit's own column is counted without units.
    """
    units = None if unit is None else _unit_codes(frame[unit])[0]
    return {column: _count(frame[column], None if column == unit else units) for column in columns}


def value_table(frame: pd.DataFrame, columns: Sequence[str], unit: str) -> pd.DataFrame:
    """Count the values of columns as a table that can be kept and added to others.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per (column, value or list element, unit), and one per (column, unit) with
        attempts without a value, whose `value` is missing. `number` is the value where it is one.
    """
    units, unit_names = _unit_codes(frame[unit])
    parts = [_entries(column, _count(frame[column], units), frame[column], units) for column in columns]
    if not parts:
        return pd.DataFrame({name: [] for name in COLUMNS})
    table = pd.concat(parts, ignore_index=True)
    table["unit"] = pd.array([unit_names[code] for code in table["unit"]], dtype="str")
    return table.astype({"column": "str", "value": "str"})


def add_tables(tables: pd.DataFrame, columns: Iterable[str], rows: int) -> dict[str, ValueCounts]:
    """Sum concatenated tables of `value_table` to the counts of the whole history.

    Parameters
    ----------
    tables
        Columns `COLUMNS`.
    columns
        Columns to return, in this order; one without a row in the tables has empty lists only.
    rows
        Attempts in all.
    """
    units = _unit_codes(tables["unit"])[0]
    places = tables.groupby("column", sort=False).indices
    none = np.zeros(0, dtype=np.int64)
    return {
        column: _sum(tables.iloc[places.get(column, none)], units[places.get(column, none)], rows)
        for column in columns
    }


def _sum(table: pd.DataFrame, units: Ints, rows: int) -> ValueCounts:
    known = table["value"].notna().to_numpy()
    missing = int(table["attempts"].to_numpy()[~known].sum())
    part, is_list = table[known], bool(table["is_list"].any())
    if len(part) and part["number"].notna().all():
        codes, numbers = pd.factorize(part["number"].to_numpy(dtype=float))
        names = tuple(level_name(number) for number in numbers)
    else:
        codes, distinct = pd.factorize(part["value"].to_numpy(dtype=object))
        names, numbers = tuple(distinct), None
    attempts = part["attempts"].to_numpy(dtype=np.int64)
    return ValueCounts(names, numbers, is_list, codes, units[known], attempts, rows, missing)


def _count(values: pd.Series, units: Ints | None) -> ValueCounts:
    codes, distinct, is_list = distinct_values(values)
    known = codes >= 0
    missing = len(codes) - int(known.sum())
    if is_list:
        elements = sorted({element for one in distinct for element in one})
        at = {element: i for i, element in enumerate(elements)}
        holds = np.zeros((len(distinct) + 1, len(elements)), dtype=bool)  # the last row is for missing
        for i, one in enumerate(distinct):
            holds[i, [at[element] for element in one]] = True
        row, entries = np.nonzero(holds[codes])
        unit_of = None if units is None else units[row]
        return ValueCounts(tuple(elements), None, True, entries, unit_of, None, len(codes), missing)
    names = tuple(one[0] for one in distinct)
    numbers = None if as_numbers(values) is None else _numbers_of(values, codes, len(names))
    unit_of = None if units is None else units[known]
    return ValueCounts(names, numbers, False, codes[known], unit_of, None, len(codes), missing)


def _numbers_of(values: pd.Series, codes: Ints, size: int) -> Floats:
    """Return the number of each code, shape (size,)."""
    known = codes >= 0
    numbers: Floats = np.zeros(size)
    numbers[codes[known]] = pd.to_numeric(values[known]).to_numpy(dtype=float)
    return numbers


def _entries(column: str, counts: ValueCounts, values: pd.Series, units: Ints) -> pd.DataFrame:
    """Return the counts of one column as the rows of `value_table`, units as codes."""
    assert counts.units is not None  # noqa: S101 - `value_table` counts with units
    size = int(units.max(initial=0)) + 1
    pairs, attempts = np.unique(counts.codes.astype(np.int64) * size + counts.units, return_counts=True)
    code, unit = pairs // size, pairs % size
    gone = np.flatnonzero(np.bincount(units[values.isna().to_numpy(dtype=bool)], minlength=size))
    without = np.bincount(units[values.isna().to_numpy(dtype=bool)], minlength=size)[gone]
    names = np.array([*counts.names, None], dtype=object)
    numbers = np.full(len(code), np.nan) if counts.numbers is None else counts.numbers[code]
    return pd.DataFrame(
        {
            "column": column,
            "is_list": counts.is_list,
            "value": np.concatenate([names[code], np.full(len(gone), None, dtype=object)]),
            "number": np.concatenate([numbers, np.full(len(gone), np.nan)]),
            "unit": np.concatenate([unit, gone]),
            "attempts": np.concatenate([attempts, without]).astype(np.int64),
        }
    )


def _unit_codes(units: pd.Series) -> tuple[Ints, list[Any]]:
    """Return each row's unit as a number, shape (rows,), and the units; a missing unit has the last one."""
    codes, distinct = pd.factorize(units)
    return np.where(codes < 0, len(distinct), codes), [*distinct, None]
