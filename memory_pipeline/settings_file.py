"""Read and write the file of settings under MEMORY_HOME: TOML, one `name = value` a line.

What belongs here: the file. What does not: which names there are, and what their values may be (`settings`).
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic_settings import PydanticBaseSettingsSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

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


class FileSource(PydanticBaseSettingsSource):
    """The settings of the file, but for those that the environment has.

    Parameters
    ----------
    settings_class
        The settings.
    path
        The file.
    variable_of
        From the name of a setting to its variable.

    Raises
    ------
    ValueError
        At reading, when the file is not TOML, or sets something unknown.
    """

    def __init__(
        self, settings_class: type[BaseSettings], path: Path, variable_of: Callable[[str], str]
    ) -> None:
        super().__init__(settings_class)
        self._path, self._variable_of = path, variable_of

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return nothing: `__call__` reads all fields at once."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of the file, by the names that pydantic takes."""
        found = read_settings_file(self._path)
        fields = self.settings_cls.model_fields
        known = fields.keys() - {"home"}
        for name in found.keys() - known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; remove the line"
            raise ValueError(f"{self._path} sets {name!r}, which cannot be set there{hint}")
        there = {name.upper() for name in os.environ}
        return {
            str(fields[name].validation_alias or name): value
            for name, value in found.items()
            if self._variable_of(name).upper() not in there
        }


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
