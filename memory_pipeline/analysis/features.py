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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MISSING = "(missing)"
OTHER = "(other)"
YES, NO = "yes", "no"
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
        """Name the encoded columns that a source column became."""
        code = self.codes[source]
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
    max_values: int = 40,
    min_count: int = 10,
    bins: int = 4,
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
    max_values
        Most levels (or list elements) that a column keeps; the most frequent stay.
    min_count
        Rows that a value must have to stay itself; rarer ones become `(other)`.
    bins
        Quantile bins of a numeric column that has more than `2 * bins` different numbers.
    unit, min_units
        Column of the evidence units, and how many of them a value must occur with to stay itself:
        what only one application ever had is a name for that application, not a condition.

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
    codes: dict[str, ColumnCode] = {}
    encoded: dict[str, pd.Categorical] = {}
    for column in wanted:
        units = None if unit is None or column == unit else frame[unit]
        enough = _Enough(max_values, min_count, min_units)
        code = _learn_code(frame[column], units, enough, bins=bins)
        kept = {
            name: values
            for name, values in _encode_column(column, frame[column], code).items()
            if len(values.categories) > 1
        }
        if kept:
            if code.kind == "elements":
                levels = tuple(e for e in code.levels if f"{column}: {e}" in kept)
                code = ColumnCode("elements", levels)
            codes[column] = code
            encoded |= kept
    return Encoded(pd.DataFrame(encoded, index=frame.index), Encoding(codes))


@dataclass(frozen=True)
class _Enough:
    """What a value must reach to be a level of its own."""

    max_values: int
    count: int
    units: int


def _learn_code(values: pd.Series, units: pd.Series | None, enough: _Enough, *, bins: int) -> ColumnCode:
    present = values.dropna()
    held_by = None if units is None else units.loc[present.index]
    if present.map(_is_listlike).any():
        sets = present.map(lambda one: sorted(set(_texts(one))))
        elements = sets.explode().dropna()
        held_by = None if held_by is None else held_by.loc[elements.index]
        return ColumnCode("elements", _frequent(elements, held_by, enough))
    numbers = _as_numbers(present)
    if numbers is not None and numbers.nunique() > 2 * bins:
        inner = np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1]))
        inner = inner[(inner > numbers.min()) & (inner <= numbers.max())]
        if len(inner):
            return ColumnCode("bins", _bin_labels(inner), tuple(float(edge) for edge in inner))
    return ColumnCode("categories", _frequent(present.map(level_name), held_by, enough))


def _as_numbers(present: pd.Series) -> pd.Series | None:
    """Return the values as floats where all of them are numbers (and not truth values)."""
    if present.empty or present.map(lambda v: isinstance(v, (bool, np.bool_, str))).any():
        return None
    try:
        return present.astype(float)
    except (TypeError, ValueError):
        return None


def _frequent(values: pd.Series, units: pd.Series | None, enough: _Enough) -> tuple[str, ...]:
    """Name the values with enough rows and units, the most frequent `enough.values` of them."""
    counts = values.value_counts()
    counts = counts[counts >= enough.count]
    if units is not None and enough.units > 1:
        held_by = pd.DataFrame({"value": values.to_numpy(), "unit": units.to_numpy()}).drop_duplicates()
        counts = counts[held_by["value"].value_counts().reindex(counts.index, fill_value=0) >= enough.units]
    # Ties are broken by name, so that the same rows in another order give the same levels.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    kept = ordered[: enough.max_values]
    return tuple(sorted(str(value) for value, _ in kept))


def _bin_labels(edges: Sequence[float]) -> tuple[str, ...]:
    texts = [f"{edge:.6g}" for edge in edges]
    middle = [f"{low} to {high}" for low, high in pairwise(texts)]
    return (f"below {texts[0]}", *middle, f"{texts[-1]} or more")


def _is_listlike(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, np.ndarray))


def _texts(value: Any) -> list[str]:
    return [level_name(element) for element in value] if _is_listlike(value) else [level_name(value)]


def level_name(value: Any) -> str:
    """Write one value as a level's name; whole numbers lose their `.0`, truth values read yes or no."""
    if isinstance(value, (bool, np.bool_)):
        return YES if value else NO
    if isinstance(value, (float, np.floating)):
        return f"{value:.12g}"
    return str(value)


def _encode_column(source: str, values: pd.Series, code: ColumnCode) -> dict[str, pd.Categorical]:
    missing = values.isna().to_numpy(dtype=bool)
    if code.kind == "elements":
        sets = [set() if gone else set(_texts(v)) for v, gone in zip(values, missing, strict=True)]
        return {
            f"{source}: {element}": _categorical(
                np.where(missing, MISSING, np.where([element in s for s in sets], YES, NO)),
                (NO, YES, MISSING),
            )
            for element in code.levels
        }
    if code.kind == "bins":
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        positions = np.searchsorted(np.asarray(code.edges), numbers, side="right")
        texts = np.asarray(code.levels, dtype=object)[np.minimum(positions, len(code.levels) - 1)]
        texts = np.where(np.isnan(numbers) & ~missing, OTHER, texts)
    else:
        texts = values.map(level_name, na_action="ignore").to_numpy(dtype=object)
        known = np.isin(texts.astype(str), np.asarray(code.levels, dtype=str))
        texts = np.where(known, texts, OTHER)
    return {source: _categorical(np.where(missing, MISSING, texts), (*code.levels, OTHER, MISSING))}


def _categorical(texts: np.ndarray, levels: tuple[str, ...]) -> pd.Categorical:
    present = set(np.unique(texts.astype(str)))
    return pd.Categorical(texts, categories=[level for level in levels if level in present])
