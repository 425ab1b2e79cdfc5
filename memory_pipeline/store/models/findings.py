"""What rebuilds found about outcomes, and what persons decided about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from memory_pipeline.store.models.base import Base, one_of

PATTERN_TYPES = ("success", "failure", "intervention")
DECISIONS = {
    "pattern": ("activate", "retire"),
    "factor": ("confirm", "suppress"),
    "member_pattern": ("activate", "retire"),
}
"""Decisions that a person can take about each kind of finding."""


class PatternIdentification(Base):
    """A tested pattern of conditions that goes with success, failure or an intervention."""

    __tablename__ = "pattern_identifications"
    __table_args__ = (
        CheckConstraint(one_of("pattern_type", PATTERN_TYPES), name="type"),
        CheckConstraint("confidence between 0 and 1", name="confidence"),
        CheckConstraint("sample_size >= 0", name="sample_size"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    pattern_type: Mapped[str] = mapped_column(index=True)
    pattern_name: Mapped[str]
    description: Mapped[str]
    target: Mapped[str]
    conditions: Mapped[dict[str, Any]]
    impact: Mapped[dict[str, Any]]
    confidence: Mapped[float] = mapped_column(index=True)
    sample_size: Mapped[int]
    units: Mapped[int]
    related_outcomes: Mapped[list[str]]
    related_count: Mapped[int] = mapped_column(server_default=text("0"))
    is_found: Mapped[bool] = mapped_column(server_default=text("true"))
    absence_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    active: Mapped[bool] = mapped_column(server_default=text("true"), index=True)
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str | None]


class PatternHistory(Base):
    """A pattern as one rebuild found it; a row only where that differs from the rebuild before."""

    __tablename__ = "pattern_history"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pattern_id: Mapped[str] = mapped_column(index=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    is_found: Mapped[bool]
    absence_reason: Mapped[str | None]
    confidence: Mapped[float]
    risk_difference: Mapped[float | None]
    ci_low: Mapped[float | None]
    ci_high: Mapped[float | None]
    q_value: Mapped[float | None]
    sample_size: Mapped[int]
    units: Mapped[int]


class FindingDecision(Base):
    """A person's decision or note about a finding; the newest row of a finding applies.

    Rows are added, never changed: together they are the history. Without a decision the rebuilds decide.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(DECISIONS)), name="kind"),
        CheckConstraint(
            " or ".join(
                f"(kind = '{kind}' and {one_of('decision', words)})" for kind, words in DECISIONS.items()
            ),
            name="decision",
        ),
        Index("ix_decisions_kind_finding_id", "kind", "finding_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    finding_id: Mapped[str]
    decision: Mapped[str | None]
    note: Mapped[str | None]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SuccessFactor(Base):
    """The effect of one approach setting, everything else being equal."""

    __tablename__ = "success_factors"
    __table_args__ = (
        CheckConstraint("effectiveness between -1 and 1", name="effectiveness"),
        CheckConstraint("confidence between 0 and 1", name="confidence"),
        CheckConstraint("sample_size >= 0", name="sample_size"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    factor_name: Mapped[str]
    description: Mapped[str]
    applicability_conditions: Mapped[dict[str, Any]]
    effectiveness: Mapped[float] = mapped_column(index=True)
    ci_low: Mapped[float]
    ci_high: Mapped[float]
    confidence: Mapped[float] = mapped_column(index=True)
    sample_size: Mapped[int]
    units: Mapped[int]
    implementation_details: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Rebuild(Base):
    """A rebuild that succeeded without Dagster; those that Dagster ran are in its own record of runs."""

    __tablename__ = "rebuilds"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime] = mapped_column(index=True)
