"""What an agent tells its hooks: the command, and after it how it ended.

References
----------
.. [1] Claude Code documentation, "Hooks reference": `PreToolUse`, `PostToolUse` (after success) and
   `PostToolUseFailure` (after a failure, with the text `error`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from memory_pipeline.ingest.commands.lexer import POSIX_TOOLS, render
from memory_pipeline.ingest.commands.parse import tool_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHELLS = ("Bash", "PowerShell")
"""Tools of Claude Code that run a command."""
_EXIT_CODE = re.compile(
    r"(?:exit(?:ed)?|status|code)[ \w-]{0,30}?(?:code|status|with)[ :]{1,3}(-?\d{1,10}|0x[0-9a-f]{1,8})\b",
    re.IGNORECASE,
)
_CODE_KEYS = ("exit_code", "exitCode", "returnCode", "return_code", "code")


class Event(NamedTuple):
    """One call of a shell.

    Parameters
    ----------
    command
        What the shell runs.
    shell
        `Bash`, `PowerShell`, or empty where it is unknown.
    session, call
        Who runs it, and the number of the call; empty where they are unknown.
    permission_mode
        How the agent treats permissions, such as `default` or `dontAsk`.
    is_over
        Whether the end of the command is known: it neither runs on nor was interrupted.
    exit_code
        None where it is unknown.
    has_timed_out
        Whether the time limit ended it.
    duration_ms
        How long it took; None where it is unknown.
    """

    command: str
    shell: str = ""
    session: str = ""
    call: str = ""
    permission_mode: str = "default"
    is_over: bool = True
    exit_code: int | None = None
    has_timed_out: bool = False
    duration_ms: float | None = None


def read_event(text: str) -> Event | None:
    """Read an event of Claude Code; None where it is not the call of a shell."""
    data = json.loads(text)
    given = data.get("tool_input") if isinstance(data, dict) else None
    if not isinstance(given, dict) or data.get("tool_name") not in SHELLS:
        return None
    command = given.get("command")
    if not isinstance(command, str):
        return None
    event = Event(
        command,
        shell=data["tool_name"],
        session=_text(data, "session_id"),
        call=_text(data, "tool_use_id"),
        permission_mode=_text(data, "permission_mode") or "default",
    )
    duration = data.get("duration_ms")
    if isinstance(duration, int | float) and not isinstance(duration, bool) and duration >= 0:
        event = event._replace(duration_ms=float(duration))
    if "error" in data or data.get("hook_event_name") == "PostToolUseFailure":
        return _failed(event, data)
    response = data.get("tool_response")
    return event if response is None else _ended(event, given, response)


def generic_event(words: Sequence[str], exit_code: int | None) -> Event | None:
    """Make an event of a command that was given as arguments: one text, or its words."""
    if not words:
        return None
    is_windows = tool_of(words[0]) not in POSIX_TOOLS
    text = words[0] if len(words) == 1 else render(words, is_windows=is_windows)
    return Event(text, exit_code=exit_code, is_over=exit_code is not None)


def _failed(event: Event, data: Mapping[str, Any]) -> Event:
    error = _text(data, "error")[:2000]
    # Below the first line is the command's own output.
    found = _EXIT_CODE.search(error.strip().partition("\n")[0])
    return event._replace(
        is_over=not data.get("is_interrupt"),
        exit_code=int(found[1], 0) if found else None,
        has_timed_out=found is None and "timed out" in error.lower(),
    )


def _ended(event: Event, given: Mapping[str, Any], response: Any) -> Event:
    if not isinstance(response, dict):
        return event._replace(exit_code=0)
    runs_on = given.get("run_in_background") or response.get("backgroundTaskId")
    if runs_on or response.get("interrupted"):
        return event._replace(is_over=False)
    for key in _CODE_KEYS:
        code = response.get(key)
        if isinstance(code, int) and not isinstance(code, bool):
            return event._replace(exit_code=code)
    if response.get("is_error") or response.get("isError"):
        return event._replace(exit_code=None)
    return event._replace(exit_code=0)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""
