"""What /openapi.json says of every route: errors as problem documents, and the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.server.formats import CSV, PARQUET
from memory_pipeline.server.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}
FIELD_ERROR = {
    "type": "object",
    "description": "What is wrong with one field of the request.",
    "required": ["field", "value", "remedy", "nearest"],
    "properties": {
        "field": {**_TEXT, "description": "Where: `body.approach_details`, `query.limit`."},
        "value": {**_MAYBE_TEXT, "description": "What was sent, shortened."},
        "remedy": {**_TEXT, "description": "What to send instead."},
        "nearest": {**_MAYBE_TEXT, "description": "The nearest value that the memory knows."},
    },
}
PROBLEM = {
    "type": "object",
    "description": "Why the request was not answered (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {**_TEXT, "description": "`about:blank`: the status says what kind of problem it is."},
        "title": {**_TEXT, "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**_TEXT, "description": "What is wrong and what to do."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
    "examples": [
        {
            "type": "about:blank",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "the request cannot be used: query.limit: send at most 500",
            "errors": [
                {"field": "query.limit", "value": "'900'", "remedy": "send at most 500", "nearest": None}
            ],
        }
    ],
}
_PROBLEM_ANSWER = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_ERRORS = {
    "401": "No token, or one that is not in force.",
    "403": "The token's scope does not allow it.",
    "422": "A value cannot be used; `errors` name field, value and remedy.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
    "default": "Any other error.",
}
_OPEN = ("/healthz", "/readyz")
_METHODS = {"get", "post", "put", "patch", "delete"}


def install(app: FastAPI) -> None:
    """Complete the OpenAPI document of an application."""
    made = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(made())
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]
    app.openapi_schema = None


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= {"Problem": PROBLEM, "FieldError": FIELD_ERROR}
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `memory-pipeline token create`.",
        }
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in _METHODS:
                continue
            responses = operation.setdefault("responses", {})
            for status, text in _ERRORS.items():
                responses[status] = {"description": text, **_PROBLEM_ANSWER}
            if path not in _OPEN:
                operation.setdefault("security", [{"token": []}, {}])
    return document


def table_answers(row: type[BaseModel], page: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the documented answers of a route that sends a table.

    Parameters
    ----------
    row
        Model of a row, for its description.
    page
        Model of a page of rows.
    """
    headers = {
        "ETag": {"description": "Tag of this state of the answer.", "schema": _TEXT},
        "X-Total-Count": {"description": "Rows in all.", "schema": {"type": "integer", "minimum": 0}},
        "Link": {"description": 'Address of the next page, `rel="next"`; not on the last.', "schema": _TEXT},
    }
    return {
        200: {
            "model": page,
            "description": (row.__doc__ or "").strip().partition("\n")[0],
            "headers": headers,
            "content": {
                CSV: {"schema": {**_TEXT, "description": "The items as CSV; nested values as JSON."}},
                PARQUET: {"schema": {**_TEXT, "format": "binary"}},
            },
        },
        **NOT_MODIFIED,
        406: problem_answer("None of the formats that the client accepts."),
    }


def problem_answer(description: str) -> dict[str, Any]:
    """Return a documented error."""
    return {"description": description, **_PROBLEM_ANSWER}


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client's `If-None-Match` names the present state: keep what you have."}
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: problem_answer("There is nothing with this id.")}
NOT_REBUILT: dict[int | str, dict[str, Any]] = {
    409: problem_answer("Nothing was analysed yet; run a rebuild.")
}
