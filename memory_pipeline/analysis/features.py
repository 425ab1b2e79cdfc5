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
    numbers = _as_numbers(values)
    if numbers is not None and numbers.nunique() > 2 * bins:
        known = numbers.dropna()
        inner = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
        inner = inner[(inner > known.min()) & (inner <= known.max())]
        if len(inner):
            return ColumnCode("bins", _bin_labels(inner), tuple(float(edge) for edge in inner))
    codes, names, is_list = _distinct(values)
    unit_codes = None if units is None else pd.factorize(units)[0]
    if is_list:
        # One row per (attempt, element): which attempts have an element follows from their distinct list.
        elements = sorted({element for name in names for element in name})
        at = {element: i for i, element in enumerate(elements)}
        holds = np.zeros((len(names) + 1, len(elements)), dtype=bool)  # the last row is for missing
        for i, name in enumerate(names):
            holds[i, [at[element] for element in name]] = True
        row, element_codes = np.nonzero(holds[codes])
        unit_codes = None if unit_codes is None else unit_codes[row]
        return ColumnCode("elements", _frequent(element_codes, elements, unit_codes, enough))
    return ColumnCode("categories", _frequent(codes, [name[0] for name in names], unit_codes, enough))


def _distinct(values: pd.Series) -> tuple[np.ndarray, list[tuple[str, ...]], bool]:
    """Give the distinct values of a column numbers, so that the rest works on few of them.

    Returns
    -------
    codes
        Number of each row's value, shape (rows,); -1 where it is missing.
    names
        The distinct values as texts: a list as the tuple of its elements, anything else as one text.
    is_list
        Whether the column holds lists.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), [(level_name(v),) for v in values.cat.categories], False
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind != "mixed" and kind != "mixed-integer":  # noqa: PLR1714 - a set would be slower to read
        codes, uniques = pd.factorize(values)
        return codes, [(level_name(value),) for value in uniques], False
    # Lists, or values of several types, of which True and 1 must not become one.
    missing = values.isna().to_numpy(dtype=bool)
    is_list = bool(values.map(_is_listlike).any())
    texts = pd.Series(
        [None if gone else tuple(sorted(set(_texts(v)))) for v, gone in zip(values, missing, strict=True)],
        dtype=object,
    )
    codes, uniques = pd.factorize(texts)
    return codes, [tuple(value) for value in uniques], is_list


def _as_numbers(values: pd.Series) -> pd.Series | None:
    """Return the values as floats where all of them are numbers (and not truth values)."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind not in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return None
    return pd.to_numeric(values, errors="coerce").astype(float)


def _frequent(
    codes: np.ndarray, names: Sequence[str], units: np.ndarray | None, enough: _Enough
) -> tuple[str, ...]:
    """Name the values with enough rows and units, the most frequent `enough.max_values` of them."""
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=len(names))
    good = counts >= enough.count
    if units is not None and enough.units > 1 and len(names):
        pairs = np.unique(codes[known].astype(np.int64) * (int(units.max()) + 1) + units[known])
        good &= np.bincount(pairs // (int(units.max()) + 1), minlength=len(names)) >= enough.units
    # Ties are broken by name, so that the same rows in another order give the same levels.
    ordered = sorted((-int(counts[i]), names[int(i)]) for i in np.flatnonzero(good))
    kept = ordered[: enough.max_values]
    return tuple(sorted(name for _, name in kept))


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
    if code.kind == "bins":
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        positions = np.searchsorted(np.asarray(code.edges), numbers, side="right")
        positions = np.where(np.isnan(numbers), len(code.levels), positions)
        positions = np.where(values.isna().to_numpy(dtype=bool), len(code.levels) + 1, positions)
        return {source: _categorical(positions, (*code.levels, OTHER, MISSING))}
    codes, names, _ = _distinct(values)
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
