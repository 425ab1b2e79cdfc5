"""Names: which count as one, which look alike, and what a person decides about them."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.server.dashboard.forms import SentForm, see
from memory_pipeline.server.dashboard.lists import chosen, part_of
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader
from memory_pipeline.service.records import to_records

router = APIRouter(prefix="/names")
_SHOWN_DECISIONS = 50
_DONE = "Your decision is kept; it applies from the next rebuild on."


@router.get("")
def names(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show which names are read as another, which look alike, and what was decided."""
    asked = chosen(request, "column", "why")
    everything = memory.name_merges()
    found = to_records(memory.name_merges(column=asked["column"], why=asked["why"]))
    rows, following = part_of(found, request)
    decisions = memory.name_decisions()
    return render(
        request,
        "names.html",
        rows=rows,
        total=len(found),
        following=following,
        columns=sorted(set(everything["column_name"])),
        reasons=sorted(set(everything["why"])),
        decisions=to_records(decisions.head(_SHOWN_DECISIONS)),
        decision_total=len(decisions),
    )


@router.post("/decision")
def decide(memory: OpenedMemory, who: Decider, sent: SentForm) -> Response:
    """Decide whether two names are one."""
    memory.decide_name(
        sent.get("column_name", ""),
        sent.get("name", ""),
        sent.get("other_name", ""),
        sent.get("decision", ""),
        by=who.name,
        note=sent.get("note"),
    )
    return see(f"/names?{urlencode({'done': _DONE})}")
