"""Read the form that says what came of an attempt after an answer, as the record of an outcome."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.names import STANDARD_CONTEXT
from memory_pipeline.analysis.text import describe_approach, setting_text
from memory_pipeline.server.problems import FieldError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTING = "approach."
_FOLLOWED = {"yes": True, "no": False}


def record_of(sent: Mapping[str, str], answer: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of an attempt; the contract of outcomes checks it.

    Parameters
    ----------
    sent
        The fields of the form.
    answer
        The served answer that the attempt came after, as `Memory.served` returns it.
    words
        As `Memory.vocabulary` returns: which settings are lists.

    Raises
    ------
    ProblemError
        When a number cannot be read, or the settings are as advised where something else was done.
    """
    lists = {one["name"] for one in words["approach"] if one["is_list"]}
    approach: dict[str, Any] = {}
    for field, text in sent.items():
        name, value = field.removeprefix(_SETTING), text.strip()
        if field.startswith(_SETTING) and value:
            approach[name] = (
                [one.strip() for one in value.split("+") if one.strip()] if name in lists else value
            )
    followed = None if answer["withheld"] else _FOLLOWED.get(sent.get("followed", ""))
    if followed is False:
        _check_otherwise(approach, answer["recommended_approach"] or {})
    context = dict(answer["context"])
    record: dict[str, Any] = {
        "application_name": sent.get("application", "").strip(),
        "application_version": sent.get("version", "").strip() or None,
        "outcome_status": sent.get("status", ""),
        "approach_details": approach,
        **{name: context.pop(name) for name in STANDARD_CONTEXT if name in context},
        "context": context,
        "recommendation_id": answer["id"],
        "recommendation_followed": followed,  # whoever was told nothing could not follow it
        "occurred_at": datetime.now(UTC).isoformat(),
        "source_record_id": str(uuid.uuid4()),
    }
    if sent.get("reason", "").strip():
        record["failure_reasons"] = [{"reason": sent["reason"].strip()}]
    if sent.get("intervention", "").strip():
        record["manual_interventions"] = [{"kind": sent["intervention"].strip()}]
    if sent.get("minutes", "").strip():
        record["performance_metrics"] = {"duration_seconds": 60 * _number("minutes", sent["minutes"])}
    if sent.get("comment", "").strip():
        record["feedback"] = {"comment": sent["comment"].strip()}
    return record


def _check_otherwise(approach: Mapping[str, Any], advised: Mapping[str, Any]) -> None:
    if all(setting_text(approach.get(name)) == setting_text(value) for name, value in advised.items()):
        remedy = "change those that were chosen otherwise, or say that it was followed"
        raise ProblemError(
            422,
            f"the settings are those that were advised; {remedy}",
            (FieldError("approach", describe_approach(approach), remedy),),
        )


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        remedy = "send a number such as 12"
        raise ProblemError(
            422, f"{name} is {text[:80]!r}; {remedy}", (FieldError(name, text[:80], remedy),)
        ) from None
