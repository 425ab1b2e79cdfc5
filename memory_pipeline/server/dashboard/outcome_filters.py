"""Read which attempts a page's address selects, and offer what can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from memory_pipeline.analysis.names import MISSING
from memory_pipeline.server.problems import FieldError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi import Request

SIMPLE = (
    "status",
    "application",
    "vendor",
    "application_type",
    "installer_type",
    "source",
    "failure_reason",
    "intervention",
    "recommendation_id",
    "task_id",
    "words",
)
TIMES = ("since", "until")
OPEN = ("context", "approach")
_ON_THEIR_OWN = {"application_vendor", "application_type", "installer_type"}
_LONGEST = 500
_MOST_OPTIONS = 25


@dataclass(frozen=True)
class Field:
    """A filter as a form offers it.

    Attributes
    ----------
    name, label
        In the address, and in words.
    values
        What occurs, the most frequent first.
    is_long
        Whether there are so many that a text field with suggestions is the better choice.
    """

    name: str
    label: str
    values: tuple[str, ...]

    @property
    def is_long(self) -> bool:
        """Whether a text field with suggestions suits better than a menu."""
        return len(self.values) > _MOST_OPTIONS


def read_filters(request: Request) -> dict[str, Any]:
    """Return the filters of an address, as `Memory.outcome_page` takes them; what is empty is left out.

    Raises
    ------
    ProblemError
        When a time or a length cannot be used.
    """
    filters: dict[str, Any] = {part: {} for part in OPEN}
    for name, text in request.query_params.multi_items():
        value = text.strip()
        if not value:
            continue
        part, is_open, key = name.partition(".")
        if len(value) > _LONGEST or "\0" in value:
            remedy = f"use at most {_LONGEST} characters, all of them text"
            raise ProblemError(
                422, f"{name} cannot be used; {remedy}", (FieldError(name, value[:80], remedy),)
            )
        if name in SIMPLE:
            filters[name] = value
        elif name in TIMES:
            filters[name] = _read_time(name, value)
        elif is_open and part in OPEN:
            filters[part][key] = None if value == MISSING else value
    return filters


def write_filters(filters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return filters as the parameters of an address."""
    written = [(name, filters[name]) for name in SIMPLE if filters.get(name) is not None]
    written += [(name, filters[name].isoformat()) for name in TIMES if filters.get(name) is not None]
    for part in OPEN:
        written += [
            (f"{part}.{key}", MISSING if value is None else value) for key, value in filters[part].items()
        ]
    return written


def chips(request: Request, filters: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return each filter that is in force with the address of the page without it."""
    parameters = request.query_params.multi_items()
    found = []
    for name, value in write_filters(filters):
        left = [(key, text) for key, text in parameters if key not in {name, "cursor"} and text]
        found.append(
            {
                "label": name.partition(".")[2] or name,
                "value": value,
                "without": f"{request.url.path}?{urlencode(left)}" if left else request.url.path,
            }
        )
    return found


def fields_of(words: Mapping[str, Any]) -> tuple[list[Field], list[Field]]:
    """Return the filters that forms offer: the usual ones, and those by column and setting.

    Parameters
    ----------
    words
        As `Memory.vocabulary` returns.
    """
    context = {one["name"]: one["values"] for one in words["context"]}
    usual = [
        Field("status", "Status", _texts(words["statuses"])),
        Field("application", "Application", _texts(words["applications"])),
        Field("vendor", "Vendor", _texts(context.get("application_vendor", ()))),
        Field("application_type", "Application type", _texts(context.get("application_type", ()))),
        Field("installer_type", "Installer type", _texts(context.get("installer_type", ()))),
        Field("failure_reason", "Failure reason", _texts(words["failure_reasons"])),
        Field("intervention", "Intervention", ("any", *_texts(words["intervention_kinds"]))),
        Field("source", "Source", _texts(words["sources"])),
    ]
    columns = [
        Field(f"{part}.{one['name']}", one["name"], _texts(one["values"]))
        for part in OPEN
        for one in words[part]
        if part == "approach" or one["name"] not in _ON_THEIR_OWN
    ]
    return usual, columns


def _texts(values: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(one["value"]) for one in values)


def _read_time(name: str, text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        remedy = "use a day such as 2026-05-01"
        raise ProblemError(422, f"{name} is {text!r}; {remedy}", (FieldError(name, text, remedy),)) from None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
