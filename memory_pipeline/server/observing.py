"""What is noted of every request: an id, one line in the log, a count, and an audit entry for a write.

One ASGI layer around everything, also around refusals. Neither query strings nor bodies are noted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from memory_pipeline.server.dashboard.paths import is_page
from memory_pipeline.server.metrics import count_request
from memory_pipeline.server.problems import ProblemError, database_problem
from memory_pipeline.store.access import add_audit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from memory_pipeline.store import Store

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOG = logging.getLogger("memory_pipeline.server")
WRITING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READ_BY_POST = frozenset({"/api/memory/recommendations", "/api/memory/approaches/check"})
"""Questions that are sent in a body: they write nothing that a person would want to trace."""
_NO_ANSWER = 499
"""Status in the log of a request whose client was gone before the answer (nginx's number for it)."""
_SERVER_ERROR = 500
_LONGEST_TARGET = 300


class AnswerBrokenError(Exception):
    """An answer broke off after it had begun; the log has the cause under its request id."""


class Observed:
    """Note every request.

    Parameters
    ----------
    app
        The application behind it.
    store
        Where the audit log is.
    """

    def __init__(self, app: AsgiApp, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request through the application, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = str(uuid.uuid4())
        began = time.perf_counter()
        answered: dict[str, Any] = {}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                answered["seconds"] = time.perf_counter() - began
                identity = state["request_id"].encode()
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", identity)]
                await self._audit(scope, message["status"])
            await send(message)

        try:
            await self._answer(scope, receive, noted, answered)
        finally:
            seconds = answered.get("seconds", time.perf_counter() - began)
            _log_request(scope, answered.get("status", _NO_ANSWER), seconds)

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, answered: dict[str, Any]
    ) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged and answered
            problem = _problem_of(error, scope["state"]["request_id"])
            if answered:  # the client sees that the answer breaks off, and why is in the log
                raise AnswerBrokenError(scope["state"]["request_id"]) from None
            await problem.to_response()(scope, receive, send)

    async def _audit(self, scope: MutableMapping[str, Any], status: int) -> None:
        """Add a write to the audit log before it is acknowledged."""
        state = scope["state"]
        if scope["method"] not in WRITING_METHODS or "grant" not in state:
            return
        is_form = is_page(scope["path"])
        if scope["path"] in READ_BY_POST or not (is_form or scope["path"].startswith("/api/")):
            return
        entry = {
            "actor": state["grant"].name,
            "door": "dashboard" if is_form else "http",
            "action": f"{scope['method']} {route_of(scope) or '(none)'}",
            "target": _storable(scope["path"]),
            "status": status,
            "request_id": state["request_id"],
            "details": state.get("audit_details", {}),
        }
        try:
            await asyncio.to_thread(add_audit, self._store, [entry])
        except SQLAlchemyError as error:
            # The write is done, or was refused: its reply is not withheld; the log has the entry.
            LOG.error(json.dumps({"event": "audit entry lost", "error": type(error).__name__, **entry}))  # noqa: TRY400


def route_of(scope: MutableMapping[str, Any]) -> str | None:
    """Return the template of the route that a request reached, such as `/api/memory/jobs/{identity}`."""
    return getattr(scope.get("route"), "path", None)


def _problem_of(error: Exception, request_id: str) -> ProblemError:
    """Return what a client sees of an error that nobody expected, and log where it came from.

    The message is not logged: it may quote what was sent.
    """
    if isinstance(error, ProblemError):
        return error
    problem = database_problem(error)
    if problem is not None:
        return problem
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    failure = {"event": "failure", "request_id": request_id, "error": type(error).__name__, "at": frames}
    LOG.error(json.dumps(failure))
    return ProblemError(
        _SERVER_ERROR, f"the server failed at this; its log has the cause under the request {request_id}"
    )


def _log_request(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
    route, state = route_of(scope), scope["state"]
    count_request(route, scope["method"], status, seconds)
    if LOG.isEnabledFor(logging.INFO):
        line = {
            "event": "request",
            "method": scope["method"][:20],
            "route": route,
            "status": status,
            "ms": round(1_000 * seconds, 2),
            "actor": state["grant"].name if "grant" in state else None,
            "request_id": state["request_id"],
        }
        LOG.info(json.dumps(line))


def _storable(path: str) -> str:
    return path[:_LONGEST_TARGET].replace("\x00", "").encode("utf-8", "replace").decode()
