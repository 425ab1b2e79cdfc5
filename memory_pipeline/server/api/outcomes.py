"""Recorded attempts: filtered, sorted, a page at a time; and one with everything about it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, BeforeValidator
from starlette.responses import Response

from memory_pipeline.memory import Memory
from memory_pipeline.server.caching import not_modified
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.documentation import NOT_FOUND, NOT_MODIFIED, table_answers
from memory_pipeline.server.pages import Page, bad_cursor, read_cursor, write_cursor
from memory_pipeline.server.problems import ProblemError, unknown_value
from memory_pipeline.server.schemas.outcomes import Outcome, OutcomeDetail, OutcomePage, Status
from memory_pipeline.server.tables import PageQuery, Table, answer_document, check_parameters, send_page
from memory_pipeline.service.records import to_records

router = APIRouter(prefix="/api/memory/outcomes", tags=["outcomes"], dependencies=[Depends(check_parameters)])

OUTCOMES = Table(
    Outcome,
    ("id", "application_name", "application_version", "installer_type", "outcome_status", "occurred_at"),
)
_OPEN = ("context.", "approach.")
_DESCRIBED = {
    "x-open-parameters": _OPEN,
    "parameters": [
        {
            "name": "conditions",
            "in": "query",
            "style": "form",
            "explode": True,
            "description": "Filters by a context column, `context.KEY=VALUE`, or a setting, "
            "`approach.KEY=VALUE`; `/api/memory/vocabulary` lists them. "
            "A list has a value where one of its elements is it.",
            "schema": {
                "type": "object",
                "patternProperties": {
                    r"^(context|approach)\.[A-Za-z0-9_ ]+$": {"type": "string", "maxLength": 500}
                },
                "additionalProperties": False,
                "maxProperties": 20,
            },
            "examples": {"a setting": {"value": {"approach.wrapper": "psadt"}}},
        }
    ],
}


def _is_date(value: Any) -> Any:
    """Refuse numbers, which would be taken for seconds since 1970."""
    if not re.match(r"\d{4}-\d\d", str(value)):
        msg = "send a time such as 2026-05-01T12:00:00Z"
        raise ValueError(msg)
    return value


def _with_zone(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


Moment = Annotated[datetime, BeforeValidator(_is_date), AfterValidator(_with_zone)]
"""A time; without a zone it is in UTC."""
_Text = Annotated[str | None, Query(max_length=500)]
Sort = Literal[
    "occurred_at", "-occurred_at", "application_name", "-application_name", "created_at", "-created_at"
]


class OutcomeQuery:
    """Which attempts are wanted; texts are compared without regard to case."""

    def __init__(
        self,
        *,
        request: Request,
        status: Annotated[Status | None, Query(description="How the attempt ended.")] = None,
        application: Annotated[_Text, Query(description="Name of the application.")] = None,
        vendor: Annotated[_Text, Query(description="Who makes it.")] = None,
        application_type: Annotated[_Text, Query(description="What kind of application it is.")] = None,
        installer_type: Annotated[_Text, Query(description="What kind of installer it has.")] = None,
        source: Annotated[_Text, Query(description="Where the record came from.")] = None,
        recommendation_id: Annotated[
            _Text, Query(description="The answer that the attempt came after.")
        ] = None,
        task_id: Annotated[_Text, Query(description="The task that it belonged to.")] = None,
        since: Annotated[Moment | None, Query(description="From this time on; without a zone, UTC.")] = None,
        until: Annotated[Moment | None, Query(description="Before this time; without a zone, UTC.")] = None,
        failure_reason: Annotated[_Text, Query(description="Attempts with this reason.")] = None,
        intervention: Annotated[
            _Text, Query(description="With this kind of intervention; `any`: with one.")
        ] = None,
        words: Annotated[
            _Text,
            Query(
                description="With each of these words, eight at most, in the application, the task, the "
                "reasons, the interventions or the feedback."
            ),
        ] = None,
    ) -> None:
        self.filters: dict[str, Any] = {
            "status": status,
            "application": application,
            "vendor": vendor,
            "application_type": application_type,
            "installer_type": installer_type,
            "source": source,
            "recommendation_id": recommendation_id,
            "task_id": task_id,
            "since": since,
            "until": until,
            "failure_reason": failure_reason,
            "intervention": intervention,
            "words": words,
        }
        for prefix in _OPEN:
            self.filters[prefix.removesuffix(".")] = {
                name.removeprefix(prefix): value
                for name, value in request.query_params.multi_items()
                if name.startswith(prefix)
            }


@router.get(
    "",
    summary="Recorded attempts, filtered and sorted",
    response_model=None,
    responses=table_answers(Outcome, OutcomePage),
    openapi_extra=_DESCRIBED,
)
def outcomes(
    *,
    memory: OpenedMemory,
    _: Reader,
    query: Annotated[PageQuery, Depends()],
    wanted: Annotated[OutcomeQuery, Depends()],
    sort: Annotated[Sort, Query(description="Order; `-` before a column: descending.")] = "-occurred_at",
) -> Response:
    """List recorded attempts, by default the newest first.

    Filters are combined by *and*. Where nothing is found because a value is not known, `notes` say so, with
    the nearest one that is; a column that no attempt has is an error.
    """
    columns = query.columns(OUTCOMES)
    tag = query.tag(memory.version("outcomes"))
    if (answer := not_modified(query.request, tag)) is not None:
        return answer
    page, notes = _read_page(memory, query, wanted.filters, sort)
    return send_page(query, OUTCOMES, columns, page, tag=tag, more={"notes": notes})


def _read_page(
    memory: Memory, query: PageQuery, filters: dict[str, Any], sort: str
) -> tuple[Page, list[Any]]:
    begin = read_cursor(query.cursor, query.scope)
    column = sort.removeprefix("-")
    after = None if begin is None else read_position(begin.after, column, query.cursor or "")
    total = None if begin is None else begin.total
    found = memory.outcome_page(sort=sort, after=after, limit=query.limit, total=total, **filters)
    errors = [unknown_value(f"query.{one.name}", one.value or one.name, one.known) for one in found.unknown]
    columns = [error for error, one in zip(errors, found.unknown, strict=True) if one.value is None]
    if columns:
        named = "; ".join(f"{one.field}: {one.remedy}" for one in columns[:3])
        raise ProblemError(422, f"no attempt has this column: {named}", tuple(columns))
    rows = to_records(found.outcomes)
    more = write_cursor(query.scope, position_of(rows[-1], column), found.total) if found.has_more else None
    return Page(rows, more, found.total), [vars(one) for one in errors]


def position_of(row: dict[str, Any], column: str) -> list[Any]:
    """Return where a list that is sorted by a column goes on behind a row, as values that JSON has."""
    value = row[column]
    return [value.isoformat() if isinstance(value, datetime) else value, row["id"]]


def read_position(after: list[Any], column: str, cursor: str) -> tuple[Any, str]:
    """Read what `position_of` wrote.

    Raises
    ------
    ProblemError
        When the cursor was written for another order.
    """
    try:
        value, identity = after
        return (value if column == "application_name" else datetime.fromisoformat(value)), str(identity)
    except (TypeError, ValueError):
        raise bad_cursor(cursor) from None


@router.get(
    "/{outcome_id}",
    summary="One attempt with everything about it",
    response_model=None,
    responses={200: {"model": OutcomeDetail}, **NOT_MODIFIED, **NOT_FOUND},
)
def outcome(request: Request, memory: OpenedMemory, _: Reader, outcome_id: str) -> Response:
    """Return one attempt: what was recorded, the advice that it had, and the patterns that it belongs to."""
    version = memory.version("outcomes", "patterns", "features")
    return answer_document(request, version, lambda: _detail(memory, outcome_id))


def _detail(memory: Memory, identity: str) -> dict[str, Any]:
    found = memory.outcome(identity)
    shown = (
        "id",
        "pattern_type",
        "pattern_name",
        "description",
        "target",
        "confidence",
        "active",
        "sample_size",
    )
    patterns = [
        {**{name: row[name] for name in shown}, "risk_difference": row["impact"]["risk_difference"]}
        for row in to_records(found["patterns"])
    ]
    return {**found, "patterns": patterns}
