"""How do columns become categories (conditions), and the same ones again for new rows?

A *condition* is `column = value`. A column is an *approach* setting (somebody chose it, so it can be
advised) or *context* (known beforehand, not chosen). What is known only afterwards is never a condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.columns import require_columns
from memory_pipeline.analysis.features.levels import distinct_values
from memory_pipeline.analysis.features.value_counts import Limits, ValueCounts, count_columns
from memory_pipeline.analysis.names import MISSING, NO, OTHER, YES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


MAX_VALUES = 40
"""Levels that a column keeps at most."""
BINS = 4
"""Quantile bins of a column of numbers."""
_LEAST_ATTEMPTS, _LEAST_UNITS = 10, 2


@dataclass(frozen=True)
class ColumnCode:
    """How one source column becomes categories.

    `kind` is `categories` (levels as they are, the rest is `(other)`), `bins` (numbers cut at `edges`),
    or `elements` (one yes/no column per element of lists).
    """

    kind: str
    levels: tuple[str, ...]
    edges: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the code as JSON-able values."""
        return {"kind": self.kind, "levels": list(self.levels), "edges": list(self.edges)}


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
                column: ColumnCode(code["kind"], tuple(code["levels"]), tuple(code["edges"]))
                for column, code in values.items()
            }
        )

    def columns_of(self, source: str) -> tuple[str, ...]:
        """Return the names of the encoded columns of a source column; none where it has one value only."""
        code = self.codes.get(source)
        if code is None:
            return ()
        if code.kind == "elements":
            return tuple(f"{source}: {element}" for element in code.levels)
        return (source,)

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
    min_count: int = _LEAST_ATTEMPTS,
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
    )
    return Encoded(encoding.apply(frame), encoding)


def encode_for_models(frame: pd.DataFrame, columns: Iterable[str], *, unit: str) -> Encoded:
    """Turn columns into categories as models need them: of 10 attempts and 2 units or more.

    Whatever adjusts or predicts uses these floors (factors and their examples, change points, the context
    of a policy), so that a value is a level in all of it or in none. Two stages have floors of their own:

    - Evidence for findings (`patterns.find`, `learning.replication`): a finding takes `min_sample_size`
      attempts and `min_units` units, and a value with fewer would only be searched, or learnt by heart.
    - The approach of a policy (`recommendations.fit`): an approach is a candidate from `min_attempts`
      attempts on, and its record is held against the others' whatever its units.

    Parameters
    ----------
    frame, columns, unit
        See `encode`.
    """
    return encode(frame, columns, min_count=_LEAST_ATTEMPTS, unit=unit, min_units=_LEAST_UNITS)


def learn_encoding(
    counts: Mapping[str, ValueCounts],
    *,
    max_values: int = MAX_VALUES,
    min_count: int = _LEAST_ATTEMPTS,
    bins: int = BINS,
    min_units: int = 1,
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
    """
    limits = Limits(max_values, min_count, min_units)
    codes: dict[str, ColumnCode] = {}
    for column, one in counts.items():
        code = _learn_code(one, limits, bins=bins)
        if code is not None:
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
            f"{source}: {element}": _categorical(
                np.array([*(element in name for name in names), 2])[codes], (NO, YES, MISSING)
            )
            for element in code.levels
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
