"""Report outcomes to a server, and keep those on this machine that it does not take just now."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, cast

from memory_pipeline.client.answers import Flushed, ReportResult, Row
from memory_pipeline.client.connection import Connection, MemoryProblem, MemoryUnreachable
from memory_pipeline.hook.connection import DEFAULT_URL
from memory_pipeline.hook.outbox import keep, refused, send_kept, state_folder, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import httpx

OUTCOMES = "/api/memory/outcomes"
_FLUSH_PAUSE = 30.0
"""Seconds after a flush that the server did not take, before the next one that nobody asked for."""
_NOT_ALLOWED = {401, 403}
_FLUSH_MOST = 100
"""Outcomes that a call sends besides its own work."""


class ReportingClient:
    """A client that reports outcomes and loses none; the parameters are those of `MemoryClient`."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 10.0,
        tries: int = 4,
        buffer: Path | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = (url or os.environ.get("MEMORY_SERVER_URL") or DEFAULT_URL).rstrip("/")
        token = token or os.environ.get("MEMORY_TOKEN", "").strip() or None
        self._connection = Connection(
            self.url, token, timeout=timeout, tries=tries, transport=transport, sleep=sleep
        )
        name = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self.buffer = state_folder("client_outbox") / name if buffer is None else buffer
        self._flushes_from = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; outcomes that wait stay where they are."""
        self._connection.close()

    def report_outcome(self, outcome: Mapping[str, Any]) -> ReportResult:
        """Report an outcome; where the server is away it is kept, and sent with a later call.

        Parameters
        ----------
        outcome
            In the project's own form. Without `source_record_id` it gets one, so that it is stored once.

        Raises
        ------
        MemoryProblem
            When the server refuses it; `document["quarantine_id"]` says under which number it waits there.
        """
        return self.report_outcomes([outcome])

    def report_outcomes(
        self, outcomes: Iterable[Mapping[str, Any]], *, mapping: str | None = None, source: str | None = None
    ) -> ReportResult:
        """Report outcomes in one transaction; where the server is away they are kept as by `report_outcome`.

        Parameters
        ----------
        outcomes
            In the project's own form, or rows that the mapping reads.
        mapping
            Name of a shipped mapping. Rows that one reads are not kept: without the server this raises.
        source
            For outcomes that name none.

        Raises
        ------
        MemoryProblem
            When the server refuses them. Of several, single ones are refused in `items` instead.
        RuntimeError
            When the buffer is full.
        """
        if mapping is not None:
            body = {"outcomes": [dict(one) for one in outcomes], "mapping": mapping, "source": source}
            return _result(self._post(OUTCOMES, body, key=new_key()))
        rows = [_identified(one, source) for one in outcomes]
        keys = [new_key() for _ in rows]
        # What was reported first is sent first: it may be what a later report corrects.
        if waiting(self.buffer) and self.flush().waiting:
            return self._keep(rows, keys)
        try:
            body = rows[0] if len(rows) == 1 else {"outcomes": rows}
            return _result(self._post(OUTCOMES, body, key=keys[0] if len(rows) == 1 else new_key()))
        except MemoryUnreachable:
            return self._keep(rows, keys)

    def flush(self) -> Flushed:
        """Send the outcomes that wait, the oldest first, until the server does not take any."""
        return self._flush(None)

    def pages(self, path: str, **query: Any) -> Iterator[Row]:
        """Yield the rows of any list of the server, a page at a time; parameters of None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        cursor: str | None = None
        while True:
            page = self._get(path, given if cursor is None else {**given, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Row:
        return cast("Row", self._send("GET", path, params=query).json())

    def _post(
        self, path: str, body: Any, *, key: str | None = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._send("POST", path, json=body, headers=headers, params=params).json()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._connection.send(method, path, **options)
        if time.monotonic() >= self._flushes_from and waiting(self.buffer):
            self._flush(_FLUSH_MOST)
        return response

    def _flush(self, most: int | None) -> Flushed:
        sent = 0

        def send(outcome: dict[str, Any], key: str) -> int | None:
            nonlocal sent
            if sent == most:
                return None
            try:
                headers = {"Idempotency-Key": key}
                self._connection.send("POST", OUTCOMES, tries=1, json=outcome, headers=headers)
            except MemoryUnreachable:
                return None
            except MemoryProblem as problem:
                return None if problem.status in _NOT_ALLOWED else problem.status
            sent += 1
            return 200

        send_kept(self.buffer, send)
        left = len(waiting(self.buffer))
        self._flushes_from = time.monotonic() + _FLUSH_PAUSE if left and sent != most else 0.0
        return Flushed(sent, left, len(refused(self.buffer)))

    def _keep(self, rows: list[dict[str, Any]], keys: list[str]) -> ReportResult:
        for row, key in zip(rows, keys, strict=True):
            if not keep(self.buffer, row, key, datetime.now(tz=UTC)):
                msg = f"the buffer {self.buffer} is full; start the server and call flush()"
                raise RuntimeError(msg)
        items: list[Row] = [
            {"index": index, "status": "kept", "id": None, "quarantine_id": None, "errors": [], "notes": []}
            for index in range(len(rows))
        ]
        counts = dict.fromkeys(("stored", "changed", "unchanged", "quarantined", "skipped"), 0)
        result = {"ingest_id": None, "read": len(rows), **counts, "kept": len(rows), "items": items}
        return cast("ReportResult", result)


def new_key() -> str:
    """Return a key for a write, which makes it one write however often it is sent."""
    return str(uuid.uuid4())


def _identified(outcome: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """Return an outcome as JSON-able, with the identity that makes it one, however often it is sent."""
    row = {name: one.isoformat() if isinstance(one, datetime) else one for name, one in outcome.items()}
    row["source"] = row.get("source") or source or "client"
    if row.get("source_record_id") is None:
        row["source_record_id"] = new_key()
    return row


def _result(answer: Any) -> ReportResult:
    return cast("ReportResult", {**answer, "kept": 0})
