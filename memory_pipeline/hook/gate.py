"""Before a packaging command: whether this approach failed before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memory_pipeline.hook.connection import organisation_context, post
from memory_pipeline.ingest.commands.parse import parse_commands

if TYPE_CHECKING:
    from memory_pipeline.hook.events import Event
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

MAX_CHECKS = 3
"""Packaging commands of one call that the memory is asked about."""
MAX_SENTENCE = 600
# Modes in which nobody is there who could be asked: a question would be a refusal.
_UNATTENDED = {"bypassPermissions", "dontAsk", "auto"}


def answer_before(event: Event, deadline: float, *, on_failure: str, is_generic: bool) -> str:
    """Return the hook's answer as JSON; empty where the memory has nothing to say, or says it too late.

    Parameters
    ----------
    event
        The call of a shell that is to come.
    deadline
        By the monotonic clock, in seconds.
    on_failure
        `ask`, `deny` or `note`, where the approach failed before.
    is_generic
        Whether the answer has the generic form, not that of Claude Code.
    """
    failed, worked = [], []
    for command in _to_check(event):
        answer = post("/api/memory/approaches/check", question(command), deadline)
        data = answer.data if answer.status == 200 and isinstance(answer.data, dict) else {}  # noqa: PLR2004
        sentence = _sentence(data.get("sentence"))
        if data.get("verdict") == "failed_before" and sentence:
            failed.append(sentence)
        elif data.get("verdict") == "worked_before" and sentence:
            worked.append(sentence)
    if not failed and not worked:
        return ""
    said = "Memory of earlier attempts: " + " ".join(failed or worked)
    decision = on_failure if failed else "note"
    if decision == "ask" and event.permission_mode in _UNATTENDED:
        decision = "note"
    if is_generic:
        verdict = "failed_before" if failed else "worked_before"
        return json.dumps({"decision": decision, "verdict": verdict, "reason": said})
    return json.dumps({"hookSpecificOutput": _claude_code(decision, said)})


def question(command: ParsedCommand) -> dict[str, Any]:
    """Return the body of a check: what is packaged, and with which settings."""
    context = {
        **organisation_context(),
        "application_name": command.application_name,
        "application_version": command.application_version,
        "installer_type": command.installer_type,
    }
    known = {name: value for name, value in context.items() if value is not None}
    return {"context": known, "approach": command.approach}


def _to_check(event: Event) -> list[ParsedCommand]:
    found = [one for one in parse_commands(event.command) if one.action != "uninstall" and one.approach]
    return found[:MAX_CHECKS]


def _claude_code(decision: str, said: str) -> dict[str, str]:
    """Return Claude Code's form; without a decision, its own rules for permissions hold.

    It is never `allow`, which would skip the questions that a person wants to be asked.
    """
    output = {"hookEventName": "PreToolUse", "additionalContext": said}
    if decision != "note":
        output |= {"permissionDecision": decision, "permissionDecisionReason": said}
    return output


def _sentence(text: Any) -> str:
    if not isinstance(text, str):
        return ""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return shown if len(shown) <= MAX_SENTENCE else f"{shown[: MAX_SENTENCE - 1]}…"
