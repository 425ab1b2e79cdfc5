"""The endpoint of the HTTP server that agents ask; the SDK behind it loads while the server starts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from memory_pipeline.server.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

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
        self._memory = memory
        self._options = options
        self._manager: asyncio.Future[StreamableHTTPSessionManager] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests for as long as the context lasts; the application's lifespan enters it."""
        manager = self._manager = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(self._run(manager, stop))
        try:
            yield
        finally:
            self._manager = None
            stop.set()
            await task

    async def _run(self, started: asyncio.Future[StreamableHTTPSessionManager], stop: asyncio.Event) -> None:
        manager = await asyncio.to_thread(_load, self._memory, self._options)
        async with manager.run():
            started.set_result(manager)
            await stop.wait()

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
            manager = await asyncio.shield(self._manager)
            await manager.asgi_app(scope, receive, send)


def _load(memory: Memory, options: ServerOptions) -> StreamableHTTPSessionManager:
    from memory_pipeline.server.mcp.transport import http_manager  # noqa: PLC0415 - the SDK takes half a second

    return http_manager(memory, options)
