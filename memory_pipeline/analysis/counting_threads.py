"""Shares of one task on several threads, for work that holds no interpreter lock."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")

MOST_THREADS = 16
"""More threads wait for memory, and each fills cells of its own."""
_SMALLEST_PART = 50_000
"""Entries below which a part is not worth a thread."""


def thread_count() -> int:
    """Count the processors that this process may use, at most `MOST_THREADS`."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MOST_THREADS)
    return min(os.cpu_count() or 1, MOST_THREADS)


def parts_of(entries: int, threads: int) -> list[tuple[int, int]]:
    """Cut a range of entries into one part per thread, none of them tiny."""
    parts = max(min(threads, entries // _SMALLEST_PART), 1)
    ends = [entries * part // parts for part in range(parts + 1)]
    return list(pairwise(ends))


def on_threads(
    function: Callable[..., Result], parts: Sequence[tuple[int, ...]], *, threads: int = MOST_THREADS
) -> list[Result]:
    """Call a function with each part, on a thread each; the results keep the order of the parts."""
    if threads == 1 or len(parts) == 1:
        return [function(*part) for part in parts]
    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        return list(pool.map(lambda part: function(*part), parts))
