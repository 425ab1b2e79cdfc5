"""Which settings are in force, where each is from, and how one is changed in the file under MEMORY_HOME."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, ValidationError

from memory_pipeline.settings import Settings, home_of_environment, variable_of
from memory_pipeline.settings_file import (
    read_settings_file,
    settings_file,
    with_line,
    write_settings_file,
)

if TYPE_CHECKING:
    from pathlib import Path

OTHER_VARIABLES = frozenset(
    {
        "MEMORY_CONTEXT",
        "MEMORY_DAGSTER_URL",
        "MEMORY_HOOK_DEBUG",
        "MEMORY_SERVER_URL",
        "MEMORY_SERVER_WORKER_OPTIONS",
        "MEMORY_TOKEN",
    }
)
"""Variables of the client, of hooks and of processes that a command starts: no settings of a memory."""


def describe_settings(settings: Settings) -> list[dict[str, Any]]:
    """Return the settings in force, for people to read: secrets and passwords in addresses are masked.

    Returns
    -------
    list of dict
        `variable`, `value` (as text; None where it is unset), `source` (`environment`, `file`, `default`, or
        `program` for one that a caller gave), `is_default` and `description`, in the order of the fields.
    """
    in_file = read_settings_file(settings_file(settings.home))
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        is_default = value == field.default
        rows.append(
            {
                "variable": variable_of(name),
                "value": _shown(value),
                "source": _source(name, in_file, is_default=is_default),
                "is_default": is_default,
                "description": field.description,
            }
        )
    return rows


def set_setting(name: str, text: str) -> Path:
    """Write a setting into the file under MEMORY_HOME, once the file with it is found to be usable.

    Parameters
    ----------
    name
        Of the setting or its variable: `min_units` or `MEMORY_MIN_UNITS`.
    text
        Its value.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        When the name is unknown (the message has the nearest one), is `home`, or the value is out of range.
    """
    return _change(name, text)


def unset_setting(name: str) -> Path:
    """Remove a setting from the file under MEMORY_HOME; see `set_setting`."""
    return _change(name, None)


def setting_named(name: str) -> str:
    """Return the name of a setting from its name or its variable, in any case.

    Raises
    ------
    ValueError
        When there is none; the message has the nearest one.
    """
    known = {variable_of(one).lower(): one for one in Settings.model_fields} | {
        one: one for one in Settings.model_fields
    }
    found = known.get(name.strip().lower().replace("-", "_"))
    if found is None:
        raise ValueError(f"there is no setting {name!r}{nearest(name.lower(), known)}")
    return found


def is_in_environment(name: str) -> bool:
    """Return whether the environment has the variable of a setting, which then wins over the file."""
    return variable_of(name).upper() in {one.upper() for one in os.environ}


def is_secret(name: str) -> bool:
    """Return whether the value of a setting is shown nowhere."""
    return "SecretStr" in str(Settings.model_fields[name].annotation)


def unknown_variables() -> list[str]:
    """Return a sentence for each `MEMORY_*` variable that nothing reads: a wrong name has no effect."""
    known = {variable_of(name) for name in Settings.model_fields} | OTHER_VARIABLES
    return [
        f"{name} is not read by anything{nearest(name, known)}"
        for name in sorted(os.environ)
        if name.upper().startswith("MEMORY_") and name.upper() not in known
    ]


def problems_of(error: ValidationError) -> list[str]:
    """Return what is wrong with settings, a sentence each: variable, value, where it is from, remedy."""
    path = settings_file(home_of_environment())
    said = []
    for one in error.errors(include_url=False):
        given = str(one["loc"][0])
        name = setting_named(given) if given.lower() != "home" else "home"
        where = "" if is_in_environment(name) or name not in read_settings_file(path) else f" in {path}"
        value = "not usable" if is_secret(name) else repr(str(one["input"]))
        said.append(f"{variable_of(name)} is {value}{where}: {one['msg'].removeprefix('Value error, ')}")
    return said


def nearest(name: str, known: Any) -> str:
    """Return a question that names what is most like a name, beginning with `; `; empty where nothing is."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _change(name: str, text: str | None) -> Path:
    field = setting_named(name)
    home = home_of_environment()
    path = settings_file(home)
    if field == "home":
        raise ValueError(f"home says where {path} is, so it cannot be in it; set the variable MEMORY_HOME")
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text is None and field not in read_settings_file(path):
        raise ValueError(f"{path} does not set {field}")
    value = None if text is None else _checked(field, text)
    after = with_line(before, field, value)
    write_settings_file(path, after)
    return path


def _checked(field: str, text: str) -> Any:
    """Return a value as TOML takes it, once it was found to be in the range of its setting."""
    try:
        value = getattr(Settings.model_validate({field: text}), field)
    except ValidationError as error:
        names = {field, variable_of(field)}
        of_it = [one for one in error.errors(include_url=False) if str(one["loc"][0]) in names]
        if of_it:
            raise ValueError(f"{field}: {of_it[0]['msg'].removeprefix('Value error, ')}") from None
        raise
    return value if isinstance(value, bool | int | float) else text


def _shown(value: Any) -> str | None:
    if isinstance(value, SecretStr):
        return "(set, not shown)" if value.get_secret_value().strip() else None
    return None if value is None else re.sub(r"(?<=://)[^/@\s]*@", "(not shown)@", str(value))


def _source(name: str, in_file: dict[str, Any], *, is_default: bool) -> str:
    if is_in_environment(name):
        return "environment"
    if name in in_file:
        return "file"
    return "default" if is_default else "program"
