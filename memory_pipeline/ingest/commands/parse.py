"""From a text to the packaging commands in it: prefixes and shells are taken off, then the family decides."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from memory_pipeline.ingest.commands.app_packages import (
    APP_CMDLETS,
    BUILDERS,
    TOOLKITS,
    parameters_of,
    parse_app_cmdlet,
    parse_builder,
    parse_dism,
    parse_toolkit,
)
from memory_pipeline.ingest.commands.lexer import (
    POSIX_TOOLS,
    render,
    split_arguments,
    split_commands,
    split_list,
)
from memory_pipeline.ingest.commands.posix_managers import parse_posix
from memory_pipeline.ingest.commands.secrets import mask_words
from memory_pipeline.ingest.commands.setup_programs import parse_setup_program
from memory_pipeline.ingest.commands.windows_installer import parse_msiexec
from memory_pipeline.ingest.commands.windows_managers import parse_choco, parse_scoop, parse_winget

if TYPE_CHECKING:
    from memory_pipeline.ingest.commands.lexer import Segment, Word
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

MAX_DEPTH = 3
"""Shells within shells that are looked into."""
MAX_WORDS = 500
"""Words of one command that are read."""
MAX_COMMANDS = 100
"""Packaging commands that are returned for one text."""

_EXTENSION = re.compile(r"\.(?:exe|cmd|bat|com|ps1)$", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w{0,100})=(.*)", re.DOTALL)
_WORDS_BEFORE = frozenset(
    {
        *(
            "nohup",
            "time",
            "exec",
            "command",
            "builtin",
            "!",
            "if",
            "then",
            "else",
            "do",
            "while",
            "{",
            "}",
            "call",
        ),
        *(".", "&", "return", "sudo", "doas", "env", "nice", "ionice", "timeout", "start", "@"),
    }
)
_VALUES_OF_PREFIX = {
    "sudo": {"-u", "-g", "-p", "-C", "-h", "-U", "-r", "-t", "--user", "--group"},
    "doas": {"-u", "-C"},
    "env": {"-u", "-C", "--unset", "--chdir"},
    "nice": {"-n"},
    "ionice": {"-c", "-n"},
    "timeout": {"-k", "-s", "--signal", "--kill-after"},
}
_STARTERS = {
    **dict.fromkeys(("start-process", "saps"), "powershell"),
    **dict.fromkeys(("start-adtprocess", "execute-process"), "psadt"),
}
_STARTER_SWITCHES = {
    "wait",
    "passthru",
    "nonewwindow",
    "createnowindow",
    "usenewenvironment",
    "waitformsiexec",
}
_SHELLS = {"bash", "sh", "dash", "zsh"}
_PSADT_SHIFT = {"serviceui"}


def parse_command(text: str) -> ParsedCommand | None:
    r"""Return what the first packaging command of a text says; None where there is none.

    Raises
    ------
    CommandTooLongError
        When the text has more than `MAX_LENGTH` characters.

    Examples
    --------
    >>> parse_command(r"msiexec /i C:\in\7z-23.1.msi TRANSFORMS=corp.mst /qn").application_name
    '7z'
    """
    found = parse_commands(text)
    return found[0] if found else None


def parse_commands(text: str) -> tuple[ParsedCommand, ...]:
    """Return what every packaging command of a text says, in their order; see `parse_command`."""
    found: list[ParsedCommand] = []
    for segment in split_commands(text):
        found += parse_segment(segment)
        if len(found) >= MAX_COMMANDS:
            break
    return tuple(found[:MAX_COMMANDS])


def parse_segment(segment: Segment, depth: int = 0) -> list[ParsedCommand]:
    """Return what one simple command says; several where it names several packages, or runs a shell."""
    words, variables = _without_prefix(list(segment.words[:MAX_WORDS]), is_windows=segment.is_windows)
    if not words:
        return []
    tool = tool_of(words[0].value)
    if depth < MAX_DEPTH:
        inner = _within_shell(tool, words, depth)
        if inner is not None:
            return inner
        if tool in _STARTERS:
            return _started(tool, words, depth)
    return _parse_family(tool, words, variables, is_windows=segment.is_windows)


def tool_of(program: str) -> str:
    """Return a program's name without folder and extension, in lower case."""
    return _EXTENSION.sub("", re.split(r"[\\/]", program.strip("@"))[-1]).lower()


def _parse_family(
    tool: str, all_words: list[Word], variables: dict[str, str], *, is_windows: bool
) -> list[ParsedCommand]:
    short = frozenset({"-p"}) if tool in {"choco", "cinst", "cup"} else frozenset()
    words = mask_words([word.value for word in all_words], short)
    families = {
        "msiexec": parse_msiexec,
        "winget": parse_winget,
        "choco": parse_choco,
        "scoop": parse_scoop,
        "dism": parse_dism,
        **dict.fromkeys(("cinst", "cup", "cuninst"), parse_choco),
        **dict.fromkeys(APP_CMDLETS, parse_app_cmdlet),
        **dict.fromkeys(TOOLKITS, parse_toolkit),
    }
    if tool in families and is_windows:
        program = words[0] if tool in TOOLKITS else tool
        return families[tool]([program, *words[1:]])
    if tool in BUILDERS:
        return parse_builder(tool, words, is_windows=tool not in POSIX_TOOLS)
    if tool in POSIX_TOOLS:
        return parse_posix(tool, words, variables) if not is_windows else []
    return parse_setup_program(words) if is_windows else []


def _without_prefix(words: list[Word], *, is_windows: bool) -> tuple[list[Word], dict[str, str]]:
    """Take off what only says how a command is run, such as `sudo`, `start /wait` and `$p =`."""
    variables: dict[str, str] = {}
    at = 0
    while at < len(words):
        value = words[at].value
        tool = tool_of(value)
        assignment = _ASSIGNMENT.fullmatch(value)
        if assignment and not is_windows:
            variables[assignment[1]] = assignment[2]
            at += 1
        elif value.startswith("$") and at + 1 < len(words) and words[at + 1].value == "=":
            at += 2
        elif tool in _PSADT_SHIFT:
            at += 1
            while at < len(words) and words[at].value.startswith("-"):
                at += 1
        elif tool in _WORDS_BEFORE and (tool != "start" or is_windows):
            at = _after_prefix(tool, words, at + 1)
        else:
            break
    return words[at:], variables


def _after_prefix(tool: str, words: list[Word], at: int) -> int:
    if tool == "start":
        if at < len(words) and words[at].raw.startswith('"') and at + 1 < len(words):
            at += 1  # the title of the window
        while at < len(words) and words[at].value.startswith("/"):
            at += 2 if words[at].value.lower() == "/d" else 1
        return at
    takes_value = _VALUES_OF_PREFIX.get(tool)
    if takes_value is None:
        return at
    while at < len(words) and words[at].value.startswith("-"):
        at += 2 if words[at].value in takes_value else 1
    return at + 1 if tool == "timeout" else at


def _within_shell(tool: str, words: list[Word], depth: int) -> list[ParsedCommand] | None:
    """Return the commands that a shell is told to run; None where the command runs no shell."""
    values = [word.value for word in words]
    lower = [value.lower() for value in values]
    if tool == "cmd":
        at = next((n for n, one in enumerate(lower) if one in {"/c", "/k", "//c", "//k"}), None)
        if at is None:
            return []
        rest = words[at + 1 :]
        raw = " ".join(word.raw for word in rest)
        if len(rest) == 1:
            text = rest[0].value
        else:
            text = raw[1:-1] if raw.startswith('""') and raw.endswith('"') else raw
        return _wrapped(text, ["cmd", "/c"], "cmd", depth)
    if tool in {"powershell", "pwsh"}:
        return _within_powershell(words, lower, depth)
    if tool in _SHELLS:
        at = next((n for n, one in enumerate(values) if re.fullmatch(r"-[a-z]*c", one)), None)
        if at is None or at + 1 >= len(values):
            return []
        return _wrapped(values[at + 1], [], "", depth)
    return None


def _within_powershell(words: list[Word], lower: list[str], depth: int) -> list[ParsedCommand]:
    for at, one in enumerate(lower[1:], start=1):
        if at + 1 < len(words) and one in {"-file", "-f"}:
            return _parse_family(tool_of(words[at + 1].value), words[at + 1 :], {}, is_windows=True)
        if at + 1 < len(words) and one in {"-command", "-c"}:
            rest = words[at + 1 :]
            text = rest[0].value if len(rest) == 1 else " ".join(word.raw for word in rest)
            return _wrapped(text, ["powershell", "-Command"], "powershell", depth)
    # Without a parameter, the first word that is none is a command or a script.
    at = next((n for n, one in enumerate(lower[1:], start=1) if not one.startswith("-")), len(words))
    while at < len(words) and lower[at - 1] in {"-executionpolicy", "-ep", "-ex", "-windowstyle", "-version"}:
        at = next((n for n in range(at + 1, len(words)) if not lower[n].startswith("-")), len(words))
    if at >= len(words):
        return []
    text = words[at].value if at == len(words) - 1 else " ".join(word.raw for word in words[at:])
    return _wrapped(text, ["powershell", "-Command"], "powershell", depth)


def _wrapped(text: str, shell: list[str], wrapper: str, depth: int) -> list[ParsedCommand]:
    text = (
        re.sub(r"^\s*&\s*\{(.*)\}\s*$", r"\1", text, count=1, flags=re.DOTALL)
        if wrapper == "powershell"
        else text
    )
    return [
        _with_wrapper(one, wrapper, render([*shell, one.command], is_windows=True))
        for segment in split_commands(text)
        for one in parse_segment(segment, depth + 1)
    ]


def _with_wrapper(command: ParsedCommand, wrapper: str, shown: str) -> ParsedCommand:
    """Return what wraps a command, where wrappers are told apart and none was found within."""
    if not wrapper or command.approach.get("wrapper") != "none":
        return command
    return replace(command, command=shown, approach={**command.approach, "wrapper": wrapper})


def _started(tool: str, words: list[Word], depth: int) -> list[ParsedCommand]:
    """Parse what `Start-Process` (or the toolkit's `Start-ADTProcess`) starts."""
    raw_of = _raw_lists(words[1:])
    given, positional = parameters_of([value for value, _ in raw_of], _STARTER_SWITCHES)
    raws = dict(raw_of)
    program = given.get("filepath") or given.get("path") or (positional.pop(0) if positional else "")
    listed = given.get("argumentlist") or given.get("args") or given.get("parameters") or ""
    listed = listed or (positional[0] if positional else "")
    if not program:
        return []
    arguments = split_list(raws.get(listed, listed))
    text = " ".join(arguments)  # as PowerShell joins them
    inner_words = [program, *split_arguments(text)]
    found = []
    for one in _parse_words(inner_words, depth):
        inner = split_arguments(one.command)
        shown = [words[0].value, "-FilePath", inner[0]]
        shown += ["-ArgumentList", render(inner[1:], is_windows=True)] if len(inner) > 1 else []
        found.append(_with_wrapper(one, _STARTERS[tool], render(shown, is_windows=True)))
    return found


def _parse_words(words: list[str], depth: int) -> list[ParsedCommand]:
    segments = split_commands(render(words, is_windows=True))
    return [one for segment in segments for one in parse_segment(segment, depth + 1)]


def _raw_lists(words: list[Word]) -> list[tuple[str, str]]:
    """Join the words of a list that was written with blanks after its commas."""
    joined: list[tuple[str, str]] = []
    for word in words:
        if joined and (joined[-1][1].rstrip().endswith(",") or word.raw.startswith(",")):
            value, raw = joined[-1]
            joined[-1] = (f"{value} {word.value}", f"{raw} {word.raw}")
        else:
            joined.append((word.value, word.raw))
    return joined
