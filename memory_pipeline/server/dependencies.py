"""What routes get handed: the memory, and the grant of who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from memory_pipeline.memory import Memory
from memory_pipeline.server.access import needs
from memory_pipeline.store.access import Grant


async def _memory_of(request: Request) -> Memory:
    memory: Memory = request.app.state.memory
    return memory


OpenedMemory = Annotated[Memory, Depends(_memory_of)]
Reader = Annotated[Grant, needs("read")]
Reporter = Annotated[Grant, needs("report")]
Decider = Annotated[Grant, needs("decide")]
Admin = Annotated[Grant, needs("admin")]
