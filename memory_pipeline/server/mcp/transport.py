"""How agents reach the protocol, through the SDK: over HTTP, or the standard streams of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from memory_pipeline.server.mcp.protocol import MemoryProtocol
from memory_pipeline.store.access import Grant

if TYPE_CHECKING:
    from memory_pipeline.memory import Memory
    from memory_pipeline.server.options import ServerOptions


def http_manager(memory: Memory, options: ServerOptions) -> StreamableHTTPSessionManager:
    """Return what answers requests over HTTP, for one server of a memory."""
    return StreamableHTTPSessionManager(
        MemoryProtocol(memory).server(),
        json_response=True,
        stateless=True,
        # The access layer around the application checks Host, Origin and token of every request.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=options.max_body_bytes,
    )


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
