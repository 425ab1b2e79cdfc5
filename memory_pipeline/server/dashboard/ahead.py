"""Make what pages need before anybody asks for it: after a start and after a rebuild, nobody waits for it."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import asynccontextmanager, suppress
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from memory_pipeline.server.dashboard.rendering import environment
from memory_pipeline.server.dashboard.static_files import bundle_folder, vega_bundle
from memory_pipeline.server.pictures import KINDS, segment_columns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.pictures import Pictures

    Chart = tuple[str, Mapping[str, Any]]

DRAWN = 12
"""Findings that a page draws side by side."""
CHARTS: tuple[Chart, ...] = (
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
BY_SEGMENT = ("brush_success", "success_by_segment")
"""What the page of learning draws for the column that a reader chooses."""
_POLL = 10.0
"""Seconds between two looks whether anything has to be drawn anew."""
_RESTS_ON = tuple(sorted({part for kind, _ in CHARTS for part in KINDS[kind].rests_on}))
_NOTHING_YET = (FileNotFoundError, RuntimeError, SQLAlchemyError, ValueError)


@asynccontextmanager
async def drawing_ahead(memory: Memory, pictures: Pictures) -> AsyncIterator[None]:
    """Make it in threads, and draw the charts anew after each rebuild, for as long as the context lasts."""
    is_over = Event()
    tasks = (
        asyncio.create_task(asyncio.to_thread(vega_bundle, bundle_folder(memory.settings.home))),
        asyncio.create_task(asyncio.to_thread(_keep_drawn, memory, pictures, is_over)),
    )
    try:
        yield
    finally:
        is_over.set()
        await asyncio.gather(*tasks)


def _keep_drawn(memory: Memory, pictures: Pictures, is_over: Event) -> None:
    for name in environment().list_templates():
        environment().get_template(name)
    drawn = _version(memory)
    draw_ahead(memory, pictures, is_over)
    # What was loaded by now stays for good; the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    while not is_over.wait(_POLL):
        if (now := _version(memory)) not in {drawn, None}:
            draw_ahead(memory, pictures, is_over)
            drawn = now


def _version(memory: Memory) -> str | None:
    """Return the version of all that charts rest on; None while the database cannot be asked."""
    try:
        return memory.version(*_RESTS_ON)
    except SQLAlchemyError:
        return None


def draw_ahead(memory: Memory, pictures: Pictures, is_over: Event) -> None:
    """Draw the charts one after the other until it is over; what cannot be drawn yet is left out.

    Those that are drawn already cost nothing. After each it rests for as long as that took, so that requests
    find the interpreter free.
    """
    for kind, parameters in _charts_of(memory):
        began = time.perf_counter()
        with suppress(*_NOTHING_YET):
            pictures.draw(memory, kind, parameters, "json", KINDS[kind].version(memory))
        if is_over.wait(time.perf_counter() - began):
            return


def _charts_of(memory: Memory) -> Iterator[Chart]:
    yield from CHARTS
    with suppress(*_NOTHING_YET):
        for column in segment_columns(memory):
            yield from ((kind, {"segment_column": column}) for kind in BY_SEGMENT)
