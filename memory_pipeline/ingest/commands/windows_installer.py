"""`msiexec`: Windows Installer packages, transforms and patches.

References
----------
.. [1] Microsoft, "Msiexec command-line options" and "Standard Installer Command-Line Options".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memory_pipeline.ingest.commands.parsed import Draft

if TYPE_CHECKING:
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

_ACTIONS = {
    "i": "install",
    "package": "install",
    "j": "install",
    "ju": "install",
    "jm": "install",
    "x": "uninstall",
    "uninstall": "uninstall",
    "p": "upgrade",
    "update": "upgrade",
    "a": "package",
}
_REPAIR = re.compile(r"f[pecmsuvaod]{0,9}", re.IGNORECASE)
_JOINED = re.compile(r"[/-]([ixpa])(\{.*|[a-z]:.*|.*\.ms[ip])", re.IGNORECASE | re.DOTALL)
_LEVEL = re.compile(r"q(?:[nbrf][+\-!]{0,2})?|quiet|passive", re.IGNORECASE)
_LOG = re.compile(r"l[iwearucmopvx+!*]{0,16}|log", re.IGNORECASE)
_RESTARTS = {"norestart": "suppress", "forcerestart": "force", "promptrestart": "prompt"}
_REBOOT = {
    "reallysuppress": "suppress",
    "r": "suppress",
    "suppress": "defer",
    "s": "defer",
    "force": "force",
    "f": "force",
}
PROPERTY = re.compile(r"([A-Za-z_][\w.]{0,100})=(.*)", re.DOTALL)
_FOLDERS = {
    "installdir",
    "targetdir",
    "installfolder",
    "installlocation",
    "applicationfolder",
    "appdir",
    "install_root",
}
_NO = {"", "0", "no", "n", "false"}


def one_slash(word: str) -> str:
    """Return a switch without the second slash that Git Bash needs in front of it."""
    return word[1:] if word.startswith("//") and not word.startswith("///") and "\\" not in word else word


def parse_msiexec(words: list[str]) -> list[ParsedCommand]:
    """Parse the words of an `msiexec` command; empty where it neither installs nor removes anything."""
    words = [words[0], *map(one_slash, words[1:])]
    draft = Draft("msiexec")
    action, target = read_msi_arguments(words[1:], draft)
    if action is None:
        return []
    draft.action = action
    target = target or ""
    is_patch = target.lower().endswith(".msp") or (action == "upgrade")
    draft.installer_type = "msp" if is_patch else "msi"
    draft.name_from_file(target)
    if draft.action == "install":
        draft.set("transform", "yes" if draft.lists["transforms"] else "no")
    return [draft.finish(["msiexec", *words[1:]], has_wrapper=True)]


def read_msi_arguments(  # noqa: C901 - one branch for each kind of switch
    words: list[str], draft: Draft
) -> tuple[str | None, str | None]:
    """Read switches and properties into a draft.

    Returns
    -------
    tuple
        The action and the package (a path or product code); None where the arguments name none.
    """
    action = target = level = None
    has_no_restart = False
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        following = words[at] if at < len(words) else None
        found = PROPERTY.fullmatch(word)
        if found:
            if _read_property(found[1], found[2].strip('"'), draft):
                action = "uninstall"
            continue
        joined = _JOINED.fullmatch(word)
        switch = word[1:].lower() if word[:1] in {"/", "-"} else ""
        if switch in _ACTIONS or _REPAIR.fullmatch(switch):
            action = action or _ACTIONS.get(switch, "repair")
            if following is not None and target is None:
                target, at = following, at + 1
        elif joined:
            action, target = action or _ACTIONS[joined[1].lower()], target or joined[2]
        elif _LEVEL.fullmatch(switch):
            level = f"/{switch}"
        elif switch in _RESTARTS:
            draft.set("reboot_handling", _RESTARTS[switch])
            has_no_restart |= switch == "norestart"
        elif _LOG.fullmatch(switch):
            draft.set("log", "yes")
            at += following is not None and following[:1] not in {"/", "-"}
        elif switch:
            draft.add("options", word)
    if level:
        draft.set("silent_switch", f"{level} /norestart" if has_no_restart else level)
    return action, target


def _read_property(name: str, value: str, draft: Draft) -> bool:
    """Read one property; return whether it asks for the removal of everything."""
    key, plain = name.lower(), value.strip().lower()
    if key == "transforms":
        for one in value.split(";"):
            draft.add("transforms", re.split(r"[\\/]", one.strip())[-1].lstrip("@|"))
        return False
    draft.add("properties", f"{name.upper()}={value}")
    read_shared_property(name, value, draft)
    if key == "reboot":
        draft.set("reboot_handling", _REBOOT.get(plain, "prompt"))
    elif key == "allusers":
        draft.set("install_context", "user" if plain in _NO else "system")
    elif key == "msiinstallperuser" and plain == "1":
        draft.set("install_context", "user")
    elif key == "msirestartmanagercontrol" and plain.startswith("disable"):
        draft.set("close_processes", "no")
    return key == "remove" and plain == "all"


def read_shared_property(name: str, value: str, draft: Draft) -> None:
    """Read what a property says with any installer: the folder, and that a licence is accepted."""
    key = name.lower()
    if key in _FOLDERS:
        draft.set("install_dir", value)
    elif "eula" in key or "accept" in key:
        draft.set("accept_agreements", "no" if value.strip().lower() in _NO else "yes")
