"""Setup programs: Inno Setup, NSIS, InstallShield, WiX Burn, and others by their switches.

The technology of a setup program is concluded from its switches, so that a wrong switch leads to a wrong
technology; `ParsedCommand.inferred` says so.

References
----------
.. [1] Inno Setup help, "Setup Command Line Parameters".
.. [2] NSIS users manual, 3.2 "Installer Usage" (`/S` is case-sensitive; `/D=` is last and unquoted).
.. [3] InstallShield, "Setup.exe and Update.exe Command-Line Parameters".
.. [4] WiX Toolset, "Burn built-in command-line switches".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memory_pipeline.ingest.commands.lexer import split_arguments
from memory_pipeline.ingest.commands.parsed import Draft
from memory_pipeline.ingest.commands.windows_installer import (
    PROPERTY,
    one_slash,
    read_msi_arguments,
    read_shared_property,
)

if TYPE_CHECKING:
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

_INSTALLER_NAME = re.compile(
    r"setup|install|redist|unins\d|bootstrap|hotfix|kb\d{5}|patch|[-_.]?(?:x64|x86|win64|win32)\b|\d\.\d",
    re.IGNORECASE,
)
_UNINSTALLER_NAME = re.compile(r"unins\d{3}|uninst|remove", re.IGNORECASE)
_NOT_INSTALLERS = frozenset(
    {
        *(
            "python",
            "python3",
            "py",
            "pip",
            "node",
            "npm",
            "git",
            "java",
            "javac",
            "dotnet",
            "msbuild",
            "cargo",
            "go",
        ),
        *(
            "robocopy",
            "xcopy",
            "findstr",
            "forfiles",
            "shutdown",
            "attrib",
            "where",
            "tasklist",
            "taskkill",
            "reg",
        ),
        *(
            "sc",
            "net",
            "netsh",
            "schtasks",
            "icacls",
            "takeown",
            "tar",
            "7z",
            "7za",
            "curl",
            "wget",
            "systeminfo",
        ),
        *(
            "signtool",
            "certutil",
            "sfc",
            "wmic",
            "bcdedit",
            "regsvr32",
            "rundll32",
            "explorer",
            "notepad",
            "code",
        ),
        *(
            "vswhere",
            "nuget",
            "innoextract",
            "orca",
            "lessmsi",
            "cscript",
            "wscript",
            "mshta",
            "devenv",
            "ssh",
        ),
    }
)
_INNO_ONLY = {
    "verysilent",
    "sp-",
    "suppressmsgboxes",
    "loadinf",
    "saveinf",
    "mergetasks",
    "closeapplications",
}
_INNO = _INNO_ONLY | {
    "dir",
    "group",
    "tasks",
    "components",
    "norestart",
    "log",
    "noicons",
    "currentuser",
    "allusers",
}
_INNO_SILENT = ("SP-", "SILENT", "VERYSILENT", "SUPPRESSMSGBOXES", "NORESTART")
_BURN_LEVEL = {"quiet", "passive", "q"}
_BURN = {"install", "norestart", "layout", "repair", "uninstall", "forcerestart", "promptrestart"}
_BURN_SILENT = ("install", "quiet", "q", "passive", "norestart")
_CLEAR = {"silent", "quiet", "qn", "verysilent", "passive", "unattended", "sall"}
_WEAK = {"s", "q", "y", "sall", "qb", "quietmode", "hide_progress"}
_SILENT_WITH = {
    "norestart",
    "rs",
    "sall",
    "s",
    "q",
    "silent",
    "quiet",
    "qn",
    "qb",
    "passive",
    "unattended",
    "verysilent",
}
_SHIELD_MSI = re.compile(r"[/-]v\s*(?=[\"/-]|$)(.*)", re.IGNORECASE | re.DOTALL)
_SHIELD_FILE = re.compile(r"[/-](f[12])(.*)", re.IGNORECASE | re.DOTALL)


def parse_setup_program(words: list[str]) -> list[ParsedCommand]:
    """Parse the words of a setup program; empty where nothing says that the program is one."""
    words = [words[0], *map(one_slash, words[1:])]
    base = re.split(r"[\\/]", words[0])[-1]
    stem = base[:-4]
    if not base.lower().endswith(".exe") or stem.lower() in _NOT_INSTALLERS:
        return []
    names = [_switch(word) for word in words[1:]]
    lower = {name.lower() for name in names if name}
    is_named = _INSTALLER_NAME.search(stem) is not None
    draft = Draft("setup")
    draft.inferred.add("installer_type")
    is_shield = any(_SHIELD_MSI.fullmatch(w) or _SHIELD_FILE.fullmatch(w) for w in words[1:])
    if lower & _INNO_ONLY or ("silent" in lower and lower & (_INNO - {"log"})) or "SILENT" in names:
        _read_inno(words, names, draft)
    elif is_shield and ("s" in lower or is_named):
        _read_shield(words, names, draft)
    elif lower & _BURN_LEVEL and lower & _BURN:
        _read_burn(words, names, draft)
    elif "S" in names or ("D" in names and is_named):
        _read_nsis(words, names, draft)
    elif lower & _CLEAR or is_named:
        _read_other(words, names, draft)
    else:
        return []
    if _UNINSTALLER_NAME.search(stem) or lower & {"uninstall", "uninst", "removeonly"}:
        draft.action = "uninstall"
    elif "repair" in lower:
        draft.action = "repair"
    elif "layout" in lower:
        draft.action = "package"
    draft.name_from_file(words[0])
    return [draft.finish(words, has_wrapper=True)]


def _switch(word: str) -> str:
    """Return a switch without its sign and value; empty for what is no switch."""
    if word[:1] not in {"/", "-"} or len(word) < 2:  # noqa: PLR2004 - a sign alone
        return ""
    return re.split(r"[=:]", word.lstrip("/-"), maxsplit=1)[0]


def _value(word: str) -> str:
    return re.split(r"[=:]", word, maxsplit=1)[1].strip('"') if re.search(r"[=:]", word) else ""


def _read_rest(word: str, draft: Draft) -> None:
    """Read a word that is none of the technology's own switches."""
    found = PROPERTY.fullmatch(word.lstrip("/-"))
    if found:
        draft.add("options" if word[0] in "/-" else "properties", word)
        read_shared_property(found[1], found[2].strip('"'), draft)
    elif word[:1] in {"/", "-"}:
        draft.add("options", word)
        if "eula" in word.lower() or "acceptlicen" in word.lower().replace("-", ""):
            draft.set("accept_agreements", "yes")


def _read_inno(words: list[str], names: list[str], draft: Draft) -> None:
    draft.installer_type = "inno"
    silent = set()
    for word, name in zip(words[1:], names, strict=True):
        upper = name.upper()
        if upper in _INNO_SILENT:
            silent.add(upper)
            if upper == "NORESTART":
                draft.set("reboot_handling", "suppress")
        elif upper == "DIR":
            draft.set("install_dir", _value(word))
        elif upper == "LOG":
            draft.set("log", "yes")
        elif upper in {"CURRENTUSER", "ALLUSERS"}:
            draft.set("install_context", "user" if upper == "CURRENTUSER" else "system")
        elif upper in {"CLOSEAPPLICATIONS", "FORCECLOSEAPPLICATIONS", "NOCLOSEAPPLICATIONS"}:
            draft.set("close_processes", "no" if upper.startswith("NO") else "yes")
        else:
            _read_rest(word, draft)
    draft.set("silent_switch", " ".join(f"/{one}" for one in _INNO_SILENT if one in silent))


def _read_nsis(words: list[str], names: list[str], draft: Draft) -> None:
    draft.installer_type = "nullsoft"
    silent = []
    for number, (word, name) in enumerate(zip(words[1:], names, strict=True), start=1):
        if name == "S":
            silent.append("/S")
        elif name == "D" and "=" in word:
            # It is the last parameter and unquoted, so that blanks belong to it.
            draft.set("install_dir", _value(" ".join(words[number:])))
            break
        elif name.lower() in {"allusers", "currentuser"}:
            draft.set("install_context", "system" if name.lower() == "allusers" else "user")
            silent.append(f"/{name}")
        else:
            _read_rest(word, draft)
    draft.set("silent_switch", " ".join(silent))


def _read_shield(words: list[str], names: list[str], draft: Draft) -> None:
    draft.installer_type = "exe"
    parts = []
    at = 1
    while at < len(words):
        word, name = words[at], names[at - 1]
        at += 1
        msi, answers = _SHIELD_MSI.fullmatch(word), _SHIELD_FILE.fullmatch(word)
        if name.lower() in {"s", "x", "a"} and not _value(word):
            parts += ["/s"] if name.lower() == "s" else []
            draft.action = {"x": "uninstall", "a": "package"}.get(name.lower(), draft.action)
        elif msi:
            inner = msi[1]
            if not inner.strip() and at < len(words):
                inner, at = words[at], at + 1
            action, _ = read_msi_arguments(list(split_arguments(inner.strip().strip('"'))), draft)
            draft.action = action or draft.action
            level = draft.settings.get("silent_switch", "")
            parts += [f'/v"{level}"'] if level else []
        elif answers:
            parts += [f"/{answers[1].lower()}"] if answers[1].lower() == "f1" else []
            draft.set("log", "yes" if answers[1].lower() == "f2" else "")
        else:
            _read_rest(word, draft)
    draft.settings.pop("silent_switch", None)
    draft.set("silent_switch", " ".join(dict.fromkeys(parts)))
    if draft.lists["transforms"]:
        draft.set("transform", "yes")


def _read_burn(words: list[str], names: list[str], draft: Draft) -> None:
    draft.installer_type = "burn"
    silent = set()
    for word, name in zip(words[1:], names, strict=True):
        lower = name.lower()
        if lower in _BURN_SILENT:
            silent.add(lower)
        if lower in {"norestart", "forcerestart", "promptrestart"}:
            draft.set("reboot_handling", {"n": "suppress", "f": "force", "p": "prompt"}[lower[0]])
        elif lower in {"log", "l"}:
            draft.set("log", "yes")
        elif lower not in _BURN_SILENT and lower not in _BURN:
            _read_rest(word, draft)
    draft.set("silent_switch", " ".join(f"/{one}" for one in _BURN_SILENT if one in silent))


def _read_other(words: list[str], names: list[str], draft: Draft) -> None:
    draft.installer_type = "exe"
    silent = []
    for word, name in zip(words[1:], names, strict=True):
        lower = name.lower()
        if lower in _SILENT_WITH or lower in _CLEAR or lower in _WEAK:
            silent.append(word)
        if lower in {"norestart", "forcerestart", "promptrestart"}:
            draft.set("reboot_handling", {"n": "suppress", "f": "force", "p": "prompt"}[lower[0]])
        elif lower in {"log", "l"}:
            draft.set("log", "yes")
        elif lower not in _SILENT_WITH and lower not in _CLEAR and lower not in _WEAK:
            _read_rest(word, draft)
    draft.set("silent_switch", " ".join(silent))
