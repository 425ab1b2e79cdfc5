"""Forms of pages: read what was sent, and take only what one of this server's own pages sent."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from memory_pipeline.server.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.store.access import Grant

FORM_COOKIE = "memory_form"
"""Cookie whose value every form repeats in a hidden field (double submit), so that no other site can post."""
TOKEN_COOKIE = "memory_token"  # noqa: S105 - the cookie's name
"""Cookie that holds the token of whoever signed in; no script can read it."""
FORM_FIELD = "form_token"
_MOST_FIELDS = 200


async def _read(request: Request) -> Mapping[str, str]:
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    sent = {name: value for name, value in form.multi_items() if not isinstance(value, UploadFile)}
    known = request.cookies.get(FORM_COOKIE, "")
    if not known or not hmac.compare_digest(known.encode(), sent.pop(FORM_FIELD, "").encode()):
        raise ProblemError(
            403, "this form is too old, or another site sent it; load the page again and repeat it"
        )
    return sent


SentForm = Annotated[dict[str, str], Depends(_read)]
"""The fields of a form that one of this server's pages sent."""


def keep_decision(memory: Memory, kind: str, identity: str, sent: Mapping[str, str], who: Grant) -> None:
    """Keep what a form decides about a finding, or notes about it; raises as `Memory.decide`.

    A form shows the note that there is, so that an emptied field removes it.
    """
    memory.decide(
        kind,
        identity,
        sent.get("decision") or None,
        by=who.name,
        note=sent.get("note"),
        is_whole_id=True,
    )


def see(address: str) -> RedirectResponse:
    """Return the answer to a form: the browser loads a page, so that a reload repeats nothing."""
    return RedirectResponse(address, status_code=303)


def is_encrypted(request: Request) -> bool:
    """Return whether the browser speaks TLS, to this server or to the proxy before it."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto")}


def inner_address(wanted: str | None, fallback: str = "/") -> str:
    """Return an address of this server alone, so that no link can send a reader elsewhere.

    >>> inner_address("/patterns?sort=impact"), inner_address("//evil.example"), inner_address(None)
    ('/patterns?sort=impact', '/', '/')
    """
    if (
        not wanted
        or not wanted.startswith("/")
        or wanted.startswith(("//", "/\\"))
        or not wanted.isprintable()
    ):
        return fallback
    return wanted
