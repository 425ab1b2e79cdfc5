"""Admin: rebuild, what ran and was read in, what persons decided, and the settings in force."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.configuration import describe_settings
from memory_pipeline.server.dashboard.forms import SentForm, see
from memory_pipeline.server.dashboard.lists import ROWS, chosen, page_number
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Admin, OpenedMemory, Reader
from memory_pipeline.store import jobs
from memory_pipeline.store.analysis_log import is_dagsters

if TYPE_CHECKING:
    from memory_pipeline.server.jobs import JobRunner

router = APIRouter(prefix="/admin")
_NEWEST = 10
_RUNS = 20
_MOST_ID = 2**63 - 1
KINDS = ("pattern", "factor", "member_pattern")
"""Kinds of findings that persons decide about."""


@router.get("")
def admin(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show the rebuild and what ran, the records that wait, and the newest of each log."""
    runs, run_total = memory.rebuild_runs(limit=_NEWEST)
    waiting, waiting_total = memory.quarantined(limit=_NEWEST)
    ingests, ingest_total = memory.ingests(limit=_NEWEST)
    decisions, decision_total = memory.decision_log(limit=_NEWEST)
    newest, _total = jobs.list_jobs(memory.store, kind="rebuild", limit=1)
    return render(
        request,
        "admin.html",
        job=newest[0] if newest else None,
        is_running=bool(newest) and newest[0]["state"] in jobs.ALIVE,
        is_rebuilt=memory.is_rebuilt(),
        runs=_with_addresses(memory, runs),
        run_total=run_total,
        waiting=waiting,
        waiting_total=waiting_total,
        ingests=ingests,
        ingest_total=ingest_total,
        decisions=decisions,
        decision_total=decision_total,
        dagster_ui_url=memory.settings.dagster_ui_url,
    )


@router.post("/rebuild")
def start_rebuild(request: Request, who: Admin, _: SentForm) -> Response:
    """Rebuild all findings in a process of its own."""
    runner: JobRunner = request.app.state.jobs
    job = runner.start("rebuild", {}, asked_by=who.name)
    request.state.audit_details = {"job": job["id"]}
    return see("/admin")


@router.post("/jobs/{identity}/cancel")
def cancel_job(identity: str, memory: OpenedMemory, _who: Admin, _: SentForm) -> Response:
    """Cancel a job; it ends within seconds, and what it wrote stands."""
    job = jobs.ask_to_cancel(memory.store, identity)
    return see("/members" if job["kind"] == "discover" else "/admin")


@router.get("/runs")
def runs(_: Reader) -> Response:
    """Lead to what ran, where each run of the rebuild is."""
    return see("/admin/analysis")


@router.get("/ingests")
def ingests(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show everything that was read in."""
    page = page_number(request)
    rows, total = memory.ingests(limit=ROWS, skip=(page - 1) * ROWS)
    following = page + 1 if total > page * ROWS else None
    return render(request, "ingests.html", rows=rows, total=total, following=following)


@router.get("/decisions")
def decisions(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show what persons decided and noted, the newest first."""
    asked = chosen(request, "kind", "before")
    kind = asked["kind"] if asked["kind"] in KINDS else None
    rows, total = memory.decision_log(kind=kind, limit=ROWS + 1, before=row_id(asked["before"]))
    return render(
        request,
        "decisions.html",
        rows=rows[:ROWS],
        total=total,
        following=rows[ROWS - 1]["id"] if len(rows) > ROWS else None,
        kinds=KINDS,
        kind=kind,
    )


@router.get("/analysis")
def analysis(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show what runs, and what ended: why, how long each step took, what changed, and what was wrong."""
    asked = chosen(request, "until", "run")
    before = None
    if asked["until"] and asked["run"]:
        with suppress(ValueError):
            before = (datetime.fromisoformat(asked["until"]), asked["run"])
    rows, total = memory.analysis_runs(limit=_RUNS + 1, before=before)
    last = rows[_RUNS - 1] if len(rows) > _RUNS else None
    return render(
        request,
        "analysis.html",
        rows=[one | {"address": _dagster_address(memory, one)} for one in rows[:_RUNS]],
        total=total,
        last=last,
        unlogged=[] if before else _with_addresses(memory, memory.unlogged_runs()),
    )


@router.get("/settings")
def settings(request: Request, memory: OpenedMemory, _: Admin) -> Response:
    """Show the settings in force; nothing secret is among them."""
    return render(request, "settings.html", rows=describe_settings(memory.settings))


def row_id(text: str | None) -> int | None:
    """Return the id of a row that an address names; None where it is not one."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > len(str(_MOST_ID)):
        return None
    return min(int(text), _MOST_ID)


def _with_addresses(memory: OpenedMemory, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [run | {"address": _dagster_address(memory, run)} for run in runs]


def _dagster_address(memory: OpenedMemory, run: dict[str, Any]) -> str | None:
    """Return where Dagster shows a run; None where its address is not known, or it ran without Dagster."""
    address: Any = memory.settings.dagster_ui_url
    run_id = run.get("run_id") or run["id"]
    is_there = run.get("kind", "rebuild") == "rebuild" and is_dagsters(run_id)
    return f"{address}/runs/{run_id}" if address and is_there else None
