"""The stored records as SQLAlchemy models, with the rules that the database itself keeps.

Rules that need more than one row or a person's judgement are data contracts, not constraints.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OUTCOME_STATUSES = ("success", "failure", "partial")
PATTERN_TYPES = ("success", "failure", "intervention")
MEMBER_PATTERN_CATEGORIES = (
    "skill_cluster",
    "interest_theme",
    "collaboration_opportunity",
    "community_strength",
    "cross_domain",
)
RECORD_KINDS = ("outcomes", "members")
DECISIONS = {
    "pattern": ("activate", "retire"),
    "factor": ("confirm", "suppress"),
    "member_pattern": ("activate", "retire"),
}
"""What a person can decide about each kind of finding."""


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    """All tables; the naming convention keeps constraint names stable over migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        list[int]: ARRAY(Integer),
        str: Text,
    }


class PackagingOutcome(Base):
    """One attempt to package, build or install an application, and how it went."""

    __tablename__ = "packaging_outcomes"
    __table_args__ = (
        CheckConstraint(_one_of("outcome_status", OUTCOME_STATUSES), name="status"),
        UniqueConstraint("source", "source_record_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    task_id: Mapped[str]
    application_name: Mapped[str] = mapped_column(index=True)
    application_version: Mapped[str | None]
    application_vendor: Mapped[str | None]
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
    """One run of an ingest: which file, read how, and where its rows went."""

    __tablename__ = "ingests"
    __table_args__ = (
        CheckConstraint(_one_of("kind", RECORD_KINDS), name="kind"),
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
    __table_args__ = (CheckConstraint(_one_of("kind", RECORD_KINDS), name="kind"),)

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


class PatternIdentification(Base):
    """A tested pattern of conditions that goes with success, failure or an intervention."""

    __tablename__ = "pattern_identifications"
    __table_args__ = (
        CheckConstraint(_one_of("pattern_type", PATTERN_TYPES), name="type"),
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
    """What one rebuild said of a pattern; a row only where that differs from what the one before said."""

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
    """What a person decided or noted about a finding; the newest row of a finding holds.

    Rows are added, never changed: together they are the history. Without a decision the rebuilds decide.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(_one_of("kind", tuple(DECISIONS)), name="kind"),
        CheckConstraint(
            " or ".join(
                f"(kind = '{kind}' and {_one_of('decision', words)})" for kind, words in DECISIONS.items()
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
    """What one approach setting changes, everything else being equal."""

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
    reasons: Mapped[list[str]]
    supporting_patterns: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ServedRecommendation(Base):
    """One answer that the memory gave: for which context, out of what, chosen how.

    Where the answer was withheld for the control share, it holds what would have been advised.
    """

    __tablename__ = "served_recommendations"
    __table_args__ = (
        CheckConstraint("propensity > 0 and propensity <= 1", name="propensity"),
        CheckConstraint("control_share >= 0 and control_share < 1", name="control_share"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    context: Mapped[dict[str, Any]]
    candidates: Mapped[list[Any]]
    recommended_approach: Mapped[dict[str, Any] | None]
    propensity: Mapped[float]
    policy_version: Mapped[str]
    withheld: Mapped[bool] = mapped_column(server_default=text("false"))
    control_share: Mapped[float] = mapped_column(server_default=text("0"))
    served_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AdviceVerification(Base):
    """What following advice changed, as a rebuild found it: one row a rebuild."""

    __tablename__ = "advice_verifications"
    __table_args__ = (CheckConstraint("gain between -1 and 1", name="gain"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    method: Mapped[str]
    gain: Mapped[float]
    ci_low: Mapped[float]
    ci_high: Mapped[float]
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
    """What a rebuild changed in the advice for one context, and why."""

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
    """What one rebuild measured; a row only where that differs from what the one before measured."""

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


class MemberPattern(Base):
    """A pattern among the members of a community, with questions worth asking."""

    __tablename__ = "patterns"
    __table_args__ = (
        CheckConstraint(_one_of("category", MEMBER_PATTERN_CATEGORIES), name="category"),
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
    """A label as members wrote it, and the name under which it is read."""

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
    """One run of the pattern finder: how it ended, what it used, what became of its claims."""

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


class Rebuild(Base):
    """A rebuild that succeeded without Dagster; those that Dagster ran are in its own record of runs."""

    __tablename__ = "rebuilds"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime] = mapped_column(index=True)
