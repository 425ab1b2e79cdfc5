"""From stored attempts to conditions: one flat row an attempt, then categories.

A *condition* is `column = value`. A column is an *approach* setting (somebody chose it, so it can be
advised) or *context* (known beforehand, not chosen). What is known only afterwards is never a condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.value_counts import Limits, ValueCounts, count_columns
from memory_pipeline.analysis.values import MISSING, NO, OTHER, YES, distinct_values, level_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "MISSING",
    "NEVER_CONDITIONS",
    "NO",
    "OTHER",
    "STANDARD_CONTEXT",
    "STATUSES",
    "YES",
    "ColumnCode",
    "Encoded",
    "Encoding",
    "Roles",
    "condition_columns",
    "encode",
    "flatten_outcomes",
    "learn_encoding",
    "level_name",
]

STATUSES = ("success", "failure", "partial")
STANDARD_CONTEXT = ("application_vendor", "application_type", "installer_type")
NEVER_CONDITIONS = frozenset(
    {
        "id",
        "task_id",
        "application_name",
        "application_version",
        "outcome_status",
        "occurred_at",
        "created_at",
        "updated_at",
        "success_factors",
        "failure_reason",
        "failure_reasons",
        "intervention_kind",
        "manual_interventions",
        "needed_intervention",
        "performance_metrics",
        "feedback",
        "recommendation_id",
        "recommendation_followed",
        "source",
        "source_record_id",
        "content_hash",
        "ingest_id",
    }
)
"""Columns that identify an attempt or are known only after it."""
MAX_VALUES = 40
"""Levels that a column keeps at most."""
BINS = 4
"""Quantile bins of a column of numbers."""

_ALWAYS = (
    "id",
    "application_name",
    "occurred_at",
    "outcome_status",
    "needed_intervention",
    "intervention_kind",
    "failure_reason",
    "recommendation_id",
    "recommendation_followed",
)


@dataclass(frozen=True)
class Roles:
    """Which columns of a flat frame are conditions, and of which sort."""

    approach: tuple[str, ...]
    context: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """All condition columns, context first."""
        return self.context + self.approach


def flatten_outcomes(records: pd.DataFrame) -> tuple[pd.DataFrame, Roles]:
    """Lay stored outcomes flat: one row an attempt, one column a condition.

    Parameters
    ----------
    records
        Outcomes as stored, shape (attempts, columns of `packaging_outcomes`); `context`,
        `approach_details`, `failure_reasons` and `manual_interventions` hold dicts and lists.

    Returns
    -------
    frame
        Shape (attempts, 9 + conditions). An approach setting whose name is also a context column
        of another record is told apart as `name (approach)`.
    roles
        Which of the columns are context and which are approach.
    """
    index = records.index
    context = _spread(records["context"], index)
    approach = _spread(records["approach_details"], index)
    standard = records[[c for c in STANDARD_CONTEXT if c in records]]
    context = pd.concat([standard, context.drop(columns=standard.columns, errors="ignore")], axis=1)
    approach.columns = pd.Index(
        [f"{c} (approach)" if c in context.columns or c in _ALWAYS else c for c in approach.columns]
    )
    interventions = records["manual_interventions"].map(_first_of("kind"))
    flat = pd.DataFrame(
        {
            "id": records["id"],
            "application_name": records["application_name"],
            "occurred_at": pd.to_datetime(records["occurred_at"], utc=True),
            "outcome_status": records["outcome_status"],
            "needed_intervention": records["manual_interventions"].map(_is_filled).astype(bool),
            "intervention_kind": interventions,
            "failure_reason": records["failure_reasons"].map(_first_of("reason")),
            "recommendation_id": records["recommendation_id"],
            "recommendation_followed": records["recommendation_followed"],
        },
        index=index,
    )
    frame = pd.concat([flat, context, approach], axis=1).reset_index(drop=True)
    return frame, Roles(approach=tuple(approach.columns), context=tuple(context.columns))


def _spread(column: pd.Series, index: pd.Index) -> pd.DataFrame:
    """Give each key of a column of dicts a column of its own, in order of first appearance."""
    dicts = [value if isinstance(value, dict) else {} for value in column]
    keys = dict.fromkeys(key for one in dicts for key in one)
    return pd.DataFrame(
        {key: pd.Series([one.get(key) for one in dicts], index=index, dtype=object) for key in keys},
        index=index,
    )


def _first_of(key: str) -> Any:
    def first(items: Any) -> str | None:
        return items[0].get(key) if isinstance(items, list) and items else None

    return first


def _is_filled(items: Any) -> bool:
    return isinstance(items, list) and bool(items)


def condition_columns(frame: pd.DataFrame, *, unit: str | None = None) -> tuple[str, ...]:
    """Name the columns of a flat frame that can be conditions: all but identifiers, times and aftermath."""
    return tuple(
        column
        for column in frame.columns
        if column not in NEVER_CONDITIONS
        and column != unit
        and not pd.api.types.is_datetime64_any_dtype(frame[column])
    )


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
        """Name the encoded columns that a source column became: none, where it has one value alone."""
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
    min_count: int = 10,
    bins: int = BINS,
    unit: str | None = None,
    min_units: int = 1,
) -> Encoded:
    """Turn columns into categories, and say how.

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
        Categorical columns of text. A column with one level only says nothing and is left out.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    """
    wanted = list(columns)
    absent = [column for column in wanted if column not in frame]
    if absent:
        msg = f"the columns {absent} are not in the frame; it has {list(map(str, frame.columns))}"
        raise KeyError(msg)
    encoding = learn_encoding(
        count_columns(frame, wanted, unit),
        max_values=max_values,
        min_count=min_count,
        bins=bins,
        min_units=min_units,
    )
    return Encoded(encoding.apply(frame), encoding)


def learn_encoding(
    counts: Mapping[str, ValueCounts],
    *,
    max_values: int = MAX_VALUES,
    min_count: int = 10,
    bins: int = BINS,
    min_units: int = 1,
) -> Encoding:
    """Choose how columns become categories, from how often their values occur.

    Counts add up over months, so the encoding of a whole history needs none of its rows.

    Parameters
    ----------
    counts
        How often each value occurs, by column, in the order that the encoded columns get.
    max_values
        Most levels (or list elements) that a column keeps; the most frequent stay.
    min_count
        Rows that a value must have to stay itself; rarer ones become `(other)`.
    bins
        Quantile bins of a numeric column that has more than `2 * bins` different numbers.
    min_units
        Units that a value must occur with to stay itself: what only one application ever had is a name for
        that application, not a condition.
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
        if used + counts.has_missing < 2:  # noqa: PLR2004 - two levels tell something apart
            return None
        return ColumnCode("bins", _bin_labels(list(edges)), tuple(float(edge) for edge in edges))
    levels = counts.frequent(limits)
    if counts.is_list:
        telling = tuple(one for one in levels if counts.has_missing or counts.lacks(one))
        return ColumnCode("elements", telling) if telling else None
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
    """Make a categorical from positions in `levels`; levels that do not occur are left out."""
    present = np.bincount(positions.astype(np.int64), minlength=len(levels)) > 0
    kept = [level for level, there in zip(levels, present, strict=True) if there]
    codes = (np.cumsum(present) - 1)[positions.astype(np.int64)]
    encoded: Any = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(kept))
    return encoded  # type: ignore[no-any-return]
