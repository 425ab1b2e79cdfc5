"""Patterns among members, questions, labels, and the runs of the pattern finder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from memory_pipeline.store.models.base import Base, one_of

MEMBER_PATTERN_CATEGORIES = (
    "skill_cluster",
    "interest_theme",
    "collaboration_opportunity",
    "community_strength",
    "cross_domain",
)


class MemberPattern(Base):
    """A pattern among the members of a community, with questions worth asking."""

    __tablename__ = "patterns"
    __table_args__ = (
        CheckConstraint(one_of("category", MEMBER_PATTERN_CATEGORIES), name="category"),
        CheckConstraint("member_count >= 0", name="member_count"),
        Index("ix_patterns_is_active", "is_active"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str]
    category: Mapped[str] = mapped_column(index=True)
    member_count: Mapped[int] = mapped_column(server_default=text("0"))
    related_member_ids: Mapped[list[int]] = mapped_column(server_default=text("'{}'::integer[]"))
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    question_prompts: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    found_by: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class QuestionPrompt(Base):
    """A question worth asking members, with the pattern behind it."""

    __tablename__ = "question_prompts"
    __table_args__ = (UniqueConstraint("pattern_name", "question"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pattern_name: Mapped[str] = mapped_column(String(255))
    category: Mapped[str] = mapped_column(index=True)
    question: Mapped[str]
    audience: Mapped[str]
    why: Mapped[str]
    found_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LabelMerge(Base):
    """A label as members wrote it, and the label as which it is read."""

    __tablename__ = "label_merges"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    field: Mapped[str] = mapped_column(index=True)
    raw_label: Mapped[str]
    label: Mapped[str | None]
    why: Mapped[str] = mapped_column(index=True)
    members: Mapped[int]
    similarity: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DiscoveryRun(Base):
    """One run of the pattern finder: how it ended, what it used, and what became of its claims."""

    __tablename__ = "discovery_runs"
    __table_args__ = (
        CheckConstraint(
            "least(turns, requests, retries, refusals, input_tokens, output_tokens, cache_write_tokens, "
            "cache_read_tokens, patterns_created, patterns_updated, claims_refused) >= 0",
            name="counts_not_negative",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(index=True)
    message: Mapped[str]
    model: Mapped[str | None]
    focus_areas: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    turns: Mapped[int] = mapped_column(server_default=text("0"))
    requests: Mapped[int] = mapped_column(server_default=text("0"))
    retries: Mapped[int] = mapped_column(server_default=text("0"))
    refusals: Mapped[int] = mapped_column(server_default=text("0"))
    input_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    output_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    cache_write_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    cache_read_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    cost_usd: Mapped[float | None]
    patterns_created: Mapped[int] = mapped_column(server_default=text("0"))
    patterns_updated: Mapped[int] = mapped_column(server_default=text("0"))
    claims_refused: Mapped[int] = mapped_column(server_default=text("0"))
    claims: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    summary: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    finished_at: Mapped[datetime | None]
