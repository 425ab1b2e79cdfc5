"""Recorded attempts."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.server.schemas.common import Count, Difference, Page, Row, Share

Status = Literal["success", "failure", "partial"]


class Outcome(Row):
    """One attempt to package, build or install an application, and how it went."""

    id: str = Field(description="Identity of the attempt.", examples=["62782002-0260-5512-ad27-d40e4fe0ae43"])
    task_id: str = Field(description="The task that it belonged to.")
    application_name: str = Field(description="What was packaged.", examples=["7-Zip"])
    application_version: str | None = Field(description="Its version.", examples=["24.09"])
    application_vendor: str | None = Field(description="Who makes it.")
    application_type: str | None = Field(description="What kind of application it is.", examples=["browser"])
    installer_type: str | None = Field(description="What kind of installer it has.", examples=["msi"])
    context: dict[str, Any] = Field(description="What was known before the attempt: column and value.")
    approach_details: dict[str, Any] = Field(
        description="The settings that were chosen.", examples=[{"wrapper": "psadt", "silent_switch": "/qn"}]
    )
    outcome_status: Status = Field(description="How it ended.")
    success_factors: list[Any] | None = Field(description="What helped, by whoever reported it.")
    failure_reasons: list[Any] | None = Field(
        description="Why it did not succeed, the first reason first.", examples=[[{"reason": "timeout"}]]
    )
    manual_interventions: list[Any] | None = Field(
        description="What a person had to do.", examples=[[{"kind": "manual_click_through"}]]
    )
    performance_metrics: dict[str, Any] | None = Field(
        description="Measured values; the unit is in the name.",
        examples=[{"duration_seconds": 71, "retries": 0}],
    )
    feedback: dict[str, Any] | None = Field(description="What users said afterwards.")
    recommendation_id: str | None = Field(description="The served answer that the attempt came after.")
    recommendation_followed: bool | None = Field(description="Whether its approach was followed.")
    occurred_at: datetime = Field(description="When the attempt was made.")
    source: str = Field(description="Where the record came from.", examples=["intune"])
    source_record_id: str = Field(description="Its identity there.")
    content_hash: str = Field(description="Changes when the record changes.")
    ingest_id: str = Field(description="The ingest that wrote it last.")
    created_at: datetime = Field(description="When it was stored.")
    updated_at: datetime = Field(description="When it was changed last.")


class Note(BaseModel):
    """Why a filter finds nothing: its value is not known."""

    field: str = Field(description="The filter.", examples=["query.installer_type"])
    value: str | None = Field(description="What was asked for.", examples=["msii"])
    remedy: str = Field(description="What to ask for instead.", examples=["did you mean 'msi'?"])
    nearest: str | None = Field(description="The nearest value that is known.", examples=["msi"])


class OutcomePage(Page):
    """A page of attempts."""

    items: list[Outcome]
    notes: list[Note] = Field(description="Where nothing was found: values of filters that no attempt has.")


class ServedAnswer(BaseModel):
    """An answer of the memory, as it was served."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(description="Identity of the answer.")
    context: dict[str, Any] = Field(description="What was asked about.")
    recommended_approach: dict[str, Any] | None = Field(
        description="What was advised, also where it was withheld; null: there was no advice."
    )
    candidates: list[Any] = Field(description="The approaches to choose from.")
    propensity: float = Field(gt=0, le=1, description="The probability with which this approach was chosen.")
    withheld: bool = Field(description="Whether the answer was held back for the control share.")
    control_share: float = Field(ge=0, lt=1, description="The probability of that.")
    policy_version: str = Field(description="The policy that answered.")
    served_at: datetime = Field(description="When.")


class PatternOfOutcome(BaseModel):
    """A pattern whose conditions an attempt meets."""

    id: str = Field(description="Identity of the pattern.")
    pattern_type: str = Field(description="The result that it goes with.", examples=["failure"])
    pattern_name: str = Field(description="Short name.", examples=["wrapper = none"])
    description: str = Field(description="The finding as a sentence.")
    target: str = Field(description="What was counted.", examples=["success"])
    confidence: Share = Field(description="Probability that it holds up on later attempts.")
    risk_difference: Difference = Field(
        description="Rate of the target with the conditions less the rate without."
    )
    active: bool = Field(description="Whether the pattern is active.")
    sample_size: Count = Field(description="Attempts that meet the conditions.")


class OutcomeDetail(Outcome):
    """One attempt with everything recorded, the advice that it had, and the patterns that it belongs to."""

    model_config = ConfigDict(json_schema_extra=None)

    advice: ServedAnswer | None = Field(description="The answer that `recommendation_id` names.")
    patterns: list[PatternOfOutcome] = Field(
        description="Patterns whose conditions it meets, as of the last rebuild; the active ones first."
    )
