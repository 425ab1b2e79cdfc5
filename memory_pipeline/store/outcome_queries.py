"""Read recorded attempts: filtered without regard to case, sorted, a page at a time, or one by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, false, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB

from memory_pipeline.store.models import PackagingOutcome, ServedRecommendation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memory_pipeline.store.database import Store

OUTCOME_FILTERS = {
    "status": "outcome_status",
    "application": "application_name",
    "vendor": "application_vendor",
    "application_type": "application_type",
    "installer_type": "installer_type",
    "source": "source",
    "recommendation_id": "recommendation_id",
    "task_id": "task_id",
}
"""Filters of outcomes by equality: the filter's name and the column."""
_IDENTITIES = {"recommendation_id", "task_id"}
"""Filters that compare exactly: case tells identities apart."""
OUTCOME_ORDERS = ("occurred_at", "application_name", "created_at")
"""Columns that outcomes can be sorted by; with `-` before them, descending."""
_NOTHING = literal("[]").cast(JSONB)
_MOST_WORDS = 8
_KEYS = r'"[^"]*": '


def outcome_conditions(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    failure_reason: str | None = None,
    intervention: str | None = None,
    words: str | None = None,
    context: Mapping[str, Any] | None = None,
    approach: Mapping[str, Any] | None = None,
    **equal: str | tuple[str, ...] | None,
) -> list[ColumnElement[bool]]:
    """Return the conditions that select outcomes; texts are compared without regard to case, ids exactly.

    Parameters
    ----------
    since, until
        Attempts at or after the first time, and before the second.
    failure_reason, intervention
        Attempts that have this reason, or this kind of intervention (`any`: one at all).
    words
        Attempts with each of these words in the application, the task, the reasons, the interventions or the
        feedback.
    context, approach
        Attempts that have all of these context values, or settings. A text equals a text, a number as it is
        written, a truth value (`yes`, `no`, `true`, `false`) and an element of a list; None: not recorded.
    equal
        The filters of `OUTCOME_FILTERS`. A tuple, here or as a value of `context`: any of its texts.

    Raises
    ------
    ValueError
        When a filter is not known.
    """
    unknown = set(equal) - set(OUTCOME_FILTERS)
    if unknown:
        msg = f"the filters {sorted(unknown)} are not known; use {sorted(OUTCOME_FILTERS)}"
        raise ValueError(msg)
    table = PackagingOutcome
    found = [
        getattr(table, column) == value if name in _IDENTITIES else _same_text(getattr(table, column), value)
        for name, column in OUTCOME_FILTERS.items()
        if (value := equal.get(name)) is not None
    ]
    if since is not None:
        found.append(table.occurred_at >= since)
    if until is not None:
        found.append(table.occurred_at < until)
    if failure_reason is not None:
        found.append(_some_have(table.failure_reasons, "reason", failure_reason))
    if intervention is not None and intervention.casefold() == "any":
        found.append(func.jsonb_array_length(table.manual_interventions) > 0)
    elif intervention is not None:
        found.append(_some_have(table.manual_interventions, "kind", intervention))
    found += [_says(word) for word in (words or "").split()[:_MOST_WORDS]]
    for key, value in (context or {}).items():
        columns = table.__table__.columns
        stored = columns[key] if key in _CONTEXT_COLUMNS else None
        found.append(_has(table.context, key, value) if stored is None else _same_text(stored, value))
    found += [_has(table.approach_details, key, value) for key, value in (approach or {}).items()]
    return found


def read_outcomes(
    store: Store,
    *,
    sort: str = "-occurred_at",
    after: tuple[Any, str] | None = None,
    limit: int | None = None,
    are_few: bool | None = None,
    **filters: Any,
) -> pd.DataFrame:
    """Read outcomes as stored, shape (outcomes, columns of `packaging_outcomes`).

    Parameters
    ----------
    sort
        One of `OUTCOME_ORDERS`, with `-` before it for descending; equal ones by id.
    after
        Value of the sorted column and id of the outcome after which to begin; None for the first.
    limit
        Most outcomes.
    are_few
        Whether the filters select few: then these are found first and sorted, rather than sought in the
        order of an index, which would read the whole table for them. False: they are sought in that order.
        None: not known, and left to the planner.
    filters
        As `outcome_conditions`.

    Raises
    ------
    ValueError
        When a filter or the order is not known.
    """
    name = sort.removeprefix("-")
    if name not in OUTCOME_ORDERS:
        msg = f"sort is {sort!r}; use one of {', '.join(OUTCOME_ORDERS)}, with - before it for descending"
        raise ValueError(msg)
    query = select(*PackagingOutcome.__table__.columns).where(*outcome_conditions(**filters))
    # An offset keeps the planner from joining the inner query with the order and the limit.
    found = query.offset(0).subquery() if are_few else query.subquery()
    column, identity = found.columns[name], found.columns["id"]
    is_descending = sort.startswith("-")
    page = select(found)
    if after is not None:
        value, last = after
        # The first comparison is what an index on the column can serve.
        bound, beyond = (
            (column <= value, column < value) if is_descending else (column >= value, column > value)
        )
        page = page.where(bound, or_(beyond, identity > last))
    page = page.order_by(column.desc() if is_descending else column, identity).limit(limit)
    with store.transaction() as connection:
        if are_few is False:
            # Where many are selected, the order of an index soon comes to the first of them. The planner does
            # not know how many: comparing without regard to case is beyond its statistics.
            connection.execute(text("set local enable_sort = off"))
        result = connection.execute(page)
        return pd.DataFrame(result.all(), columns=list(result.keys()))


def count_outcomes(store: Store, *, at_most: int | None = None, **filters: Any) -> int:
    """Count the outcomes that filters select; see `outcome_conditions`.

    Parameters
    ----------
    at_most
        Where to stop: the rest of a large table is not read for it. None: count all.
    filters
        As `outcome_conditions`.
    """
    conditions = outcome_conditions(**filters)
    found = select(PackagingOutcome.id).where(*conditions).limit(at_most).subquery()
    query = select(func.count()).select_from(found)
    with store.transaction() as connection:
        return int(connection.scalar(query) or 0)


def read_outcome(store: Store, identity: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Read one outcome as stored, and the served answer that it names; None where it names none.

    Raises
    ------
    KeyError
        When no outcome has that id.
    """
    outcome, served = PackagingOutcome, ServedRecommendation
    with store.transaction() as connection:
        row = connection.execute(select(*outcome.__table__.columns).where(outcome.id == identity)).first()
        if row is None:
            msg = f"no outcome has the id {identity!r}; `memory-pipeline show outcomes --json` lists the ids"
            raise KeyError(msg)
        advice = connection.execute(
            select(*served.__table__.columns).where(served.id == row.recommendation_id)
        ).first()
    return dict(row._mapping), None if advice is None else dict(advice._mapping)  # noqa: SLF001 - SQLAlchemy's public name


_CONTEXT_COLUMNS = ("application_vendor", "application_type", "installer_type")
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


def _same_text(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    if value is None:
        missing: ColumnElement[bool] = column.is_(None)
        return missing
    if isinstance(value, tuple):
        return or_(*(func.lower(column) == func.lower(one) for one in value))
    same: ColumnElement[bool] = func.lower(column) == func.lower(str(value))
    return same


def _has(column: Any, key: str, value: Any) -> ColumnElement[bool]:
    """Return the condition that the object in a column has a value under a key."""
    stored = column[key]
    if isinstance(value, tuple):
        return or_(*(_has(column, key, one) for one in value))
    if value is None:
        return or_(stored.is_(None), func.jsonb_typeof(stored) == "null")
    if not isinstance(value, str):
        contained: ColumnElement[bool] = column.contains({key: value})
        return contained
    wanted = func.lower(value)
    same: ColumnElement[bool] = case(
        {
            "string": func.lower(column[key].astext) == wanted,
            "array": or_(column.contains({key: [value]}), _any_element(stored, wanted)),
            "number": _equals(column, key, _number(value)),
            "boolean": _equals(column, key, _TRUTH.get(value.casefold())),
        },
        value=func.jsonb_typeof(stored),
        else_=False,
    )
    return same


def _equals(column: Any, key: str, value: Any) -> Any:
    return false() if value is None else column.contains({key: value})


def _number(text: str) -> float | int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not abs(number) < 2**53:  # infinite, not a number, or beyond what a float holds exactly
        return None
    return int(number) if number.is_integer() else number


def _some_have(column: Any, key: str, value: str) -> ColumnElement[bool]:
    """Return the condition that one of the objects in a column's list has a text under a key."""
    one = func.jsonb_array_elements(_as_list(column)).column_valued()
    text = cast(one, JSONB)[key].astext
    return exists(select(1).where(func.lower(text) == func.lower(value)))


def _any_element(stored: Any, text: Any) -> ColumnElement[bool]:
    one = func.jsonb_array_elements_text(_as_list(stored)).column_valued()
    return exists(select(1).where(func.lower(cast(one, Text)) == text))


def _says(word: str) -> ColumnElement[bool]:
    """Return the condition that one of the texts of an attempt has a word in it."""
    table = PackagingOutcome
    said = [
        # What the whole document does not hold, its values do not; only then are the names taken out of it.
        and_(text.icontains(word, autoescape=True), values.icontains(word, autoescape=True))
        for text, values in (
            (text, func.regexp_replace(text, _KEYS, "", "g"))
            for text in (
                cast(document, Text)
                for document in (table.failure_reasons, table.manual_interventions, table.feedback)
            )
        )
    ]
    names = (table.application_name, table.task_id)
    return or_(*(name.icontains(word, autoescape=True) for name in names), *said)


def _as_list(value: Any) -> Any:
    return case((func.jsonb_typeof(value) == "array", value), else_=_NOTHING)
