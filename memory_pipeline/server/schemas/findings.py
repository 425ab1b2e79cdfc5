"""What rebuilds found: patterns, factors, associations, and how much the conditions explain."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.server.schemas.common import Count, Decided, DecisionEntry, Difference, Page, Row, Share
from memory_pipeline.server.schemas.outcomes import Note, Outcome

PatternType = Literal["success", "failure", "intervention"]


class Impact(BaseModel):
    """Size of a pattern's effect; further measures of the rule may stand beside these.

    Where evidence from elsewhere is imported: `foreign_attempts` and `foreign_units`, what of the
    attempts and of the applications is foreign.
    """

    model_config = ConfigDict(extra="allow")

    rate: Share = Field(description="Share of the attempts with the conditions that end in the target.")
    base_rate: Share = Field(description="The share over all attempts.")
    risk_difference: Difference = Field(description="Rate with the conditions less the rate without.")
    ci_low: Difference = Field(description="Lower end of its 95% interval.")
    ci_high: Difference = Field(description="Upper end of its 95% interval.")
    p_value: Share = Field(description="p-value, before the correction for many tests.")
    q_value: Share = Field(description="False discovery rate at which the pattern is found.")


class Pattern(Decided):
    """A tested pattern of conditions that goes with success, failure or an intervention."""

    id: str = Field(description="Identity, from target and conditions; the same over rebuilds.")
    pattern_type: PatternType = Field(description="The result that the pattern goes with.")
    pattern_name: str = Field(description="Short name.", examples=["repackaged = yes"])
    description: str = Field(description="The finding as a sentence, with its numbers.")
    target: str = Field(description="What was counted.", examples=["failure_reason=timeout"])
    conditions: dict[str, Any] = Field(
        description="The conditions that all hold.", examples=[{"repackaged": "yes"}]
    )
    impact: Impact
    confidence: Share = Field(description="Probability that the pattern holds up on later attempts.")
    sample_size: Count = Field(description="Attempts that meet the conditions.")
    units: Count = Field(description="Different applications among them.")
    related_outcomes: list[str] = Field(
        max_length=50, description="Ids of attempts that meet the conditions, those with the result first."
    )
    related_count: Count = Field(description="How many attempts meet the conditions.")
    is_found: bool = Field(description="Whether the newest rebuild found it.")
    absence_reason: str | None = Field(description="Why the newest rebuild did not find it.")
    created_at: datetime = Field(description="When it was first found.")
    updated_at: datetime = Field(description="When it was last confirmed or changed.")
    active: bool = Field(description="What a person decided, otherwise whether the newest rebuild found it.")
    retired_at: datetime | None = Field(description="When it was retired.")
    retired_reason: str | None = Field(description="Why.")


class PatternPage(Page):
    """A page of patterns."""

    items: list[Pattern]
    notes: list[Note] = Field(description="Values of filters that no attempt has.")


class PatternState(BaseModel):
    """A pattern as one rebuild found it; one only where it differs from the rebuild before."""

    recorded_at: datetime = Field(description="When the rebuild ended.")
    is_found: bool = Field(description="Whether it found the pattern.")
    absence_reason: str | None = Field(description="Why it did not.")
    confidence: Share = Field(description="Probability that the pattern holds up on later attempts.")
    risk_difference: Difference | None = Field(description="Rate with the conditions less the rate without.")
    ci_low: Difference | None = Field(description="Lower end of its 95% interval.")
    ci_high: Difference | None = Field(description="Upper end of its 95% interval.")
    q_value: Share | None = Field(description="False discovery rate at which it is found.")
    sample_size: Count = Field(description="Attempts that meet the conditions.")
    units: Count = Field(description="Different applications among them.")


class RelatedOutcomes(Page):
    """A page of the attempts behind a finding."""

    items: list[Outcome]


class PatternDetail(Pattern):
    """One pattern with its history, what persons decided, and the attempts behind it."""

    model_config = ConfigDict(json_schema_extra=None)

    history: list[PatternState] = Field(description="What the rebuilds found, the oldest first.")
    decision_log: list[DecisionEntry] = Field(description="All decisions and notes, the oldest first.")
    outcomes: RelatedOutcomes = Field(description="The attempts of `related_outcomes`, in that order.")


class Factor(Decided):
    """The effect of one approach setting, everything else being equal."""

    id: str = Field(description="Identity; the same over rebuilds.")
    factor_name: str = Field(description="Short name.", examples=["close_processes = no"])
    description: str = Field(description="The factor as a sentence, with its numbers.")
    applicability_conditions: dict[str, Any] = Field(
        description="Where it applies: context columns and values; empty: everywhere."
    )
    effectiveness: Difference = Field(description="Adjusted risk difference against the alternative.")
    ci_low: Difference = Field(description="Lower end of its 95% interval.")
    ci_high: Difference = Field(description="Upper end of its 95% interval.")
    confidence: Share = Field(description="Probability that the effect has the sign that is shown.")
    sample_size: Count = Field(description="Attempts that were compared.")
    units: Count = Field(description="Different applications among them.")
    implementation_details: dict[str, Any] = Field(
        description="Setting, value and alternative, how the estimate was made, its caveats, and examples."
    )
    created_at: datetime = Field(description="When it was first found.")
    updated_at: datetime = Field(description="When it was last confirmed or changed.")


class FactorPage(Page):
    """A page of factors."""

    items: list[Factor]
    notes: list[Note] = Field(description="Values of filters that no attempt has.")


class FactorDetail(Factor):
    """One factor with the patterns that say the same, attempts on both sides, and what persons decided."""

    model_config = ConfigDict(json_schema_extra=None)

    patterns: list[Pattern] = Field(description="Active patterns that say the same.")
    with_value: list[Outcome] = Field(description="Past attempts with the setting.")
    with_reference: list[Outcome] = Field(description="Past attempts with the alternative.")
    decision_log: list[DecisionEntry] = Field(description="All decisions and notes, the oldest first.")


class Association(Row):
    """How strongly two condition columns go together."""

    column_a: str = Field(description="A condition column.", examples=["installer_type"])
    column_b: str = Field(description="Another.", examples=["transform"])
    cramers_v: Share = Field(
        description="Cramér's V, corrected for its bias: 0 is none, 1 is one and the same."
    )
    p_value: Share | None = Field(description="p-value of independence.")
    q_value: Share | None = Field(description="Its false discovery rate.")
    is_sure: bool = Field(description="Whether it is beyond chance.")
    attempts: Count = Field(description="Attempts with both columns.")
    effective_attempts: float | None = Field(ge=0, description="Independent attempts that they are worth.")
    units: Count = Field(description="Different applications among them.")
    group: int = Field(description="Columns with the same number go together.")
    position_a: int = Field(description="Place of the first column in the order of the clustering.")
    position_b: int = Field(description="Place of the second.")


class AssociationPage(Page):
    """A page of associations."""

    items: list[Association]


class PatternOverlap(Row):
    """Two patterns that cover the same attempts, so that they may be one finding."""

    pattern_a: str = Field(description="Conditions of a pattern.")
    pattern_b: str = Field(description="Conditions of another.")
    attempts_a: Count = Field(description="Attempts that meet the first.")
    attempts_b: Count = Field(description="Attempts that meet the second.")
    attempts_both: Count = Field(description="Attempts that meet both.")
    jaccard: Share = Field(description="Both, as a share of those that meet either.")
    inside: Share = Field(description="Both, as a share of the smaller one.")
    targets_a: str = Field(description="What the first is about.")
    targets_b: str = Field(description="What the second is about.")


class PatternOverlapPage(Page):
    """A page of overlaps."""

    items: list[PatternOverlap]


class PredictabilityScore(Row):
    """How much of success the recorded conditions explain, for one question and one model."""

    question: str = Field(description="Which attempts were predicted.", examples=["other units"])
    model: str = Field(description="What predicted them.", examples=["chosen"])
    brier_skill: float = Field(
        le=1, description="Share of the scatter that is explained; 0 is the base rate."
    )
    ci_low: float | None = Field(description="Lower end of its 95% interval.")
    ci_high: float | None = Field(description="Upper end of its 95% interval.")
    log_loss_skill: float = Field(le=1, description="The same by log loss.")
    auc: Share | None = Field(description="Area under the ROC curve; 0.5 is chance.")
    calibration_intercept: float | None = Field(description="0 where predicted chances are right on average.")
    calibration_slope: float | None = Field(description="1 where they are neither too bold nor too timid.")
    base_rate: Share = Field(description="Share of success.")
    attempts: Count = Field(description="Attempts that were predicted.")
    units: Count = Field(description="Different applications among them.")
    sentence: str = Field(description="The answer as a sentence.")


class CalibrationBin(BaseModel):
    """Whether predicted chances came true, for attempts with about the same chance."""

    question: str = Field(description="Which attempts were predicted.")
    predicted: Share = Field(description="Mean predicted chance.")
    observed: Share = Field(description="Share that succeeded.")
    ci_low: Share = Field(description="Lower end of its 95% interval.")
    ci_high: Share = Field(description="Upper end of its 95% interval.")
    attempts: Count = Field(description="Attempts in the bin.")
    units: Count = Field(description="Different applications among them.")


class Predictability(Page):
    """How much of success the recorded conditions explain."""

    items: list[PredictabilityScore]
    summary: str = Field(description="The answer in a sentence or two, also where nothing could be scored.")
    calibration: list[CalibrationBin] = Field(description="Whether predicted chances came true.")
