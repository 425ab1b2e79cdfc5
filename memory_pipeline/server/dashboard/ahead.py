"""Draw the charts of pages before anybody asks for them: the first reader waits for none."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from memory_pipeline.server.pictures import KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.pictures import Pictures

DRAWN = 12
"""Findings that a page draws side by side."""
CHARTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("success_over_time", {}),
    ("pattern_effects", {"limit": DRAWN}),
    ("factor_effects", {"limit": DRAWN}),
    ("brush_success", {}),
    ("success_by_segment", {}),
    ("advice_gain", {}),
    ("prior_knowledge", {}),
    ("advice_coverage", {}),
    ("finding_replication", {}),
    ("calibration", {}),
    ("drift", {}),
    ("change_contributors", {}),
)
"""What pages draw where nothing was chosen, in the order in which they are likely to be opened."""


@asynccontextmanager
async def drawing_ahead(memory: Memory, pictures: Pictures) -> AsyncIterator[None]:
    """Draw the charts that are not drawn yet in a thread, for as long as the context lasts."""
    is_over = Event()
    task = asyncio.create_task(asyncio.to_thread(draw_ahead, memory, pictures, is_over))
    try:
        yield
    finally:
        is_over.set()
        await task


def draw_ahead(memory: Memory, pictures: Pictures, is_over: Event) -> None:
    """Draw the charts one after the other until it is over; what cannot be drawn yet is left out."""
    for kind, parameters in CHARTS:
        if is_over.is_set():
            return
        with suppress(FileNotFoundError, RuntimeError, SQLAlchemyError, ValueError):
            pictures.draw(memory, kind, parameters, "json", KINDS[kind].version(memory))
