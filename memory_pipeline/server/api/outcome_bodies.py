"""What a report of outcomes looks like, as the OpenAPI document shows it; the contract checks it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.server.bodies import JSON_LINES

MOST_OUTCOMES = 10_000
"""Most outcomes of one request."""


class OutcomeReport(BaseModel):
    """One attempt and what came of it, as the contract of outcomes has it (`docs/reference.md`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "application_name": "7-Zip",
                    "occurred_at": "2026-05-01T12:00:00Z",
                    "outcome_status": "failure",
                    "installer_type": "msi",
                    "approach_details": {"silent_switch": "/qn"},
                    "failure_reasons": [{"code": "1603", "reason": "fatal_error"}],
                    "source": "packaging-agent",
                    "source_record_id": "run-1842",
                }
            ]
        }
    )

    application_name: str = Field(max_length=300)
    occurred_at: datetime = Field(description="With its zone.")
    outcome_status: Literal["success", "failure", "partial"]
    approach_details: dict[str, Any] = Field(
        description="The settings that were chosen; {} if none is known."
    )
    application_version: str | None = None
    application_vendor: str | None = None
    application_type: str | None = None
    installer_type: str | None = None
    task_id: str | None = None
    context: dict[str, Any] | None = Field(None, description="What was known beforehand.")
    success_factors: list[str] | None = None
    failure_reasons: list[dict[str, Any]] | None = Field(None, description="`code`, `reason`, `detail`.")
    manual_interventions: list[dict[str, Any]] | None = Field(
        None, description="`kind`, `description`, `minutes`."
    )
    performance_metrics: dict[str, float] | None = None
    feedback: dict[str, Any] | None = Field(None, description="`rating` from 1 to 5, `comment`.")
    recommendation_id: str | None = Field(None, description="Of the answer that this attempt asked for.")
    recommendation_followed: bool | None = None
    source: str | None = Field(None, max_length=100, description="Name of who reports.")
    source_record_id: str | int | None = Field(
        None, description="Id in the source. Reporting it again with other content corrects the outcome."
    )


class OutcomeBatch(BaseModel):
    """Many outcomes, stored in one transaction."""

    model_config = ConfigDict(extra="forbid")

    outcomes: list[dict[str, Any]] = Field(
        min_length=1, max_length=MOST_OUTCOMES, description="Outcomes, or rows that the mapping reads."
    )
    source: str | None = Field(None, max_length=100, description="For outcomes that name none.")
    mapping: str | None = Field(
        None, description="Name of a shipped mapping that reads them; none for the fields of an outcome."
    )


class WrongField(BaseModel):
    """What is wrong with one field, and what to send instead."""

    field: str
    value: str | None
    remedy: str


class OutcomeResult(BaseModel):
    """What became of one outcome."""

    index: int = Field(ge=0, description="Its place in the request, from 0.")
    status: Literal["stored", "changed", "unchanged", "quarantined", "skipped"]
    id: str | None = Field(None, description="Of the stored outcome; null where it was refused or skipped.")
    quarantine_id: int | None = Field(None, description="Under which a refused one waits for a correction.")
    errors: list[WrongField] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class ReportResult(BaseModel):
    """What became of the outcomes of one request."""

    ingest_id: str
    read: int = Field(ge=0)
    stored: int = Field(ge=0)
    changed: int = Field(ge=0)
    unchanged: int = Field(ge=0)
    quarantined: int = Field(ge=0)
    skipped: int = Field(ge=0, description="Left out by the mapping, since they are not attempts.")
    items: list[OutcomeResult]


REQUEST_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [OutcomeReport.model_json_schema(), OutcomeBatch.model_json_schema()]}
            },
            JSON_LINES: {"schema": {"type": "string", "description": "An outcome in each line."}},
        },
    }
}
"""The body of a report, for the OpenAPI document; the contract reads each outcome, not these models."""
