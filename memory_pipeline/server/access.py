"""Who may ask: host and origin, token and scope, rate, and the size of what is sent.

One ASGI layer around everything, MCP included, so that no route can be forgotten.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import cookie_parser

from memory_pipeline.server.bodies import unstorable
from memory_pipeline.server.dashboard.forms import TOKEN_COOKIE
from memory_pipeline.server.dashboard.paths import SIGN_IN, STATIC, is_page
from memory_pipeline.server.options import LOOPBACK_NAMES
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.store.access import Grant, active_grants, has_tokens, hash_token, note_use

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from memory_pipeline.server.options import ServerOptions
    from memory_pipeline.store import Store

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/healthz", "/readyz", SIGN_IN, STATIC)
"""Beginnings of addresses that anybody may ask: whoever watches the process, and the form to sign in."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = Grant("loopback", "admin", "")
"""Whoever asks a server on loopback that knows no token."""
GRANTS_LIVE_FOR = 2.0
"""Seconds after which tokens are read anew, so within which a revoked one is refused."""


class TokenBook:
    """The tokens in force, read from the database at most every two seconds."""

    def __init__(self, store: Store, options: ServerOptions) -> None:
        self._store = store
        self._file_grants = options.file_grants
        self._grants: dict[str, Grant] = {}
        self._is_empty = False
        self._read_at = -float("inf")
        self._used: set[str] = set()
        self._reading = asyncio.Lock()

    async def grants(self) -> dict[str, Grant]:
        """Return the grants in force, by the hash of their token."""
        if time.monotonic() - self._read_at > GRANTS_LIVE_FOR:
            async with self._reading:
                if time.monotonic() - self._read_at > GRANTS_LIVE_FOR:
                    await asyncio.to_thread(self._read)
        return self._grants

    def _read(self) -> None:
        used, self._used = self._used, set()
        note_use(self._store, used)
        grants = [*self._file_grants, *active_grants(self._store)]
        self._grants = {one.token_hash: one for one in grants}
        # Revoking the last token, or its end, must not open the server to everybody again.
        self._is_empty = not grants and not has_tokens(self._store)
        self._read_at = time.monotonic()

    async def is_empty(self) -> bool:
        """Return whether there never was a token."""
        await self.grants()
        return self._is_empty

    async def find(self, token: str) -> Grant | None:
        """Return the grant of a token; None where none is in force."""
        wanted = hash_token(token)
        found = None
        for known, grant in (await self.grants()).items():
            # All are compared, each in constant time, so that time tells nothing about a token.
            if hmac.compare_digest(known, wanted):
                found = grant
        if found is None or found.is_over(datetime.now(tz=UTC)):
            return None
        self._used.add(found.name)
        return found


class AccessControl:
    """Check who asks, from where and how often, before anything else sees a request.

    Parameters
    ----------
    app
        The application behind it.
    tokens
        Those in force.
    options
        Of the server.
    """

    def __init__(self, app: AsgiApp, tokens: TokenBook, options: ServerOptions) -> None:
        self._app = app
        self._options = options
        self._tokens = tokens
        names = {*LOOPBACK_NAMES, *options.allowed_hosts, options.host}
        self._hosts = {name.casefold() for name in names}
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(options.requests_per_minute)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request with a problem, or pass it on with its grant in `scope["state"]`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        state = scope.setdefault("state", {})
        try:
            self._check_origin(scope["method"], headers)
            _check_characters(scope)
            self._check_length(headers)
            if not scope["path"].startswith(OPEN_PATHS):
                state["grant"] = await self._grant(scope, headers)
                self._check_rate(state["grant"])
        except ProblemError as problem:
            await problem.to_response()(scope, receive, send)
            return
        await self._app(scope, self._bounded(receive), send)

    def _check_origin(self, method: str, headers: dict[str, str]) -> None:
        """Refuse foreign host names (DNS rebinding) and writes that another site's page sends."""
        host = headers.get("host", "")
        if _host_name(host) not in self._hosts:
            raise ProblemError(
                421,
                f"Host is {host[:200]!r}, under which this server may not be asked; "
                "start it with --allowed-host to allow the name",
            )
        if method in SAFE_METHODS:
            return
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"} or (
            origin is not None and urlsplit(origin).netloc.casefold() != host.casefold()
        ):
            raise ProblemError(403, "another site's page sent this; writes come from this server's own pages")

    def _check_length(self, headers: dict[str, str]) -> None:
        most = self._options.max_body_bytes
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > most:
            raise ProblemError(413, _too_large(most))

    async def _grant(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> Grant:
        sent = headers.get("authorization") or _signed_in(scope, headers)
        kind, _, token = sent.partition(" ")
        if kind.casefold() == "bearer" and token:
            found = await self._tokens.find(token.strip())
            if found is not None:
                return found
        elif not kind and self._options.is_loopback and await self._tokens.is_empty():
            return LOOPBACK
        raise ProblemError(
            401,
            "send `Authorization: Bearer TOKEN` with a token in force; "
            "`memory-pipeline token create` makes one",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _check_rate(self, grant: Grant) -> None:
        if not self._limiter.hit(self._rate, grant.name):
            reset = self._limiter.get_window_stats(self._rate, grant.name).reset_time
            wait = max(int(reset - time.time()) + 1, 1)
            raise ProblemError(
                429,
                f"more than {self._options.requests_per_minute:,} requests in a minute; wait {wait} s",
                headers={"Retry-After": str(wait)},
            )

    def _bounded(self, receive: Receive) -> Receive:
        """Return a `receive` that refuses bodies that grow too large or come too slowly."""
        seen = 0
        is_whole = False

        async def bounded() -> Message:
            nonlocal seen, is_whole
            if is_whole:  # what comes now is the end of the connection, which may take its time
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._options.body_timeout)
            except TimeoutError:
                raise ProblemError(408, "the rest of the body did not come; send it again") from None
            seen += len(message.get("body", b""))
            if seen > self._options.max_body_bytes:
                raise ProblemError(413, _too_large(self._options.max_body_bytes))
            is_whole = not message.get("more_body", False)
            return message

        return bounded


def needs(scope: str) -> Any:
    """Return a dependency that lets a request through whose token has a scope, and returns its grant."""

    async def check(request: Request) -> Grant:  # in the event loop: a thread would cost more than the check
        grant: Grant = request.state.grant
        if not grant.allows(scope):
            raise ProblemError(
                403, f"the token {grant.name!r} may {grant.scope}; this needs the scope {scope}"
            )
        return grant

    return Depends(check)


def _check_characters(scope: MutableMapping[str, Any]) -> None:
    """Refuse an address with a NUL character, which the database cannot compare with anything."""
    if "\x00" in scope["path"]:
        raise ProblemError(404, "the address holds a NUL character; there is nothing at it")
    if b"%00" not in scope["query_string"] and b"\x00" not in scope["query_string"]:
        return
    for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if "\x00" in value:
            raise unstorable(f"query.{name}", value)
        if "\x00" in name:
            raise unstorable("query", name)


def _signed_in(scope: MutableMapping[str, Any], headers: dict[str, str]) -> str:
    """Return the authorization that a browser holds in its cookie.

    A cookie comes along with whatever makes a browser ask, so that with it alone programs' addresses can be
    read and not written to; forms of pages repeat a secret of their own.
    """
    if scope["method"] not in SAFE_METHODS and not is_page(scope["path"]):
        return ""
    token = cookie_parser(headers.get("cookie", "")).get(TOKEN_COOKIE)
    return f"Bearer {token}" if token else ""


def _host_name(host: str) -> str:
    """Return the name of a `Host` header without the port, in lower case."""
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() and name else host).casefold()


def _too_large(most: int) -> str:
    return f"the body is larger than {most:,} bytes; send fewer records at a time"
