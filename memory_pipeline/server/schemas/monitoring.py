"""Is the memory worth its keep, in numbers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from memory_pipeline.server.schemas.common import Count, Difference, Share

Month = str


class Monitored(BaseModel):
    """What all topics have."""

    topic: Literal["effectiveness", "learning-rate", "performance", "quality", "usage"]
    sentence: str = Field(
        description="Where the memory stands, or what to do where there is nothing to show."
    )
    notes: list[str] = Field(description="How to read the tables.")


class VerifiedRebuild(BaseModel):
    """The gain that one rebuild verified."""

    verified_at: datetime
    verdict: str
    gain: Difference = Field(description="Share of success with the advice less that without.")
    ci_low: Difference
    ci_high: Difference
    followed: Count
    not_followed: Count
    control: Count = Field(description="Attempts whose advice was withheld on purpose.")
    comparable: Count
    units: Count
    sufficient: bool
    conclusive: bool
    method: str


class Effectiveness(Monitored):
    """Whether following advice helped."""

    rebuilds: list[VerifiedRebuild] = Field(description="The newest first.")


class KnowledgeMonth(BaseModel):
    """How well what was known before a month foretold it."""

    month: Month = Field(examples=["2026-06"])
    value: float = Field(description="0 is the base rate, 1 foretells everything.")
    ci_low: float | None
    ci_high: float | None
    sample_size: Count = Field(description="Attempts of the month.")


class LearningRate(Monitored):
    """Prior knowledge, month by month."""

    months: list[KnowledgeMonth]


class Effort(BaseModel):
    """What the attempts of a group cost."""

    group: str
    attempts: Count
    durations: Count = Field(description="Attempts that say how long they took.")
    seconds_quarter: float | None = Field(description="A quarter of them took at most so long.")
    seconds_median: float | None
    seconds_three_quarters: float | None
    retries_recorded: Count = Field(description="Attempts that say how often they were retried.")
    retried: Count
    retried_share: Share | None
    retried_ci_low: Share | None
    retried_ci_high: Share | None
    interventions: Count = Field(description="Attempts that needed a person.")
    interventions_share: Share | None
    interventions_ci_low: Share | None
    interventions_ci_high: Share | None


class Performance(Monitored):
    """What attempts cost, with and without advice; not adjusted for what differs between the groups."""

    by_advice: list[Effort] = Field(description="By what became of the advice.")
    since_advice: list[Effort] = Field(description="Before and since the first advice.")
    months: list[Effort]


class QualityMonth(BaseModel):
    """How the attempts of a month went."""

    month: Month
    attempts: Count
    success_rate: Share
    ci_low: Share
    ci_high: Share


class MonthlyReason(BaseModel):
    """A frequent reason of a month."""

    month: Month
    reason: str | None = Field(description="Null: not recorded.")
    attempts: Count
    unsuccessful: Count = Field(description="Attempts of the month that did not succeed.")
    share: Share | None = Field(description="Of these.")
    ci_low: Share | None
    ci_high: Share | None


class Quality(Monitored):
    """Success and the reasons of failure, month by month."""

    months: list[QualityMonth]
    reasons: list[MonthlyReason]


class UsageMonth(BaseModel):
    """The answers of a month, and what became of them."""

    month: Month
    answers: Count
    withheld: Count
    without_approach: Count = Field(description="Answers that advised nothing.")
    reported: Count = Field(description="Answers that an attempt names.")
    reported_share: Share | None = Field(description="Of the answers.")
    reported_ci_low: Share | None
    reported_ci_high: Share | None
    said: Count = Field(description="Answers, not withheld, of which an attempt says whether it followed.")
    followed: Count
    followed_share: Share | None = Field(description="Of these.")
    followed_ci_low: Share | None
    followed_ci_high: Share | None


class Door(BaseModel):
    """The answers given through one door to one who asks there, and how long they took."""

    door: str = Field(description="command, http, mcp, page, program, or not known.")
    asked_by: str | None = Field(description="Name of the token.")
    answers: Count
    withheld: Count
    reported: Count
    reported_share: Share | None
    reported_ci_low: Share | None
    reported_ci_high: Share | None
    said: Count
    followed: Count
    followed_share: Share | None
    followed_ci_low: Share | None
    followed_ci_high: Share | None
    seconds_median: float | None = Field(description="Until the memory had the answer.")
    seconds_p95: float | None
    newest: datetime


class Source(BaseModel):
    """Where attempts come from, and how many of them name advice."""

    source: str
    attempts: Count
    advised: Count
    followed: Count
    not_followed: Count
    newest: datetime


class UnknownValue(BaseModel):
    """A value that was asked for and is not known."""

    column: str
    value: str
    answers: Count
    last_asked: datetime


class Usage(Monitored):
    """How advice is used."""

    months: list[UsageMonth]
    doors: list[Door]
    sources: list[Source]
    unknown_values: list[UnknownValue]
