"""The same write sent twice is done once: replies are kept under the Idempotency-Key of the request.

Concept: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from memory_pipeline.server.bodies import check_characters, check_depth, read_body, replay
from memory_pipeline.server.problems import FieldError, ProblemError
from memory_pipeline.store.replies import (
    CLAIM_SECONDS,
    Claimed,
    KeptWrite,
    claim_write,
    keep_reply,
    release_claim,
    renew_claim,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from memory_pipeline.store import Store

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOG = logging.getLogger("memory_pipeline.server")
HEADER = "idempotency-key"
_LONGEST_KEY = 200
_KEPT_HEADERS = frozenset({"content-type", "location", "retry-after"})
_SERVER_ERROR = 500
_KEEPS_WHAT_IT_REFUSES = ("/api/memory/outcomes", "/api/memory/quarantine/")
"""Beginnings of addresses that put a record into quarantine where it cannot be stored."""
_BODIES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class WholeBodies:
    """Read the bodies of writes, check their depth, and answer a repeated POST as the first time.

    Parameters
    ----------
    app
        The application behind it.
    store
        Where the replies are kept.
    """

    def __init__(self, app: AsgiApp, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_write = scope["type"] == "http" and scope["method"] in _BODIES
        if not is_write or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await read_body(receive)
            await check_depth(body)
            if not scope["path"].startswith(_KEEPS_WHAT_IT_REFUSES) or scope["path"].endswith("/retry"):
                check_characters(body)
            key = _key_of(headers) if scope["method"] == "POST" else None
        except ProblemError as problem:
            await problem.to_response()(scope, receive, send)
            return
        if key is None:
            await self._app(scope, replay(body, receive), send)
        else:
            await self._once(scope, replay(body, receive), send, (key, _hash_of(scope, headers, body)))

    async def _once(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, key: tuple[str, str]
    ) -> None:
        write = KeptWrite(scope["state"]["grant"].name, key[0], str(uuid4()))
        known = await asyncio.to_thread(claim_write, self._store, write, key[1])
        if known.state != "ours":
            scope["state"]["audit_details"] = {"repeated": known.state}
            await _reply_to_repeated(known)(scope, receive, send)
            return
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        is_done = False
        try:
            async with self._renewing(write):
                await self._app(scope, receive, keep)
            is_done = await self._keep(write, kept)
        finally:
            if not is_done:
                with suppress(SQLAlchemyError):
                    await asyncio.shield(asyncio.to_thread(release_claim, self._store, write))
        for message in kept:
            await send(message)

    async def _keep(self, write: KeptWrite, messages: list[Message]) -> bool:
        """Keep a reply; returns whether there is nothing left to do for the claim."""
        status = messages[0]["status"]
        if status >= _SERVER_ERROR:
            return False
        named = (
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in messages[0]["headers"]
        )
        body = b"".join(one.get("body", b"") for one in messages[1:])
        reply = {
            "headers": {name: value for name, value in named if name in _KEPT_HEADERS},
            "body": body.decode(),
        }
        try:
            await asyncio.to_thread(keep_reply, self._store, write, status, reply)
        except SQLAlchemyError as error:
            # The write is done, so its reply is not withheld; a repetition is done again after the claim.
            LOG.error(json.dumps({"event": "reply not kept", "error": type(error).__name__}))  # noqa: TRY400
        return True

    @asynccontextmanager
    async def _renewing(self, write: KeptWrite) -> AsyncIterator[None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(CLAIM_SECONDS / 3)
                with suppress(SQLAlchemyError):  # the next time may be in time still
                    await asyncio.to_thread(renew_claim, self._store, write)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()


def _key_of(headers: dict[str, str]) -> str | None:
    key = headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        remedy = f"send 1 to {_LONGEST_KEY} printable ASCII characters, such as a UUID"
        error = FieldError("header.Idempotency-Key", ascii(key[:_LONGEST_KEY])[1:-1], remedy)
        raise ProblemError(422, f"the Idempotency-Key cannot be used: {remedy}", (error,))
    return key


def _hash_of(scope: MutableMapping[str, Any], headers: dict[str, str], body: bytes) -> str:
    kind = headers.get("content-type", "").encode("latin-1")
    parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], kind, body)
    return hashlib.sha256(b"".join(len(one).to_bytes(8, "big") + one for one in parts)).hexdigest()


def _reply_to_repeated(known: Claimed) -> Response:
    if known.state == "running":
        return ProblemError(
            409,
            "the first request with this Idempotency-Key is being worked on; send it again in a moment",
            headers={"Retry-After": "1"},
        ).to_response()
    if known.state == "different":
        remedy = "send a new key for another request"
        error = FieldError("header.Idempotency-Key", None, remedy)
        detail = f"another request was sent with this Idempotency-Key; {remedy}"
        return ProblemError(422, detail, (error,)).to_response()
    reply = known.reply or {}
    headers = {**reply.get("headers", {}), "Idempotent-Replayed": "true"}
    return Response(reply.get("body", ""), known.status, headers)
