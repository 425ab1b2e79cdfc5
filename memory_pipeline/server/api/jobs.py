"""Rebuilds and discoveries that are asked for: start, follow, cancel, and what ran before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.agent.prompt import FOCUS_AREAS, FOCUS_CHARACTERS
from memory_pipeline.server.dependencies import Admin, OpenedMemory, Reader
from memory_pipeline.server.discoveries import discovery_arguments
from memory_pipeline.server.id_pages import Cursor, IdPage, Limit, page_of, read_moment_cursor
from memory_pipeline.server.jobs import JobRunner
from memory_pipeline.service.records import to_json
from memory_pipeline.store import jobs

router = APIRouter(tags=["jobs"])
POLL = 0.5
"""Seconds between two looks at a job that somebody follows."""
HEARTBEAT = 15.0
"""Seconds after which a comment keeps the connection of a follower open."""


class JobStatus(BaseModel):
    """A rebuild or discovery, how far it is, and how it ended."""

    id: str
    kind: Literal["rebuild", "discover"]
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    asked_by: str
    arguments: dict[str, Any]
    progress: dict[str, Any] = Field(description="`step`, `state`, `number` of `total` steps, and `ended`.")
    result: dict[str, Any] | None
    error: str | None
    cancel_asked: bool
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None


class RebuildRun(BaseModel):
    """One run of the rebuild, however it was started."""

    run_id: str
    status: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class DiscoveryRequest(BaseModel):
    """What to look for among the members."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"focus_areas": ["data"], "confirm_cost": True}]}
    )

    focus_areas: list[Annotated[str, Field(max_length=FOCUS_CHARACTERS)]] = Field(
        default_factory=list, max_length=FOCUS_AREAS, description="Areas that Claude looks at first."
    )
    statistics_only: bool = Field(
        default=False, description="Whether to leave Claude out, which costs nothing."
    )
    confirm_cost: bool = Field(default=False, description="Needed where Claude is asked, which costs money.")


@router.post("/api/memory/rebuild", status_code=202, response_model=JobStatus)
def start_rebuild(request: Request, response: Response, who: Admin) -> Any:
    """Rebuild all findings, in a process of its own; answers at once with the job to follow."""
    return _start(request, response, "rebuild", {}, who.name)


@router.post("/api/v1/patterns/discover", status_code=202, response_model=JobStatus)
def start_discovery(
    request: Request,
    response: Response,
    memory: OpenedMemory,
    who: Admin,
    sent: DiscoveryRequest | None = None,
) -> Any:
    """Discover patterns among the members: by statistics, then by Claude where the server has a key.

    Claude costs money, so `confirm_cost` has to be true where it would be asked.
    """
    sent = sent or DiscoveryRequest()
    arguments = discovery_arguments(
        memory.settings,
        sent.focus_areas,
        statistics_only=sent.statistics_only,
        confirm_cost=sent.confirm_cost,
    )
    return _start(request, response, "discover", arguments, who.name)


@router.get("/api/memory/jobs", response_model=IdPage[JobStatus])
def list_jobs(
    memory: OpenedMemory,
    _: Reader,
    kind: Annotated[
        Literal["rebuild", "discover"] | None, Query(description="Only jobs of this kind.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List jobs, the newest first."""
    before = read_moment_cursor(cursor)
    rows, total = jobs.list_jobs(memory.store, kind=kind, limit=limit + 1, before=before)
    return page_of(rows, total, limit, "created_at", "id")


@router.get("/api/memory/jobs/{identity}", response_model=JobStatus)
def read_job(identity: str, memory: OpenedMemory, _: Reader) -> Any:
    """Return how far a job is, or how it ended."""
    return jobs.read_job(memory.store, identity)


@router.delete("/api/memory/jobs/{identity}", status_code=202, response_model=JobStatus)
def cancel_job(identity: str, memory: OpenedMemory, _: Admin) -> Any:
    """Cancel a job; it ends within seconds, and what it wrote stands."""
    return jobs.ask_to_cancel(memory.store, identity)


@router.get(
    "/api/memory/jobs/{identity}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow_job(identity: str, request: Request, memory: OpenedMemory, _: Reader) -> StreamingResponse:
    """Follow a job as server-sent events: `progress` at each change, `end` with the whole job at its end."""
    first = await asyncio.to_thread(jobs.read_job, memory.store, identity)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(memory, first, request), media_type="text/event-stream", headers=headers)


@router.get("/api/memory/runs", response_model=IdPage[RebuildRun])
def list_runs(memory: OpenedMemory, _: Reader, limit: Limit = 50, cursor: Cursor = None) -> Any:
    """List the runs of the rebuild, the newest first, also those of the command line and of schedules."""
    before = read_moment_cursor(cursor)
    rows, total = memory.rebuild_runs(limit=limit + 1, before=before)
    return page_of(rows, total, limit, "created_at", "run_id")


def _start(
    request: Request, response: Response, kind: str, arguments: dict[str, Any], name: str
) -> dict[str, Any]:
    runner: JobRunner = request.app.state.jobs
    job = runner.start(kind, arguments, asked_by=name)
    response.headers["Location"] = f"/api/memory/jobs/{job['id']}"
    request.state.audit_details = {"job": job["id"]}
    return job


async def _events(memory: OpenedMemory, job: dict[str, Any], request: Request) -> AsyncIterator[str]:
    seen: Any = None
    spoke_at = time.monotonic()
    while job["state"] in jobs.ALIVE:
        now = {"state": job["state"], "progress": job["progress"]}
        if now != seen:
            seen, spoke_at = now, time.monotonic()
            yield _event("progress", now)
        elif time.monotonic() - spoke_at > HEARTBEAT:
            spoke_at = time.monotonic()
            yield ": the job is alive\n\n"
        await asyncio.sleep(POLL)
        if await request.is_disconnected():
            return
        job = await asyncio.to_thread(jobs.read_job, memory.store, job["id"])
    yield _event("end", JobStatus.model_validate(job).model_dump(mode="json"))


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {to_json(data, indent=None)}\n\n"
