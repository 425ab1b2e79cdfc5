"""Compile an inner loop, and keep it in a cache where one can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use, without the interpreter lock, from the cache where one can be kept."""
    try:
        kernel = numba.njit(function, nogil=True, cache=True)
    except RuntimeError:  # numba finds no folder that it may write to
        kernel = numba.njit(function, nogil=True)
    result: Callable[..., Any] = kernel
    return result
