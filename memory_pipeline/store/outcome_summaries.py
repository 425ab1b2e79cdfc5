"""Count the attempts that filters select: by application, by month and by reason, in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import BigInteger, cast, func, null, select, text, union_all

from memory_pipeline.store.models import OUTCOME_STATUSES, PackagingOutcome
from memory_pipeline.store.outcome_queries import outcome_conditions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select

    from memory_pipeline.store.database import Store

MOST_REASONS_READ = 20_000
"""Newest unsuccessful attempts of a selection whose reasons are counted."""
_SUMS = ("attempts", "successes", "n_squared", "n_cubed", "k_squared", "n_times_k")
_MEMORY = "64MB"


def summarise_outcomes(store: Store, **filters: Any) -> dict[str, pd.DataFrame]:
    """Count the outcomes that filters select; see `store.outcome_queries.outcome_conditions`.

    Returns
    -------
    dict
        As frames: `applications`, one row per application with `attempts`, `successes`, `tasks`, and over its
        tasks of n attempts with k successes the sums `n_squared`, `n_cubed`, `k_squared`, `n_times_k`;
        `months`, with `month` (its first day, UTC), `attempts`, `success`, `failure`, `partial`; and
        `reasons`, the first failure reason (None: not recorded) of at most the newest `MOST_REASONS_READ`
        attempts that did not succeed, with `attempts`, the most frequent first.
    """
    conditions = outcome_conditions(**filters)
    with store.transaction() as connection:
        connection.execute(text(f"set local work_mem = '{_MEMORY}'"))
        counted = _read(connection, _by_application_and_month(conditions))
        reasons = _read(connection, _by_reason(conditions))
    is_month = counted["month"].notna()
    parts = {
        "applications": (~is_month, "application_name", ("tasks", *_SUMS)),
        "months": (is_month, "month", ("attempts", *OUTCOME_STATUSES)),
    }
    return {
        name: counted.loc[rows, [key, *counts]].astype(dict.fromkeys(counts, "int64")).reset_index(drop=True)
        for name, (rows, key, counts) in parts.items()
    } | {"reasons": reasons}


def _by_application_and_month(conditions: list[ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Return the query of both tables, one below the other: it reads the outcomes once."""
    table = PackagingOutcome
    month = func.date_trunc("month", func.timezone("UTC", table.occurred_at)).label("month")
    statuses = [
        func.count().filter(table.outcome_status == status).label(status) for status in OUTCOME_STATUSES
    ]
    cells = (
        select(table.application_name, table.task_id, month, func.count().label("n"), *statuses)
        .where(*conditions)
        .group_by(table.application_name, table.task_id, month)
        .cte("cells")
    )
    tasks = (
        select(cells.c.application_name, func.sum(cells.c.n).label("n"), func.sum(cells.c.success).label("k"))
        .group_by(cells.c.application_name, cells.c.task_id)
        .subquery()
    )
    n, k = tasks.c.n, tasks.c.k
    sums = dict(zip(_SUMS, (n, k, n * n, n * n * n, k * k, n * k), strict=True))
    counts = {"tasks": func.count(), **{name: func.sum(value) for name, value in sums.items()}}
    by_application = select(
        tasks.c.application_name,
        null().label("month"),
        *(cast(value, BigInteger).label(name) for name, value in counts.items()),
        *(cast(null(), BigInteger).label(name) for name in OUTCOME_STATUSES),
    ).group_by(tasks.c.application_name)
    by_month = select(
        null().label("application_name"),
        cells.c.month,
        *(
            cast(func.sum(cells.c.n) if name == "attempts" else null(), BigInteger).label(name)
            for name in counts
        ),
        *(cast(func.sum(cells.c[name]), BigInteger).label(name) for name in OUTCOME_STATUSES),
    ).group_by(cells.c.month)
    # The application is null in the rows of months, and the other way round.
    return union_all(by_application, by_month).order_by("application_name", "month")


def _by_reason(conditions: list[ColumnElement[bool]]) -> Select[Any]:
    table = PackagingOutcome
    newest = (
        select(table.failure_reasons[0]["reason"].astext.label("reason"))
        .where(table.outcome_status != "success", *conditions)
        .order_by(table.occurred_at.desc(), table.id.desc())
        .limit(MOST_REASONS_READ)
        .subquery()
    )
    attempts = func.count().label("attempts")
    return (
        select(newest.c.reason, attempts).group_by(newest.c.reason).order_by(attempts.desc(), newest.c.reason)
    )


def _read(connection: Connection, query: Select[Any] | CompoundSelect[Any]) -> pd.DataFrame:
    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys()))
