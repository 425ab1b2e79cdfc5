"""What each tool answers: the schema of its structured result."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from memory_pipeline.server.mcp.arguments import FindingKind


class CaseAnswer(BaseModel):
    """A past attempt."""

    outcome_id: str
    application_name: str
    occurred_at: datetime
    outcome_status: str
    failure_reason: str | None = None
    settings_agreeing: int = Field(description="How many of the settings in question it had.")
    settings_advised: int


class Expected(BaseModel):
    """What is expected of the advised approach; without one, of what is usually done."""

    success_rate: float = Field(ge=0, le=1)
    ci_low: float = Field(ge=0, le=1, description="Lower end of the 95% interval.")
    ci_high: float = Field(ge=0, le=1)
    usual_rate: float = Field(ge=0, le=1, description="Of what is usually done in this context.")
    confidence: float = Field(ge=0, le=1, description="Probability that the approach beats the usual one.")
    attempts: int
    units: int = Field(description="Different applications among the attempts, at least.")
    evidence: str = Field(description="whole, additive or none.")


class Avoided(BaseModel):
    """Settings that are expected to do clearly worse."""

    approach: dict[str, Any]
    success_rate: float
    sentence: str


class AdviceAnswer(BaseModel):
    """Answer of `get_advice`."""

    recommendation_id: str | None = Field(description="Name it when the outcome is reported.")
    approach: dict[str, Any] | None = Field(description="Settings to choose; null: no advice.")
    left_open: list[str] = Field(description="Settings that need not be named here; leave them as they are.")
    expected: Expected
    why: list[str]
    avoid: list[Avoided]
    cases: list[CaseAnswer]
    withheld: bool = Field(description="Held back on purpose, to measure what advice changes.")
    notes: list[str] = Field(description="What of the context was read otherwise, or is not known.")
    how_to_report: str


class ReadCommand(BaseModel):
    """What was read from a command line."""

    command: str = Field(description="The first packaging command, secrets masked.")
    application_name: str | None
    application_version: str | None
    installer_type: str | None
    approach: dict[str, Any]


class CheckAnswer(BaseModel):
    """Answer of `check_approach`."""

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
    cases: list[CaseAnswer] = Field(description="The two most like it.")
    notes: list[str]
    read_from_command: ReadCommand | None = None


class ReportAnswer(BaseModel):
    """Answer of `report_outcome` where the outcome was taken."""

    status: Literal["stored", "changed", "unchanged"]
    outcome_id: str | None
    idempotency_key: str = Field(description="Report with it again to correct this attempt.")
    stored: dict[str, Any] = Field(description="The main fields as they were sent to the memory.")
    notes: list[str]


class FoundCase(BaseModel):
    """An attempt that a search found."""

    outcome_id: str
    application_name: str
    application_version: str | None
    installer_type: str | None
    occurred_at: datetime
    outcome_status: str
    failure_reasons: list[str]
    approach: dict[str, Any]
    recommendation_id: str | None


class SearchAnswer(BaseModel):
    """Answer of `search_cases`, the newest first."""

    items: list[FoundCase]
    next_cursor: str | None = Field(description="null: there are no more.")
    notes: list[str]


class Decision(BaseModel):
    """What a person decided or noted about a finding."""

    decision: str | None
    note: str | None
    decided_by: str | None
    decided_at: datetime | None


class ExplainAnswer(BaseModel):
    """Answer of `explain_finding`."""

    kind: FindingKind
    id: str
    name: str
    sentence: str
    is_active: bool = Field(description="Whether it holds now; a factor: whether it was shown to matter.")
    evidence: dict[str, Any]
    caveats: list[str]
    decision: Decision | None
    cases: list[FoundCase]
    resource: str | None = Field(description="Address of everything that is known about it.")


class StatusAnswer(BaseModel):
    """Answer of `memory_status`."""

    outcomes: dict[str, int]
    members: int
    quarantined: int
    patterns: int
    factors: int
    contexts_with_advice: int
    newest_outcome: datetime | None
    last_rebuild: datetime | None
    is_rebuilt: bool = Field(description="Whether all that was reported is in the findings.")
    context_columns: list[str] = Field(description="What an application can be described by.")
    settings: list[str] = Field(description="Settings that advice is about.")
    learning: dict[str, str]
    you_may: list[str]
