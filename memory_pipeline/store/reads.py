"""Read whole result tables, and counts for the status; filtered outcomes are read by `outcome_queries`."""

from __future__ import annotations

from datetime import UTC
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

from memory_pipeline.store.models import (
    AnalysisRun,
    Base,
    Ingest,
    Member,
    PackagingOutcome,
    Rebuild,
    ServedRecommendation,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

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


def unknown_recommendations(store: Store, ids: Sequence[str]) -> dict[str, str]:
    """Return the `recommendation_id` of those outcomes whose answer is not among the served ones, by id."""
    outcome, served = PackagingOutcome, ServedRecommendation
    query = select(outcome.id, outcome.recommendation_id).where(
        outcome.id.in_(ids),
        outcome.recommendation_id.is_not(None),
        ~select(served.id).where(served.id == outcome.recommendation_id).exists(),
    )
    with store.transaction() as connection:
        return {str(identity): str(answer) for identity, answer in connection.execute(query)}


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
    """Read when the last rebuild that succeeded began and ended, whichever way it ran.

    Dagster's record of runs lies in the same database; what ran without Dagster is in `rebuilds`; what its UI
    materialized is in the log of the analysis, where it holds every step. None where nothing was rebuilt yet.
    """
    logged = (
        select(AnalysisRun.began_at, AnalysisRun.ended_at)
        .where(AnalysisRun.kind == "rebuild", AnalysisRun.state == "succeeded")
        .order_by(AnalysisRun.ended_at.desc())
        .limit(1)
    )
    without_dagster = select(Rebuild.began_at, Rebuild.ended_at).order_by(Rebuild.ended_at.desc()).limit(1)
    with_dagster = text(
        "select to_timestamp(start_time), to_timestamp(end_time) from runs where pipeline_name = 'rebuild' "
        "and status = 'SUCCESS' order by end_time desc limit 1"
    )
    with store.transaction() as connection:
        rows = [connection.execute(one).first() for one in (without_dagster, logged)]
        if inspect(connection).has_table("runs"):
            rows.append(connection.execute(with_dagster).first())
    times = [(row[0].astimezone(UTC), row[1].astimezone(UTC)) for row in rows if row is not None]
    return max(times, key=lambda one: one[1], default=None)


def rebuild_runs(
    store: Store, *, limit: int = 50, before: tuple[datetime, str] | None = None
) -> tuple[list[dict[str, Any]], int]:
    """Read the runs of the rebuild, the newest first, and count all.

    Parameters
    ----------
    limit
        Most runs.
    before
        (`created_at`, `run_id`) of the last run of the page before.

    Returns
    -------
    list of dict
        `run_id`, `status` (Dagster's, in lower case), `created_at`, `started_at`, `finished_at`.
    int
        How many runs there are.
    """
    with store.transaction() as connection:
        there = inspect(connection)
        parts = [query for table, query in _RUNS.items() if there.has_table(table)]
        if not parts:
            return [], 0
        runs = f"({' union all '.join(parts)}) as all_runs"
        total = connection.scalar(text(f"select count(*) from {runs}"))  # noqa: S608 - constants
        page = text(
            f"select * from {runs} where cast(:moment as timestamptz) is null "  # noqa: S608 - constants
            "or (created_at, run_id) < (:moment, :run_id) order by created_at desc, run_id desc limit :limit"
        )
        moment, run_id = before or (None, "")
        rows = connection.execute(page, {"limit": limit, "moment": moment, "run_id": run_id})
        return [dict(row) for row in rows.mappings()], int(total or 0)


def ingest_runs(store: Store, *, limit: int = 50, skip: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Read the runs of the ingest, the newest first, and count all.

    Parameters
    ----------
    limit
        Most runs.
    skip
        Runs before the first that is read.

    Returns
    -------
    list of dict
        The columns of `ingests`: file, mapping, and what became of the rows.
    int
        How many runs there are.
    """
    page = select(*Ingest.__table__.columns).order_by(Ingest.finished_at.desc(), Ingest.id)
    with store.transaction() as connection:
        total = connection.scalar(select(func.count()).select_from(Ingest))
        rows = connection.execute(page.limit(limit).offset(skip))
        return [dict(row) for row in rows.mappings()], int(total or 0)


_RUNS = {
    "runs": "select run_id::text, lower(status) as status, "
    "create_timestamp at time zone 'utc' as created_at, to_timestamp(start_time) as started_at, "
    "to_timestamp(end_time) as finished_at from runs where pipeline_name = 'rebuild'",
    "rebuilds": "select 'rebuild-' || id as run_id, 'success' as status, began_at as created_at, "
    "began_at as started_at, ended_at as finished_at from rebuilds",
}
"""Where runs of the rebuild are recorded: Dagster's own table, and that of rebuilds without it."""


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
