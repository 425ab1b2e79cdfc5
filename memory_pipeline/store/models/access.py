"""Who may ask through the doors of a server, what they did, and the work that they started."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from memory_pipeline.store.models.base import Base, one_of

SCOPES = ("read", "report", "decide", "admin")
"""What a token may do; each scope includes those before it."""
JOB_KINDS = ("rebuild", "discover")
JOB_STATES = ("queued", "running", "succeeded", "failed", "cancelled")


class ApiToken(Base):
    """A token that a program shows to the server; only its SHA-256 is stored."""

    __tablename__ = "api_tokens"
    __table_args__ = (CheckConstraint(one_of("scope", SCOPES), name="scope"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    scope: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """One write that came through a server: who did what to which record, and how it ended."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str] = mapped_column(index=True)
    door: Mapped[str]
    action: Mapped[str]
    target: Mapped[str | None]
    status: Mapped[int]
    request_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class IdempotentReply(Base):
    """The reply to a write that carried an Idempotency-Key, to be given again to the same write."""

    __tablename__ = "idempotent_replies"
    __table_args__ = (Index("ix_idempotent_replies_created_at", "created_at"),)

    actor: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int | None] = mapped_column(Integer)
    reply: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Job(Base):
    """A rebuild or discovery that was asked for through a door, and how far it is.

    Not `jobs`: Dagster keeps a table of that name in the same database.
    """

    __tablename__ = "server_jobs"
    __table_args__ = (
        CheckConstraint(one_of("kind", JOB_KINDS), name="kind"),
        CheckConstraint(one_of("state", JOB_STATES), name="state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(index=True)
    asked_by: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    cancel_asked: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
