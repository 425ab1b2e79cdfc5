"""What each tool takes: the schema that an agent sees, and how its arguments are read and refused."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from memory_pipeline.server.problems import FieldError, ProblemError, field_error, unknown_value

MOST_LISTED = 10
"""Most cases that one search answers with."""
MOST_KEYS = 50
LONGEST_VALUE = 500
LONGEST_COMMAND = 20_000
_MOST_NAMED = 12
_CHOICE = re.compile(r"'([^']+)'")

Status = Literal["success", "failure", "partial"]
FindingKind = Literal["pattern", "factor", "member_pattern"]


def _check_settings(settings: dict[str, Any]) -> dict[str, Any]:
    if len(settings) > MOST_KEYS:
        msg = f"has {len(settings)} names; send at most {MOST_KEYS}"
        raise ValueError(msg)
    for name, value in settings.items():
        parts = value if isinstance(value, list) else [value]
        if any(part is not None and not isinstance(part, str | int | float) for part in parts):
            msg = f"{name}: send a text, a number, true, false, null, or a list of these"
            raise ValueError(msg)
        if len(parts) > MOST_KEYS or any(len(str(part)) > LONGEST_VALUE for part in parts):
            msg = f"{name}: send at most {LONGEST_VALUE} characters, and at most {MOST_KEYS} elements"
            raise ValueError(msg)
    return settings


Settings = Annotated[dict[str, Any], AfterValidator(_check_settings)]
_CONTEXT = (
    "What is known about the application, as columns and values, such as "
    '{"installer_type": "msi", "application_type": "erp"}. Leave out what is unknown; memory_status '
    "lists the columns."
)
_COMMAND = (
    "A packaging command line (msiexec, setup.exe, winget, choco, apt, …) instead of the settings; they are "
    "read from it. Passwords are masked."
)


class Arguments(BaseModel):
    """Base of the arguments of a tool: names that are not known are refused."""

    model_config = ConfigDict(extra="forbid")


class AdviceArguments(Arguments):
    """Arguments of `get_advice`."""

    context: Settings = Field(default_factory=dict, description=_CONTEXT)


class CheckArguments(Arguments):
    """Arguments of `check_approach`."""

    context: Settings = Field(default_factory=dict, description=_CONTEXT)
    approach: Settings = Field(
        default_factory=dict,
        description='Settings that are about to be chosen, such as {"silent_switch": "/qn"}.',
    )
    command: str | None = Field(None, max_length=LONGEST_COMMAND, description=_COMMAND)


class SearchArguments(Arguments):
    """Arguments of `search_cases`."""

    context: Settings = Field(default_factory=dict, description="Attempts with all of these columns.")
    approach: Settings = Field(default_factory=dict, description="Attempts with all of these settings.")
    status: Status | None = Field(None, description="How the attempt ended.")
    reason: str | None = Field(
        None, max_length=300, description="A failure reason, such as insufficient_rights."
    )
    text: str | None = Field(
        None,
        min_length=2,
        max_length=200,
        description="Words in the application's name, the failure or intervention texts, or the feedback.",
    )
    since: datetime | None = Field(
        None, description="From this time on, such as 2026-05-01; without a zone, UTC."
    )
    limit: int = Field(5, ge=1, le=MOST_LISTED)
    cursor: str | None = Field(None, max_length=400, description="next_cursor of the answer before.")


class ExplainArguments(Arguments):
    """Arguments of `explain_finding`."""

    id: str = Field(min_length=1, max_length=100, description="Id of the finding, or how it begins.")
    kind: FindingKind | None = Field(None, description="Only needed where ids of two kinds begin so.")


class StatusArguments(Arguments):
    """Arguments of `memory_status`: none."""


class Reason(BaseModel):
    """Why an attempt failed."""

    code: str | None = Field(None, description="Exit or error code, such as 1603.")
    reason: str | None = Field(None, description="In snake case, such as insufficient_rights.")
    detail: str | None = None


class Intervention(BaseModel):
    """What a person had to do."""

    kind: str = Field(description="In snake case, such as edited_registry.")
    description: str | None = None
    minutes: float | None = None


class ReportArguments(Arguments):
    """Arguments of `report_outcome`: the schema alone; the contract of outcomes checks the values."""

    application_name: str | None = Field(None, description="Required, unless the command names it.")
    outcome_status: Status
    approach: Settings | None = Field(
        None, description="The settings that were used; {} if none is known. Required without a command."
    )
    command: str | None = Field(None, max_length=LONGEST_COMMAND, description=_COMMAND)
    recommendation_id: str | None = Field(
        None, description="Of the answer of get_advice that this attempt had."
    )
    recommendation_followed: bool | None = Field(
        None, description="Whether the advice was followed; false where other settings were used."
    )
    failure_reasons: list[Reason] | None = None
    manual_interventions: list[Intervention] | None = None
    occurred_at: datetime | None = Field(None, description="With its zone; without it, now.")
    application_version: str | None = None
    application_vendor: str | None = None
    application_type: str | None = None
    installer_type: str | None = None
    context: Settings | None = Field(None, description="What else was known beforehand.")
    performance_metrics: dict[str, float] | None = None
    feedback: dict[str, Any] | None = Field(
        None, description='{"rating": 1 to 5, "comment": "…"}, as a person gave it.'
    )
    task_id: str | None = None
    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=150,
        description="The same key again is the same attempt: repeat it to retry or to correct. Without it, "
        "an equal report is the same attempt.",
    )


_Model = TypeVar("_Model", bound=Arguments)


def read_arguments(model: type[_Model], sent: Mapping[str, Any], tool: str) -> _Model:
    """Read the arguments of a tool.

    Raises
    ------
    ProblemError
        When one is not known or cannot be used; it names the argument, the remedy, what is allowed, and the
        nearest known value.
    """
    try:
        return model.model_validate(dict(sent))
    except ValidationError as error:
        found = tuple(_explain(one, model) for one in error.errors(include_url=False))
        raise refuse(tool, *found) from error


def check_names(model: type[Arguments], sent: Mapping[str, Any], tool: str) -> None:
    """Refuse arguments that a tool does not have; their values are not read.

    Raises
    ------
    ProblemError
        With each name that is not known, and the nearest known one.
    """
    wrong = tuple(unknown(name, name, model.model_fields) for name in sent if name not in model.model_fields)
    if wrong:
        raise refuse(tool, *wrong)


def refuse(tool: str, *errors: FieldError) -> ProblemError:
    """Return the problem of arguments that a tool cannot use."""
    named = "; ".join(f"{one.field}: {one.remedy}" for one in errors[:5])
    return ProblemError(422, f"{tool} cannot use its arguments: {named}", errors)


def unknown(field: str, value: str, known: Iterable[str]) -> FieldError:
    """Return the error of a value that is not known: the nearest one, and what is allowed."""
    choices = list(known)
    error = unknown_value(field, value, choices)
    if error.nearest is None:
        return error
    more = " …" if len(choices) > _MOST_NAMED else ""
    return replace(error, remedy=f"{error.remedy} Allowed: {', '.join(choices[:_MOST_NAMED])}{more}")


def _explain(error: Any, model: type[Arguments]) -> FieldError:
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        return unknown(name, name, model.model_fields)
    if error["type"] == "literal_error":
        place = ".".join(map(str, error["loc"]))
        return unknown(place, str(error.get("input")), _CHOICE.findall(error["ctx"]["expected"]))
    return field_error(error)


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a model without the titles, which repeat the names."""
    schema: dict[str, Any] = _without_titles(model.model_json_schema())
    return schema


def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of what a model is written as, without the titles."""
    schema: dict[str, Any] = _without_titles(model.model_json_schema(mode="serialization"))
    return schema


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_titles(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(one) for name, one in value.items()}
        if key in {"properties", "$defs"}
        else _without_titles(value)
        for key, value in schema.items()
        if key != "title"
    }
