"""What is sent and answered when advice is asked for: bodies, answers, and what their fields mean."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.service.descriptions import LONGEST_VALUE, MOST_ELEMENTS

Share = Annotated[float, Field(ge=0, le=1)]
Scalar = (
    Annotated[str, Field(max_length=LONGEST_VALUE)]
    | bool
    | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    | Annotated[float, Field(allow_inf_nan=False)]
)
Described = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=200)],
        Scalar | Annotated[list[Scalar], Field(max_length=MOST_ELEMENTS)] | None,
    ],
    Field(max_length=100),
]
"""Columns and values: texts, numbers, truth values, or lists of these."""
CONTEXT = {"installer_type": "msi", "application_type": "developer_tools"}
APPROACH = {"silent_switch": "/quiet /norestart"}


class Body(BaseModel):
    """A body; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class RecommendationRequest(Body):
    """A described application."""

    context: Described = Field(
        default_factory=dict,
        description="What is known about the application: context columns and values. Leave out what is not "
        "known. `GET /api/memory/vocabulary` lists columns and values.",
        examples=[CONTEXT],
    )


class CaseModel(BaseModel):
    """A past attempt that an answer points to."""

    outcome_id: str
    application_name: str
    occurred_at: datetime
    outcome_status: Literal["success", "failure", "partial"]
    failure_reason: str | None = Field(description="The first reason that was recorded.")
    settings_agreeing: int = Field(ge=0, description="How many of the asked settings the attempt had.")
    settings_advised: int = Field(ge=0, description="How many settings were asked about.")


class Avoided(BaseModel):
    """A setting or whole approach that is expected to do clearly worse."""

    approach: dict[str, Any]
    success_rate: Share
    ci_low: Share
    ci_high: Share
    sample_size: int = Field(ge=0, description="Attempts behind it.")
    sentence: str


class Candidate(BaseModel):
    """An approach that was tried in the context."""

    approach: dict[str, Any]
    success_rate: Share
    ci_low: Share
    ci_high: Share
    attempts: int = Field(ge=0)
    successes: int = Field(ge=0)
    units: int = Field(ge=0, description="Different applications among the attempts.")
    evidence: Literal["whole", "additive"]
    usual_share: Share = Field(description="How often it was chosen so far, among the candidates.")
    probability: Share = Field(description="How probable it was that this answer picks it.")


class AdviceModel(BaseModel):
    """What to do next in a described context."""

    context: dict[str, Any] = Field(description="The description, as it was answered.")
    recommended_approach: dict[str, Any] | None = Field(
        description="The settings to choose; null where the evidence is not enough."
    )
    left_open: list[str] = Field(description="Settings that need not be named here; leave them as they are.")
    avoid_approach: list[Avoided] = Field(description="What is expected to do clearly worse.")
    success_rate: Share = Field(description="Expected share of successes; without advice, of the usual mix.")
    ci_low: Share = Field(description="Lower end of its 95% credible interval.")
    ci_high: Share = Field(description="Upper end of its 95% credible interval.")
    confidence: Share = Field(description="Probability that it succeeds more often than the usual mix.")
    sample_size: int = Field(ge=0, description="Attempts behind it.")
    attempts_in_context: int | None = Field(ge=0, description="Attempts with it in this very context.")
    units: int = Field(ge=0, description="Different applications among them, a lower bound.")
    evidence: Literal["whole", "additive", "untested", "none"]
    usual_approach: dict[str, Any] | None = Field(description="The approach most often chosen so far.")
    usual_rate: Share = Field(description="Expected share of successes of the usual mix.")
    supporting_patterns: list[str]
    reasons: list[str] = Field(description="Sentences that explain the answer.")
    propensity: float = Field(gt=0, le=1, description="Probability of this answer.")
    policy_version: str = Field(description="Which policy answered.")
    decisions: list[dict[str, Any]] = Field(description="What persons decided that concerns the answer.")
    candidates: list[Candidate] | None = Field(
        default=None, description="All approaches that were compared; with `detail=full` alone."
    )


class RecommendationAnswer(BaseModel):
    """Advice as it was given."""

    recommendation_id: str | None = Field(
        description="Report the outcome with it; null where the answer was not logged (`look`)."
    )
    withheld: bool = Field(
        description="Whether the answer was withheld on purpose (MEMORY_CONTROL_SHARE), to measure what "
        "advice changes."
    )
    notes: list[str] = Field(
        description="What of the description was taken otherwise than it was written, or is not known.",
        examples=[["installer_type 'MSI' was taken as 'msi', which differs in case only."]],
    )
    cases: list[CaseModel] = Field(description="Past attempts like it: 3 that succeeded, 3 others.")
    advice: AdviceModel


class ServedRecord(BaseModel):
    """An answer as it was logged; where it was withheld, with what would have been advised."""

    id: str
    context: dict[str, Any]
    recommended_approach: dict[str, Any] | None
    propensity: float = Field(gt=0, le=1)
    policy_version: str
    withheld: bool
    control_share: float = Field(ge=0, lt=1, description="Probability with which it was withheld.")
    served_at: datetime
    door: str | None = Field(description="command, http, mcp, page or program; missing where not known.")
    asked_by: str | None = Field(description="Name of the token that asked.")
    seconds: float | None = Field(description="Until the memory had the answer.")
    candidates: list[dict[str, Any]] | None = Field(
        default=None, description="The approaches that it chose from; with `detail=full` alone."
    )


class ContextRow(BaseModel):
    """The advice for one context that occurs, as the newest rebuild (or a decision since) left it."""

    id: str
    application_type: str
    installer_type: str
    conditions: dict[str, Any] = Field(description="The context.")
    recommended_approach: dict[str, Any] | None
    avoid_approach: list[Avoided] | None
    success_rate: Share
    ci_low: Share
    ci_high: Share
    confidence: Share
    sample_size: int = Field(ge=0)
    attempts_in_context: int | None = Field(ge=0, description="Attempts with it in this very context.")
    reasons: list[str]
    supporting_patterns: list[str]
    created_at: datetime
    updated_at: datetime


class ContextPage(BaseModel):
    """A page of the table of contexts, those with most attempts first."""

    items: list[ContextRow]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last.")
    total: int = Field(ge=0, description="Contexts of the whole table.")


class ApproachRequest(Body):
    """An approach that somebody is about to take."""

    context: Described = Field(
        default_factory=dict,
        description="What is known about the application; empty for any.",
        examples=[{"installer_type": "msi"}],
    )
    approach: Annotated[Described, Field(min_length=1)] = Field(
        description="The settings that are about to be chosen.", examples=[APPROACH]
    )


class ApproachCheckAnswer(BaseModel):
    """What became of an approach; the rule is in `service.approaches`."""

    verdict: Literal["failed_before", "worked_before", "unknown"] = Field(
        description="`failed_before`: clearly less often successful than other attempts in the context; "
        "`worked_before`: not clearly worse than these; `unknown`: too few attempts to tell."
    )
    sentence: str = Field(description="The verdict in words, with its counts.")
    context: dict[str, Any]
    approach: dict[str, Any]
    attempts: int = Field(ge=0, description="Attempts with all of the settings in the context.")
    successes: int = Field(ge=0)
    units: int = Field(ge=0, description="Different applications among them.")
    success_rate: Share = Field(description="Share of successes, each application counting once.")
    ci_low: Share
    ci_high: Share
    usual_rate: Share = Field(description="The same of the other attempts in the context.")
    usual_units: int = Field(ge=0)
    cases: list[CaseModel] = Field(max_length=2, description="The most similar success and other attempt.")
    notes: list[str]
