"""Writing the hooks into the settings of Claude Code, beside the hooks that are there."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

MARK = "memory_pipeline.hook"
"""What tells our hooks from others."""
EVENTS = {"PreToolUse": "pre", "PostToolUse": "post", "PostToolUseFailure": "post"}
MATCHER = "Bash|PowerShell"
TIMEOUT = 10
"""Seconds after which Claude Code ends a hook; ours answer long before."""


class SettingsError(ValueError):
    """The settings file cannot be changed without losing what is in it."""


def settings_path(project: Path, *, is_local: bool) -> Path:
    """Return the settings file of a project; the local one is not meant for version control."""
    return project / ".claude" / ("settings.local.json" if is_local else "settings.json")


def install_hooks(path: Path, *, on_failure: str = "ask", python: str | None = None) -> list[str]:
    """Write the hooks into a settings file; a second time changes nothing.

    Parameters
    ----------
    path
        The file; it is made where it is not there.
    on_failure
        What happens where the memory says that the approach failed before: `ask`, `deny` or `note`.
    python
        The interpreter that runs the hooks; by default this one.

    Returns
    -------
    list of str
        What changed, a sentence each.

    Raises
    ------
    SettingsError
        When the file is not JSON of the form that Claude Code reads.
    """
    program = shlex.quote(Path(python or sys.executable).as_posix())
    commands = {
        event: f"{program} -m {MARK} {kind}" + (f" --on-failure {on_failure}" if kind == "pre" else "")
        for event, kind in EVENTS.items()
    }
    return _change(path, commands)


def remove_hooks(path: Path) -> list[str]:
    """Take the hooks out of a settings file; see `install_hooks`."""
    return _change(path, {}) if path.exists() else []


def _change(path: Path, commands: dict[str, str]) -> list[str]:
    settings = _read(path)
    hooks = settings.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise SettingsError(f"{path}: `hooks` is {type(hooks).__name__}, not an object; correct it first")
    changes = []
    for event in EVENTS:
        before = hooks.get(event, [])
        if not isinstance(before, list):
            raise SettingsError(f"{path}: `hooks.{event}` is not a list; correct it first")
        after = [one for one in map(_without_ours, before) if one is not None]
        if event in commands:
            handler = {"type": "command", "command": commands[event], "timeout": TIMEOUT}
            after.append({"matcher": MATCHER, "hooks": [handler]})
        if _same(before, after):
            continue
        had_ours = any(_without_ours(one) != one for one in before)
        verb = "removed" if event not in commands else "changed" if had_ours else "added"
        changes.append(f"{verb} the hook of {event}" + (f": {commands[event]}" if event in commands else ""))
        if after:
            hooks[event] = after
        else:
            hooks.pop(event, None)
    if changes:
        if not hooks:
            del settings["hooks"]
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    return changes


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8-sig") or "{}")
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON ({error}); correct it first, nothing was changed") from error
    if not isinstance(settings, dict):
        raise SettingsError(f"{path} holds {type(settings).__name__}, not an object; correct it first")
    return settings


def _without_ours(entry: Any) -> Any:
    """Return an entry without our handlers; None where nothing is left of it."""
    handlers = entry.get("hooks") if isinstance(entry, dict) else None
    if not isinstance(handlers, list):
        return entry
    others = [one for one in handlers if not (isinstance(one, dict) and MARK in str(one.get("command", "")))]
    if len(others) == len(handlers):
        return entry
    return {**entry, "hooks": others} if others else None


def _same(before: list[Any], after: list[Any]) -> bool:
    return sorted(map(_shown, before)) == sorted(map(_shown, after))


def _shown(entry: Any) -> str:
    return json.dumps(entry, sort_keys=True)
