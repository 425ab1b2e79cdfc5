"""How an inner loop is compiled, and cached on disk where a folder is writable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on its first call (numba); it runs without the interpreter lock.

    The machine code is cached on disk, unless numba finds no folder that it may write to.
    """
    try:
        kernel = numba.njit(function, nogil=True, cache=True)
    except RuntimeError:  # numba finds no folder that it may write to
        kernel = numba.njit(function, nogil=True)
    result: Callable[..., Any] = kernel
    return result
