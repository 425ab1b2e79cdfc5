"""What the exit codes of installers mean.

References
----------
.. [1] Microsoft, "MsiExec.exe and InstMsi.exe error messages".
.. [2] Inno Setup help, "Setup Exit Codes". [3] NSIS users manual, 4.12 "Setting Error Levels".
.. [4] Chocolatey, "Exit codes". [5] Microsoft, "winget return codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from memory_pipeline.hook.events import Event
    from memory_pipeline.ingest.commands.parsed import ParsedCommand


class Ending(NamedTuple):
    """How an attempt ended."""

    status: str
    code: str | None = None
    reason: str | None = None
    needs_restart: bool = False


_RESTART = {1641, 3010}
_WINDOWS_INSTALLER = {
    1602: "cancelled_by_user",
    1603: "fatal_error",
    1605: "product_not_installed",
    1612: "source_missing",
    1618: "another_installation_running",
    1619: "package_not_opened",
    1620: "invalid_package",
    1624: "transform_failed",
    1625: "forbidden_by_policy",
    1633: "wrong_platform",
    1638: "other_version_installed",
    1639: "invalid_command_line",
}
_WINDOWS = {
    2: "file_not_found",
    5: "access_denied",
    32: "file_in_use",
    87: "invalid_parameter",
    112: "disk_full",
    193: "not_executable",
    740: "needs_elevation",
}
_INNO = {
    1: "not_initialised",
    2: "cancelled_by_user",
    3: "fatal_error",
    4: "fatal_error",
    5: "cancelled_by_user",
    7: "cannot_proceed",
    8: "restart_needed_first",
}
_NSIS = {1: "cancelled_by_user", 2: "aborted_by_script"}
_WINGET = {
    0x8A150010: "no_applicable_installer",
    0x8A150011: "hash_mismatch",
    0x8A150014: "package_not_found",
    0x8A15002B: "no_applicable_upgrade",
}
_CHOCO_RESTART = {350, 1604}
_NOT_AN_ATTEMPT = {126, 127, 130, 143}
_UNTIL = 0xFFFF


def ending_of(command: ParsedCommand, event: Event) -> Ending | None:
    """Return how a command ended; None where it was no attempt (the program is missing, or was stopped)."""
    if event.has_timed_out:
        return Ending("failure", reason="timeout")
    code = event.exit_code
    if code is None or not event.is_over:
        return None
    is_installer = command.installer_type in {"msi", "msp"} or command.tool in {"setup", "psadt", "choco"}
    code &= 0xFFFFFFFF
    if command.tool == "msiexec" and event.shell == "Bash":
        code = _whole_code(code)
    if code == 0:
        return Ending("success")
    if is_installer and (code in _RESTART or (command.tool == "choco" and code in _CHOCO_RESTART)):
        return Ending("success", needs_restart=True)
    if event.shell != "PowerShell" and code in _NOT_AN_ATTEMPT and command.tool != "msiexec":
        return None
    return Ending("failure", str(code) if code <= _UNTIL else f"0x{code:08X}", _reason_of(command, code))


def _whole_code(code: int) -> int:
    """Return the code of Windows Installer of which a POSIX shell shows the last eight bits."""
    known = {one & 0xFF: one for one in (*_WINDOWS_INSTALLER, *_RESTART)}
    return known.get(code, code) if code not in _WINDOWS else code


def _reason_of(command: ParsedCommand, code: int) -> str:
    by_type = {"inno": _INNO, "nullsoft": _NSIS}.get(command.installer_type or "", {})
    by_tool = {"winget": _WINGET}.get(command.tool, {})
    is_windows = command.tool in {"msiexec", "setup", "psadt", "choco", "winget", "dism", "appx"}
    tables = [by_type, by_tool, *([_WINDOWS_INSTALLER, _WINDOWS] if is_windows else [])]
    return next((table[code] for table in tables if code in table), "other_exit_code")
