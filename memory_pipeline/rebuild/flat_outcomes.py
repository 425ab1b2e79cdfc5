"""Stored outcomes as flat attempts, read in pieces: every piece with the same columns and types.

The keys of `context` and `approach_details` and what they hold are asked of the database first, so that
the first piece already has the columns that only the last record needs, and none has a column twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import select, text

from memory_pipeline.analysis.features import flatten_outcomes
from memory_pipeline.analysis.names import STANDARD_CONTEXT
from memory_pipeline.rebuild.months import MONTH, month_limits
from memory_pipeline.store.models import PackagingOutcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Connection
ROWS_AT_ONCE = 20_000

_READ = (
    "id",
    "application_name",
    *STANDARD_CONTEXT,
    "occurred_at",
    "outcome_status",
    "context",
    "approach_details",
    "failure_reasons",
    "manual_interventions",
    "recommendation_id",
    "recommendation_followed",
)
_FIXED_TYPES: dict[str, Any] = {
    "id": "str",
    "application_name": "str",
    "occurred_at": "datetime64[us, UTC]",
    "outcome_status": "str",
    "needed_intervention": bool,
    "intervention_kind": "str",
    "failure_reason": "str",
    "recommendation_id": "str",
    "recommendation_followed": "boolean",
    **dict.fromkeys(STANDARD_CONTEXT, "str"),
}
_JSON_TYPES: dict[str, Any] = {"string": "str", "number": float, "boolean": "boolean"}
_LIST = object


@dataclass(frozen=True)
class OutcomeKeys:
    """Which keys the records' `context` and `approach_details` have, and the JSON types of their values.

    Parameters
    ----------
    context_types, approach_types
        JSON types (`string`, `number`, `boolean`, `array`, `object`) by key, keys sorted.
    """

    context_types: Mapping[str, frozenset[str]]
    approach_types: Mapping[str, frozenset[str]]

    @classmethod
    def union(cls, parts: Iterable[OutcomeKeys]) -> OutcomeKeys:
        """Return the keys that occur in any part of the history."""
        listed = list(parts)
        return cls(
            _union(part.context_types for part in listed), _union(part.approach_types for part in listed)
        )

    def to_dict(self) -> dict[str, dict[str, list[str]]]:
        """Return the keys as JSON-able values."""
        return {
            column: {key: sorted(kinds) for key, kinds in types.items()}
            for column, types in (("context", self.context_types), ("approach", self.approach_types))
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, list[str]]]) -> OutcomeKeys:
        """Rebuild keys from `to_dict`."""
        context, approach = (
            {key: frozenset(kinds) for key, kinds in values[column].items()}
            for column in ("context", "approach")
        )
        return cls(context, approach)

    @cached_property
    def _flat(self) -> tuple[dict[str, tuple[str, str]], tuple[str, ...], tuple[str, ...]]:
        frame, roles = flatten_outcomes(self.template)
        named = dict(zip(roles.approach, self.approach_types, strict=True))
        sources = {c: ("approach_details", named[c]) for c in roles.approach}
        sources |= {
            c: (c, c) if c in STANDARD_CONTEXT else ("context", c) for c in frame if c in roles.context
        }
        return sources, roles.approach, roles.context

    @property
    def approach(self) -> tuple[str, ...]:
        """Columns of the flat frame that are approach settings."""
        return self._flat[1]

    @property
    def context(self) -> tuple[str, ...]:
        """Columns of the flat frame that are context."""
        return self._flat[2]

    @property
    def template(self) -> pd.DataFrame:
        """A record with every key: flattened before others, it gives them all columns, in one order."""
        record: dict[str, Any] = dict.fromkeys(_READ)
        record["context"] = dict.fromkeys(self.context_types)
        record["approach_details"] = dict.fromkeys(self.approach_types)
        return pd.DataFrame([record]).astype(object)

    @cached_property
    def types(self) -> dict[str, Any]:
        """Type of each column of the flat frame that is not the same for all memories."""
        types = dict(_FIXED_TYPES)
        for column, (source, key) in self._flat[0].items():
            if source == "context":
                types[column] = _type_for(self.context_types[key])
            elif source == "approach_details":
                types[column] = _type_for(self.approach_types[key])
        return types

    def sources(self) -> dict[str, list[tuple[str, str]]]:
        """Return for each column of the flat frame the columns of `packaging_outcomes` that it comes from."""
        taken = {
            "needed_intervention": "manual_interventions",
            "intervention_kind": "manual_interventions",
            "failure_reason": "failure_reasons",
        }
        fixed = [column for column in _FIXED_TYPES if column not in STANDARD_CONTEXT]
        named = {c: taken.get(c, c) for c in fixed} | {c: s for c, (s, _) in self._flat[0].items()}
        return {column: [("packaging_outcomes", source)] for column, source in named.items()}

    def to_info(self) -> dict[str, Any]:
        """Return what is written beside the flat frame."""
        return {"approach": list(self.approach), "context": list(self.context)}


def read_flat(connection: Connection, keys: OutcomeKeys, month: str | None = None) -> pd.DataFrame:
    """Read stored outcomes as flat attempts, oldest first: those of one month (`YYYY-MM`, in UTC), or all.

    Returns
    -------
    DataFrame
        Shape (attempts, columns of `flatten_outcomes`); text as `str`, numbers as floats, truth values as
        `boolean`, lists of text as they are.
    """
    return pd.concat(_flat_parts(connection, keys, month), ignore_index=True)


def _flat_parts(connection: Connection, keys: OutcomeKeys, month: str | None) -> Iterator[pd.DataFrame]:
    """Yield the flat attempts in pieces, at least one: the raw records never are in memory at once."""
    table = PackagingOutcome.__table__
    statement = select(*(table.columns[name] for name in _READ)).order_by("occurred_at", "id")
    if month is not None:
        first, after = month_limits(month)
        at = table.columns["occurred_at"]
        statement = statement.where(at >= first, at < after)
    result = connection.execute(statement, execution_options={"stream_results": True})
    pieces = result.partitions(ROWS_AT_ONCE)
    first_piece = next(pieces, ())
    for rows in chain([first_piece], pieces):
        yield _flatten([dict(row._mapping) for row in rows], keys)  # noqa: SLF001 - its public name


def _flatten(records: list[dict[str, Any]], keys: OutcomeKeys) -> pd.DataFrame:
    stacked = pd.concat(
        [keys.template, pd.DataFrame(records, columns=list(_READ)).astype(object)], ignore_index=True
    )
    frame, _ = flatten_outcomes(stacked)
    frame = frame.iloc[1:].reset_index(drop=True)
    types = keys.types
    return pd.DataFrame(
        {
            column: _as_type(values, types[column]) if column in types else values
            for column, values in frame.items()
        }
    )


def _as_type(values: pd.Series, kind: Any) -> pd.Series:
    if kind == "str":
        return values.map(_as_text, na_action="ignore").astype("str")
    if kind is _LIST:
        return pd.Series([_as_list(one) for one in values], index=values.index, dtype=object)
    return values.astype(kind)


def _as_text(value: Any) -> str:
    """Write a value of a key that holds values of several types as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _as_list(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _type_for(json_types: frozenset[str]) -> Any:
    """Choose the type of a column: the one that fits all its values, a list where one is, else text."""
    if "array" in json_types:
        return _LIST
    return _JSON_TYPES.get(next(iter(json_types)), "str") if len(json_types) == 1 else "str"


def _union(parts: Iterable[Mapping[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    """Return the union of types by key, keys sorted."""
    together: dict[str, frozenset[str]] = {}
    for types in parts:
        for key, kinds in types.items():
            together[key] = together.get(key, frozenset()) | kinds
    return dict(sorted(together.items()))


def keys_by_month(connection: Connection, months: Collection[str] | None = None) -> dict[str, OutcomeKeys]:
    """Read which keys the outcomes of some months have, or of all, and what they hold.

    JSON nulls do not count. Months without keys are left out.
    """
    found: dict[str, dict[str, dict[str, frozenset[str]]]] = {}
    for column in ("context", "approach_details"):
        statement = text(
            f"select {MONTH} as month, key, array_agg(distinct jsonb_typeof(value)) "  # noqa: S608 - constants
            f"from packaging_outcomes, jsonb_each({column}) where jsonb_typeof({column}) = 'object' "
            f"and (cast(:months as text[]) is null or {MONTH} = any(:months)) group by 1, 2"
        )
        rows = connection.execute(statement, {"months": None if months is None else list(months)})
        for month, key, kinds in rows:
            types = found.setdefault(month, {"context": {}, "approach_details": {}})[column]
            types[key] = frozenset(kinds) - {"null"}
    return {month: OutcomeKeys(types["context"], types["approach_details"]) for month, types in found.items()}
