"""An outcome that an agent reports: its record under the contract, and what makes two reports the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.commands import CommandTooLongError, parse_command
from memory_pipeline.server.mcp.arguments import refuse
from memory_pipeline.server.problems import FieldError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.ingest.commands import ParsedCommand

SOURCE = "mcp"
"""Source of the outcomes that agents report."""
_LONGEST_KEY = 150
_NOT_OF_THE_RECORD = {"approach", "command", "idempotency_key"}
_SHOWN = (
    "application_name",
    "outcome_status",
    "approach_details",
    "occurred_at",
    "recommendation_id",
    "recommendation_followed",
)


@dataclass(frozen=True)
class Report:
    """An outcome as it is stored.

    Attributes
    ----------
    record
        Under the contract of outcomes, with `source` and `source_record_id`.
    key
        What the agent repeats to correct it.
    is_timed
        Whether the agent said when it was.
    read
        What was read from the command line.
    """

    record: dict[str, Any]
    key: str
    is_timed: bool
    read: ParsedCommand | None = field(default=None)

    def shown(self) -> dict[str, Any]:
        """Return the main fields."""
        return {name: self.record[name] for name in _SHOWN if name in self.record}


def read_command(tool: str, command: Any) -> ParsedCommand:
    """Return the first packaging command of a text.

    Raises
    ------
    ProblemError
        When there is none, or the text is too long.
    """
    remedy = "name one packaging command, such as `msiexec /i app.msi /qn`, or send `approach` instead"
    if not isinstance(command, str):
        raise refuse(tool, FieldError("command", repr(command)[:200], remedy))
    try:
        parsed = parse_command(command)
    except CommandTooLongError as error:
        raise refuse(tool, FieldError("command", None, f"{error}; {remedy}")) from error
    if parsed is None:
        # The text is not repeated: it may hold a password.
        raise refuse(tool, FieldError("command", None, f"no packaging command was read from it; {remedy}"))
    if parsed.action == "uninstall":
        raise refuse(
            tool, FieldError("command", parsed.command[:200], f"it removes an application; {remedy}")
        )
    return parsed


def build_report(tool: str, sent: Mapping[str, Any], reporter: str, now: datetime) -> Report:
    """Return the record of a report.

    Parameters
    ----------
    tool
        Name of the tool, for messages.
    sent
        The arguments; their values are checked by the contract of outcomes, not here.
    reporter
        Who reports: keys of two of them are never the same.
    now
        When it is reported.

    Raises
    ------
    ProblemError
        When the command or the idempotency key cannot be used.
    """
    given = {name: value for name, value in sent.items() if value is not None}
    record = {name: value for name, value in given.items() if name not in _NOT_OF_THE_RECORD}
    parsed = None
    if "command" in given:
        parsed = read_command(tool, given["command"])
        for name in ("application_name", "application_version", "installer_type"):
            if getattr(parsed, name) is not None:
                record.setdefault(name, getattr(parsed, name))
    approach = given.get("approach")
    if parsed is not None and (approach is None or isinstance(approach, dict)):
        approach = {**parsed.approach, **(approach or {})}
    if approach is not None:
        record["approach_details"] = approach
    key = given.get("idempotency_key")
    if key is None:
        key = _content_key(record, now)
    elif not isinstance(key, str) or not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        remedy = f"send 1 to {_LONGEST_KEY} printable characters, such as a UUID"
        raise refuse(tool, FieldError("idempotency_key", repr(key)[:200], remedy))
    is_timed = "occurred_at" in record
    record.setdefault("occurred_at", now.isoformat())
    record |= {"source": SOURCE, "source_record_id": f"{reporter}:{key}"}
    return Report(record, key, is_timed, parsed)


def _content_key(record: Mapping[str, Any], now: datetime) -> str:
    """Return a hash of what was reported.

    A report without a time and without a recommendation is the same as an equal one of that day only: an
    attempt may be repeated on another day.
    """
    content = dict(record)
    if "occurred_at" not in content and "recommendation_id" not in content:
        content["day"] = f"{now.astimezone(UTC):%Y-%m-%d}"
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:40]
