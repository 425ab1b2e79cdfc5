"""Read whole result tables, and counts for the status; filtered outcomes are read by `outcome_queries`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    String,
    Text,
    cast,
    func,
    inspect,
    literal_column,
    select,
    text,
)

from memory_pipeline.store.models import Base, Member, PackagingOutcome, ServedRecommendation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memory_pipeline.store.database import Store


def outcomes_by_id(store: Store, ids: Sequence[str]) -> pd.DataFrame:
    """Read outcomes in the order of the given ids; one that no longer exists is left out."""
    table = PackagingOutcome
    place = func.array_position(cast(list(ids), ARRAY(Text)), table.id)
    return _read(store, select(*table.__table__.columns).where(table.id.in_(ids)).order_by(place))


def read_advised_outcomes(store: Store) -> pd.DataFrame:
    """Read the attempts after an answer that had (or withheld) an approach, the oldest first.

    Returns
    -------
    DataFrame
        `id`, `application_name`, `outcome_status`, `occurred_at`, `followed` (True, False or None),
        `is_control`, `served_at`, `recommendation_id`.
    """
    outcome, served = PackagingOutcome, ServedRecommendation
    query: Any = (
        select(
            outcome.id,
            outcome.application_name,
            outcome.outcome_status,
            outcome.occurred_at,
            outcome.recommendation_followed.label("followed"),
            served.withheld.label("is_control"),
            served.served_at,
            outcome.recommendation_id,
        )
        .join(served, served.id == outcome.recommendation_id)
        .where(served.recommended_approach.is_not(None))
        .order_by(outcome.occurred_at, outcome.id)
    )
    return _read(store, query)


def read_table(store: Store, model: type[Base], *, order_by: str | None = None, **equal: Any) -> pd.DataFrame:
    """Read one table, shape (rows, columns of the table), whole or where columns equal the given values."""
    query = select(*model.__table__.columns)
    for column, value in equal.items():
        query = query.where(model.__table__.columns[column] == value)
    if order_by is not None:
        query = query.order_by(model.__table__.columns[order_by])
    return _read(store, query)


def count_rows(store: Store, model: type[Base], **equal: Any) -> int:
    """Count the rows of a table whose columns equal the given values."""
    query = select(func.count()).select_from(model)
    for column, value in equal.items():
        query = query.where(model.__table__.columns[column] == value)
    with store.transaction() as connection:
        return int(connection.scalar(query) or 0)


def latest(store: Store, model: type[Base], column: str) -> datetime | None:
    """Read the latest time in a column; None where the table is empty."""
    with store.transaction() as connection:
        moment: datetime | None = connection.scalar(select(func.max(model.__table__.columns[column])))
    return moment


def table_version(store: Store, models: Iterable[type[Base]]) -> tuple[tuple[int, int], ...]:
    """Compute what tells the present content of tables from an earlier one.

    Returns
    -------
    tuple of (int, int)
        For each table, its rows and the sum of the transactions that wrote them: any write changes it,
        in whatever order the transactions were committed.
    """
    written = cast(cast(literal_column("xmin"), Text), BigInteger)
    wanted: list[Any] = []
    for model in models:
        wanted.append(select(func.count()).select_from(model).scalar_subquery())
        wanted.append(select(func.coalesce(func.sum(written), 0)).select_from(model).scalar_subquery())
    with store.transaction() as connection:
        found = [int(one) for one in connection.execute(select(*wanted)).one()]
    return tuple(zip(found[::2], found[1::2], strict=True))


def last_rebuild(store: Store) -> tuple[datetime, datetime] | None:
    """Read when the last rebuild that succeeded began and ended, from Dagster's record of runs.

    Both are in one database; None where nothing was rebuilt yet.
    """
    with store.transaction() as connection:
        if not inspect(connection).has_table("runs"):
            return None
        query = text(
            "select start_time, end_time from runs where pipeline_name = 'rebuild' "
            "and status = 'SUCCESS' order by end_time desc limit 1"
        )
        row = connection.execute(query).first()
    if row is None:
        return None
    began, ended = (datetime.fromtimestamp(seconds, tz=UTC) for seconds in row)
    return began, ended


def sources(store: Store) -> list[str]:
    """Read the names of the sources of outcomes and members."""
    query = select(PackagingOutcome.source).union(select(Member.source))
    with store.transaction() as connection:
        return sorted(connection.scalars(query))


def outcome_counts(store: Store) -> dict[str, int]:
    """Count outcomes by status."""
    query = select(cast(PackagingOutcome.outcome_status, String), func.count()).group_by("outcome_status")
    with store.transaction() as connection:
        return {status: int(count) for status, count in connection.execute(query)}


def _read(store: Store, query: Select[Any]) -> pd.DataFrame:
    with store.transaction() as connection:
        result = connection.execute(query)
        return pd.DataFrame(result.all(), columns=list(result.keys()))
