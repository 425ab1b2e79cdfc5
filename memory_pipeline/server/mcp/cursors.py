"""Where the next part of a search begins: time and id of the last outcome that was looked at."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import datetime
from typing import Any

from memory_pipeline.server.mcp.arguments import refuse
from memory_pipeline.server.problems import FieldError

_CHECK = 8


def write_cursor(search: Any, position: tuple[datetime, str]) -> str:
    """Return a cursor as text; it is refused with any other search."""
    content = json.dumps([position[0].isoformat(), position[1]]).encode()
    return base64.urlsafe_b64encode(_check(search, content) + content).decode().rstrip("=")


def read_cursor(tool: str, search: Any, text: str | None) -> tuple[datetime, str] | None:
    """Read a cursor; None where there is none.

    Raises
    ------
    ProblemError
        When it was damaged, or belongs to another search.
    """
    if text is None:
        return None
    remedy = "send next_cursor of an answer to the same search, or leave it out to begin again"
    problem = refuse(tool, FieldError("cursor", text[:80], remedy))
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise problem from None
    if raw[:_CHECK] != _check(search, raw[_CHECK:]):
        raise problem
    time, identity = json.loads(raw[_CHECK:])
    return datetime.fromisoformat(time), str(identity)


def _check(search: Any, content: bytes) -> bytes:
    scope = json.dumps(search, sort_keys=True, default=str).encode()
    return hashlib.blake2b(scope + b"\0" + content, digest_size=_CHECK).digest()
