"""Who may ask the server, and who wrote what through it."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.server.access import LOOPBACK
from memory_pipeline.server.dashboard.forms import SentForm, see
from memory_pipeline.server.dashboard.lists import ROWS, chosen
from memory_pipeline.server.dashboard.pages.admin import row_id
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Admin, OpenedMemory
from memory_pipeline.settings import parse_interval
from memory_pipeline.store.access import (
    Grant,
    count_audit,
    create_token,
    list_tokens,
    read_audit,
    revoke_token,
)
from memory_pipeline.store.models import SCOPES

router = APIRouter(prefix="/admin")


@router.get("/tokens")
def tokens(request: Request, memory: OpenedMemory, who: Admin) -> Response:
    """Show the tokens, without what is secret of them."""
    return _page(request, memory, who)


@router.post("/tokens")
def create(request: Request, memory: OpenedMemory, who: Admin, sent: SentForm) -> Response:
    """Create a token and show it, this once."""
    name, scope, valid_for = (sent.get(one, "").strip() for one in ("name", "scope", "valid_for"))
    try:
        made = create_token(
            memory.store, name, scope, valid_for=parse_interval(valid_for) if valid_for else None
        )
    except ValueError as error:
        return _page(request, memory, who, problem=str(error), status=422)
    request.state.audit_details = {"token": name, "scope": scope}
    response = _page(request, memory, who, made=made, made_name=name)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/tokens/revoke")
def revoke(request: Request, memory: OpenedMemory, _: Admin, sent: SentForm) -> Response:
    """Revoke a token; it is refused within two seconds."""
    name = sent.get("name", "")
    revoke_token(memory.store, name)
    request.state.audit_details = {"token": name}
    return see(f"/admin/tokens?{urlencode({'done': f'The token {name} is revoked.'})}")


@router.get("/audit")
def audit(request: Request, memory: OpenedMemory, _: Admin) -> Response:
    """Show who wrote what through the server, the newest first."""
    asked = chosen(request, "actor", "before")
    rows = read_audit(memory.store, limit=ROWS + 1, before=row_id(asked["before"]), actor=asked["actor"])
    return render(
        request,
        "audit.html",
        rows=rows[:ROWS],
        total=count_audit(memory.store, actor=asked["actor"]),
        following=rows[ROWS - 1]["id"] if len(rows) > ROWS else None,
        actors=sorted({one["name"] for one in list_tokens(memory.store)} | {LOOPBACK.name}),
    )


def _page(
    request: Request,
    memory: OpenedMemory,
    who: Grant,
    *,
    made: str | None = None,
    made_name: str | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "tokens.html",
        status=status,
        rows=list_tokens(memory.store),
        from_file=request.app.state.options.file_grants,
        scopes=SCOPES,
        made=made,
        made_name=made_name,
        problem=problem,
        is_open=who == LOOPBACK,
    )
