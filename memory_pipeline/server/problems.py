"""Errors as problem documents (RFC 9457) that name field, value and remedy."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from memory_pipeline.analysis.features.unknown_values import nearest_known
from memory_pipeline.ingest.errors import IngestError, StorageError
from memory_pipeline.store.database import DiscoveryInProgressError, RebuildInProgressError
from memory_pipeline.store.errors import StoreError, explain
from memory_pipeline.store.jobs import JobRunningError

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
    members
        Further members of the document, such as the id of what stands in the way.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = errors
        self.members = dict(members or {})

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
        return document | self.members

    def to_response(self) -> JSONResponse:
        """Return the HTTP response."""
        return JSONResponse(self.to_dict(), self.status_code, self.headers, media_type=MEDIA_TYPE)


def unknown_value(name: str, value: str, known: Iterable[str]) -> FieldError:
    """Return the error of a value that is not among the known ones, with the nearest of them."""
    choices = sorted(map(str, known))
    nearest = next(iter(nearest_known(value, choices)), None)
    shown = ", ".join(choices[:12]) + (" …" if len(choices) > 12 else "")  # noqa: PLR2004 - a line's worth
    hint = f"did you mean {nearest!r}?" if nearest else f"use one of {shown}" if choices else "leave it out"
    return FieldError(name, value[:_LONGEST_VALUE], hint, nearest)


def install(app: FastAPI) -> None:
    """Answer every error of an application as a problem document."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(JobRunningError, _on_running)
    for one in _OF_DATABASE:
        app.add_exception_handler(one, _on_database)
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
    context = error.get("ctx") or {}
    remedy = "it is required" if is_missing else str(error["msg"]).removeprefix("Value error, ")
    if error["type"] in _REMEDIES:
        remedy = _REMEDIES[error["type"]].format(**context)
    return FieldError(place, shown, remedy)


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
    "string_pattern_mismatch": "send text that matches the regular expression {pattern}",
    "string_too_long": "send at most {max_length} characters",
    "string_too_short": "send at least {min_length} characters",
    "too_long": "send at most {max_length} entries",
    "too_short": "send at least {min_length} entries",
}


_OF_DATABASE = (DBAPIError, PoolTimeoutError, StorageError, StoreError)
_AWAY_SECONDS = 5


def database_problem(error: Exception) -> ProblemError | None:
    """Return the problem of a database that does not answer, or refuses; None where the error is another."""
    if not isinstance(error, _OF_DATABASE):
        return None
    meaning = explain(error)
    if meaning is not None and not meaning.is_away:
        return ProblemError(503, str(meaning))
    if meaning is None and not isinstance(error, StorageError):
        return None
    wait = {"Retry-After": str(_AWAY_SECONDS)}
    return ProblemError(503, "the database does not answer; nothing was written, so send it again", (), wait)


async def _on_database(_: Request, error: Exception) -> JSONResponse:
    problem = database_problem(error)
    if problem is None:
        raise error
    return problem.to_response()


async def _on_running(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, JobRunningError)  # noqa: S101 - for mypy
    job = f"/api/memory/jobs/{error.identity}"
    return ProblemError(409, str(error), members={"job": error.identity, "job_url": job}).to_response()


def is_meant_for_the_caller(error: Exception) -> bool:
    """Return whether an error was raised by this project to say what is wrong with a request.

    An error of a library, or one that Python raised by itself, says how this project failed instead.
    """
    if isinstance(error, RecursionError | NotImplementedError) or getattr(error, "errno", None) is not None:
        return False
    if isinstance(error, KeyError) and not (error.args and " " in str(error.args[0])):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and "raise" in (frames[-1].line or "") and "memory_pipeline" in frames[-1].filename


def _answering(status: int) -> Any:
    async def answer(_: Request, error: Exception) -> JSONResponse:
        if not is_meant_for_the_caller(error):
            raise error
        message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        return ProblemError(status, message).to_response()

    return answer
