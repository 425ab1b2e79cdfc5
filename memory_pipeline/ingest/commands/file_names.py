"""Name and version of an application, as far as an installer's file name tells them."""

from __future__ import annotations

import re

_EXTENSIONS = re.compile(
    r"\.(?:exe|ms[ip]|msix|msixbundle|appx|appxbundle|deb|rpm|pkg|mpkg|dmg|iso|nupkg|intunewin|iss|nsi|wxs|wixobj|spec"
    r"|ps1|cmd|bat|snap|flatpakref|cab)$",
    re.IGNORECASE,
)
_NOISE = frozenset(
    {
        *(
            "x64",
            "x86",
            "x32",
            "amd64",
            "arm64",
            "aarch64",
            "i386",
            "i686",
            "ia32",
            "x86_64",
            "noarch",
            "all",
        ),
        *(
            "win",
            "win32",
            "win64",
            "windows",
            "64bit",
            "32bit",
            "64",
            "32",
            "bit",
            "macos",
            "osx",
            "mac",
            "universal",
        ),
        *(
            "setup",
            "install",
            "installer",
            "bootstrapper",
            "online",
            "offline",
            "standalone",
            "full",
            "silent",
        ),
        *("release", "stable", "final", "latest", "user", "machine", "system", "en", "us", "neutral"),
        *("deploy", "application", "invoke", "appdeploytoolkit", "uninstall", "unins000", "unins001"),
    }
)
_FOLDERS = frozenset(
    {
        *(
            "",
            ".",
            "..",
            "~",
            "files",
            "file",
            "temp",
            "tmp",
            "downloads",
            "download",
            "desktop",
            "source",
            "sources",
        ),
        *(
            "dist",
            "bin",
            "build",
            "out",
            "output",
            "content",
            "package",
            "packages",
            "installers",
            "x64",
            "x86",
        ),
        *("windows", "system32", "program files", "program files (x86)", "programdata", "users", "public"),
    }
)
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){1,4})", re.IGNORECASE)
_LONG_ENDING = re.compile(r"(?i)(?<=[a-z0-9])(?:setup|installer)$")
_ARCHITECTURE_ENDING = re.compile(r"(?i)[._](?:x64|x86|amd64|arm64)$")
_SEPARATORS = re.compile(r"([\s_+()\-]+)")
_DOT_AT_VERSION = re.compile(r"(?<=[A-Za-z])\.(?=\d)|(?<=\d)\.(?=[A-Za-z])")


def application_of(path: str) -> tuple[str | None, str | None]:
    r"""Return name and version that a path says, each None where it says none.

    Examples
    --------
    >>> application_of(r"C:\in\vlc-3.0.20-win64.exe")
    ('vlc', '3.0.20')
    """
    plain = path[-1000:].split("?", maxsplit=1)[0].strip().strip("\"'")
    parts = [part for part in re.split(r"[\\/]+", plain) if part]
    if not parts or parts[-1].startswith(("{", "%", "$")):
        return None, None
    base = parts[-1]
    stem = _EXTENSIONS.sub("", base)
    lower = base.lower()
    if lower.endswith((".deb", ".msix", ".msixbundle", ".appx", ".appxbundle")) and "_" in stem:
        first, second, *_ = stem.split("_")
        return first or None, second if _VERSION.match(second) else None
    if lower.endswith(".rpm") and stem.count("-") >= 2:  # noqa: PLR2004 - name-version-release
        first, second, _ = stem.rsplit("-", 2)
        return first or None, second
    name, version = _cleaned(stem)
    if name is None and len(parts) > 1:
        folder = parts[-2]
        if folder.lower() not in _FOLDERS and not folder.startswith(("%", "$")) and not folder.endswith(":"):
            return _cleaned(folder)
    return name, version


def _cleaned(stem: str) -> tuple[str | None, str | None]:
    version = None
    name = ""
    stem = _ARCHITECTURE_ENDING.sub("", stem)
    stem = _DOT_AT_VERSION.sub(" ", stem)
    parts = _SEPARATORS.split(stem)
    # Words and what stands between them take turns.
    for number in range(0, len(parts), 2):
        word = parts[number]
        found = _VERSION.fullmatch(word)
        if found:
            version = version or found[1]
        elif word and word.lower() not in _NOISE:
            is_joined = number > 0 and parts[number - 1] == "-" and name.endswith(parts[number - 2])
            name += ("-" if is_joined and parts[number - 2] else " ") + word
    name = _LONG_ENDING.sub("", name.strip()).strip(" .-")
    return name or None, version
