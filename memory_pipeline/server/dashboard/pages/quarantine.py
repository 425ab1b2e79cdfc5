"""Records that broke their contract: see why, mend them in place, try them again, or leave them out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from memory_pipeline.ingest.mapping import available_mappings
from memory_pipeline.server.api.quarantine import RecordId, check_mapping, shown_record, waiting_record
from memory_pipeline.server.bodies import check_depth, parse_json
from memory_pipeline.server.dashboard.forms import SentForm, see
from memory_pipeline.server.dashboard.lists import ROWS, chosen
from memory_pipeline.server.dashboard.pages.admin import row_id
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader, Reporter
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.service.records import to_json
from memory_pipeline.store.bulk_writes import QuarantineFilter
from memory_pipeline.store.models import RECORD_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.ingest import IngestReport

router = APIRouter(prefix="/admin/quarantine")
_FILTERS = ("kind", "field", "reason", "file_name")


@router.get("")
def quarantine(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the records that wait, the oldest first."""
    asked = chosen(request, *_FILTERS, "after")
    wanted = _filter(asked)
    rows, total = memory.quarantined(wanted, limit=ROWS + 1, after=row_id(asked["after"]) or 0)
    everything = memory.quarantined(limit=1)[1]
    return render(
        request,
        "quarantine.html",
        rows=[shown_record(one) for one in rows[:ROWS]],
        total=total,
        all_total=everything,
        following=rows[ROWS - 1]["id"] if len(rows) > ROWS else None,
        kinds=RECORD_KINDS,
        filters={name: asked[name] for name in _FILTERS if asked[name]},
    )


@router.post("/retry")
def retry(memory: OpenedMemory, _: Reporter, sent: SentForm) -> Response:
    """Try the records of a filter again; those that pass leave quarantine."""
    reports = memory.retry_quarantined(_filter({name: sent.get(name) or None for name in _FILTERS}))
    return see(f"/admin/quarantine?{urlencode({'done': _retried(reports)})}")


@router.get("/{identity}")
def record(request: Request, memory: OpenedMemory, _: Reader, identity: RecordId) -> Response:
    """Show one record with what is wrong with it, and a form to mend it."""
    found = waiting_record(memory, identity)
    text = json.dumps(json.loads(to_json(found["record"])), ensure_ascii=False, indent=2)
    return _page(request, found, text, _usual_mapping(found))


@router.post("/{identity}")
async def mend(
    request: Request, memory: OpenedMemory, _: Reporter, sent: SentForm, identity: RecordId
) -> Response:
    """Store the mended record; one that is refused again waits as it is now."""
    found = await run_in_threadpool(waiting_record, memory, identity)
    text, mapping = sent.get("record", ""), sent.get("mapping") or None
    try:
        check_mapping(mapping)
        await check_depth(text.encode())
        mended = parse_json(text.encode())
    except ProblemError as error:
        return _page(request, found, text, mapping, problem=error.detail, status=422)
    if not isinstance(mended, dict):
        problem = "A record is an object: write { … } with a field and a value in each line."
        return _page(request, found, text, mapping, problem=problem, status=422)
    report = await run_in_threadpool(memory.correct_quarantined, identity, mended, mapping=mapping)
    result = report.records[0] if report.records else None
    request.state.audit_details = {"status": "skipped" if result is None else result.status}
    if result is not None and result.problem is not None:
        done = {"done": "It was refused again; what is wrong now stands below."}
        return see(f"/admin/quarantine/{result.quarantine_id}?{urlencode(done)}")
    what = "left out by its mapping" if result is None else result.status
    return see(f"/admin/quarantine?{urlencode({'done': f'The record is {what}.'})}")


@router.post("/{identity}/retry")
def retry_one(memory: OpenedMemory, _: Reporter, _sent: SentForm, identity: RecordId) -> Response:
    """Try one record again as it is."""
    waiting_record(memory, identity)
    reports = memory.retry_quarantined(QuarantineFilter(id=identity))
    return see(f"/admin/quarantine?{urlencode({'done': _retried(reports)})}")


@router.post("/{identity}/dismiss")
def dismiss(memory: OpenedMemory, _: Decider, _sent: SentForm, identity: RecordId) -> Response:
    """Leave a record out for good."""
    memory.dismiss_quarantined(identity)
    return see(f"/admin/quarantine?{urlencode({'done': 'The record is left out.'})}")


def _filter(asked: Mapping[str, str | None]) -> QuarantineFilter:
    kind = asked["kind"] if asked["kind"] in RECORD_KINDS else None
    return QuarantineFilter(
        kind=kind, field=asked["field"], reason=asked["reason"], file_name=asked["file_name"]
    )


def _usual_mapping(found: Mapping[str, Any]) -> str | None:
    """Return the mapping that read the record, where it is one of the shipped ones."""
    name = found["mapping_name"]
    return name if name in available_mappings() else None


def _page(
    request: Request,
    found: Mapping[str, Any],
    text: str,
    mapping: str | None,
    *,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "quarantined.html",
        status=status,
        one=found,
        text=text,
        mapping=mapping,
        mappings=sorted(available_mappings()),
        problem=problem,
        lines=min(max(text.count("\n") + 2, 8), 30),
    )


def _retried(reports: list[IngestReport]) -> str:
    read = sum(one.read for one in reports)
    refused = sum(one.quarantined for one in reports)
    return f"{read:,} tried again: {read - refused:,} left quarantine, {refused:,} still wait."
