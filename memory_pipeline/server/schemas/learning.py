"""Whether results get better."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from memory_pipeline.server.schemas.common import Count, Difference, Page, Row, Share

Measure = Literal[
    "success_rate",
    "prior_knowledge",
    "advice_gain",
    "advice_coverage",
    "finding_replication",
    "confidence_calibration",
    "drift",
    "drift_change",
    "replayed_uplift",
]


class LearningPoint(Row):
    """One measure for one month (or quarter) and one part of the history."""

    measure: str = Field(description="Which measure.", examples=["success_rate"])
    period_start: datetime = Field(description="First moment of the period.")
    segment_column: str = Field(description="The column that splits the history; empty: the whole.")
    segment_value: str = Field(description="Its value; empty: the whole.")
    value: float = Field(description="The value; shares are between 0 and 1, gains in shares.")
    ci_low: float | None = Field(description="Lower end of its 95% interval.")
    ci_high: float | None = Field(description="Upper end of its 95% interval.")
    sample_size: Count = Field(description="Attempts, or findings, behind it.")
    details: dict[str, Any] = Field(description="What the value was computed from.")
    updated_at: datetime | None = Field(description="When a rebuild last changed it; null in the history.")
    recorded_at: datetime | None = Field(description="When a rebuild measured it; null outside the history.")


class LearningPage(Page):
    """A page of measures."""

    items: list[LearningPoint]


class LearningSummary(BaseModel):
    """Where the memory stands: a sentence for each measure."""

    sentences: dict[str, str] = Field(
        description="A sentence by measure.",
        examples=[{"success_rate": "68% of 142 attempts succeeded in 2026-06; 67% of all"}],
    )


class Verification(Row):
    """The effect of following advice, as one rebuild estimated it."""

    id: int = Field(description="Number of the estimate.")
    method: str = Field(description="How it was made.", examples=["doubly robust"])
    verdict: str = Field(description="What may be said.", examples=["consistent with helping"])
    gain: Difference = Field(description="Share of success with the advice less that without.")
    ci_low: Difference = Field(description="Lower end of its 95% interval.")
    ci_high: Difference = Field(description="Upper end of its 95% interval.")
    anytime_low: Difference | None = Field(
        description="Lower end of the interval that holds at every look; of an experiment only."
    )
    anytime_high: Difference | None = Field(description="Upper end of it.")
    e_value: float | None = Field(
        description="Without an experiment: how many times as likely something unrecorded would have to make "
        "both following and success, to explain the gain away."
    )
    e_value_bound: float | None = Field(description="The same for the end of the interval nearer to 0.")
    sufficient: bool = Field(description="Whether there was enough evidence.")
    conclusive: bool = Field(description="Whether an experiment showed a change, at every look.")
    reason: str = Field(description="What can be said, as a sentence.")
    followed: Count = Field(description="Attempts that followed the advice.")
    not_followed: Count = Field(description="Attempts that did not.")
    control: Count = Field(description="Attempts whose advice was withheld on purpose.")
    comparable: Count = Field(description="Attempts that were compared.")
    units: Count = Field(description="Different applications among them.")
    strata: Count = Field(description="Strata within which they were compared; 0 without an experiment.")
    verified_at: datetime = Field(description="When.")


class VerificationPage(Page):
    """A page of verifications, the newest first."""

    items: list[Verification]


class AdviceChange(Row):
    """A change of the advice for one context, and its reason."""

    id: int = Field(description="Number of the change.")
    conditions: dict[str, Any] = Field(description="The context.")
    change: str = Field(description="What kind of change.", examples=["new"])
    before: dict[str, Any] | None = Field(description="The approach that was advised before.")
    after: dict[str, Any] | None = Field(description="The approach that is advised since.")
    success_rate_before: Share | None = Field(description="What was expected of the former.")
    success_rate_after: Share | None = Field(description="What is expected of the latter.")
    why: str = Field(description="The reason, as a sentence.")
    changed_at: datetime = Field(description="When.")


class AdviceChangePage(Page):
    """A page of changes of the advice, the newest first."""

    items: list[AdviceChange]
