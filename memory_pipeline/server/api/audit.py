"""Who wrote what through the doors of the server, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from memory_pipeline.server.dependencies import Admin, OpenedMemory
from memory_pipeline.server.id_pages import Cursor, IdPage, Limit, page_of, read_cursor
from memory_pipeline.store.access import count_audit, read_audit

router = APIRouter(tags=["audit"])


class AuditedWrite(BaseModel):
    """One write, done or refused; neither what was sent nor a secret is kept."""

    id: int
    at: datetime
    actor: str = Field(description="Name of the token; `loopback` where the server knew none.")
    door: str
    action: str = Field(description="Method and route, or the tool.")
    target: str | None
    status: int = Field(description="HTTP status of the answer.")
    request_id: str
    details: dict[str, Any]


@router.get("/api/memory/audit", response_model=IdPage[AuditedWrite])
def list_audit(
    memory: OpenedMemory,
    _: Admin,
    actor: Annotated[str | None, Query(max_length=100, description="Only writes of this token.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List all writes, the newest first, also those that were refused."""
    key = read_cursor(cursor, int)
    before = None if key is None else key[0]
    rows = read_audit(memory.store, limit=limit + 1, before=before, actor=actor)
    return page_of(rows, count_audit(memory.store, actor=actor), limit, "id")
