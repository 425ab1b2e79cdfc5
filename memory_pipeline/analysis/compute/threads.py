"""How many threads a computation uses, and how work is divided among them.

Linear algebra on small matrices runs on one thread: it is faster beside other work, and gives the same
digits on every machine.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, wraps
from itertools import pairwise
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


Result = TypeVar("Result")


MOST_THREADS = 16
"""Most threads that are used: more of them wait for memory, and each fills cells of its own."""
_SMALLEST_PART = 50_000
"""Entries below which a part is not worth a thread."""


P = ParamSpec("P")
R = TypeVar("R")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit every library that is loaded by now to one thread, including those that use OpenMP."""
    with ThreadpoolController().limit(limits=1):
        yield


def on_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Limit the linear algebra library to one thread while a function runs.

    The models here invert matrices of a few hundred rows, many times over. Threads that wait for each
    other in a busy loop made the same fit a hundred times slower on a machine with other work on it.
    """

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _controller().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited


def thread_count() -> int:
    """Count the processors that this process may use, at most `MOST_THREADS`."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MOST_THREADS)
    return min(os.cpu_count() or 1, MOST_THREADS)


def parts_of(entries: int, threads: int) -> list[tuple[int, int]]:
    """Divide a range of entries into at most one part per thread, each of at least 50,000 entries.

    Returns
    -------
    list of (int, int)
        First entry of each part, and the one after its last.
    """
    parts = max(min(threads, entries // _SMALLEST_PART), 1)
    ends = [entries * part // parts for part in range(parts + 1)]
    return list(pairwise(ends))


def on_threads(
    function: Callable[..., Result], parts: Sequence[tuple[int, ...]], *, threads: int = MOST_THREADS
) -> list[Result]:
    """Call a function with each part, each on its own thread; results are in the order of the parts."""
    if threads == 1 or len(parts) == 1:
        return [function(*part) for part in parts]
    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        return list(pool.map(lambda part: function(*part), parts))
