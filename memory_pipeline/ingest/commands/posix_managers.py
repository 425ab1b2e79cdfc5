"""Package managers and installers of Linux and macOS.

References
----------
.. [1] apt-get(8), dpkg(1), dnf(8), rpm(8), snap(8), flatpak(1); Homebrew, "brew(1)".
.. [2] Apple, installer(8) and hdiutil(1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memory_pipeline.ingest.commands.options import read_arguments
from memory_pipeline.ingest.commands.parsed import Draft
from memory_pipeline.ingest.commands.windows_managers import MAX_PACKAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.ingest.commands.options import Arguments
    from memory_pipeline.ingest.commands.parsed import ParsedCommand


class _Manager(NamedTuple):
    """How a manager's commands are read."""

    installer_type: str | None
    actions: Mapping[str, str]
    with_value: frozenset[str] = frozenset()
    silent: tuple[str, ...] = ("-y", "--yes", "--assume-yes", "--assumeyes")
    file_ending: str = ""
    joins_letters: bool = True
    name_and_version: str = ""


_APT = _Manager(
    "deb",
    {
        "install": "install",
        "reinstall": "repair",
        "remove": "uninstall",
        "purge": "uninstall",
        "upgrade": "upgrade",
        "dist-upgrade": "upgrade",
        "full-upgrade": "upgrade",
        "safe-upgrade": "upgrade",
    },
    frozenset({"-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file"}),
    file_ending=".deb",
    name_and_version="=",
)
_DNF = _Manager(
    "rpm",
    {
        "install": "install",
        "localinstall": "install",
        "reinstall": "repair",
        "remove": "uninstall",
        "erase": "uninstall",
        "upgrade": "upgrade",
        "update": "upgrade",
        "downgrade": "install",
    },
    frozenset(
        {"-x", "--exclude", "--enablerepo", "--disablerepo", "--repo", "--releasever", "--setopt", "-c"}
    ),
    file_ending=".rpm",
)
_SNAP = _Manager(
    "snap",
    {"install": "install", "refresh": "upgrade", "remove": "uninstall", "revert": "repair"},
    frozenset({"--channel", "--revision"}),
    silent=(),
    file_ending=".snap",
)
_FLATPAK = _Manager(
    "flatpak",
    {"install": "install", "update": "upgrade", "uninstall": "uninstall", "remove": "uninstall"},
    frozenset({"--arch", "--installation", "--subpath"}),
    silent=("-y", "--assumeyes", "--noninteractive"),
)
_BREW = _Manager(
    None,
    {
        "install": "install",
        "reinstall": "repair",
        "upgrade": "upgrade",
        "uninstall": "uninstall",
        "remove": "uninstall",
        "rm": "uninstall",
    },
    frozenset({"--appdir", "--language"}),
    silent=(),
    joins_letters=False,
    name_and_version="@",
)
_MANAGERS: Mapping[str, _Manager] = {
    **dict.fromkeys(("apt", "apt-get", "aptitude"), _APT),
    **dict.fromkeys(("dnf", "dnf5", "microdnf", "yum"), _DNF),
    "snap": _SNAP,
    "flatpak": _FLATPAK,
    "brew": _BREW,
}
_DPKG = {
    "-i": "install",
    "--install": "install",
    "-r": "uninstall",
    "--remove": "uninstall",
    "-P": "uninstall",
}
_DPKG |= {"--purge": "uninstall", "-b": "package", "--build": "package"}
_RPM = {"-i": "install", "--install": "install", "-U": "upgrade", "--upgrade": "upgrade", "-F": "upgrade"}
_RPM |= {"--freshen": "upgrade", "-e": "uninstall", "--erase": "uninstall", "--reinstall": "repair"}
_INSTALLER_VALUES = frozenset({"-pkg", "-package", "-target", "-applyChoiceChangesXML", "-lang"})
_DISK_ACTIONS = {"attach": "install", "mount": "install", "create": "package"}
_DISK_VALUES = frozenset({"-mountpoint", "-mountroot", "-volname", "-srcfolder", "-format", "-fs", "-size"})


def parse_posix(tool: str, words: list[str], variables: Mapping[str, str]) -> list[ParsedCommand]:
    """Parse a command of Linux or macOS; one result for each package.

    Parameters
    ----------
    tool
        The program without its folder.
    words
        All words, the program first.
    variables
        Environment variables that were set in front of the command.
    """
    if tool in _MANAGERS:
        return _managed(tool, _MANAGERS[tool], words[1:], variables)
    if tool in {"dpkg", "dpkg-deb", "rpm"}:
        return _low_level(tool, words[1:])
    if tool == "installer":
        return _macos_installer(words[1:])
    return _disk_image(words[1:]) if tool == "hdiutil" else []


def _managed(
    tool: str, manager: _Manager, words: list[str], variables: Mapping[str, str]
) -> list[ParsedCommand]:
    said = read_arguments(words, with_value=manager.with_value, joins_letters=manager.joins_letters)
    positional = list(said.positional)
    is_cask = said.has("--cask", "--casks")
    if tool == "brew" and positional[:1] == ["cask"]:
        positional, is_cask = positional[1:], True
    if not positional or positional[0] not in manager.actions:
        return []
    verb, packages = positional[0], positional[1 : MAX_PACKAGES + 1]
    remote = ""
    if tool == "flatpak" and len(packages) > 1 and "." not in packages[0]:
        remote, packages = packages[0], packages[1:]
    if not packages and manager.actions[verb] != "upgrade":
        return []
    frontend = variables.get("DEBIAN_FRONTEND", "") if manager is _APT else ""
    found = []
    for package in packages or [""]:
        draft = Draft(tool, manager.actions[verb], is_windows=False)
        draft.installer_type = manager.installer_type
        if tool == "brew":
            draft.installer_type = "cask" if is_cask else "formula"
            if not is_cask and not said.has("--formula", "--formulae"):
                draft.inferred.add("installer_type")
        draft.set("package_manager", "apt" if manager is _APT else tool)
        draft.set("package_source", remote)
        draft.set("frontend", frontend)
        _name_package(draft, manager, package)
        _read_options(draft, manager, said)
        start = [f"DEBIAN_FRONTEND={frontend}"] if frontend else []
        cask = ["--cask"] if is_cask and not said.has("--cask", "--casks") else []
        rest = [one for one in (remote, package) if one]
        draft_words = [*start, tool, verb, *said.words(), *cask, *rest]
        found.append(draft.finish(draft_words))
    return found


def _name_package(draft: Draft, manager: _Manager, package: str) -> None:
    if manager.file_ending and package.lower().endswith(manager.file_ending):
        draft.name_from_file(package)
    elif manager is _FLATPAK and "/" in package:
        parts = package.split("/")
        draft.name = next((part for part in parts if "." in part), package)
        draft.version = parts[-1] if len(parts) > 2 else ""  # noqa: PLR2004 - the branch is the last of three or four
    elif manager is _BREW:
        tap, _, name = package.rpartition("/")
        draft.set("package_source", tap)
        draft.name, _, draft.version = name.partition("@")
    elif manager.name_and_version:
        name, _, draft.version = package.partition(manager.name_and_version)
        draft.name, _, release = name.partition("/")
        draft.set("package_source", release)
    else:
        draft.name = package


def _read_options(draft: Draft, manager: _Manager, said: Arguments) -> None:
    silent = [one.name for one in said.options if one.name in manager.silent]
    if silent:
        draft.set("silent_switch", "--noninteractive" if "--noninteractive" in silent else "-y")
    if said.has("--user"):
        draft.set("install_context", "user")
    elif said.has("--system"):
        draft.set("install_context", "system")
    if said.has("--force", "--force-yes"):
        draft.set("force", "yes")
    read = {*manager.silent, "--user", "--system", "--force", "--cask", "--casks", "--formula", "--formulae"}
    for one in said.options:
        if one.name not in read:
            draft.add("options", f"{one.name} {one.value}".strip())


def _low_level(tool: str, words: list[str]) -> list[ParsedCommand]:
    kinds = _RPM if tool == "rpm" else _DPKG
    said = read_arguments(words, joins_letters=True)
    action = next((kinds[one.name] for one in said.options if one.name in kinds), None)
    if action is None or said.has("-q", "--query", "-V", "--verify", "-l", "-L"):
        return []
    found = []
    for package in said.positional[:MAX_PACKAGES]:
        draft = Draft("rpm" if tool == "rpm" else "dpkg", action, is_windows=False)
        draft.installer_type = "rpm" if tool == "rpm" else "deb"
        if package.lower().endswith((".rpm", ".deb")) or "/" in package:
            draft.name_from_file(package)
        else:
            draft.name = package
        if any("force" in one.name for one in said.options):
            draft.set("force", "yes")
        for one in said.options:
            if one.name not in kinds and one.name.startswith("--"):
                draft.add("options", f"{one.name} {one.value}".strip())
        found.append(draft.finish([tool, *said.words(), package]))
        if action == "package":
            break  # `dpkg-deb --build FOLDER FILE`
    return found


def _macos_installer(words: list[str]) -> list[ParsedCommand]:
    said = read_arguments(words, with_value=_INSTALLER_VALUES)
    package = said.value("-pkg", "-package")
    if not package or said.has("-dominfo", "-volinfo", "-pkginfo", "-query", "-showChoicesXML"):
        return []
    draft = Draft("installer", is_windows=False)
    draft.installer_type = "pkg"
    draft.name_from_file(package.rstrip("/"))
    target = said.value("-target")
    draft.set(
        "install_context", "user" if target == "CurrentUserHomeDirectory" else "system" if target else ""
    )
    for one in said.options:
        if one.name not in {"-pkg", "-package", "-target"}:
            draft.add("options", " ".join(one.words))
    return [draft.finish(["installer", *said.words()])]


def _disk_image(words: list[str]) -> list[ParsedCommand]:
    said = read_arguments(words, with_value=_DISK_VALUES)
    if len(said.positional) < 2 or said.positional[0] not in _DISK_ACTIONS:  # noqa: PLR2004 - verb and image
        return []
    draft = Draft("hdiutil", _DISK_ACTIONS[said.positional[0]], is_windows=False)
    draft.installer_type = "dmg"
    draft.name_from_file(said.positional[1])
    for one in said.options:
        draft.add("options", " ".join(one.words))
    return [draft.finish(["hdiutil", said.positional[0], *said.words(), said.positional[1]])]
