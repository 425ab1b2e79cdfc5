"""Answers that a client has already: entity tags by what the memory holds, and `304 Not Modified`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

from memory_pipeline import __version__

if TYPE_CHECKING:
    from starlette.requests import Request

CACHE_CONTROL = "private, no-cache"
"""A browser may keep the answer, and asks each time whether it still holds."""
_VARY = "Accept, Accept-Encoding, Authorization"


def entity_tag(request: Request, version: str, media: str) -> str:
    """Return the tag of an answer: of what was asked, in which form, and what the memory holds of it.

    It is weak (RFC 9110, section 8.8.1): a compressed answer has the same one.
    """
    asked = f"{request.url.path}?{request.url.query}\n{media}\n{version}\n{__version__}"
    return f'W/"{hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()}"'


def not_modified(request: Request, tag: str) -> Response | None:
    """Return `304 Not Modified` where the client has the answer already; None where it has to be made."""
    header = request.headers.get("if-none-match")
    if header is None:
        return None
    tags = {one.strip().removeprefix("W/") for one in header.split(",")}
    if "*" not in tags and tag.removeprefix("W/") not in tags:
        return None
    return Response(status_code=304, headers=cache_headers(tag))


def cache_headers(tag: str) -> dict[str, str]:
    """Return the headers of an answer that can be kept."""
    return {"ETag": tag, "Cache-Control": CACHE_CONTROL, "Vary": _VARY}
