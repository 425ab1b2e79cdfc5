"""What the server answers, as types: the fields are those of its OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

Row = dict[str, Any]
"""A row of a list, or one finding with everything about it."""


class Advice(TypedDict):
    """What to do next in a described context."""

    context: dict[str, Any]
    recommended_approach: dict[str, Any] | None
    left_open: list[str]
    avoid_approach: list[Row]
    success_rate: float
    ci_low: float
    ci_high: float
    confidence: float
    sample_size: int
    attempts_in_context: int | None
    units: int
    evidence: Literal["whole", "additive", "untested", "none"]
    usual_approach: dict[str, Any] | None
    usual_rate: float
    supporting_patterns: list[str]
    reasons: list[str]
    propensity: float
    policy_version: str
    decisions: list[Row]
    candidates: NotRequired[list[Row] | None]


class Recommendation(TypedDict):
    """Advice as it was given; `recommendation_id` goes into the outcome that follows."""

    recommendation_id: str | None
    withheld: bool
    advice: Advice
    cases: list[Row]
    notes: list[str]


class ApproachCheck(TypedDict):
    """Whether an approach failed before."""

    verdict: Literal["failed_before", "worked_before", "unknown"]
    sentence: str
    context: dict[str, Any]
    approach: dict[str, Any]
    attempts: int
    successes: int
    units: int
    success_rate: float
    ci_low: float
    ci_high: float
    usual_rate: float
    usual_units: int
    cases: list[Row]
    notes: list[str]


class OutcomeResult(TypedDict):
    """What became of one outcome; `kept`: it waits on this machine until the server answers."""

    index: int
    status: Literal["stored", "changed", "unchanged", "quarantined", "skipped", "kept"]
    id: str | None
    quarantine_id: int | None
    errors: list[Row]
    notes: list[str]


class ReportResult(TypedDict):
    """What became of the outcomes of one call; `ingest_id` is None where they wait on this machine."""

    ingest_id: str | None
    read: int
    stored: int
    changed: int
    unchanged: int
    quarantined: int
    skipped: int
    kept: int
    items: list[OutcomeResult]


class Job(TypedDict):
    """A rebuild or discovery, how far it is, and how it ended."""

    id: str
    kind: Literal["rebuild", "discover"]
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    asked_by: str
    arguments: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    cancel_asked: bool
    created_at: str
    started_at: str | None
    heartbeat_at: str | None
    finished_at: str | None


class Flushed(NamedTuple):
    """How many outcomes the buffer sent, how many wait still, and how many the server refused for good."""

    sent: int
    waiting: int
    refused: int
