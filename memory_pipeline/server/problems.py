"""Errors as problem documents (RFC 9457) that name field, value and remedy."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.store.database import DiscoveryInProgressError, RebuildInProgressError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
_LONGEST_VALUE = 200


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request.

    Attributes
    ----------
    field
        Where: `body.approach_details`, `query.limit`.
    value
        What was sent, shortened; None where nothing was.
    remedy
        What to send instead.
    nearest
        The nearest value that the memory knows, where there is one.
    """

    field: str
    value: str | None
    remedy: str
    nearest: str | None = None


class ProblemError(HTTPException):
    """A request that cannot be answered, as the problem document that says why.

    Parameters
    ----------
    status
        HTTP status code.
    detail
        What is wrong and what to do, in a sentence.
    errors
        What is wrong with single fields.
    headers
        Headers of the answer, such as `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = errors

    def to_dict(self) -> dict[str, Any]:
        """Return the problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [vars(one) for one in self.errors]
        return document

    def to_response(self) -> JSONResponse:
        """Return the HTTP response."""
        return JSONResponse(self.to_dict(), self.status_code, self.headers, media_type=MEDIA_TYPE)


def unknown_value(name: str, value: str, known: Iterable[str]) -> FieldError:
    """Return the error of a value that is not among the known ones, with the nearest of them."""
    choices = sorted(map(str, known))
    folded = {one.casefold(): one for one in choices}
    close = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.6)
    nearest = folded[close[0]] if close else None
    shown = ", ".join(choices[:12]) + (" …" if len(choices) > 12 else "")  # noqa: PLR2004 - a line's worth
    hint = f"did you mean {nearest!r}?" if nearest else f"use one of {shown}" if choices else "leave it out"
    return FieldError(name, value[:_LONGEST_VALUE], hint, nearest)


def install(app: FastAPI) -> None:
    """Answer every error of an application as a problem document."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    for error, status in (
        (IngestError, 422),
        (RebuildInProgressError, 409),
        (DiscoveryInProgressError, 409),
        (FileNotFoundError, 409),
        (KeyError, 404),
        (ValueError, 422),
        (RuntimeError, 409),
    ):
        app.add_exception_handler(error, _answering(status))


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - for mypy
    return error.to_response()


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - for mypy
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "there is nothing at this address; see /openapi.json"
    return ProblemError(error.status_code, detail, headers=error.headers).to_response()


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for mypy
    errors = tuple(field_error(one) for one in error.errors())
    named = "; ".join(f"{one.field}: {one.remedy}" for one in errors[:3])
    return ProblemError(422, f"the request cannot be used: {named}", errors).to_response()


def field_error(error: Mapping[str, Any]) -> FieldError:
    """Return one error of pydantic in the project's words."""
    place = ".".join(map(str, error["loc"]))
    value = error.get("input")
    is_missing = error["type"] == "missing"
    shown = None if is_missing else repr(value)[:_LONGEST_VALUE]
    context = {key: one for key, one in (error.get("ctx") or {}).items() if key != "error"}
    remedy = "it is required" if is_missing else _REMEDIES.get(error["type"], error["msg"]).format(**context)
    return FieldError(place, shown, remedy.removeprefix("Value error, "))


_REMEDIES = {
    "extra_forbidden": "this field is not known; leave it out",
    "int_parsing": "send a whole number",
    "float_parsing": "send a number",
    "bool_parsing": "send true or false",
    "string_type": "send text",
    "dict_type": "send an object of names and values",
    "list_type": "send a list",
    "json_invalid": "the body is not JSON: {error}",
    "datetime_parsing": "send a time such as 2026-05-01T12:00:00Z",
    "datetime_from_date_parsing": "send a time such as 2026-05-01T12:00:00Z",
    "timezone_aware": "send a time with its zone, such as 2026-05-01T12:00:00Z",
    "literal_error": "use one of {expected}",
    "enum": "use one of {expected}",
    "less_than_equal": "send at most {le}",
    "greater_than_equal": "send at least {ge}",
    "greater_than": "send more than {gt}",
    "less_than": "send less than {lt}",
    "string_too_long": "send at most {max_length} characters",
    "string_too_short": "send at least {min_length} characters",
    "too_long": "send at most {max_length} entries",
    "too_short": "send at least {min_length} entries",
}


def _answering(status: int) -> Any:
    async def answer(_: Request, error: Exception) -> JSONResponse:
        message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        return ProblemError(status, message).to_response()

    return answer
