"""Signing in with a token, and out again; needed only where the server asks for tokens."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.server.dashboard.forms import TOKEN_COOKIE, SentForm, inner_address, is_encrypted, see
from memory_pipeline.server.dashboard.paths import SIGN_IN
from memory_pipeline.server.dashboard.rendering import render

router = APIRouter()


@router.get(SIGN_IN)
def sign_in_page(request: Request) -> Response:
    """Show the form."""
    return render(request, "sign_in.html", next=inner_address(request.query_params.get("next")), problem=None)


@router.post(SIGN_IN)
async def sign_in(request: Request, sent: SentForm) -> Response:
    """Keep the token in a cookie that no script can read, where it is in force."""
    token = sent.get("token", "").strip()
    following = inner_address(sent.get("next"))
    if await request.app.state.tokens.find(token) is None:
        problem = "This token is not in force. `memory-pipeline token create NAME --scope read` makes one."
        return render(request, "sign_in.html", status=401, next=following, problem=problem)
    response = see(following)
    response.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="strict", secure=is_encrypted(request))
    return response


@router.post("/sign-out")
async def sign_out(_: SentForm) -> Response:
    """Forget the token."""
    response = see(SIGN_IN)
    response.delete_cookie(TOKEN_COOKIE)
    return response
