"""Package managers of Windows: winget, Chocolatey and Scoop.

References
----------
.. [1] Microsoft, "winget install"; its `--installer-type` has the names that are used here.
.. [2] Chocolatey, "Choco install command".
.. [3] Scoop wiki, "Commands".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.ingest.commands.options import read_arguments
from memory_pipeline.ingest.commands.parsed import Draft

if TYPE_CHECKING:
    from memory_pipeline.ingest.commands.options import Arguments
    from memory_pipeline.ingest.commands.parsed import ParsedCommand

MAX_PACKAGES = 50
"""Packages of one command that are read."""

_WINGET_ACTIONS = {
    **dict.fromkeys(("install", "add"), "install"),
    **dict.fromkeys(("upgrade", "update"), "upgrade"),
    **dict.fromkeys(("uninstall", "remove", "rm"), "uninstall"),
    **dict.fromkeys(("repair", "fix"), "repair"),
}
_WINGET_ALIASES = {
    "-q": "--query",
    "-m": "--manifest",
    "-v": "--version",
    "-s": "--source",
    "-a": "--architecture",
    "-l": "--location",
    "-o": "--log",
    "-h": "--silent",
    "-i": "--interactive",
    "-e": "--exact",
}
_WINGET_VALUES = {
    *(
        "--query",
        "--manifest",
        "--id",
        "--name",
        "--moniker",
        "--version",
        "--source",
        "--scope",
        "--architecture",
    ),
    *(
        "--installer-type",
        "--location",
        "--locale",
        "--log",
        "--override",
        "--custom",
        "--header",
        "--product-code",
    ),
    *("--dependency-source", "--authentication-mode", "--authentication-account", "--proxy"),
}
_WINGET_NAMES = {"--id", "--name", "--moniker", "--query"}
_WINGET_TYPES = {"msi", "wix", "burn", "exe", "inno", "nullsoft", "msix", "appx", "zip", "portable"}
_WINGET_READ = _WINGET_VALUES | {
    *("--silent", "--exact", "--accept-package-agreements", "--accept-source-agreements", "--force"),
    "--disable-interactivity",
}

_CHOCO_ACTIONS = {"install": "install", "upgrade": "upgrade", "uninstall": "uninstall", "pack": "package"}
_CHOCO_ALIASES = {
    **dict.fromkeys(("-y", "--confirm"), "--yes"),
    **dict.fromkeys(("--ia", "--installargs", "--installarguments", "--install-args"), "--install-arguments"),
    **dict.fromkeys(("--params", "--parameters", "--pkgparameters"), "--package-parameters"),
    **dict.fromkeys(("--packageparameters", "--packageparams", "--package-params"), "--package-parameters"),
    **dict.fromkeys(("-o", "--override"), "--override-arguments"),
    "-s": "--source",
    "-f": "--force",
    "-u": "--user",
    "-p": "--password",
    "--x86": "--forcex86",
}
_CHOCO_VALUES = {
    *(
        "--version",
        "--source",
        "--install-arguments",
        "--package-parameters",
        "--user",
        "--password",
        "--cert",
    ),
    *("--timeout", "--execution-timeout", "--cache", "--cache-location", "--out", "--output-directory"),
}
_CHOCO_READ = {
    "--yes",
    "--version",
    "--source",
    "--install-arguments",
    "--package-parameters",
    "--force",
    "--forcex86",
}
_CHOCO_SHORT = {"cinst": "install", "cup": "upgrade", "cuninst": "uninstall"}

_SCOOP_ACTIONS = {"install": "install", "update": "upgrade", "uninstall": "uninstall", "reset": "repair"}


def parse_winget(words: list[str]) -> list[ParsedCommand]:
    """Parse `winget`; one result for each package."""
    if len(words) < 2 or words[1].lower() not in _WINGET_ACTIONS:  # noqa: PLR2004 - the subcommand
        return []
    said = read_arguments(words[2:], with_value=_WINGET_VALUES, aliases=_WINGET_ALIASES, ignores_case=True)
    named = [("", name) for name in said.positional[:MAX_PACKAGES]]
    named += [(one.name, one.value) for one in said.options if one.name in _WINGET_NAMES and one.value]
    found = []
    for option, name in named or [("", "")]:
        draft = _draft("winget", _WINGET_ACTIONS[words[1].lower()], said)
        draft.name, draft.version = name, said.value("--version")
        manifest = said.value("--manifest")
        if not name and manifest:
            draft.name_from_file(manifest)
        kind = said.value("--installer-type").lower()
        draft.installer_type = kind if kind in _WINGET_TYPES else None
        scope = said.value("--scope").lower()
        draft.set("install_context", {"machine": "system", "user": "user"}.get(scope, ""))
        draft.set("silent_switch", "--silent" if said.has("--silent") else "")
        draft.set("installer_arguments", said.value("--override") or said.value("--custom"))
        draft.set("install_dir", said.value("--location"))
        draft.set("package_architecture", said.value("--architecture"))
        draft.set("log", "yes" if said.has("--log") else "")
        if said.has("--accept-package-agreements"):
            draft.set("accept_agreements", "yes")
        _add_options(draft, said, _WINGET_READ)
        package = [option, name] if option else [name] if name else []
        found.append(draft.finish(["winget", words[1], *said.words(without=_WINGET_NAMES), *package]))
    return found


def parse_choco(words: list[str]) -> list[ParsedCommand]:
    """Parse `choco` (and `cinst`, `cup`, `cuninst`); one result for each package."""
    if words[0] in _CHOCO_SHORT:
        words = ["choco", _CHOCO_SHORT[words[0]], *words[1:]]
    if len(words) < 2 or words[1].lower() not in _CHOCO_ACTIONS:  # noqa: PLR2004 - the subcommand
        return []
    said = read_arguments(words[2:], with_value=_CHOCO_VALUES, aliases=_CHOCO_ALIASES, ignores_case=True)
    action = _CHOCO_ACTIONS[words[1].lower()]
    names = [one for name in said.positional for one in name.split(";") if one.strip()][:MAX_PACKAGES]
    found = []
    for name in names or [""]:
        draft = _draft("choco", action, said)
        draft.version = said.value("--version")
        if name.lower().endswith((".nupkg", ".nuspec", ".config")):
            draft.name_from_file(name)
        else:
            draft.name = name
        draft.set("silent_switch", "-y" if said.has("--yes") else "")
        draft.set("installer_arguments", said.value("--install-arguments").strip("\"'"))
        draft.set("package_parameters", said.value("--package-parameters").strip("\"'"))
        draft.set("package_architecture", "x86" if said.has("--forcex86") else "")
        _add_options(draft, said, _CHOCO_READ)
        found.append(draft.finish(["choco", words[1], *said.words(), *([name] if name else [])]))
    return found


def parse_scoop(words: list[str]) -> list[ParsedCommand]:
    """Parse `scoop`; one result for each application, `bucket/name@version`."""
    if len(words) < 2 or words[1].lower() not in _SCOOP_ACTIONS:  # noqa: PLR2004 - the subcommand
        return []
    action = _SCOOP_ACTIONS[words[1].lower()]
    aliases = {"-g": "--global", "-a": "--arch", "-k": "--no-cache"}
    said = read_arguments(words[2:], with_value={"--arch"}, aliases=aliases, joins_letters=False)
    if not said.positional and not (action == "upgrade" and said.has("--all", "-a")):
        return []  # `scoop update` renews Scoop itself
    found = []
    for name in said.positional[:MAX_PACKAGES] or ("",):
        draft = _draft("scoop", action, said)
        if name.lower().endswith(".json"):
            draft.name_from_file(name[:-5])
        else:
            bucket, _, rest = name.rpartition("/")
            draft.name, _, draft.version = rest.partition("@")
            draft.set("package_source", bucket)
        draft.set("install_context", "system" if said.has("--global") else "user")
        draft.set("package_architecture", said.value("--arch"))
        _add_options(draft, said, {"--global", "--arch"})
        found.append(draft.finish(["scoop", words[1], *said.words(), *([name] if name else [])]))
    return found


def _draft(tool: str, action: str, said: Arguments) -> Draft:
    draft = Draft(tool, action)
    draft.set("package_manager", tool)
    draft.set("package_source", said.value("--source"))
    draft.set("force", "yes" if said.has("--force") else "")
    return draft


def _add_options(draft: Draft, said: Arguments, read: set[str]) -> None:
    for one in said.options:
        if one.name not in read:
            draft.add("options", " ".join(one.words))
