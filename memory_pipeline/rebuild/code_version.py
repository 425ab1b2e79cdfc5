"""The version of code: what was made by other code than today's is made anew."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds the package `memory_pipeline`."""


def code_version(*modules: str) -> str:
    """Hash the text of modules, and of every module of packages at any depth.

    Returns
    -------
    str
        16 hexadecimal digits; they change when a file changes, appears, goes or is renamed.

    Raises
    ------
    ModuleNotFoundError
        When there is no such module or package.
    """
    digest = hashlib.sha256()
    for module in modules:
        for file in _files(module):
            digest.update(f"{file.relative_to(ROOT).as_posix()}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _files(module: str) -> Iterator[Path]:
    place = ROOT.joinpath(*module.split("."))
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    if not files or not files[0].is_file():
        raise ModuleNotFoundError(f"there is no module {module!r} below {ROOT} to take the version of")
    yield from files
