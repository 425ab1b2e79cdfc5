"""Which addresses are pages for people, and which are interfaces for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

PROGRAM_PATHS = ("/api/", "/mcp", "/metrics", "/healthz", "/readyz", "/openapi.json")
"""Beginnings of addresses that programs ask; everything else is for people."""
SIGN_IN = "/sign-in"
STATIC = "/static/"
OPEN_PATHS = (SIGN_IN, STATIC)
"""Beginnings of addresses that need no token: the form for it, and files without content of the memory."""


def is_page(path: str) -> bool:
    """Return whether an address is one of a page.

    >>> is_page("/patterns"), is_page("/api/memory/patterns")
    (True, False)
    """
    return not path.startswith(PROGRAM_PATHS)


def header(scope: MutableMapping[str, Any], name: bytes) -> str:
    """Return a header of a request, or an empty text."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
