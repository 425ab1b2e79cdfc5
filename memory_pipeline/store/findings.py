"""Write the findings of the analysis: each kind in one transaction, each finding under a stable id.

A finding that a rebuild finds again is the same row, updated; one that it does not find is retired with
date and reason, or removed where a table holds the current state alone. What a person decided about it is
stored apart (`decisions`) and survives both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from memory_pipeline.store.decisions import apply_decisions
from memory_pipeline.store.identity import FACTOR_IDENTITY, factor_id, pattern_id, stable_id
from memory_pipeline.store.models import (
    AdviceChange,
    AdviceVerification,
    ApproachRecommendation,
    Base,
    LearningMeasure,
    MemberPattern,
    PatternHistory,
    PatternIdentification,
    SuccessFactor,
)
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from memory_pipeline.store.database import Store


def save_patterns(
    store: Store,
    patterns: Sequence[Mapping[str, Any]],
    explain: Callable[[Mapping[str, Any]], str] = lambda _: "not found again by the newest rebuild",
) -> int:
    """Store the patterns of a rebuild, retire those that it did not find again, and add to the history.

    What a person decided about a pattern stays: see `decisions.apply_decisions`.

    Parameters
    ----------
    patterns
        Rows of `pattern_identifications` without id, times and state.
    explain
        Function that returns why a stored pattern (its columns, as a mapping) was not found.

    Returns
    -------
    int
        How many were active before and are not now.
    """
    rows = [
        {
            **row,
            "id": pattern_id(row["target"], row["pattern_type"], row["conditions"]),
            "is_found": True,
            "absence_reason": None,
        }
        for row in patterns
    ]
    table = PatternIdentification
    active = select(table.id).where(table.active)
    with store.transaction() as connection:
        before = set(connection.scalars(active))
        _upsert(connection, table, rows)
        absent = connection.execute(
            select(*table.__table__.columns).where(
                or_(table.active, table.is_found), table.id.notin_([row["id"] for row in rows])
            )
        )
        for pattern in absent.mappings().all():
            reason = explain(dict(pattern))
            if pattern["is_found"] or reason != pattern["absence_reason"]:
                changes = {"is_found": False, "absence_reason": reason, "updated_at": func.now()}
                connection.execute(update(table).where(table.id == pattern["id"]).values(changes))
        apply_decisions(connection, "pattern")
        connection.execute(text(_ADD_HISTORY))
        return len(before - set(connection.scalars(active)))


def pattern_history(store: Store, identity: str) -> pd.DataFrame:
    """Read the history of one pattern over the rebuilds, the oldest first: a row for each change."""
    table = PatternHistory
    columns = [column for column in table.__table__.columns if column.name not in {"id", "pattern_id"}]
    query = select(*columns).where(table.pattern_id == identity).order_by(table.id)
    with store.transaction() as connection:
        rows = connection.execute(query).all()
    return pd.DataFrame(rows, columns=[column.name for column in columns])


_SAID = "is_found, absence_reason, confidence, risk_difference, ci_low, ci_high, q_value, sample_size, units"
_ADD_HISTORY = f"""
with said as (
    select id as pattern_id, is_found, absence_reason, confidence, sample_size, units,
        (impact->>'risk_difference')::float8 as risk_difference, (impact->>'ci_low')::float8 as ci_low,
        (impact->>'ci_high')::float8 as ci_high, (impact->>'q_value')::float8 as q_value
    from pattern_identifications
), newest as (
    select distinct on (pattern_id) pattern_id, {_SAID} from pattern_history order by pattern_id, id desc
)
insert into pattern_history (pattern_id, {_SAID})
select pattern_id, {_SAID} from said as s
where not exists (
    select from newest as n where n.pattern_id = s.pattern_id
        and row({", ".join("s." + one.strip() for one in _SAID.split(","))})
        is not distinct from row({", ".join("n." + one.strip() for one in _SAID.split(","))})
)
order by pattern_id
"""  # noqa: S608 - constant


def save_factors(store: Store, factors: Sequence[Mapping[str, Any]]) -> None:
    """Replace the success factors by those of a rebuild; a factor that is found again keeps its id and date.

    Each row holds the columns of `success_factors` without id and times; what identifies a factor is in
    `implementation_details` (`column`, `value`, `reference`).
    """
    rows = [
        {**row, "id": factor_id(*(row["implementation_details"][key] for key in FACTOR_IDENTITY))}
        for row in factors
    ]
    _replace(store, SuccessFactor, rows)


def save_recommendations(store: Store, recommendations: Sequence[Mapping[str, Any]]) -> None:
    """Replace the recommendation table by that of a rebuild, one row per context that occurs."""
    rows = [{**row, "id": stable_id("recommendation", row["conditions"])} for row in recommendations]
    _replace(store, ApproachRecommendation, rows)


def save_learning(store: Store, measures: pd.DataFrame) -> None:
    """Replace the learning measures by those of a rebuild; what is new or differs goes to the history.

    Parameters
    ----------
    measures
        Columns of `learning_measures` without id and time, one row per point (measure, period, segment). A
        point that did not change keeps its time; a stored point that is not among them is removed, and
        stays in the history.
    """
    table = LearningMeasure
    rows = [plain_value(row) for row in measures.to_dict("records")]
    columns = [getattr(table, name) for name in _POINT]
    with store.transaction() as connection:
        stored = {
            tuple(point): identity for identity, *point in connection.execute(select(table.id, *columns))
        }
        gone = stored.keys() - {tuple(row[name] for name in _POINT) for row in rows}
        connection.execute(delete(table).where(table.id.in_([stored[point] for point in gone])))
        if rows:
            statement = upsert(table)
            said = {name: statement.excluded[name] for name in (*_MEASURED, "details")}
            statement = statement.on_conflict_do_update(
                index_elements=list(_POINT),
                set_={**said, "updated_at": func.now()},
                where=or_(*(getattr(table, name).is_distinct_from(new) for name, new in said.items())),
            )
            connection.execute(statement, rows)
        connection.execute(text(_ADD_LEARNING_HISTORY))


_POINT = ("measure", "period_start", "segment_column", "segment_value")
_MEASURED = ("value", "ci_low", "ci_high", "sample_size")
_ADD_LEARNING_HISTORY = f"""
insert into learning_history ({", ".join(_POINT)}, {", ".join(_MEASURED)}, details)
select {", ".join(_POINT)}, {", ".join(_MEASURED)}, details from learning_measures as s
where not exists (
    select from (
        select distinct on ({", ".join(_POINT)}) * from learning_history order by {", ".join(_POINT)}, id desc
    ) as n
    where {" and ".join(f"n.{name} = s.{name}" for name in _POINT)}
        and row({", ".join("s." + name for name in _MEASURED)})
        is not distinct from row({", ".join("n." + name for name in _MEASURED)})
)
order by {", ".join(_POINT)}
"""  # noqa: S608 - constant


def save_member_patterns(store: Store, patterns: pd.DataFrame) -> None:
    """Store the member patterns that statistics found, by name; those not found again become inactive.

    Patterns that the pattern finder found stay as they are, and so does what a person decided: see
    `decisions.apply_decisions`.
    """
    table = MemberPattern
    rows = [{**plain_value(row), "is_active": True} for row in patterns.to_dict("records")]
    with store.transaction() as connection:
        _upsert(connection, MemberPattern, rows, key="name", where=table.found_by == "statistics")
        connection.execute(
            update(table)
            .where(
                table.found_by == "statistics",
                table.is_active,
                table.name.notin_([row["name"] for row in rows]),
            )
            .values(is_active=False, updated_at=func.now())
        )
        apply_decisions(connection, "member_pattern")


def save_verification(store: Store, verification: Mapping[str, Any]) -> None:
    """Add the verification of a rebuild (columns of `advice_verifications` without id and time)."""
    with store.transaction() as connection:
        connection.execute(insert(AdviceVerification).values(**plain_value(verification)))


def save_advice_changes(store: Store, changes: Sequence[Mapping[str, Any]]) -> None:
    """Add what a rebuild changed in the advice (columns of `advice_changes` without id and time)."""
    if changes:
        with store.transaction() as connection:
            connection.execute(insert(AdviceChange), [plain_value(change) for change in changes])


def _replace(store: Store, model: type[Base], rows: list[dict[str, Any]]) -> None:
    table = model.__table__
    with store.transaction() as connection:
        connection.execute(delete(model).where(table.c.id.notin_([row["id"] for row in rows])))
        _upsert(connection, model, rows)


def _upsert(
    connection: Connection,
    model: type[Base],
    rows: list[dict[str, Any]],
    *,
    key: str = "id",
    where: ColumnElement[bool] | None = None,
) -> None:
    """Insert rows, or update those whose key exists; with `where`, only those that fulfil it."""
    if not rows:
        return
    values = [plain_value(row) for row in rows]
    statement = upsert(model).values(values)
    changed = {name: statement.excluded[name] for name in values[0] if name != key}
    statement = statement.on_conflict_do_update(
        index_elements=[key], set_={**changed, "updated_at": func.now()}, where=where
    )
    connection.execute(statement)
