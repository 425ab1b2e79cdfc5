"""Check one outcome against its contract and return its normal form.

The normal form holds the fields of the table `packaging_outcomes` as JSON values, without empty ones: two
records with the same normal form have the same content.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from memory_pipeline.ingest.errors import refuse
from memory_pipeline.ingest.field_rules import (
    MEANS_NOTHING,
    boolean_of,
    dict_of,
    list_of,
    name_of,
    number_of,
    numbers_of,
    required_name_of,
    settings_of,
    snake_case_of,
    text_of,
    texts_of,
)
from memory_pipeline.store.models import OUTCOME_STATUSES, PackagingOutcome

NAME_FIELDS = (
    "application_version",
    "application_vendor",
    "application_type",
    "installer_type",
    "task_id",
    "recommendation_id",
)
"""Fields that are short texts and may be missing."""

OUTCOME_FIELDS = frozenset(
    {
        *NAME_FIELDS,
        "application_name",
        "occurred_at",
        "outcome_status",
        "approach_details",
        "context",
        "success_factors",
        "failure_reasons",
        "manual_interventions",
        "performance_metrics",
        "feedback",
        "recommendation_followed",
        "source",
        "source_record_id",
    }
)
"""Every field that an outcome in the project's own form may have."""

REQUIRED_FIELDS = ("application_name", "occurred_at", "outcome_status", "approach_details")

RESERVED_KEYS = frozenset(PackagingOutcome.__table__.columns.keys()) | {
    "failure_reason",
    "intervention_kind",
    "needed_intervention",
}
"""Names that neither a setting nor a context key may have: features are columns beside them."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Earlier times are the zero of some clock, not the time of an attempt."""

_STATUSES = frozenset(OUTCOME_STATUSES)
_REASON_KEYS = frozenset({"code", "reason", "detail"})
_INTERVENTION_KEYS = frozenset({"kind", "description", "minutes"})
_FEEDBACK_KEYS = frozenset({"rating", "comment"})


def latest_time() -> datetime:
    """Return the latest time that an attempt may have: a day from now, since clocks differ."""
    return datetime.now(tz=UTC) + timedelta(days=1)


def normal_outcome(record: dict[str, Any], *, latest: datetime) -> dict[str, Any]:
    """Check an outcome and return its normal form.

    Parameters
    ----------
    record
        Field to value, in the project's own form; structured fields may be JSON text, as in CSV.
    latest
        See `latest_time`.

    Returns
    -------
    dict
        The fields that hold something, except `source` and `source_record_id`, which are identity.

    Raises
    ------
    RecordRefusedError
        With the first field that breaks the contract.
    """
    get = record.get
    normal: dict[str, Any] = {
        "application_name": required_name_of("application_name", get("application_name")),
        "occurred_at": utc_text("occurred_at", get("occurred_at"), latest=latest),
        "outcome_status": _status(get("outcome_status")),
    }
    for field in NAME_FIELDS:
        value = get(field)
        if value is not None and (name := name_of(field, value)) is not None and name not in MEANS_NOTHING:
            normal[field] = name
    _add_conditions(normal, get("approach_details"), get("context"))
    for field, rule in _OPTIONAL:
        value = get(field)
        if value is not None and (checked := rule(field, value)) is not None:
            normal[field] = checked
    if "recommendation_followed" in normal and "recommendation_id" not in normal:
        refuse(
            "recommendation_followed",
            get("recommendation_followed"),
            "recommendation_followed is given without recommendation_id; name the recommendation, or leave "
            "both out",
        )
    return normal


def utc_text(field: str, value: Any, *, latest: datetime) -> str:
    """Check a time with a zone and write it as ISO 8601 in UTC."""
    if value is None or value == "":
        refuse(field, None, f"{field} is missing; every record needs one, such as 2026-03-01T12:00:00+01:00")
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            refuse(
                field,
                value,
                f"{field} is not a time; write ISO 8601, such as 2026-03-01T12:00:00+01:00",
            )
    elif not isinstance(value, datetime):
        kind = "a date without a time" if isinstance(value, date) else "not a time"
        refuse(field, value, f"{field} is {kind}; write ISO 8601, such as 2026-03-01T12:00:00+01:00")
    if moment.tzinfo is None:
        refuse(
            field,
            value,
            f"{field} has no time zone; write for example 2026-03-01T12:00:00+01:00, or read the file "
            "with a mapping that has a `timezone`",
        )
    if moment > latest:
        refuse(field, value, f"{field} is in the future; correct the clock or the year")
    if moment < EARLIEST:
        refuse(field, value, f"{field} is before 1990; correct the year, or leave out rows without a time")
    text: str = moment.astimezone(UTC).isoformat()
    return text


def _status(value: Any) -> str:
    if value is None or value == "":
        refuse("outcome_status", None, "outcome_status is missing; write success, failure or partial")
    if not isinstance(value, str) or value not in _STATUSES:
        refuse(
            "outcome_status",
            value,
            "outcome_status is not success, failure or partial; write one of them, or translate the "
            "value in a mapping",
        )
    return str(value)


def _add_conditions(normal: dict[str, Any], approach: Any, context: Any) -> None:
    settings = settings_of("approach_details", approach)
    if settings is None:
        refuse(
            "approach_details",
            None,
            "approach_details is missing; write the settings that were chosen, or {} if none are known",
        )
    known = settings_of("context", context)
    for field, keys in (("approach_details", settings), ("context", known)):
        if keys and not RESERVED_KEYS.isdisjoint(keys):
            key = min(RESERVED_KEYS & keys.keys())
            refuse(
                f"{field}.{key}",
                keys[key],
                f"{key} is the name of an outcome field; use it, or rename the key",
            )
    normal["approach_details"] = settings
    if known:
        if not known.keys().isdisjoint(settings):
            key = min(known.keys() & settings.keys())
            refuse(
                f"context.{key}",
                known[key],
                f"{key} is in approach_details too; keep it there if somebody chose it, otherwise here",
            )
        normal["context"] = known


def _entries(field: str, value: Any, allowed: frozenset[str], example: str) -> list[dict[str, Any]] | None:
    """Check a list of objects of which only the keys are known here."""
    items = list_of(field, value)
    for number, item in enumerate(items or (), start=1):
        if type(item) is not dict or not item.keys() <= allowed:
            refuse(
                f"{field}[{number}]", item, f"{field} has to hold objects such as {example}; rewrite it so"
            )
    return items


def _failure_reasons(field: str, value: Any) -> list[dict[str, Any]] | None:
    example = '{"code": "1603", "reason": "fatal_error", "detail": "..."}'
    items = _entries(field, value, _REASON_KEYS, example)
    return items and [
        {
            "code": _code(f"{field}.code", item.get("code")),
            "reason": snake_case_of(f"{field}.reason", item.get("reason")),
            "detail": text_of(f"{field}.detail", item.get("detail")),
        }
        for item in items
    ]


def _code(field: str, value: Any) -> str | None:
    code = name_of(field, value)
    return None if code in MEANS_NOTHING else code


def _interventions(field: str, value: Any) -> list[dict[str, Any]] | None:
    example = '{"kind": "recipe_edit", "description": "...", "minutes": 15}'
    items = _entries(field, value, _INTERVENTION_KEYS, example)
    return items and [
        {
            "kind": snake_case_of(f"{field}.kind", item.get("kind")),
            "description": text_of(f"{field}.description", item.get("description")),
            "minutes": _minutes(f"{field}.minutes", item.get("minutes")),
        }
        for item in items
    ]


def _minutes(field: str, value: Any) -> int | float | None:
    if value is None:
        return None
    minutes = number_of(field, value)
    if minutes < 0:
        refuse(field, value, f"{field} is below zero; write how long a person was busy, or leave it out")
    return minutes


def _feedback(field: str, value: Any) -> dict[str, Any] | None:
    given = dict_of(field, value)
    if not given:
        return None
    if not given.keys() <= _FEEDBACK_KEYS:
        key = min(given.keys() - _FEEDBACK_KEYS)
        refuse(f"{field}.{key}", given[key], "feedback has only rating and comment; move the rest to comment")
    feedback: dict[str, Any] = {}
    if given.get("rating") is not None:
        feedback["rating"] = number_of(f"{field}.rating", given["rating"])
        if not 1 <= feedback["rating"] <= 5:  # noqa: PLR2004 - the scale that is named in the message
            refuse(f"{field}.rating", given["rating"], "a rating is a number from 1 to 5; convert the scale")
    if given.get("comment") is not None:
        feedback["comment"] = text_of(f"{field}.comment", given["comment"])
    return feedback or None


def _followed(field: str, value: Any) -> bool | None:
    return None if value == "" else boolean_of(field, value)


_OPTIONAL = (
    ("success_factors", texts_of),
    ("failure_reasons", _failure_reasons),
    ("manual_interventions", _interventions),
    ("performance_metrics", numbers_of),
    ("feedback", _feedback),
    ("recommendation_followed", _followed),
)
