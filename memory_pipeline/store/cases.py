"""Find and count past attempts in a context, by index: the cost is bounded however long the history is.

The newest `RECENT` attempts are looked through. Only where fewer than `ENOUGH` of them are in the context,
and there are older ones, the indexes of the context's columns are asked for at most `MOST_OLDER` of the whole
history.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from memory_pipeline.analysis.names import (
    APPROACH_SUFFIX,
    NO,
    STANDARD_CONTEXT,
    YES,
    split_element_column,
)
from memory_pipeline.store.names import LOOKS_ALIKE, read_spellings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

RECENT = 5_000
"""Newest attempts that are looked through, of each status for cases, of all for counts."""
ENOUGH = 50
"""Attempts in a context that are enough to choose from; with fewer, older ones are looked for too.

A context with fewer of the newest 5,000 has about 10,000 of a million, so that `MOST_OLDER` cuts off none.
"""
MOST_OLDER = 20_000
"""Most attempts of the whole history that are then looked through."""
_TRUE, _FALSE = {"True", YES}, {"False", NO}
_SIDES = ("outcome_status = 'success'", "outcome_status <> 'success'")
_CASE = """id, application_name, occurred_at, outcome_status,
    failure_reasons->0->>'reason' as failure_reason"""


@dataclass
class _Sql:
    """Conditions on attempts as SQL, with the values that they compare with."""

    values: dict[str, Any] = field(default_factory=dict)
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of the values of a context, all names that count as one with them; see `read_spellings`."""

    def bind(self, value: Any) -> str:
        """Return the name under which a value is handed to the database."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def context(self, context: Mapping[str, Any]) -> str:
        """Return the condition that an attempt is in a context."""
        conditions = [
            self._standard(column, value) if column in STANDARD_CONTEXT else self._any_spelling(column, value)
            for column, value in context.items()
        ]
        return " and ".join(conditions) or "true"

    def settings(self, approach: Mapping[str, Any]) -> list[str]:
        """Return the condition of each setting of an approach."""
        return [
            self._has("approach_details", column.removesuffix(APPROACH_SUFFIX), value)
            for column, value in approach.items()
        ]

    def _standard(self, column: str, value: Any) -> str:
        if value is None:
            return f"{column} is null"
        return f"{column} = any(cast({self.bind([*self._spelled(column, value)])} as text[]))"

    def _spelled(self, column: str, value: Any) -> tuple[str, ...]:
        return self.spellings.get(column, (str(value),))

    def _any_spelling(self, column: str, value: Any) -> str:
        if column not in self.spellings:
            return self._has("context", column, value)
        return f"({' or '.join(self._has('context', column, one) for one in self._spelled(column, value))})"

    def _has(self, document: str, key: str, value: Any) -> str:
        """Return the condition that a key has a value, written as stored or as an encoded level."""
        own = f"{document} -> cast({self.bind(key)} as text)"
        if value is None:
            return f"coalesce({own}, 'null') = 'null'"
        if _is_list(value):
            elements = self._json(list(value))
            whole = self._json({key: list(value)})
            # Containment both ways: the same elements in any order; the first is what the index finds.
            return f"({document} @> {whole} and {own} <@ {elements})"
        forms = [f"{document} @> {self._json({key: form})}" for form in _stored_forms(value)]
        source, element = split_element_column(key)
        if element and str(value) in {YES, NO}:
            holds = f"{document} @> {self._json({source: [element]})}"
            there = f"jsonb_typeof({document} -> cast({self.bind(source)} as text)) = 'array'"
            forms.append(holds if str(value) == YES else f"({there} and not {holds})")
        return f"({' or '.join(forms)})"

    def _json(self, value: Any) -> str:
        return f"cast({self.bind(json.dumps(value, default=str))} as jsonb)"


def read_similar(
    store: Store, context: Mapping[str, Any], approach: Mapping[str, Any], *, limit: int
) -> list[dict[str, Any]]:
    """Find attempts in a context, those that share most settings with an approach first, then the newest.

    They are chosen from the newest 5,000 attempts that succeeded, and from the newest 5,000 that did not;
    where fewer than 50 of these are in the context, from at most 20,000 of the whole history that are.

    Parameters
    ----------
    store
        The store.
    context
        Columns and values that an attempt must have, written as stored or as encoded levels.
    approach
        Settings to be like.
    limit
        Most that succeeded, and most that did not.

    Returns
    -------
    list of dict
        Those that succeeded first: `id`, `application_name`, `occurred_at`, `outcome_status`,
        `failure_reason`, `agreeing` (how many of the settings they share).
    """
    found = []
    with store.transaction() as connection:
        spellings = _spellings_of(connection, context)
        for side in _SIDES:
            sql = _Sql(spellings=spellings)
            fits = sql.context(context)
            agreeing = " + ".join(f"coalesce({one}, false)::int" for one in sql.settings(approach)) or "0"
            choose = f"""
select id, application_name, occurred_at, outcome_status, failure_reason, agreeing,
    count(*) over () as fitting
from looked_at where fits order by agreeing desc, occurred_at desc, id limit {sql.bind(limit)}"""  # noqa: S608 - values are bound
            recent = _recent(
                f"{_CASE}, {fits} as fits, case when {fits} then {agreeing} end as agreeing", side
            )
            rows = _rows(connection, recent + choose, sql)
            if (not rows or rows[0]["fitting"] < ENOUGH) and _has_older(connection, side):
                older = _older(f"{_CASE}, true as fits, {agreeing} as agreeing", f"{side} and {fits}")
                rows = _rows(connection, older + choose, sql)
            found += rows
    return [{name: value for name, value in row.items() if name != "fitting"} for row in found]


@dataclass(frozen=True)
class AttemptCounts:
    """How attempts went.

    Attributes
    ----------
    attempts, successes
        How many there are, and how many of them succeeded.
    units
        Different applications among them.
    rate
        Mean over the applications of each one's share of successes; 0 without attempts.
    """

    attempts: int = 0
    successes: int = 0
    units: int = 0
    rate: float = 0.0


def count_attempts(
    store: Store, context: Mapping[str, Any], approach: Mapping[str, Any]
) -> tuple[AttemptCounts, AttemptCounts]:
    """Count the attempts in a context with all settings of an approach, and those without.

    Of the newest 5,000 attempts; where fewer than 50 of these are in the context (or have the settings), of
    at most 20,000 of the whole history that are.

    Returns
    -------
    with_settings, others
    """
    with store.transaction() as connection:
        sql = _Sql(spellings=_spellings_of(connection, context))
        fits, settings = sql.context(context), " and ".join(sql.settings(approach)) or "true"
        has = f"coalesce(({settings}), false)"
        columns = f"application_name, outcome_status, {has} as has"
        counted = _counts(connection, _recent(f"{columns}, {fits} as fits", "true"), sql)
        if _has_older(connection, "true"):
            for side, condition in ((True, settings), (False, f"not {has}")):
                if counted[side].attempts < ENOUGH:
                    older = _older(f"{columns}, true as fits", f"{fits} and {condition}")
                    counted[side] = _counts(connection, older, sql)[side]
    return counted[True], counted[False]


def _counts(connection: Connection, looked_at: str, sql: _Sql) -> dict[bool, AttemptCounts]:
    query = f"""{looked_at}, by_application as (
    select has, coalesce(n.name, application_name) as application, count(*) as attempts,
        count(*) filter (where outcome_status = 'success') as successes
    from looked_at left join name_merges as n on n.column_name = 'application_name'
        and n.raw_name = application_name and n.why <> '{LOOKS_ALIKE}'
    where fits group by 1, 2)
select has, sum(attempts)::bigint as attempts, sum(successes)::bigint as successes, count(*) as units,
    avg(successes::float8 / attempts) as rate
from by_application group by has"""  # noqa: S608 - values are bound
    found = {row.pop("has"): AttemptCounts(**row) for row in _rows(connection, query, sql)}
    return {has: found.get(has, AttemptCounts()) for has in (True, False)}


def _spellings_of(connection: Connection, context: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Read the names that count as one with the values of a context, where there are others."""
    found = {
        column: read_spellings(connection, column, value)
        for column, value in context.items()
        if isinstance(value, str)
    }
    return {column: names for column, names in found.items() if len(names) > 1}


def _recent(columns: str, side: str) -> str:
    return f"""with looked_at as (
    select {columns} from packaging_outcomes where {side}
    order by occurred_at desc, id desc limit {RECENT})"""  # noqa: S608


def _older(columns: str, condition: str) -> str:
    return f"""with looked_at as (
    select {columns} from packaging_outcomes where {condition} limit {MOST_OLDER})"""  # noqa: S608


def _has_older(connection: Connection, side: str) -> bool:
    query = f"select 1 from packaging_outcomes where {side} offset {RECENT} limit 1"  # noqa: S608 - constants
    return connection.scalar(text(query)) is not None


def _rows(connection: Connection, query: str, sql: _Sql) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(query), sql.values).mappings()]


def _stored_forms(value: Any) -> list[Any]:
    """Return what a value may be as JSON: text, the truth value or the number that the text stands for."""
    written = str(value)
    forms: list[Any] = [written]
    if written in _TRUE:
        forms.append(True)
    elif written in _FALSE:
        forms.append(False)
    else:
        try:
            number = float(written)
        except ValueError:
            return forms
        if math.isfinite(number):
            forms.append(int(number) if number.is_integer() else number)
    return forms


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "tolist")
