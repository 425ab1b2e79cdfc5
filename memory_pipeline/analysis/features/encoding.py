"""How do columns become categories (conditions), and the same ones again for new rows?

A *condition* is `column = value`. A column is an *approach* setting (somebody chose it, so it can be
advised) or *context* (known beforehand, not chosen). What is known only afterwards is never a condition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.columns import check_names, require_columns
from memory_pipeline.analysis.features.levels import distinct_values
from memory_pipeline.analysis.features.value_counts import Limits, ValueCounts, count_columns
from memory_pipeline.analysis.names import MISSING, NO, OTHER, YES, element_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


MAX_VALUES = 40
"""Levels that a column keeps at most."""
BINS = 4
"""Quantile bins of a column of numbers."""


@dataclass(frozen=True)
class Floors:
    """What a value must have to be a level of its own; whatever has less is `(other)`.

    One set of floors holds for findings, factors and their examples, change points and the context of a
    policy, so that a value is a level in all of them or in none. A rebuild learns the encoding once, when it
    counts the evidence, and every later step applies that one. A value that has enough for a level, and too
    little for a finding, costs no tests (`evidence.combinations`); the other columns' findings are adjusted
    for it. Only these learn one of their own:

    - The past alone (`learning.backtest`, `learning.replay`, `learning.prognosis`, `learning.replication`):
      what is measured on later attempts must not know them, not even which of their values are frequent.
    - The approach of a policy (`recommendations.fit`), from its `min_attempts` attempts on and of any
      number of units: `(other)` cannot be advised, so a setting below these floors could never be a
      candidate, however well it did; the prior and the limits on sample and units guard against chance.
    - Segments that are only shown (`learning.success_rate`): 10 attempts of any number of units.

    Attributes
    ----------
    attempts
        A model cannot say anything about a value of fewer, and its level would only add a coefficient.
    units
        What one unit alone ever had identifies that unit: it is not a condition.
    """

    attempts: int = 10
    units: int = 2

    def at_most(self, attempts: int, units: int) -> Floors:
        """Return the floors, lowered to what a finding may rest on where that is less."""
        return Floors(min(self.attempts, attempts), min(self.units, units))


FLOORS = Floors()
"""The floors of everything that has no reason for others."""


@dataclass(frozen=True)
class ColumnCode:
    """How one source column becomes categories.

    `kind` is `categories` (levels as they are, the rest is `(other)`), `bins` (numbers cut at `edges`),
    or `elements` (one yes/no column per element of lists). `columns` are the names of these columns where
    they are not the usual ones (`names.element_column`); otherwise it is empty.
    """

    kind: str
    levels: tuple[str, ...]
    edges: tuple[float, ...] = ()
    columns: tuple[str, ...] = ()

    def columns_for(self, source: str) -> tuple[str, ...]:
        """Return the names of the encoded columns of a source column."""
        if self.kind != "elements":
            return (source,)
        return self.columns or tuple(element_column(source, element) for element in self.levels)

    def to_dict(self) -> dict[str, Any]:
        """Return the code as JSON-able values."""
        columns = {"columns": list(self.columns)} if self.columns else {}
        return {"kind": self.kind, "levels": list(self.levels), "edges": list(self.edges), **columns}


@dataclass(frozen=True)
class Encoding:
    """The codes of all columns; applying it to new rows gives the same categories."""

    codes: Mapping[str, ColumnCode]

    def to_dict(self) -> dict[str, Any]:
        """Return the encoding as JSON-able values."""
        return {column: code.to_dict() for column, code in self.codes.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Encoding:
        """Rebuild an encoding from `to_dict`."""
        return cls(
            {
                column: ColumnCode(
                    code["kind"], tuple(code["levels"]), tuple(code["edges"]), tuple(code.get("columns", ()))
                )
                for column, code in values.items()
            }
        )

    def columns_of(self, source: str) -> tuple[str, ...]:
        """Return the names of the encoded columns of a source column; none where it has one value only."""
        code = self.codes.get(source)
        return () if code is None else code.columns_for(source)

    def part(self, columns: Iterable[str]) -> Encoding:
        """Return the codes of some source columns, in their order; a column without a code has none here."""
        return Encoding({column: self.codes[column] for column in columns if column in self.codes})

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Encode rows; a column that is absent counts as missing, an unseen value as `(other)`.

        Returns
        -------
        DataFrame
            Categorical columns, shape (rows, encoded columns), indexed as `frame`.
        """
        encoded: dict[str, pd.Categorical] = {}
        for source, code in self.codes.items():
            values = frame[source] if source in frame else pd.Series(None, index=frame.index, dtype=object)
            encoded |= _encode_column(source, values, code)
        return pd.DataFrame(encoded, index=frame.index)


@dataclass(frozen=True)
class Encoded:
    """An encoded frame with its encoding."""

    frame: pd.DataFrame
    encoding: Encoding


def encode(
    frame: pd.DataFrame,
    columns: Iterable[str],
    *,
    max_values: int = MAX_VALUES,
    min_count: int = FLOORS.attempts,
    bins: int = BINS,
    unit: str | None = None,
    min_units: int = 1,
) -> Encoded:
    """Encode columns as categories.

    Parameters
    ----------
    frame
        Flat attempts, shape (attempts, any).
    columns
        The columns to encode.
    unit
        Column of the evidence units.
    max_values, min_count, bins, min_units
        See `learn_encoding`.

    Returns
    -------
    Encoded
        Categorical columns of text, with the encoding that gave them. A column with one level only carries
        no information and is left out.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    """
    wanted = list(columns)
    require_columns(frame, wanted)
    encoding = learn_encoding(
        count_columns(frame, wanted, unit),
        max_values=max_values,
        min_count=min_count,
        bins=bins,
        min_units=min_units,
        taken=frame.columns,
    )
    return Encoded(encoding.apply(frame), encoding)


def learn_conditions(
    frame: pd.DataFrame, columns: Iterable[str], *, unit: str | None, floors: Floors = FLOORS
) -> Encoding:
    """Fit the encoding of columns as conditions; without a unit only attempts count.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    """
    wanted = list(columns)
    require_columns(frame, wanted)
    counts = count_columns(frame, wanted, unit)
    return learn_encoding(counts, min_count=floors.attempts, min_units=floors.units, taken=frame.columns)


def encode_conditions(
    frame: pd.DataFrame, columns: Iterable[str], *, unit: str, encoding: Encoding | None = None
) -> Encoded:
    """Encode columns as conditions, by an encoding that was learned before or by the one learned here.

    Parameters
    ----------
    frame, columns, unit
        See `encode`.
    encoding
        Learned before from these columns, on these rows or on more of them; None: it is learned here.

    Returns
    -------
    Encoded
        As `encode` returns it: what has one level only in these rows is left out, of the encoding too.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    """
    wanted = list(columns)
    require_columns(frame, wanted)
    part = (learn_conditions(frame, wanted, unit=unit) if encoding is None else encoding).part(wanted)
    encoded = part.apply(frame)
    varying = [str(column) for column in encoded if len(encoded[column].cat.categories) > 1]
    codes = {source: _varying_code(source, code, varying) for source, code in part.codes.items()}
    return Encoded(encoded[varying], Encoding({source: code for source, code in codes.items() if code}))


def _varying_code(source: str, code: ColumnCode, varying: Collection[str]) -> ColumnCode | None:
    """Return what a code has in the encoded columns that vary; None where that is nothing."""
    if code.kind != "elements":
        return code if source in varying else None
    kept = [name in varying for name in code.columns_for(source)]
    levels = tuple(compress(code.levels, kept))
    return replace(code, levels=levels, columns=tuple(compress(code.columns, kept))) if levels else None


def learn_encoding(
    counts: Mapping[str, ValueCounts],
    *,
    max_values: int = MAX_VALUES,
    min_count: int = FLOORS.attempts,
    bins: int = BINS,
    min_units: int = 1,
    taken: Collection[str] = (),
) -> Encoding:
    """Choose how columns become categories, from how often their values occur.

    Counts add up over months, so the encoding of a whole history needs none of its rows.

    Parameters
    ----------
    counts
        How often each value occurs, by column, in the order of the encoded columns.
    max_values
        Most levels (or list elements) that a column keeps; the most frequent stay.
    min_count
        Rows that a value must have to be kept; rarer ones become `(other)`.
    bins
        Quantile bins of a numeric column that has more than `2 * bins` different numbers.
    min_units
        Units that a value must occur with to be kept: what only one application ever had identifies that
        application and is not a condition.
    taken
        Other columns of the frame, whose names no encoded column may have.

    Raises
    ------
    ValueError
        When a column has a name of the analysis's own.
    """
    check_names(counts)
    limits = Limits(max_values, min_count, min_units)
    codes: dict[str, ColumnCode] = {}
    names = {*counts, *taken}
    for column, one in counts.items():
        code = _learn_code(one, limits, bins=bins)
        if code is None:
            continue
        if code.kind == "elements":
            columns = tuple(element_column(column, element, names) for element in code.levels)
            code = code if columns == code.columns_for(column) else replace(code, columns=columns)
            names.update(columns)
        codes[column] = code
    return Encoding(codes)


def _learn_code(counts: ValueCounts, limits: Limits, *, bins: int) -> ColumnCode | None:
    """Choose the code of one column; None where all rows would get the same level."""
    edges = counts.quantile_edges(bins)
    if len(edges):
        used = len(np.unique(np.searchsorted(edges, counts.known_numbers, side="right")))
        if used + counts.has_missing < 2:  # noqa: PLR2004 - one level distinguishes nothing
            return None
        return ColumnCode("bins", _bin_labels(list(edges)), tuple(float(edge) for edge in edges))
    levels = counts.frequent(limits)
    if counts.is_list:
        varying = tuple(one for one in levels if counts.has_missing or counts.lacks(one))
        return ColumnCode("elements", varying) if varying else None
    used = len(levels) + (len(set(counts.used_names) - set(levels)) > 0) + counts.has_missing
    return ColumnCode("categories", levels) if used > 1 else None


def _bin_labels(edges: Sequence[float]) -> tuple[str, ...]:
    texts = [f"{edge:.6g}" for edge in edges]
    middle = [f"{low} to {high}" for low, high in pairwise(texts)]
    return (f"below {texts[0]}", *middle, f"{texts[-1]} or more")


def _encode_column(source: str, values: pd.Series, code: ColumnCode) -> dict[str, pd.Categorical]:
    if code.kind == "bins":
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        positions = np.searchsorted(np.asarray(code.edges), numbers, side="right")
        positions = np.where(np.isnan(numbers), len(code.levels), positions)
        positions = np.where(values.isna().to_numpy(dtype=bool), len(code.levels) + 1, positions)
        return {source: _categorical(positions, (*code.levels, OTHER, MISSING))}
    codes, names, _ = distinct_values(values)
    if code.kind == "elements":
        return {
            column: _categorical(
                np.array([*(element in name for name in names), 2])[codes], (NO, YES, MISSING)
            )
            for column, element in zip(code.columns_for(source), code.levels, strict=True)
        }
    place = {level: i for i, level in enumerate(code.levels)}
    other = len(code.levels)
    positions = np.array([*(place.get(", ".join(name), other) for name in names), other + 1])
    return {source: _categorical(positions[codes], (*code.levels, OTHER, MISSING))}


def _categorical(positions: np.ndarray, levels: tuple[str, ...]) -> pd.Categorical:
    """Build a categorical from positions in `levels`; levels that do not occur are left out."""
    present = np.bincount(positions.astype(np.int64), minlength=len(levels)) > 0
    kept = [level for level, there in zip(levels, present, strict=True) if there]
    codes = (np.cumsum(present) - 1)[positions.astype(np.int64)]
    encoded: Any = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(kept))
    return encoded  # type: ignore[no-any-return]


def encoded_columns(encoding: Encoding) -> list[str]:
    """Return the names of the columns that an encoding gives, in order."""
    return [column for source in encoding.codes for column in encoding.columns_of(source)]
