"""Read the bodies of requests whole, and refuse JSON that is nested without end before anything parses it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from memory_pipeline.server.problems import FieldError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]

JSON_LINES = "application/x-ndjson"
DEEPEST = 64
"""Levels of lists and objects in one another."""
_QUICK_BYTES = 100_000
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN = 200
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


async def read_body(receive: Receive) -> bytes:
    """Read a body to its end; its size and its time are bounded by what `receive` does.

    Raises
    ------
    ClientDisconnect
        When the client goes before the end.
    """
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out a body that was read already, and then what comes after it."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def check_depth(body: bytes) -> None:
    """Check that JSON is nested no deeper than `DEEPEST`.

    Raises
    ------
    ProblemError
        When it is; found without parsing, so that no depth costs more than its length.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    too_deep = _is_too_deep(body) if len(body) < _QUICK_BYTES else await asyncio.to_thread(_is_too_deep, body)
    if too_deep:
        remedy = f"send lists and objects nested at most {DEEPEST} deep"
        raise ProblemError(
            422, f"the body is nested too deeply; {remedy}", (FieldError("body", None, remedy),)
        )


def _is_too_deep(body: bytes) -> bool:
    depth = 0
    for token in _TOKEN.finditer(body):
        first = token[0]
        if first in {b"[", b"{"}:
            depth += 1
            if depth > DEEPEST:
                return True
        elif first in {b"]", b"}"}:
            depth -= 1
    return False


def check_characters(body: bytes) -> None:
    """Check that JSON holds no text that the database cannot store.

    Raises
    ------
    ProblemError
        At the first text with a NUL character or half of a surrogate pair; it names the field. JSON that
        cannot be parsed is left to whoever parses it.
    """
    if _ESCAPED.search(body) is None:
        return
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return
    for field, text in _texts("body", sent):
        if _UNSTORABLE.search(text):
            raise unstorable(field, text)


def unstorable(field: str, text: str) -> ProblemError:
    """Return the problem of a text that the database cannot store."""
    remedy = "it holds a NUL character or half of a surrogate pair; send it without"
    shown = ascii(text[:_SHOWN])[1:-1]
    return ProblemError(422, f"{field}: {remedy}", (FieldError(field, shown, remedy),))


def _texts(field: str, sent: Any) -> Iterator[tuple[str, str]]:
    """Return all texts and names of a JSON value, each with where it stands."""
    if isinstance(sent, str):
        yield field, sent
    elif isinstance(sent, list):
        for number, one in enumerate(sent):
            yield from _texts(f"{field}.{number}", one)
    elif isinstance(sent, dict):
        for name, one in sent.items():
            if _UNSTORABLE.search(name):
                yield field, name
            else:
                yield from _texts(f"{field}.{name}", one)


def parse_json(body: bytes) -> Any:
    """Parse a body as JSON.

    Raises
    ------
    ProblemError
        When it is not JSON; the message says where.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_json("body", error) from error


def parse_json_lines(body: bytes) -> Iterator[Any]:
    """Parse a body with one JSON value a line; empty lines do not count.

    Raises
    ------
    ProblemError
        At the first line that is not JSON.
    """
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _not_json(f"body.{number}", error) from error


def _not_json(field: str, error: Exception) -> ProblemError:
    what = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "not readable"
    if isinstance(error, UnicodeDecodeError):
        what = "not UTF-8"
    where = "the body" if field == "body" else f"line {field.partition('.')[2]}"
    return ProblemError(
        422, f"{where} is not JSON ({what})", (FieldError(field, None, f"send JSON: {what}"),)
    )
