"""What is watched, what was noticed, what is to be sent about it, and what ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from memory_pipeline.analysis.alerts.metrics import ALERT_METRICS
from memory_pipeline.store.models.base import Base, one_of

RUN_KINDS = ("rebuild", "discovery")
RUN_STATES = ("succeeded", "failed")


class AlertRule(Base):
    """One thing that is watched, and from where on it is an alert."""

    __tablename__ = "alert_rules"
    __table_args__ = (
        CheckConstraint(
            " or ".join(
                f"(metric = '{metric}' and {one_of('direction', words)})"
                for metric, words in ALERT_METRICS.items()
            ),
            name="metric",
        ),
        CheckConstraint("error_rate > 0 and error_rate < 1", name="error_rate"),
        CheckConstraint("threshold >= 0", name="threshold"),
        CheckConstraint("segment_column is not null or segment_value is null", name="segment"),
    )

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    metric: Mapped[str]
    direction: Mapped[str]
    segment_column: Mapped[str | None]
    segment_value: Mapped[str | None]
    threshold: Mapped[float] = mapped_column(server_default=text("0"))
    error_rate: Mapped[float | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str | None]
    evaluated_at: Mapped[datetime | None]
    problem: Mapped[str | None]


class Alert(Base):
    """Something that a rule noticed: open until it is no longer so."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open", "rule_name", "subject", unique=True, postgresql_where=text("closed_at is null")
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    rule_name: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    message: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    silenced_until: Mapped[datetime | None]


class AlertMessage(Base):
    """A message about an alert to one address, that is to be sent or was.

    The address is a scheme and a hash: the address itself, with its secrets, is in the settings alone.
    """

    __tablename__ = "alert_messages"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_alert_messages_waiting", "next_try_at", postgresql_where=text("sent_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    address: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_try_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]


class AnalysisRun(Base):
    """One rebuild or discovery that ended: why, by which version, how long each step took."""

    __tablename__ = "analysis_runs"
    __table_args__ = (
        CheckConstraint(one_of("kind", RUN_KINDS), name="kind"),
        CheckConstraint(one_of("state", RUN_STATES), name="state"),
        Index("ix_analysis_runs_ended", "kind", "ended_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    trigger: Mapped[str]
    state: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    versions: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    steps: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    changes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    warnings: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    violations: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    error: Mapped[str | None]
