"""The application: every door of the server on one port, behind one access layer."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from memory_pipeline import __version__
from memory_pipeline.server import dashboard, documentation, problems
from memory_pipeline.server.access import AccessControl, TokenBook
from memory_pipeline.server.api import ROUTERS
from memory_pipeline.server.dashboard.ahead import drawing_ahead
from memory_pipeline.server.dashboard.error_pages import ErrorPages
from memory_pipeline.server.idempotency import WholeBodies
from memory_pipeline.server.jobs import JobRunner
from memory_pipeline.server.mcp.endpoint import PATH, McpEndpoint
from memory_pipeline.server.observing import Observed
from memory_pipeline.server.pictures import Pictures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.options import ServerOptions

_DESCRIPTION = """\
An organisation's memory of what worked: report attempts, ask what succeeds, get advice with what to expect,
and see whether following it helped. Errors are problem documents (RFC 9457).
"""
_SMALLEST_GZIP = 1_024


def create_app(memory: Memory, options: ServerOptions) -> FastAPI:
    """Return the application that answers from an opened memory; whoever opened it closes it."""
    agents = McpEndpoint(memory, options)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        memory.serving  # noqa: B018 - begins to read the policy
        ahead = drawing_ahead(memory, app.state.pictures) if options.draws_ahead else nullcontext()
        async with agents.running(), ahead:
            yield
        await run_in_threadpool(memory.store_served)

    app = FastAPI(
        title="memory_pipeline",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
    )
    app.state.memory = memory
    app.state.options = options
    app.state.jobs = JobRunner(memory)
    app.state.pictures = Pictures()
    app.state.tokens = TokenBook(memory.store, options)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(Route(PATH, agents, include_in_schema=False))
    dashboard.install(app)
    problems.install(app)
    documentation.install(app)
    # The last one is the outermost.
    app.add_middleware(WholeBodies, store=memory.store)
    app.add_middleware(GZipMiddleware, minimum_size=_SMALLEST_GZIP)
    app.add_middleware(AccessControl, tokens=app.state.tokens, options=options)
    app.add_middleware(Observed, store=memory.store)
    app.add_middleware(ErrorPages)
    return app
