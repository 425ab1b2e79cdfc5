"""Which packaging commands of a call an exit code speaks for.

A shell reports one code for a whole line. It says how a packaging command ended only where nothing else
decides it: no pipe, no `||`, nothing that runs on, nothing after it that has a code of its own. Where that is
not so, nothing is reported: a wrong outcome is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.ingest.commands.lexer import split_commands
from memory_pipeline.ingest.commands.parse import parse_segment, tool_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.hook.events import Event
    from memory_pipeline.ingest.commands.lexer import Segment
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

# What cannot fail in a way that would be taken for a failed installation.
_HARMLESS = {
    "cd",
    "pushd",
    "popd",
    "export",
    "set",
    "echo",
    "mkdir",
    "sleep",
    "true",
    ":",
    "umask",
    "set-location",
}
_SINKS = {"out-null", "out-host", "out-string"}
_SHELLS = {"cmd", "powershell", "pwsh", "bash", "sh", "dash", "zsh"}
_WINDOWED = {"msiexec", "setup", "psadt"}
_STARTERS = {"start-process", "saps", "start-adtprocess", "execute-process"}


def attempts_of(event: Event) -> list[ParsedCommand]:
    """Return the packaging commands whose end the event's exit code tells; empty where it tells none."""
    segments = _without_sinks(split_commands(event.command))
    chain = _last_chain(segments)
    has_started = any(name in event.command.lower() for name in _STARTERS)
    if has_started and not _passes_code_on(segments):
        return []
    if has_started:
        chain = _last_chain([one for one in segments if _first(one) != "exit"])
    if not chain or chain[-1].after in {"&", "|", "||"} or any(one.before in {"||", "|"} for one in chain):
        return []
    parsed = [(one, parse_segment(one)) for one in chain]
    attempts = [(one, found) for one, found in parsed if found]
    others = [one for one, found in parsed if not found]
    if not attempts or not all(_is_waited_for(event, one, found, has_started) for one, found in attempts):
        return []
    if event.exit_code == 0:
        return [command for _, found in attempts for command in found]
    if len(attempts) > 1 or len(attempts[0][1]) > 1 or any(_first(one) not in _HARMLESS for one in others):
        return []
    return attempts[0][1]


def _without_sinks(segments: Sequence[Segment]) -> list[Segment]:
    """Leave out what only swallows output in PowerShell: the code stays that of the program."""
    kept: list[Segment] = []
    for one in segments:
        if one.before == "|" and kept and _first(one) in _SINKS:
            kept[-1] = kept[-1]._replace(after=one.after)
        else:
            kept.append(one._replace(before=kept[-1].after) if kept else one)
    return kept


def _last_chain(segments: Sequence[Segment]) -> list[Segment]:
    """Return the commands that decide the code: the last ones that `&&` joins."""
    stops_early = any(_first(one) == "set" and any("e" in w.value for w in one.words[1:]) for one in segments)
    chain: list[Segment] = []
    for one in reversed(segments):
        chain.insert(0, one)
        if one.before in {";", "\n", "", ")"} and not stops_early:
            break
    return chain


def _passes_code_on(segments: Sequence[Segment]) -> bool:
    """Whether the code of what `Start-Process` started becomes that of the call."""
    return any(
        _first(one) == "exit" and any("exitcode" in word.value.lower() for word in one.words)
        for one in segments
    )


def _is_waited_for(event: Event, segment: Segment, found: Sequence[ParsedCommand], has_started: bool) -> bool:
    values = [word.value for word in segment.words]
    tool = tool_of(values[0])
    if tool in _SHELLS and any(len(split_commands(value)) > 1 for value in values[1:]):
        return False
    if tool == "start" and "/wait" not in [value.lower() for value in values]:
        return False
    # PowerShell does not wait for programs that open windows, unless their output is taken.
    is_windowed = any(
        one.tool in _WINDOWED and one.approach.get("wrapper") in {"none", "psadt"} for one in found
    )
    is_taken = has_started or "|" in event.command
    return not (event.shell == "PowerShell" and is_windowed and tool not in _SHELLS and not is_taken)


def _first(segment: Segment) -> str:
    return segment.words[0].value.lower()
