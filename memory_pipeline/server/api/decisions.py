"""What persons decide about findings, through a program: it survives every rebuild."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader
from memory_pipeline.server.id_pages import Cursor, IdPage, Limit, page_of, read_cursor

router = APIRouter(tags=["decisions"])
Kind = Literal["pattern", "factor", "member_pattern"]
FindingId = Annotated[str, Path(max_length=200)]


class _Decision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(
        None, max_length=2_000, description="Replaces the note; an empty text removes it, null leaves it."
    )
    on_behalf_of: str | None = Field(
        None, min_length=1, max_length=100, description="The person for whom a program decides."
    )


class PatternDecision(_Decision):
    """A decision about a pattern, a note, or both."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "retire", "note": "the proxy was replaced in June"}]}
    )

    decision: Literal["activate", "retire", "reset"] | None = Field(
        None, description="`reset` lets the rebuilds decide again; null leaves the decision."
    )


class FactorDecision(_Decision):
    """A decision about a success factor, a note, or both."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "suppress", "note": "not allowed on our clients"}]}
    )

    decision: Literal["confirm", "suppress", "reset"] | None = Field(
        None, description="`reset` lets the rebuilds decide again; null leaves the decision."
    )


class HeldDecision(BaseModel):
    """The decision and the note that apply to a finding now."""

    kind: Kind
    finding_id: str
    decision: str | None
    note: str | None
    decided_by: str
    decided_at: datetime


class LoggedDecision(HeldDecision):
    """One entry of the log of decisions."""

    id: int


@router.post("/api/memory/patterns/{identity}/decision", response_model=HeldDecision)
def decide_on_pattern(identity: FindingId, sent: PatternDecision, memory: OpenedMemory, who: Decider) -> Any:
    """Activate or retire a pattern, or note something about it; advice follows at once."""
    return _decide(memory, "pattern", identity, sent, who.name, sent.decision)


@router.post("/api/memory/factors/{identity}/decision", response_model=HeldDecision)
def decide_on_factor(identity: FindingId, sent: FactorDecision, memory: OpenedMemory, who: Decider) -> Any:
    """Confirm or suppress a success factor, or note something about it; advice follows at once."""
    return _decide(memory, "factor", identity, sent, who.name, sent.decision)


@router.post("/api/v1/patterns/{identity}/decision", response_model=HeldDecision)
def decide_on_member_pattern(identity: int, sent: PatternDecision, memory: OpenedMemory, who: Decider) -> Any:
    """Activate or retire a pattern among members, or note something about it."""
    return _decide(memory, "member_pattern", str(identity), sent, who.name, sent.decision)


@router.get("/api/memory/decisions", response_model=IdPage[LoggedDecision])
def list_decisions(
    memory: OpenedMemory,
    _: Reader,
    kind: Annotated[Kind | None, Query(description="Only those about findings of this kind.")] = None,
    finding_id: Annotated[
        str | None, Query(max_length=200, description="Only those about this finding.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List decisions and notes, the newest first."""
    key = read_cursor(cursor, int)
    before = None if key is None else key[0]
    rows, total = memory.decision_log(kind=kind, finding_id=finding_id, limit=limit + 1, before=before)
    return page_of(rows, total, limit, "id")


def _decide(
    memory: OpenedMemory, kind: Kind, identity: str, sent: _Decision, name: str, decision: str | None
) -> dict[str, Any]:
    by = name if sent.on_behalf_of is None else f"{name} for {sent.on_behalf_of}"
    return memory.decide(kind, identity, decision, by=by, note=sent.note, is_whole_id=True)
