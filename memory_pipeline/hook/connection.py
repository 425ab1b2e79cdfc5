"""Requests to the server of the memory that never take longer than they may.

The request runs in a thread of its own, so that looking up a name, TLS and a server that answers byte by byte
are all bounded.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_URL = "http://127.0.0.1:8017"
_URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[^/:@?#\s]+)(?::(\d{1,5}))?(/[^?#\s]*)?")
MAX_ANSWER = 200_000
"""Bytes of an answer that are read."""


class _Request(NamedTuple):
    host: str
    port: int
    path: str
    headers: dict[str, str]
    body: bytes
    seconds: float


class Answer(NamedTuple):
    """What the server answered; `status` is None where it did not, in time or at all."""

    status: int | None
    data: Any = None


def post(path: str, body: Any, deadline: float, headers: Mapping[str, str] | None = None) -> Answer:
    """Post JSON to the server; wait until the deadline at most.

    Parameters
    ----------
    path
        Path below the server's address, which `MEMORY_SERVER_URL` names.
    body
        JSON-able.
    deadline
        By the monotonic clock, in seconds.
    headers
        Further headers; the token of `MEMORY_TOKEN` is sent by itself.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        return Answer(None)
    answers: list[Answer] = []
    work = threading.Thread(
        target=_work, args=(path, json.dumps(body), dict(headers or {}), left, answers), daemon=True
    )
    work.start()
    work.join(left)
    return answers[0] if answers else Answer(None)


def _work(path: str, body: str, headers: dict[str, str], seconds: float, answers: list[Answer]) -> None:
    try:
        answers.append(_post(path, body.encode(), headers, seconds))
    except Exception:  # noqa: BLE001 - a server that is away, and a server that answers nonsense, are the same here
        answers.append(Answer(None))


def _post(path: str, body: bytes, headers: dict[str, str], seconds: float) -> Answer:
    found = _URL.fullmatch(os.environ.get("MEMORY_SERVER_URL") or DEFAULT_URL)
    if found is None:
        return Answer(None)
    scheme, host, port, folder = found.groups()
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    token = os.environ.get("MEMORY_TOKEN", "").strip()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    is_secured = scheme == "https"
    port = int(port or (443 if is_secured else 80))
    request = _Request(host, port, (folder or "").rstrip("/") + path, headers, body, seconds)
    status, content = _post_secured(request) if is_secured else _post_plain(request)
    try:
        return Answer(status, json.loads(content))
    except ValueError:
        return Answer(status)


def _post_secured(request: _Request) -> tuple[int, bytes]:
    from http.client import HTTPSConnection  # noqa: PLC0415 - importing it takes a third of the budget

    connection = HTTPSConnection(request.host.strip("[]"), request.port, timeout=request.seconds)
    try:
        connection.request("POST", request.path, request.body, request.headers)
        response = connection.getresponse()
        return response.status, response.read(MAX_ANSWER)
    finally:
        connection.close()


def _post_plain(request: _Request) -> tuple[int, bytes]:
    """Post with HTTP/1.0, whose answers are neither chunked nor kept open."""
    import socket  # noqa: PLC0415 - bounded like the request

    headers = {
        **request.headers,
        "Host": f"{request.host}:{request.port}",
        "Content-Length": str(len(request.body)),
        "Connection": "close",
    }
    lines = [f"POST {request.path} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
    if any(not line.isprintable() for line in lines):
        raise ValueError("the token or the address holds a control character; correct MEMORY_TOKEN")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    data = b""
    address = (request.host.strip("[]"), request.port)
    with socket.create_connection(address, timeout=request.seconds) as connection:
        connection.sendall(head + request.body)
        while len(data) < MAX_ANSWER and not _is_whole(data):
            part = connection.recv(65_536)
            if not part:
                break
            data += part
    start, _, content = data.partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1\.[01] (\d{3})\b", start)
    if found is None:
        raise ValueError("the answer is not HTTP")
    return int(found[1]), content


def _is_whole(data: bytes) -> bool:
    """Whether the length that the answer says has arrived."""
    head, blank, content = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *(\d{1,9})", head) if blank else None
    return found is not None and len(content) >= int(found[1])


def organisation_context() -> dict[str, str]:
    """Return what `MEMORY_CONTEXT` says about every attempt from here, such as `{"team": "sales"}`."""
    try:
        given = json.loads(os.environ.get("MEMORY_CONTEXT") or "{}")
    except ValueError:
        return {}
    return (
        {key: value for key, value in given.items() if isinstance(value, str)}
        if isinstance(given, dict)
        else {}
    )
