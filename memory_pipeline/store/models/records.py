"""What was recorded: outcomes, members, ingests, and what waits in quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from memory_pipeline.store.models.base import Base, one_of

OUTCOME_STATUSES = ("success", "failure", "partial")
RECORD_KINDS = ("outcomes", "members")


class PackagingOutcome(Base):
    """One attempt to package, build or install an application, and how it went."""

    __tablename__ = "packaging_outcomes"
    __table_args__ = (
        CheckConstraint(one_of("outcome_status", OUTCOME_STATUSES), name="status"),
        UniqueConstraint("source", "source_record_id"),
        Index("ix_packaging_outcomes_lower_application_name", text("lower(application_name)")),
        Index(
            "ix_packaging_outcomes_successes",
            "occurred_at",
            "id",
            postgresql_where=text("outcome_status = 'success'"),
        ),
        Index(
            "ix_packaging_outcomes_others",
            "occurred_at",
            "id",
            postgresql_where=text("outcome_status <> 'success'"),
        ),
        *(
            Index(
                f"ix_packaging_outcomes_{column}",
                column,
                postgresql_using="gin",
                postgresql_ops={column: "jsonb_path_ops"},
            )
            for column in ("context", "approach_details")
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    task_id: Mapped[str]
    application_name: Mapped[str] = mapped_column(index=True)
    application_version: Mapped[str | None]
    application_vendor: Mapped[str | None] = mapped_column(index=True)
    application_type: Mapped[str | None] = mapped_column(index=True)
    installer_type: Mapped[str | None] = mapped_column(index=True)
    context: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    approach_details: Mapped[dict[str, Any]]
    outcome_status: Mapped[str] = mapped_column(index=True)
    success_factors: Mapped[list[Any] | None]
    failure_reasons: Mapped[list[Any] | None]
    manual_interventions: Mapped[list[Any] | None]
    performance_metrics: Mapped[dict[str, Any] | None]
    feedback: Mapped[dict[str, Any] | None]
    recommendation_id: Mapped[str | None] = mapped_column(index=True)
    recommendation_followed: Mapped[bool | None]
    occurred_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str]
    source_record_id: Mapped[str]
    content_hash: Mapped[str]
    ingest_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Member(Base):
    """One member of a community: sets (skills, interests, ...), plain attributes and free text."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("source", "source_record_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str | None]
    skills: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    interests: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    other_sets: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    profile_text: Mapped[str | None]
    is_visible: Mapped[bool] = mapped_column(server_default=text("true"))
    source: Mapped[str]
    source_record_id: Mapped[str]
    content_hash: Mapped[str]
    ingest_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Ingest(Base):
    """One run of an ingest: its file, its mapping, and the counts of its rows by what became of them."""

    __tablename__ = "ingests"
    __table_args__ = (
        CheckConstraint(one_of("kind", RECORD_KINDS), name="kind"),
        CheckConstraint(
            "least(rows_read, rows_new, rows_changed, rows_unchanged, rows_quarantined) >= 0",
            name="counts_not_negative",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    file_name: Mapped[str]
    mapping_name: Mapped[str]
    rows_read: Mapped[int]
    rows_new: Mapped[int]
    rows_changed: Mapped[int]
    rows_unchanged: Mapped[int]
    rows_quarantined: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())


class QuarantinedRecord(Base):
    """A record that broke its contract, as it arrived, with the reason and the place it came from."""

    __tablename__ = "quarantined_records"
    __table_args__ = (CheckConstraint(one_of("kind", RECORD_KINDS), name="kind"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    ingest_id: Mapped[str] = mapped_column(index=True)
    file_name: Mapped[str]
    mapping_name: Mapped[str]
    row_number: Mapped[int] = mapped_column(BigInteger)
    field: Mapped[str]
    value: Mapped[str | None]
    reason: Mapped[str]
    record: Mapped[dict[str, Any]]
    record_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    resolved_at: Mapped[datetime | None]
