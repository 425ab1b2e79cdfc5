"""Send word to open pages when the memory has changed, as server-sent events."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from memory_pipeline.server.dependencies import OpenedMemory, Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from memory_pipeline.memory import Memory

router = APIRouter()
PARTS = ("outcomes", "patterns", "factors", "recommendations", "learning", "verification", "members")
"""Parts of the memory whose change a page shows."""
_POLL = 3.0
_HEARTBEAT = 15.0


class Watch:
    """Reads the version of the memory for all open pages together, at most every three seconds."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._version = ""
        self._read_at = -float("inf")
        self._reading = asyncio.Lock()

    async def version(self) -> str:
        """Return the version, at most three seconds old."""
        async with self._reading:
            if time.monotonic() - self._read_at > _POLL:
                self._version = await asyncio.to_thread(self._memory.version, *PARTS)
                self._read_at = time.monotonic()
        return self._version


@router.get("/live")
async def live(request: Request, memory: OpenedMemory, _: Reader) -> StreamingResponse:
    """Send `changed` whenever the memory has changed since the page was loaded."""
    if not hasattr(request.app.state, "watch"):
        request.app.state.watch = Watch(memory)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _events(request, request.app.state.watch), media_type="text/event-stream", headers=headers
    )


async def _events(request: Request, watch: Watch) -> AsyncIterator[str]:
    seen = await watch.version()
    spoke_at = time.monotonic()
    yield "retry: 5000\n\n"
    while not await request.is_disconnected():
        await asyncio.sleep(_POLL)
        if (now := await watch.version()) != seen:
            seen, spoke_at = now, time.monotonic()
            yield "event: changed\ndata: {}\n\n"
        elif time.monotonic() - spoke_at > _HEARTBEAT:
            spoke_at = time.monotonic()
            yield ": nothing has changed\n\n"
