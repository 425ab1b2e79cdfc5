"""The two hooks: from the event on stdin to the answer on stdout, within a budget of time.

What belongs here: the order of things, and that nothing that goes wrong reaches the agent.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_BUDGET = 0.3
"""Seconds that the memory may take; then the command runs without its answer."""
POLICIES = ("ask", "deny", "note")
"""What happens when the memory says that the approach failed before: ask a person, refuse, or only say so."""

KEYWORDS = (
    *("msiexec", "winget", "choco", "cinst", "cup", "cuninst", "scoop", ".exe", "appx", "apppackage", "dism"),
    *(
        "appprovisioned",
        "deploy-application",
        "invoke-appdeploytoolkit",
        "start-process",
        "saps",
        "start-adtprocess",
    ),
    *(
        "execute-process",
        "apt",
        "dpkg",
        "dnf",
        "yum",
        "rpm",
        "snap",
        "flatpak",
        "brew",
        "installer",
        "hdiutil",
    ),
    *(
        "makeappx",
        "iscc",
        "makensis",
        "candle",
        "light",
        "wix",
        "intunewinapputil",
        "pkgbuild",
        "productbuild",
        "fpm",
    ),
)
"""One of these is in every packaging command; a text without any is let through at once."""


class Options(NamedTuple):
    """What a hook was started with."""

    kind: str = ""
    is_generic: bool = False
    on_failure: str = "ask"
    budget: float = DEFAULT_BUDGET
    exit_code: int | None = None
    words: tuple[str, ...] = ()


def main(arguments: Sequence[str]) -> None:
    """Run a hook; it always ends with exit code 0, since others would stop the agent."""
    start = time.monotonic()
    try:
        answer = run_hook(read_options(arguments), start)
        if answer:
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()
    except Exception:  # noqa: BLE001 - whatever it is, the agent's command must run
        if os.environ.get("MEMORY_HOOK_DEBUG"):
            import traceback  # noqa: PLC0415 - only where somebody looks for a mistake

            traceback.print_exc()
    sys.exit(0)


def run_hook(options: Options, start: float) -> str:
    """Answer one event; empty where there is nothing to say.

    Parameters
    ----------
    options
        See `read_options`.
    start
        When the hook started, by the monotonic clock, in seconds.
    """
    if options.kind not in {"pre", "post"}:
        return ""
    raw = "" if options.is_generic else sys.stdin.buffer.read(MAX_EVENT).decode("utf-8", "replace")
    text = " ".join(options.words) if options.is_generic else raw
    lower = text.lower()
    if not any(word in lower for word in KEYWORDS):
        return ""
    from memory_pipeline.hook.events import generic_event, read_event  # noqa: PLC0415 - most events end before

    event = generic_event(options.words, options.exit_code) if options.is_generic else read_event(raw)
    if event is None:
        return ""
    deadline = start + options.budget
    if options.kind == "pre":
        from memory_pipeline.hook.gate import answer_before  # noqa: PLC0415 - one of two

        return answer_before(event, deadline, on_failure=options.on_failure, is_generic=options.is_generic)
    from memory_pipeline.hook.report import report_after  # noqa: PLC0415 - one of two

    report_after(event, deadline)
    return ""


MAX_EVENT = 4_000_000
"""Bytes of an event that are read; the output of a command may be in it."""


def read_options(arguments: Sequence[str]) -> Options:
    """Read the arguments; what is unknown is left out, since a refusal would stop the agent's commands."""
    options = Options(arguments[0] if arguments else "")
    rest = list(arguments[1:])
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        if word == "--":
            return options._replace(words=(*options.words, *rest))
        if word == "--generic":
            options = options._replace(is_generic=True)
        elif name in {"--on-failure", "--budget-ms", "--exit-code"}:
            value = value if sign else rest.pop(0) if rest else ""
            options = _with_value(options, name, value)
        elif not word.startswith("--") or options.words:
            # From its first word on, everything belongs to the command.
            return options._replace(words=(*options.words, word, *rest))
    return options


def _with_value(options: Options, name: str, value: str) -> Options:
    if name == "--on-failure":
        return options._replace(on_failure=value) if value in POLICIES else options
    try:
        number = int(value)
    except ValueError:
        return options
    if name == "--exit-code":
        return options._replace(exit_code=number)
    return options._replace(budget=min(max(number, 0), 60_000) / 1000)
