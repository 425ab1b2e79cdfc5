"""Outcomes that programs report: one or a batch, each stored once, each refused one kept in quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from memory_pipeline.ingest.mapping import available_mappings
from memory_pipeline.server.api.outcome_bodies import MOST_OUTCOMES, REQUEST_SCHEMA, ReportResult
from memory_pipeline.server.bodies import JSON_LINES, parse_json, parse_json_lines
from memory_pipeline.server.dependencies import OpenedMemory, Reporter
from memory_pipeline.server.metrics import count_outcomes
from memory_pipeline.server.problems import FieldError, ProblemError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.ingest import IngestReport
    from memory_pipeline.memory import Memory

router = APIRouter(tags=["outcomes"])

_BATCH_FIELDS = ("outcomes", "source", "mapping")


async def _body_of(request: Request) -> bytes:
    return await request.body()


@router.post(
    "/api/memory/outcomes",
    response_model=ReportResult,
    responses={201: {"model": ReportResult, "description": "A single outcome was stored."}},
    openapi_extra=REQUEST_SCHEMA,
)
def report_outcomes(
    request: Request,
    response: Response,
    memory: OpenedMemory,
    who: Reporter,
    body: Annotated[bytes, Depends(_body_of)],
    source: Annotated[str | None, Query(max_length=100, description="For outcomes that name none.")] = None,
    mapping: Annotated[str | None, Query(max_length=100, description="Name of a shipped mapping.")] = None,
) -> Any:
    """Store one outcome, or a batch of them in one transaction; the same outcome twice is one.

    What breaks the contract waits in quarantine with the reason, and the others of its batch are stored. A
    single outcome that is refused is answered with 422. An outcome is corrected by reporting it again with
    the same `source` and `source_record_id`.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().casefold()
    if kind == JSON_LINES:
        batch: dict[str, Any] = {"outcomes": list(parse_json_lines(body))}
        is_single = False
    else:
        batch, is_single = _batch_of(parse_json(body))
    source, mapping = batch.get("source") or source, batch.get("mapping") or mapping
    outcomes = batch["outcomes"]
    _check_batch(outcomes, source, mapping)
    report = memory.report_outcomes(outcomes, mapping=mapping, source=source, name=f"HTTP ({who.name})")
    count_outcomes(report)
    counts = {
        "stored": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "quarantined": report.quarantined,
        "skipped": report.skipped,
    }
    request.state.audit_details = {"ingest_id": report.ingest_id, **counts}
    items = _items_of(memory, report, len(outcomes))
    if is_single:
        _check_single(items[0])
        response.status_code = 201 if items[0]["status"] == "stored" else 200
    return {"ingest_id": report.ingest_id, "read": report.read, **counts, "items": items}


def _batch_of(sent: Any) -> tuple[dict[str, Any], bool]:
    """Return what was sent as a batch, and whether it was a single outcome."""
    if not isinstance(sent, dict):
        remedy = 'send one outcome as an object, or {"outcomes": [...]}'
        error = FieldError("body", repr(sent)[:200], remedy)
        raise ProblemError(422, f"the body is not an object; {remedy}", (error,))
    if "outcomes" not in sent:
        return {"outcomes": [sent]}, True
    extra = [name for name in sent if name not in _BATCH_FIELDS]
    if extra:
        known = ", ".join(_BATCH_FIELDS)
        errors = tuple(unknown_value(f"body.{name}"[:200], name, _BATCH_FIELDS) for name in extra[:20])
        raise ProblemError(422, f"a batch has the fields {known} alone", errors)
    return sent, False


def _check_batch(outcomes: Any, source: Any, mapping: Any) -> None:
    """Check what holds for all outcomes of a batch.

    Raises
    ------
    ProblemError
        With everything that is wrong.
    """
    wrong = []
    if not isinstance(outcomes, list) or not 1 <= len(outcomes) <= MOST_OUTCOMES:
        shown = f"{len(outcomes):,} outcomes" if isinstance(outcomes, list) else repr(outcomes)[:200]
        wrong.append(FieldError("body.outcomes", shown, f"send a list of 1 to {MOST_OUTCOMES:,} outcomes"))
    for name, value in (("source", source), ("mapping", mapping)):
        if value is not None and not isinstance(value, str):
            wrong.append(FieldError(f"body.{name}", repr(value)[:200], "send text"))
    # A path would have the server read a file of its own.
    if isinstance(mapping, str) and mapping not in available_mappings():
        wrong.append(unknown_value("body.mapping", mapping, available_mappings()))
    if wrong:
        named = "; ".join(f"{one.field}: {one.remedy}" for one in wrong)
        raise ProblemError(422, f"the outcomes cannot be read: {named}", tuple(wrong))


def _items_of(memory: Memory, report: IngestReport, count: int) -> list[dict[str, Any]]:
    """Return what became of each outcome, in the order in which they were sent."""
    items: list[dict[str, Any]] = [{"index": index, "status": "skipped"} for index in range(count)]
    unknown = memory.unknown_recommendations([one.id for one in report.records if one.id is not None])
    for one in report.records:
        item = items[one.row_number - 1]
        item |= {"status": one.status, "id": one.id, "quarantine_id": one.quarantine_id}
        if one.problem is not None:
            problem = one.problem
            item["errors"] = [{"field": problem.field, "value": problem.value, "remedy": problem.reason}]
        if one.id in unknown:
            note = (
                f"recommendation_id {unknown[one.id]!r} is not the id of an answer that is known so far; the "
                "outcome is stored, and counts as advised once there is one"
            )
            item["notes"] = [note]
    return items


def _check_single(item: Mapping[str, Any]) -> None:
    if item["status"] != "quarantined":
        return
    error, waits = item["errors"][0], item["quarantine_id"]
    raise ProblemError(
        422,
        f"{error['remedy']}. The outcome waits in quarantine under {waits}: send it corrected to "
        f"/api/memory/quarantine/{waits}, or report it again",
        (FieldError(error["field"], error["value"], error["remedy"]),),
        members={"quarantine_id": waits},
    )
