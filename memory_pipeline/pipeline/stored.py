"""What the raw tables hold, in numbers: for the metadata of their assets. Counts only, no free text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
from sqlalchemy import func, select

from memory_pipeline.pipeline.metadata import markdown_table
from memory_pipeline.rebuild.rows import records
from memory_pipeline.store.columns import read_columns
from memory_pipeline.store.models import Ingest, PackagingOutcome, QuarantinedRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select

    from memory_pipeline.store import Store

_TOP = 10


def describe_outcomes(store: Store) -> dict[str, Any]:
    """Describe the stored attempts: how many, since when, how they ended, of which applications."""
    one = PackagingOutcome
    success = func.count().filter(one.outcome_status == "success")
    rates = (func.count().label("attempts"), success.label("successes"))
    with store.transaction() as connection:
        rows, first, last, applications = connection.execute(
            select(
                func.count(),
                func.min(one.occurred_at),
                func.max(one.occurred_at),
                func.count(one.application_name.distinct()),
            )
        ).one()
        shown: dict[str, Any] = {
            "dagster/row_count": rows,
            "applications": applications,
            "by status": _table(
                connection,
                select(one.outcome_status.label("status"), func.count().label("attempts"))
                .group_by(one.outcome_status)
                .order_by(func.count().desc()),
            ),
            "most attempted applications": _table(
                connection,
                select(one.application_name.label("application"), *rates)
                .group_by(one.application_name)
                .order_by(func.count().desc(), one.application_name)
                .limit(_TOP),
            ),
            "by installer type": _table(
                connection,
                select(one.installer_type.label("installer type"), *rates)
                .group_by(one.installer_type)
                .order_by(func.count().desc())
                .limit(_TOP),
            ),
            **_ingests(connection, "outcomes"),
        }
        if rows:
            shown |= {
                "first attempt": dg.MetadataValue.timestamp(first),
                "last attempt": dg.MetadataValue.timestamp(last),
            }
    return shown


def describe_members(store: Store) -> dict[str, Any]:
    """Describe the stored members: how many, how many visible, which labels are frequent."""
    from memory_pipeline.analysis.members.labels import is_visible  # noqa: PLC0415 - needs scipy

    members = read_columns(store, "members", ["is_visible", "attributes", "skills"])
    visible = members[is_visible(members)]
    skills = (
        visible["skills"].explode().dropna().value_counts().rename_axis("skill").reset_index(name="members")
    )
    skills = skills.sort_values(["members", "skill"], ascending=[False, True]).head(_TOP)
    with store.transaction() as connection:
        return {
            "dagster/row_count": len(members),
            "visible members": len(visible),
            "most frequent skills": dg.MetadataValue.md(markdown_table(records(skills))),
            **_ingests(connection, "members"),
        }


def _ingests(connection: Connection, kind: str) -> dict[str, Any]:
    waiting = connection.scalar(
        select(func.count()).where(QuarantinedRecord.kind == kind, QuarantinedRecord.resolved_at.is_(None))
    )
    latest = (
        select(
            Ingest.finished_at.label("when"),
            Ingest.file_name.label("file"),
            Ingest.mapping_name.label("mapping"),
            Ingest.rows_read.label("read"),
            Ingest.rows_new.label("new"),
            Ingest.rows_changed.label("changed"),
            Ingest.rows_quarantined.label("quarantined"),
        )
        .where(Ingest.kind == kind)
        .order_by(Ingest.finished_at.desc())
        .limit(_TOP)
    )
    return {"records in quarantine": waiting, "latest ingests": _table(connection, latest)}


def _table(connection: Connection, query: Select[Any] | Any) -> dg.MarkdownMetadataValue:
    rows: Sequence[Any] = connection.execute(query).mappings().all()
    return dg.MetadataValue.md(markdown_table([dict(row) for row in rows]))
