"""After a packaging command: report how it ended, now or with the next report."""

from __future__ import annotations

import hashlib
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.hook.attempts import attempts_of
from memory_pipeline.hook.connection import organisation_context, post
from memory_pipeline.hook.exit_codes import ending_of
from memory_pipeline.hook.outbox import keep, send_kept, state_folder

if TYPE_CHECKING:
    from memory_pipeline.hook.events import Event
    from memory_pipeline.hook.exit_codes import Ending
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

SOURCE = "agent_hook"
_PLATFORMS = {"win32": "windows", "cygwin": "windows", "darwin": "macos", "linux": "linux"}
_FIELDS = ("application_type", "application_vendor")


def report_after(event: Event, deadline: float) -> None:
    """Keep the outcomes of an event, and send what is kept until the deadline."""
    now = datetime.now(tz=UTC)
    folder = state_folder("hook_outbox")
    for number, command in enumerate(attempts_of(event)):
        is_meant = command.action != "uninstall" and command.tool != "hdiutil" and command.application_name
        ending = ending_of(command, event) if is_meant else None
        if ending is not None:
            key = idempotency_key(event, command, number, now)
            keep(folder, outcome_of(command, ending, event, now, key), key, now)

    def send(outcome: dict[str, Any], key: str) -> int | None:
        if time.monotonic() >= deadline:
            return None
        return post("/api/memory/outcomes", outcome, deadline, {"Idempotency-Key": key}).status

    send_kept(folder, send)


def idempotency_key(event: Event, command: ParsedCommand, number: int, now: datetime) -> str:
    """Return a key that is the same when the same call is reported again."""
    when = event.call or now.isoformat()
    return hashlib.sha256(
        "\n".join((event.session, command.command, when, str(number))).encode()
    ).hexdigest()[:40]


def outcome_of(
    command: ParsedCommand, ending: Ending, event: Event, now: datetime, key: str
) -> dict[str, Any]:
    """Return the outcome in the project's own form; the command's output is not in it."""
    given = organisation_context()
    context = {name: value for name, value in given.items() if name not in _FIELDS}
    context["platform"] = _PLATFORMS.get(sys.platform, sys.platform)
    if command.action != "install":
        context["command_action"] = command.action
    metrics: dict[str, float] = {}
    if ending.needs_restart:
        metrics["reboot_required"] = 1
    if event.duration_ms is not None:
        metrics["duration_minutes"] = round(event.duration_ms / 60_000, 4)
    reason = {"code": ending.code, "reason": ending.reason, "detail": None}
    outcome: dict[str, Any] = {
        **{name: given[name] for name in _FIELDS if name in given},
        "application_name": command.application_name,
        "application_version": command.application_version,
        "installer_type": command.installer_type,
        "approach_details": command.approach,
        "context": context,
        "outcome_status": ending.status,
        "failure_reasons": [reason] if ending.status == "failure" else None,
        "performance_metrics": metrics or None,
        "occurred_at": now.isoformat(),
        "source": SOURCE,
        "source_record_id": key,
    }
    return {name: value for name, value in outcome.items() if value is not None}
