"""Write a page from its template, with the headers that keep foreign scripts out."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from memory_pipeline import __version__
from memory_pipeline.server.caching import CACHE_CONTROL
from memory_pipeline.server.dashboard import marks, words
from memory_pipeline.server.dashboard.forms import FORM_COOKIE, TOKEN_COOKIE, is_encrypted
from memory_pipeline.server.dashboard.static_files import address_of

if TYPE_CHECKING:
    from starlette.requests import Request

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: what data holds can never run, and no request leaves the server."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": CACHE_CONTROL,
    "Vary": "Accept-Encoding, Cookie",
}
NAVIGATION = (
    ("/", "Today"),
    ("/outcomes", "Outcomes"),
    ("/patterns", "Patterns"),
    ("/factors", "Factors"),
    ("/advice", "Advice"),
    ("/learning", "Learning"),
    ("/change", "Why did it change?"),
    ("/members", "Members"),
    ("/monitoring", "Monitoring"),
    ("/alerts", "Alerts"),
    ("/admin", "Admin"),
)


@cache
def environment() -> Environment:
    """Return the templates; every value is escaped, and a misspelt name is an error."""
    made = Environment(
        loader=PackageLoader("memory_pipeline.server.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words.FILTERS)
    made.globals.update(
        words.FUNCTIONS, static=address_of, interval_mark=marks.interval_mark, bar_mark=marks.bar_mark
    )
    return made


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page as a response.

    Parameters
    ----------
    request
        What was asked.
    template
        Its file below `templates`.
    status
        HTTP status code.
    values
        What the template shows.
    """
    form_token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    grant = getattr(request.state, "grant", None)
    text = (
        environment()
        .get_template(template)
        .render(
            path=request.url.path,
            navigation=NAVIGATION,
            version=__version__,
            form_secret=form_token,  # the macro that writes it has the other name
            may=(lambda scope: grant is not None and grant.allows(scope)),
            who=None if grant is None else grant.name,
            is_signed_in=TOKEN_COOKIE in request.cookies,
            here=_address_with(request),
            asked=request.query_params,
            **values,
        )
    )
    body = text.encode("utf-8", "replace")
    headers = dict(HEADERS)
    if status == 200 and request.method in {"GET", "HEAD"}:  # noqa: PLR2004 - OK
        headers["ETag"] = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
    response = Response(body, status, headers, media_type="text/html; charset=utf-8")
    if FORM_COOKIE not in request.cookies:
        response.set_cookie(
            FORM_COOKIE, form_token, httponly=True, samesite="strict", secure=is_encrypted(request)
        )
    return response


def _address_with(request: Request) -> Any:
    """Return a function that writes the page's address with some parameters changed; None takes one out."""

    def address(**changed: Any) -> str:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changed]
        new = [(name, value) for name, value in changed.items() if value is not None]
        query = urlencode([*kept, *new])
        return f"{request.url.path}?{query}" if query else request.url.path

    return address
