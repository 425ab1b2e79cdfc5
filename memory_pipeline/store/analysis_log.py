"""The log of the analysis: each rebuild that ended, with its versions, steps, changes and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from memory_pipeline.store.models import (
    AdviceChange,
    AnalysisRun,
    PatternIdentification,
)
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from memory_pipeline.store.database import Store


WITHOUT_DAGSTER = "rebuild-"
"""How the id of a rebuild begins that Dagster did not run."""


def is_dagsters(run_id: str) -> bool:
    """Return whether a rebuild ran in Dagster, by its id."""
    return not run_id.startswith(WITHOUT_DAGSTER)


def record_run(store: Store, row: Mapping[str, Any]) -> None:
    """Record a run that ended: columns of `analysis_runs`; one that is recorded stays as it is."""
    with store.transaction() as connection:
        connection.execute(insert(AnalysisRun).values(plain_value(dict(row))).on_conflict_do_nothing())


def read_runs(
    store: Store,
    *,
    kind: str | None = None,
    limit: int = 50,
    before: tuple[datetime, str] | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Read runs that ended, the newest first, and count all.

    Parameters
    ----------
    kind
        Only `rebuild` or `discovery`.
    limit
        Most runs.
    before
        (`ended_at`, `id`) of the last run of the page before.
    """
    query = select(*AnalysisRun.__table__.columns)
    if kind is not None:
        query = query.where(AnalysisRun.kind == kind)
    page = query.order_by(AnalysisRun.ended_at.desc(), AnalysisRun.id.desc()).limit(limit)
    if before is not None:
        page = page.where(tuple_(AnalysisRun.ended_at, AnalysisRun.id) < before)
    with store.transaction() as connection:
        total = connection.scalar(select(func.count()).select_from(query.subquery()))
        return [dict(row) for row in connection.execute(page).mappings()], int(total or 0)


def recorded(store: Store, ids: Collection[str]) -> set[str]:
    """Return those of some ids that are recorded."""
    with store.transaction() as connection:
        return set(connection.scalars(select(AnalysisRun.id).where(AnalysisRun.id.in_(ids))))


def changes_since(store: Store, moment: datetime) -> dict[str, int]:
    """Count what changed since a time: patterns found for the first time and retired, and advice."""
    pattern, advice = PatternIdentification, AdviceChange
    with store.transaction() as connection:
        new, retired = connection.execute(
            select(
                func.count().filter(pattern.created_at >= moment),
                func.count().filter(pattern.retired_at >= moment),
            ).select_from(pattern)
        ).one()
        changed = connection.scalar(
            select(func.count()).select_from(advice).where(advice.changed_at >= moment)
        )
    return {"new_patterns": new, "retired_patterns": retired, "advice_changes": int(changed or 0)}
