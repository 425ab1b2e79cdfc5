"""Outcomes: what happened, filtered by anything that is recorded, who fails most, why and when."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from memory_pipeline.analysis.names import SUCCESS_RATE
from memory_pipeline.server.api.outcomes import position_of, read_position
from memory_pipeline.server.dashboard.figures import Figure
from memory_pipeline.server.dashboard.outcome_filters import chips, fields_of, read_filters, write_filters
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dashboard.words import count, day, share, share_interval
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.formats import CSV, to_csv
from memory_pipeline.server.pages import read_cursor, write_cursor
from memory_pipeline.server.pictures import MEDIA
from memory_pipeline.server.problems import unknown_value
from memory_pipeline.server.schemas.outcomes import Outcome
from memory_pipeline.service.records import to_records
from memory_pipeline.store.outcome_summaries import MOST_REASONS_READ

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from memory_pipeline.memory import Memory, OutcomeSummary
    from memory_pipeline.service.outcomes import OutcomePage

router = APIRouter()
ROWS = 50
COUNTED_AT_ONCE = 50_000
"""In a memory of more attempts a selection is summarised behind the page, which does not wait for it."""
COUNTED = 10_000
"""There, attempts of a selection that are counted for the page itself; the summary counts all."""
SORTS = {
    "-occurred_at": "newest first",
    "occurred_at": "oldest first",
    "application_name": "application",
    "-created_at": "recorded last",
}
_USUAL_SORT = "-occurred_at"
_LISTED = 12
_CSV_ROWS = 2_000
_CHARTS = 32


@router.get("/outcomes")
def outcomes(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the attempts that are selected, and what they have in common."""
    filters, sort = read_filters(request), _sort_of(request)
    scope = f"/outcomes\n{sort}\n{write_filters(filters)}"
    cursor = request.query_params.get("cursor")
    begin = read_cursor(cursor, scope)
    column = sort.removeprefix("-")
    kept, version = request.app.state.kept, memory.version("outcomes")
    everything = kept.get("attempts", version, memory.outcome_count)
    is_large = everything > COUNTED_AT_ONCE
    is_summarised = not is_large or "summary" in request.query_params
    summary = (memory.outcome_summary if is_summarised else memory.kept_outcome_summary)(**filters)
    if summary is not None:
        total = summary.attempts
    elif begin is not None:
        total = begin.total
    elif write_filters(filters):
        total = kept.get(scope, version, lambda: memory.outcome_count(at_most=COUNTED + 1, **filters))
    else:
        total = everything
    page = memory.outcome_page(
        sort=sort,
        after=None if begin is None else read_position(begin.after, column, cursor or ""),
        limit=ROWS,
        total=total,
        **filters,
    )
    rows = to_records(page.outcomes)
    following = write_cursor(scope, position_of(rows[-1], column), page.total) if page.has_more else None
    is_one_status = summary is not None and summary.attempts in summary.statuses.values()
    usual, columns = fields_of(memory.vocabulary())
    query = urlencode(write_filters(filters))
    return render(
        request,
        "outcomes.html",
        rows=rows,
        total=page.total,
        total_text=_total_text(page.total, is_exact=summary is not None or not write_filters(filters)),
        following=following,
        is_first=begin is None,
        sort=sort,
        sorts=SORTS,
        fields=usual,
        column_fields=columns,
        has_columns=bool(filters["context"] or filters["approach"]),
        chips=chips(request, filters),
        notes=_notes(request, page),
        summary=summary,
        is_large=is_large,
        is_one_status=is_one_status,
        applications=[] if summary is None else to_records(_listed(summary, is_one_status=is_one_status)),
        applications_scale=_scale_of(summary),
        reasons=[] if summary is None else to_records(summary.reasons.head(_LISTED)),
        most_reasons=MOST_REASONS_READ,
        figure=_figure(summary, query) if summary is not None and summary.attempts else None,
        csv=f"/outcomes.csv?{urlencode([*write_filters(filters), ('sort', sort)])}",
    )


@router.get("/outcomes.csv")
def selection(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Send every attempt that is selected as CSV, however many there are."""
    filters, sort = read_filters(request), _sort_of(request)
    headers = {"Content-Disposition": 'attachment; filename="outcomes.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(_csv_of(memory, filters, sort), media_type=CSV, headers=headers)


@router.get("/outcomes/chart")
def chart(
    request: Request,
    memory: OpenedMemory,
    _: Reader,
    format: Literal["json", "svg", "png"] = "json",  # noqa: A002 - as all charts call it
) -> Response:
    """Draw success by month of the attempts that are selected."""
    from memory_pipeline.charts.pictures import png_of, svg_of  # noqa: PLC0415 - imports Altair

    spec = _drawn(memory.outcome_summary(**read_filters(request)))
    content = spec if format == "json" else svg_of(spec) if format == "svg" else png_of(spec)
    return Response(content, media_type=MEDIA[format], headers={"Cache-Control": "no-cache"})


@router.get("/outcomes/{identity}")
def outcome(request: Request, memory: OpenedMemory, _: Reader, identity: str) -> Response:
    """Show one attempt: what was recorded, the advice that it had, and the patterns that it belongs to."""
    found = memory.outcome(identity)
    return render(
        request,
        "outcome.html",
        outcome={name: value for name, value in found.items() if name not in {"patterns", "advice"}},
        advice=found["advice"],
        settings=_compare(found["approach_details"], found["advice"]),
        patterns=to_records(found["patterns"]),
    )


def _sort_of(request: Request) -> str:
    sort = request.query_params.get("sort", _USUAL_SORT)
    return sort if sort in SORTS else _USUAL_SORT


def _total_text(total: int, *, is_exact: bool) -> str:
    return count(total) if is_exact or total <= COUNTED else f"more than {count(COUNTED)}"


def _notes(request: Request, page: OutcomePage) -> list[dict[str, str | None]]:
    """Return why nothing was found, each with the address that asks for the nearest value that is known."""
    found = []
    for one in page.unknown:
        problem = unknown_value(one.name, one.value or one.name, one.known)
        left = [(name, text) for name, text in request.query_params.multi_items() if name != one.name]
        if problem.nearest is not None:
            asked = request.query_params.get(one.name, "")
            left.append((one.name, problem.nearest) if one.value else (problem.nearest, asked))
        found.append(
            {
                "name": one.name,
                "value": one.value,
                "remedy": problem.remedy,
                "nearest": problem.nearest,
                "address": f"{request.url.path}?{urlencode(left)}",
            }
        )
    return found


def _listed(summary: OutcomeSummary, *, is_one_status: bool) -> pd.DataFrame:
    """Return the applications to show: where all ended alike, no rates are left to compare."""
    found = summary.applications
    if is_one_status:
        found = found.sort_values(["attempts", "application_name"], ascending=[False, True])
    return found.head(_LISTED)


def _scale_of(summary: OutcomeSummary | None) -> float:
    """Return the end of the common scale of differences, in tenths."""
    if summary is None:
        return 1.0
    shown = summary.applications.head(_LISTED)[["ci_low", "ci_high"]].abs().max().max()
    return min(1.0, -(-10 * float(shown) // 1) / 10) if shown > 0 else 1.0


def _figure(summary: OutcomeSummary, query: str) -> Figure:
    spec = json.loads(_drawn(summary))
    return Figure(
        kind="success-of-selection",
        title="Success of the selection by month",
        description=str(spec.get("description", "Success of the selection by month")),
        address=f"/outcomes/chart?{query}" if query else "/outcomes/chart",
        rows=tuple(
            {
                "month": day(row["month"])[:7],
                "attempts": row["attempts"],
                "success": share(row["success_rate"]),
                "95% interval": share_interval(row["ci_low"], row["ci_high"]),
            }
            for row in to_records(summary.months)
        ),
    )


@lru_cache(maxsize=_CHARTS)
def _drawn(summary: OutcomeSummary) -> str:
    from memory_pipeline.charts import success_over_time  # noqa: PLC0415 - imports Altair

    drawn: str = success_over_time(_measures(summary.months)).to_json(indent=None)
    return drawn


def _measures(months: pd.DataFrame) -> pd.DataFrame:
    """Return the months of a selection as the measure that charts of success draw."""
    return months.rename(
        columns={"month": "period_start", "success_rate": "value", "attempts": "sample_size"}
    ).assign(measure=SUCCESS_RATE, segment_column="", segment_value="")


def _csv_of(memory: Memory, filters: Mapping[str, Any], sort: str) -> Iterator[bytes]:
    columns, column = list(Outcome.model_fields), sort.removeprefix("-")
    page = memory.outcome_page(sort=sort, limit=_CSV_ROWS, **filters)
    yield to_csv(to_records(page.outcomes), columns)
    while page.has_more:
        last = page.outcomes.iloc[-1]
        page = memory.outcome_page(
            sort=sort, after=(last[column], last["id"]), limit=_CSV_ROWS, total=page.total, **filters
        )
        _, _, body = to_csv(to_records(page.outcomes), columns).partition(b"\r\n")
        yield body


def _compare(taken: Mapping[str, Any], advice: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return each setting with what was taken and what was advised."""
    advised = (advice or {}).get("recommended_approach") or {}
    return [
        {
            "name": name,
            "taken": taken.get(name),
            "advised": advised.get(name),
            "is_other": name in advised and advised[name] != taken.get(name),
        }
        for name in dict.fromkeys([*taken, *advised])
    ]
