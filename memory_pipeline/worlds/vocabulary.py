"""What are installer types, silent switches and exit codes called in Windows packaging?

What belongs here: facts that hold outside this project (which installer understands which switch, what an
exit code means; refs. 1 to 4) and the invented words that names of vendors and applications are made of. What
does not: how often something is chosen, and its effects.

References
----------
.. [1] Microsoft, "MsiExec.exe and InstMsi.exe error messages" (1603 to 1639, 3010).
.. [2] Microsoft, "Troubleshooting packaging, deployment, and query of Windows apps" (0x80073CF0 on).
.. [3] Inno Setup help, "Setup Command Line Parameters" and "Setup Exit Codes".
.. [4] NSIS users manual, chapters 3.2 and 4.12 ("/S" is case-sensitive; error level 2 is an abort by script).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

APPLICATION_TYPES = (
    "productivity",
    "developer_tools",
    "cad",
    "security",
    "runtime",
    "browser",
    "utility",
    "erp",
)
INSTALLER_TYPES = ("msi", "wix", "burn", "exe", "inno", "nullsoft", "msix", "zip", "portable")

# Types that report errors in the same way. An `exe` is a bootstrapper around a Windows Installer package.
INSTALLER_FAMILIES: Mapping[str, str] = {
    "msi": "windows_installer",
    "wix": "windows_installer",
    "burn": "windows_installer",
    "exe": "windows_installer",
    "inno": "inno",
    "nullsoft": "nullsoft",
    "msix": "appx",
    "zip": "copy",
    "portable": "copy",
}
# A transform (.mst) changes a Windows Installer database; bundles and other types have none.
TRANSFORM_TYPES = ("msi", "wix")
PRODUCT_CODE_TYPES = ("msi", "wix", "burn")


@dataclass(frozen=True)
class SilentSwitch:
    """One way to ask for an unattended installation.

    Parameters
    ----------
    text
        Text on the command line.
    reason, code
        For a switch that this installer type does not understand: the reason of the failure, and the exit
        code. Both are None where the switch is right.
    """

    text: str
    reason: str | None = None
    code: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether the installer type understands the switch."""
        return self.reason is None


def _waits(text: str) -> SilentSwitch:
    return SilentSwitch(text, "waits_for_input", "0x87D300C9")


def _refused(text: str) -> SilentSwitch:
    return SilentSwitch(text, "invalid_command_line", "1639")


_WINDOWS_INSTALLER_SWITCHES = (
    SilentSwitch("/qn /norestart"),
    SilentSwitch("/quiet /norestart"),
    _refused("/S"),
    _refused("/VERYSILENT /SUPPRESSMSGBOXES"),
)
# The first of the right ones and the first of the wrong ones are the usual ones.
SILENT_SWITCHES: Mapping[str, tuple[SilentSwitch, ...]] = {
    "msi": _WINDOWS_INSTALLER_SWITCHES,
    "wix": _WINDOWS_INSTALLER_SWITCHES,
    "burn": (
        SilentSwitch("/quiet /norestart"),
        SilentSwitch("/install /quiet /norestart"),
        _waits("/qn /norestart"),
        _waits("/S"),
    ),
    "exe": (
        SilentSwitch('/s /v"/qn"'),
        SilentSwitch("-silent"),
        _waits("/VERYSILENT /SUPPRESSMSGBOXES"),
        _waits("/qn /norestart"),
    ),
    "inno": (
        SilentSwitch("/VERYSILENT /SUPPRESSMSGBOXES /NORESTART"),
        SilentSwitch("/SP- /VERYSILENT /SUPPRESSMSGBOXES"),
        _waits("/S"),
        _waits("/quiet /norestart"),
    ),
    "nullsoft": (
        SilentSwitch("/S"),
        SilentSwitch("/S /AllUsers"),
        _waits("/s"),
        _waits("/VERYSILENT /SUPPRESSMSGBOXES"),
    ),
    "msix": (
        SilentSwitch("Add-AppxProvisionedPackage -Online -SkipLicense"),
        SilentSwitch("Add-AppxPackage"),
        SilentSwitch("/qn /norestart", "invalid_package", "1620"),
        SilentSwitch("/quiet /norestart", "invalid_package", "1620"),
    ),
    "zip": (
        SilentSwitch("Expand-Archive -Force"),
        SilentSwitch("tar -xf"),
        SilentSwitch("/S", "not_executable", "193"),
        SilentSwitch("/quiet /norestart", "not_executable", "193"),
    ),
    "portable": (
        SilentSwitch("Copy-Item -Recurse -Force"),
        SilentSwitch("robocopy /E /R:2 /W:5"),
        _waits("/S"),
        _waits("/VERYSILENT /SUPPRESSMSGBOXES"),
    ),
}

EXIT_CODES: Mapping[str, str] = {
    "2": "NSIS: the installer's script aborted the installation",
    "4": "Inno Setup: a fatal error occurred during the actual installation",
    "5": "Inno Setup: the installation was aborted at an error message",
    "32": "The file is used by another process",
    "112": "There is not enough space on the disk",
    "193": "The file is not a valid Windows application",
    "740": "The requested operation requires elevation",
    "1603": "Fatal error during installation",
    "1618": "Another installation is already in progress",
    "1619": "The installation package could not be opened",
    "1620": "The file is not a valid Windows Installer package",
    "1624": "Error applying transforms; the transform's path is not valid",
    "1625": "The installation is forbidden by system policy",
    "1638": "Another version of this product is already installed",
    "1639": "Invalid command line argument",
    "3010": "A restart is required to complete the installation",
    "4551": "An application control policy has blocked the file",
    "0x80070005": "Access is denied",
    "0x80070570": "The file is corrupted and unreadable",
    "0x80073CF0": "The app package could not be opened",
    "0x80073CF3": "The app package failed update, dependency or conflict validation",
    "0x80073CF6": "The app package could not be registered",
    "0x80073CFB": "The app package is already installed and reinstallation is blocked",
    "0x80073CFF": "A policy does not allow this app package",
    "0x80073D02": "The app package could not be installed because what it changes is in use",
    "0x87D1041C": "The application was not detected after the installation completed",
    "0x87D300C9": "The installation did not end in the time allowed",
    "0xC0000135": "A library that the program needs was not found",
}

# (prefix, ending): 20 x 16 invented stems; any similarity to a real name is coincidental.
_STEM_PREFIXES = (
    *("Arvo", "Bex", "Cald", "Drum", "Elm", "Fenn", "Gald", "Holm", "Ivar", "Jor"),
    *("Kest", "Lud", "Mirr", "Osk", "Pell", "Quar", "Sten", "Tarn", "Ulv", "Yar"),
)
_STEM_ENDINGS = (
    *("aby", "brix", "cote", "demar", "emark", "fold", "grane", "hollis"),
    *("ilo", "kanta", "mere", "olith", "randa", "sova", "vane", "zell"),
)
VENDOR_STEMS = tuple(prefix + ending for prefix in _STEM_PREFIXES for ending in _STEM_ENDINGS)
VENDOR_FORMS = ("Software", "Systems", "Labs", "Works", "Technologies", "Digital")
PRODUCT_WORDS: Mapping[str, tuple[str, ...]] = {
    "productivity": ("Notes", "Planner", "Minutes", "Board", "Slides", "Forms", "Mailroom"),
    "developer_tools": ("Studio", "Debugger", "Merge", "Terminal", "Profiler", "Query", "Builder"),
    "cad": ("Draft", "Mesh", "Plant 3D", "Sheetmetal", "Model Viewer", "Toolpath", "Render"),
    "security": ("Guard", "Vault", "VPN Client", "Smartcard", "Disk Encryption", "Scanner", "Sign-in"),
    "runtime": ("Runtime", "Redistributable", "Script Engine", "Media Codecs", "Report Engine", "Drivers"),
    "browser": ("Browser", "Kiosk Browser", "Web View", "Secure Browser", "Browser ESR", "Web Client"),
    "utility": ("Archiver", "Capture", "Sync", "Remote Help", "Clipboard", "PDF Tools", "Disk Map"),
    "erp": ("Ledger", "Warehouse", "Payroll", "Orders", "Purchasing", "Travel Costs", "Shop Floor"),
}
EDITIONS = ("", " Pro", " Viewer", " LTS", " Plus", " Agent")
DEPARTMENTS = ("finance", "research", "production", "sales", "legal", "human_resources")
