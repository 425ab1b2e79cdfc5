"""Which names of applications, vendors and other values count as one, and what persons decided about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, func
from sqlalchemy.orm import Mapped, mapped_column

from memory_pipeline.store.models.base import Base, one_of

NAME_DECISIONS = ("same", "different", "reset")
"""What a person can decide about two names of a column; `reset` withdraws what was decided before."""


class NameMerge(Base):
    """A name as it was recorded, and the name as which it is read, or which it looks like."""

    __tablename__ = "name_merges"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    column_name: Mapped[str]
    raw_name: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(index=True)
    why: Mapped[str] = mapped_column(index=True)
    attempts: Mapped[int]
    similarity: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class NameDecision(Base):
    """A person's decision about two names of a column; the newest about the two applies.

    Rows are added, never changed: together they are the history.
    """

    __tablename__ = "name_decisions"
    __table_args__ = (CheckConstraint(one_of("decision", NAME_DECISIONS), name="decision"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    column_name: Mapped[str]
    name: Mapped[str]
    other_name: Mapped[str]
    decision: Mapped[str]
    note: Mapped[str | None]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())
