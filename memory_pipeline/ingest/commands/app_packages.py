"""App packages of Windows (MSIX, AppX), the PowerShell App Deployment Toolkit, and tools that build packages.

References
----------
.. [1] Microsoft, "Add-AppxPackage", "Add-AppxProvisionedPackage", "DISM app package servicing options".
.. [2] PSAppDeployToolkit, "Invoke-AppDeployToolkit" (version 4) and "Deploy-Application" (version 3).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from memory_pipeline.ingest.commands.parsed import Draft

if TYPE_CHECKING:
    from collections.abc import Collection

    from memory_pipeline.ingest.commands.parsed import ParsedCommand

APP_CMDLETS = {
    **dict.fromkeys(("add-appxpackage", "add-apppackage"), ("Add-AppxPackage", "install")),
    **dict.fromkeys(
        ("add-appxprovisionedpackage", "add-provisionedappxpackage", "add-appprovisionedpackage"),
        ("Add-AppxProvisionedPackage", "install"),
    ),
    **dict.fromkeys(("remove-appxpackage", "remove-apppackage"), ("Remove-AppxPackage", "uninstall")),
    **dict.fromkeys(
        ("remove-appxprovisionedpackage", "remove-provisionedappxpackage"),
        ("Remove-AppxProvisionedPackage", "uninstall"),
    ),
}
TOOLKITS = ("deploy-application", "invoke-appdeploytoolkit")
_MODES = {
    "silent": "Silent",
    "noninteractive": "NonInteractive",
    "interactive": "Interactive",
    "auto": "Auto",
}
_DEPLOYMENTS = ("install", "uninstall", "repair")

# tool -> (type of what is built, options in front of the input; empty: the first word that is no switch)
_BUILDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "makeappx": ("msix", ("/p", "-p")),
    "iscc": ("inno", ()),
    "makensis": ("nullsoft", ()),
    "candle": ("wix", ()),
    "light": ("wix", ()),
    "wix": ("wix", ()),
    "intunewinapputil": ("intunewin", ("-s",)),
    "pkgbuild": ("pkg", ("--identifier", "--root", "--component")),
    "productbuild": ("pkg", ("--package", "--distribution", "--component")),
    "rpmbuild": ("rpm", ("-ba", "-bb", "-bs")),
    "fpm": ("", ("-n", "--name")),
}
BUILDERS = frozenset(_BUILDERS)
_BUILD_VERBS = {"makeappx": "pack", "wix": "build"}


def parameters_of(words: list[str], switches: Collection[str] = ()) -> tuple[dict[str, str], list[str]]:
    """Read the words after a PowerShell command.

    Returns
    -------
    tuple
        Parameters by name in lower case (`-Path x` and `-Path:x`; a switch has an empty value), and the
        words that belong to none.
    """
    parameters: dict[str, str] = {}
    positional = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if re.match(r"-[A-Za-z]", word) is None:
            positional.append(word)
            continue
        name, sign, value = word[1:].partition(":")
        name = name.lower()
        if (
            not sign
            and name not in switches
            and at < len(words)
            and re.match(r"-[A-Za-z]", words[at]) is None
        ):
            value, at = words[at], at + 1
        parameters[name] = value
    return parameters, positional


def parse_app_cmdlet(words: list[str]) -> list[ParsedCommand]:
    """Parse `Add-AppxPackage` and its kin."""
    cmdlet, action = APP_CMDLETS[words[0].lower()]
    switches = {"online", "skiplicense", "allusers", "forceapplicationshutdown", "forceupdatefromanyversion"}
    switches |= {"forcetargetapplicationshutdown", "register", "disabledevelopmentmode", "allowunsigned"}
    given, positional = parameters_of(words[1:], switches)
    package = (
        given.get("path") or given.get("packagepath") or given.get("package") or given.get("packagename")
    )
    package = package or (positional[0] if positional else "")
    draft = Draft("appx", action)
    draft.installer_type = "msix"
    draft.name_from_file(package)
    is_provisioned = "Provisioned" in cmdlet
    draft.set("install_context", "system" if is_provisioned or "allusers" in given else "user")
    shown = [
        f"-{name}" for key, name in (("online", "Online"), ("skiplicense", "SkipLicense")) if key in given
    ]
    if action == "install":
        draft.set("silent_switch", " ".join([cmdlet, *shown]))
    if {"forceapplicationshutdown", "forcetargetapplicationshutdown"} & given.keys():
        draft.set("close_processes", "yes")
    known = {"path", "packagepath", "package", "packagename", "online", "skiplicense", "allusers"}
    for name, value in given.items():
        if name not in known and not name.startswith("force"):
            draft.add("options", f"-{name} {value}".strip())
    return [draft.finish([cmdlet, *words[1:]])]


def parse_dism(words: list[str]) -> list[ParsedCommand]:
    """Parse `dism`, as far as it adds or removes app packages."""
    names = {}
    for word in words[1:]:
        name, _, value = word.lstrip("/-").partition(":")
        names[name.lower()] = value
    is_added = {"add-provisionedappxpackage", "add-appxprovisionedpackage"} & names.keys()
    is_removed = {"remove-provisionedappxpackage", "remove-appxprovisionedpackage"} & names.keys()
    if not is_added and not is_removed:
        return []
    draft = Draft("dism", "install" if is_added else "uninstall")
    draft.installer_type = "msix"
    draft.name_from_file(names.get("packagepath") or names.get("packagename") or "")
    draft.set("install_context", "system")
    if is_added:
        switches = ["/Add-ProvisionedAppxPackage"] + (["/SkipLicense"] if "skiplicense" in names else [])
        draft.set("silent_switch", " ".join(switches))
    return [draft.finish(["dism", *words[1:]])]


def parse_toolkit(words: list[str]) -> list[ParsedCommand]:
    """Parse a deployment with the PowerShell App Deployment Toolkit."""
    switches = {"allowrebootpassthru", "terminalservermode", "disablelogging", "suppressrebootpassthru"}
    given, positional = parameters_of(words[1:], switches)
    said = [word.lower() for word in positional]
    action = given.get("deploymenttype", "").lower() or next(
        (w for w in said if w in _DEPLOYMENTS), "install"
    )
    mode = given.get("deploymode", "").lower() or next((w for w in said if w in _MODES), "")
    draft = Draft("psadt", action if action in _DEPLOYMENTS else "install")
    draft.name_from_file(words[0])
    draft.set("wrapper", "psadt")
    if mode in _MODES:
        draft.set("silent_switch", f"-DeployMode {_MODES[mode]}" if mode != "interactive" else "")
    if "allowrebootpassthru" in given:
        draft.set("reboot_handling", "defer")
    elif "suppressrebootpassthru" in given:
        draft.set("reboot_handling", "suppress")
    known = {"deploymenttype", "deploymode", "allowrebootpassthru", "suppressrebootpassthru"}
    for name, value in given.items():
        if name not in known:
            draft.add("options", f"-{name} {value}".strip())
    return [draft.finish(words)]


def parse_builder(tool: str, words: list[str], *, is_windows: bool) -> list[ParsedCommand]:
    """Parse a tool that builds a package."""
    kind, options = _BUILDERS[tool]
    verb = _BUILD_VERBS.get(tool)
    if verb is not None and (len(words) < 2 or words[1].lower() != verb):  # noqa: PLR2004 - the subcommand
        return []
    rest = words[2:] if verb else words[1:]
    target = ""
    for option in options:
        target = target or next((b for a, b in pairwise(rest) if a == option), "")
    if not options:
        target = next((word for word in rest if word[:1] not in {"/", "-"}), "")
    if not target:
        return []
    draft = Draft(tool, "package", is_windows=is_windows)
    draft.installer_type = kind or next((b for a, b in pairwise(rest) if a == "-t"), None)
    if tool == "fpm":
        draft.name = target
    else:
        draft.name_from_file(target)
    for word in rest:
        if word[:1] in {"/", "-"}:
            draft.add("options", word)
    return [draft.finish([tool, *words[1:]])]
