"""Where the next page of a list begins, as a text that no client can read or make up by accident."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

_CHECK = 8
REMEDY = "send next_cursor of a page with the same filters and order, or leave it out to begin again"


def write_text(scope: str, content: Any) -> str:
    """Return a cursor.

    Parameters
    ----------
    scope
        What is listed: address, filters and order. The cursor is refused anywhere else.
    content
        Where the page ended, as values that JSON has.
    """
    written = json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(scope, written) + written).decode().rstrip("=")


def read_text(scope: str, cursor: str) -> Any:
    """Return the content of a cursor.

    Raises
    ------
    ValueError
        When it was damaged, or belongs to another list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(REMEDY) from error
    if raw[:_CHECK] != _check(scope, raw[_CHECK:]):
        raise ValueError(REMEDY)
    return json.loads(raw[_CHECK:])


def _check(scope: str, content: bytes) -> bytes:
    return hashlib.blake2b(scope.encode() + b"\0" + content, digest_size=_CHECK).digest()
