"""Read and write the file of settings under MEMORY_HOME: TOML, one `name = value` a line.

What belongs here: the file. What does not: which names there are, and what their values may be (`settings`).
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "settings.toml"
_BEGINNING = "# Settings of this memory; a MEMORY_* variable of the environment wins over a line.\n"


def settings_file(home: Path) -> Path:
    """Return where the file of settings of a memory is, or would be."""
    return home / FILE_NAME


def read_settings_file(path: Path) -> dict[str, Any]:
    """Read the file of settings, name to value as TOML has it; empty where there is no file.

    Raises
    ------
    ValueError
        When it is not TOML; the message names file, line and remedy.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is not TOML ({error}); write one name = "value" a line') from error


def with_line(text: str, name: str, value: Any) -> str:
    """Return the text of the file with one setting changed, added, or (None) removed; the rest stays."""
    line = "" if value is None else f"{name} = {_toml(value)}\n"
    lines = (text or _BEGINNING).splitlines(keepends=True)
    place = next((at for at, one in enumerate(lines) if re.match(rf"{re.escape(name)}\s*=", one)), len(lines))
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    lines[place : place + 1] = [line]
    return "".join(lines)


def write_settings_file(path: Path, text: str) -> None:
    """Replace the file, for its owner alone: it may hold secrets."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _toml(value: Any) -> str:
    """Return a text, a number, or true or false as TOML; JSON writes these in the same way."""
    return json.dumps(value)
