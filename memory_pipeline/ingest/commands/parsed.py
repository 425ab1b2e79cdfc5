"""What a command line says about an attempt, and how the families of commands write it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from memory_pipeline.ingest.commands.file_names import application_of
from memory_pipeline.ingest.commands.lexer import render

MAX_SETTING = 500
"""Characters of a setting's value that are kept."""
MAX_ENTRIES = 40
"""Entries of a list of properties or options that are kept."""

Setting = str | list[str]

SETTINGS = (
    *("silent_switch", "transform", "transforms", "properties", "install_context", "reboot_handling"),
    *("close_processes", "wrapper", "log", "install_dir", "accept_agreements", "package_manager"),
    *("package_source", "package_architecture", "installer_arguments", "package_parameters", "force"),
    *("frontend", "options"),
)
"""Every setting that a command can give; those that the sample organisation has too mean the same."""


@dataclass(frozen=True)
class ParsedCommand:
    """What one packaging command says.

    Parameters
    ----------
    tool
        What is run: `msiexec`, `setup`, `winget`, `psadt`, `apt`, …
    action
        `install`, `uninstall`, `upgrade`, `repair` or `package` (a package is built).
    command
        The command in one spelling, secrets masked; parsing it gives the same result.
    application_name, application_version, installer_type
        None where the command does not say.
    approach
        The settings that were chosen, by names from `SETTINGS`.
    inferred
        Fields that are concluded from a file name or from switches, not stated: `application_name`,
        `application_version`, `installer_type`.
    """

    tool: str
    action: str
    command: str
    application_name: str | None = None
    application_version: str | None = None
    installer_type: str | None = None
    approach: dict[str, Setting] = field(default_factory=dict)
    inferred: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able values."""
        return {
            "tool": self.tool,
            "action": self.action,
            "command": self.command,
            "application_name": self.application_name,
            "application_version": self.application_version,
            "installer_type": self.installer_type,
            "approach": dict(self.approach),
            "inferred": list(self.inferred),
        }


class Draft:
    """A command while it is read: settings are added, in the end `finish` makes a `ParsedCommand`."""

    def __init__(self, tool: str, action: str = "install", *, is_windows: bool = True) -> None:
        self.tool = tool
        self.action = action
        self.is_windows = is_windows
        self.name: str | None = None
        self.version: str | None = None
        self.installer_type: str | None = None
        self.inferred: set[str] = set()
        self.settings: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {"transforms": [], "properties": [], "options": []}

    def set(self, name: str, value: str) -> None:
        """Set a setting; an empty value sets nothing."""
        value = _kept(value)
        if value:
            self.settings[name] = value

    def add(self, name: str, value: str) -> None:
        """Add an entry to a setting that is a list."""
        value = _kept(value)
        entries = self.lists[name]
        if value and value not in entries and len(entries) < MAX_ENTRIES:
            entries.append(value)

    def name_from_file(self, path: str) -> None:
        """Take name and version of the application from an installer's file name."""
        name, version = application_of(path)
        if name and self.name is None:
            self.name = name
            self.inferred.add("application_name")
        if version and self.version is None:
            self.version = version
            self.inferred.add("application_version")

    def finish(self, words: list[str], *, has_wrapper: bool = False) -> ParsedCommand:
        """Make the result; with `has_wrapper`, a command that nothing wraps says so."""
        if has_wrapper:
            self.settings.setdefault("wrapper", "none")
        found: dict[str, Setting] = {**self.settings, **{k: v for k, v in self.lists.items() if v}}
        return ParsedCommand(
            tool=self.tool,
            action=self.action,
            command=render(words, is_windows=self.is_windows),
            application_name=_kept(self.name or "") or None,
            application_version=_kept(self.version or "") or None,
            installer_type=self.installer_type,
            approach={name: found[name] for name in SETTINGS if name in found},
            inferred=tuple(sorted(self.inferred)),
        )


def _kept(text: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text[: MAX_SETTING + 1])
    shown = shown.strip()
    return shown if len(shown) <= MAX_SETTING else f"{shown[: MAX_SETTING - 1]}…"
