"""Show problems to people as a page, where a browser asked for one; programs get the problem document."""

from __future__ import annotations

import gzip
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse

from memory_pipeline.server.dashboard.paths import SIGN_IN, header, is_page
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class ErrorPages:
    """Answer a browser's request for a page with a page, also where it is refused.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request; a problem document becomes a page, or the form to sign in."""
        if (
            scope["type"] != "http"
            or not is_page(scope["path"])
            or "text/html" not in header(scope, b"accept")
        ):
            await self._app(scope, receive, send)
            return
        begun: Message | None = None
        body = b""

        async def shown(message: Message) -> None:
            nonlocal begun, body
            if message["type"] == "http.response.start" and _is_problem(message):
                begun = message
                return
            if begun is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                problem = json.loads(gzip.decompress(body) if _is_compressed(begun) else body)
                await _page_of(scope, begun, problem)(scope, receive, send)

        await self._app(scope, receive, shown)


def _is_problem(message: Message) -> bool:
    return _header(message, b"content-type").startswith(MEDIA_TYPE.encode())


def _is_compressed(message: Message) -> bool:
    return _header(message, b"content-encoding") == b"gzip"


def _header(message: Message, wanted: bytes) -> bytes:
    found: bytes = next((value for name, value in message["headers"] if name.lower() == wanted), b"")
    return found


def _page_of(scope: MutableMapping[str, Any], begun: Message, problem: dict[str, Any]) -> Any:
    request = Request(scope)
    status: int = begun["status"]
    if status == HTTPStatus.UNAUTHORIZED:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        following = asked if request.method == "GET" else "/"
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': following})}", status_code=303)
    return render(request, "problem.html", status=status, problem=problem)
