"""Small matrices on one thread: faster beside other work, and the same digits on every machine."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every library that is loaded by now to one thread, also those that share loops (OpenMP)."""
    with ThreadpoolController().limit(limits=1):
        yield


def on_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function with the linear algebra library held to one thread.

    The models here invert matrices of a few hundred rows, many times over. Threads that wait for each
    other in a busy loop made the same fit a hundred times slower on a machine with other work on it.
    """

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        with _controller().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return held
