"""How agents reach the protocol: an endpoint of the HTTP server, or the standard streams of a process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from memory_pipeline.server.mcp.protocol import MemoryProtocol
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.store.access import Grant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.options import ServerOptions

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

PATH = "/mcp"


class McpEndpoint:
    """Streamable HTTP without sessions: each request is answered by itself, by whichever worker gets it.

    Parameters
    ----------
    memory
        That is asked.
    options
        Of the server.
    """

    def __init__(self, memory: Memory, options: ServerOptions) -> None:
        self._protocol = MemoryProtocol(memory)
        self._options = options
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests for as long as the context lasts; the application's lifespan enters it."""
        manager = StreamableHTTPSessionManager(
            self._protocol.server(),
            json_response=True,
            stateless=True,
            # The access layer around the application checks Host, Origin and token of every request.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=self._options.max_body_bytes,
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["method"] != "POST":
            problem = ProblemError(
                405, "there are no sessions and no streams here; POST the message", headers={"Allow": "POST"}
            )
            await problem.to_response()(scope, receive, send)
        elif self._manager is None:
            problem = ProblemError(503, "the server is starting or stopping; ask again in a moment")
            await problem.to_response()(scope, receive, send)
        else:
            await self._manager.asgi_app(scope, receive, send)


def run_stdio(memory: Memory, scope: str) -> None:
    """Serve one client over stdin and stdout until it closes them.

    Parameters
    ----------
    memory
        That is asked.
    scope
        What the client may do, one of `SCOPES`.
    """
    server = MemoryProtocol(memory, Grant("stdio", scope, "")).server()

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)
