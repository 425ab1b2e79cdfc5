"""Records that broke their contract: see what is wrong, correct them, try them again, or leave them out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.ingest.mapping import available_mappings
from memory_pipeline.ingest.staging import QUARANTINE_KEY
from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader, Reporter
from memory_pipeline.server.id_pages import Cursor, IdPage, Limit, page_of, read_cursor
from memory_pipeline.server.problems import FieldError, ProblemError, unknown_value
from memory_pipeline.store.bulk_writes import QuarantineFilter

router = APIRouter(prefix="/api/memory/quarantine", tags=["quarantine"])
Kind = Literal["outcomes", "members"]
RecordId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class QuarantinedRecord(BaseModel):
    """A record that was refused, as it arrived, and what is wrong with it."""

    id: int
    kind: Kind
    mapping_name: str
    file_name: str
    row_number: int
    field: str
    value: str | None
    reason: str
    ingest_id: str
    created_at: datetime
    record: dict[str, Any]


class Chosen(BaseModel):
    """Which records to try again; without any field, all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "outcomes"}]})

    kind: Kind | None = None
    file_name: str | None = Field(None, max_length=500)
    ingest_id: str | None = Field(None, max_length=100)
    mapping_name: str | None = Field(None, max_length=200, description="Read by this mapping before.")
    field: str | None = Field(None, max_length=500)
    reason: str | None = Field(None, max_length=2_000)
    mapping: str | None = Field(
        None, max_length=100, description="Name of a shipped mapping to read them with now."
    )


class Correction(BaseModel):
    """The whole record, corrected."""

    model_config = ConfigDict(extra="forbid")

    record: dict[str, Any]
    mapping: str | None = Field(
        None,
        max_length=100,
        description="Name of the shipped mapping that reads it; none for the fields of an outcome or member.",
    )


class Corrected(BaseModel):
    """What became of a corrected record."""

    status: Literal["stored", "changed", "unchanged", "skipped"]
    id: str | None


class Retried(BaseModel):
    """What became of records that were tried again."""

    kind: Kind
    mapping_name: str
    read: int = Field(ge=0)
    stored: int = Field(ge=0)
    unchanged: int = Field(ge=0)
    skipped: int = Field(ge=0)
    refused: int = Field(ge=0, description="Those that still wait.")


@router.get("", response_model=IdPage[QuarantinedRecord])
def list_quarantined(
    memory: OpenedMemory,
    _: Reader,
    kind: Annotated[Kind | None, Query(description="Only records of this kind.")] = None,
    mapping_name: Annotated[
        str | None, Query(max_length=200, description="Only those that were read by this mapping.")
    ] = None,
    file_name: Annotated[
        str | None, Query(max_length=500, description="Only those of a file of this name.")
    ] = None,
    ingest_id: Annotated[str | None, Query(max_length=100, description="Only those of this ingest.")] = None,
    field: Annotated[
        str | None, Query(max_length=500, description="Only those refused because of this field.")
    ] = None,
    reason: Annotated[
        str | None, Query(max_length=2_000, description="Only those refused for exactly this reason.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List records that wait in quarantine, the oldest first."""
    key = read_cursor(cursor, int)
    chosen = QuarantineFilter(
        kind=kind,
        mapping_name=mapping_name,
        file_name=file_name,
        ingest_id=ingest_id,
        field=field,
        reason=reason,
    )
    rows, total = memory.quarantined(chosen, limit=limit + 1, after=0 if key is None else key[0])
    return page_of([shown_record(row) for row in rows], total, limit, "id")


@router.post("/retry", response_model=list[Retried])
def retry_quarantined(memory: OpenedMemory, _: Reporter, chosen: Chosen) -> Any:
    """Try records in quarantine again, after a mapping or a rule was corrected; those that pass leave it."""
    check_mapping(chosen.mapping)
    which = QuarantineFilter(**chosen.model_dump(exclude={"mapping"}))
    return _retry(memory, which, chosen.mapping)


@router.get("/{identity}", response_model=QuarantinedRecord)
def read_quarantined(identity: RecordId, memory: OpenedMemory, _: Reader) -> Any:
    """Return one record that waits in quarantine."""
    return waiting_record(memory, identity)


@router.put("/{identity}", response_model=Corrected)
def correct_quarantined(
    identity: RecordId, sent: Correction, memory: OpenedMemory, _: Reporter, request: Request
) -> Any:
    """Store the corrected record; it leaves quarantine. One that is refused again waits as it is now."""
    check_mapping(sent.mapping)
    report = memory.correct_quarantined(identity, sent.record, mapping=sent.mapping)
    if not report.records:
        return {"status": "skipped", "id": None}
    result = report.records[0]
    request.state.audit_details = {"status": result.status, "quarantine_id": result.quarantine_id}
    if result.problem is not None:
        problem = result.problem
        raise ProblemError(
            422,
            f"{problem.reason}. The record waits in quarantine under {result.quarantine_id}",
            (FieldError(problem.field, problem.value, problem.reason),),
            members={"quarantine_id": result.quarantine_id},
        )
    return {"status": result.status, "id": result.id}


@router.post("/{identity}/retry", response_model=list[Retried])
def retry_one(identity: RecordId, memory: OpenedMemory, _: Reporter) -> Any:
    """Try one record again as it is."""
    waiting_record(memory, identity)
    return _retry(memory, QuarantineFilter(id=identity), None)


@router.delete("/{identity}", status_code=204)
def dismiss_quarantined(identity: RecordId, memory: OpenedMemory, _: Decider) -> Response:
    """Leave a record out for good; if it arrives again, it waits again."""
    memory.dismiss_quarantined(identity)
    return Response(status_code=204)


def waiting_record(memory: OpenedMemory, identity: int) -> dict[str, Any]:
    """Return a record that waits in quarantine, as it arrived.

    Raises
    ------
    ProblemError
        When no record with this id waits.
    """
    rows, _ = memory.quarantined(QuarantineFilter(id=identity), limit=1)
    if not rows:
        raise ProblemError(404, f"no record with the id {identity} waits in quarantine")
    return shown_record(rows[0])


def shown_record(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the quarantine without the note that is kept with the record."""
    return row | {"record": {key: one for key, one in row["record"].items() if key != QUARANTINE_KEY}}


def _retry(memory: OpenedMemory, chosen: QuarantineFilter, mapping: str | None) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "mapping_name": one.mapping_name,
            "read": one.read,
            "stored": one.new,
            "unchanged": one.unchanged,
            "skipped": one.skipped,
            "refused": one.quarantined,
        }
        for one in memory.retry_quarantined(chosen, mapping=mapping)
    ]


def check_mapping(name: str | None) -> None:
    """Raise a `ProblemError` where there is no shipped mapping of this name; None is the own format."""
    # A path would have the server read a file of its own.
    if name is not None and name not in available_mappings():
        error = unknown_value("body.mapping", name, available_mappings())
        raise ProblemError(422, f"there is no mapping {name!r}: {error.remedy}", (error,))
