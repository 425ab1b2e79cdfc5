"""What was advised, served and verified, and how results changed."""

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

from memory_pipeline.store.models.base import Base


class ApproachRecommendation(Base):
    """The approach advised, and the ones advised against, for a context that occurs."""

    __tablename__ = "approach_recommendations"
    __table_args__ = (
        CheckConstraint("success_rate between 0 and 1", name="success_rate"),
        CheckConstraint("confidence between 0 and 1", name="confidence"),
        CheckConstraint("sample_size >= 0", name="sample_size"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    application_type: Mapped[str] = mapped_column(index=True)
    installer_type: Mapped[str] = mapped_column(index=True)
    conditions: Mapped[dict[str, Any]]
    recommended_approach: Mapped[dict[str, Any] | None]
    avoid_approach: Mapped[list[Any] | None]
    success_rate: Mapped[float] = mapped_column(index=True)
    ci_low: Mapped[float]
    ci_high: Mapped[float]
    confidence: Mapped[float]
    sample_size: Mapped[int]
    attempts_in_context: Mapped[int | None]
    reasons: Mapped[list[str]]
    supporting_patterns: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ServedCandidates(Base):
    """The approaches that an answer chose from; answers that chose from the same ones share a row."""

    __tablename__ = "served_candidates"

    id: Mapped[str] = mapped_column(primary_key=True)
    candidates: Mapped[list[Any]]


class ServedRecommendation(Base):
    """One answer of the memory: its context, the approaches to choose from, and how one was chosen.

    The approaches are in `served_candidates`. Where the answer was withheld for the control share, it holds
    what would have been advised. `door` (command, http, mcp, page, program), `asked_by` (name of the token)
    and `seconds` (until it was answered) are missing where they are not known.
    """

    __tablename__ = "served_recommendations"
    __table_args__ = (
        CheckConstraint("propensity > 0 and propensity <= 1", name="propensity"),
        CheckConstraint("control_share >= 0 and control_share < 1", name="control_share"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    context: Mapped[dict[str, Any]]
    candidates_id: Mapped[str]
    recommended_approach: Mapped[dict[str, Any] | None]
    propensity: Mapped[float]
    policy_version: Mapped[str]
    withheld: Mapped[bool] = mapped_column(server_default=text("false"))
    control_share: Mapped[float] = mapped_column(server_default=text("0"))
    served_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    door: Mapped[str | None]
    asked_by: Mapped[str | None]
    seconds: Mapped[float | None]


class AdviceVerification(Base):
    """The effect of following advice, as a rebuild estimated it: one row a rebuild."""

    __tablename__ = "advice_verifications"
    __table_args__ = (CheckConstraint("gain between -1 and 1", name="gain"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    method: Mapped[str]
    verdict: Mapped[str]
    gain: Mapped[float]
    ci_low: Mapped[float]
    ci_high: Mapped[float]
    anytime_low: Mapped[float | None]
    anytime_high: Mapped[float | None]
    e_value: Mapped[float | None]
    e_value_bound: Mapped[float | None]
    sufficient: Mapped[bool]
    conclusive: Mapped[bool]
    reason: Mapped[str]
    followed: Mapped[int]
    not_followed: Mapped[int]
    control: Mapped[int]
    comparable: Mapped[int]
    units: Mapped[int]
    strata: Mapped[int]
    verified_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AdviceChange(Base):
    """A change of the advice for one context by a rebuild, and its reason."""

    __tablename__ = "advice_changes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    conditions: Mapped[dict[str, Any]]
    change: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    success_rate_before: Mapped[float | None]
    success_rate_after: Mapped[float | None]
    why: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class LearningMeasure(Base):
    """One measure of whether results get better, for one month and one part of the history."""

    __tablename__ = "learning_measures"
    __table_args__ = (
        UniqueConstraint("measure", "period_start", "segment_column", "segment_value"),
        CheckConstraint("sample_size >= 0", name="sample_size"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    measure: Mapped[str]
    period_start: Mapped[datetime]
    segment_column: Mapped[str]
    segment_value: Mapped[str]
    value: Mapped[float]
    ci_low: Mapped[float | None]
    ci_high: Mapped[float | None]
    sample_size: Mapped[int]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LearningHistory(Base):
    """A measure as one rebuild computed it; a row only where that differs from the rebuild before."""

    __tablename__ = "learning_history"
    __table_args__ = (
        Index(
            "ix_learning_history_point", "measure", "period_start", "segment_column", "segment_value", "id"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    measure: Mapped[str]
    period_start: Mapped[datetime]
    segment_column: Mapped[str]
    segment_value: Mapped[str]
    value: Mapped[float]
    ci_low: Mapped[float | None]
    ci_high: Mapped[float | None]
    sample_size: Mapped[int]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
