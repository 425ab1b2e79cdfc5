"""Find values in nested data by a path: the records of a file, and the columns of a record.

A path is a chain of steps with points between them: `actor.login`, `runs[1].res`, `data.items[*]`,
`result.{system}.{status}[*]`. It follows JSONPath in `[*]` and `[1]`; `{system}` goes to the value of each
key and calls the key `system`. A key with a point, bracket or brace is written in double quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH: Literal["each"] = "each"
"""Kind of the step to every entry of an array."""

SCALAR = "value"
"""Column of a record that is a single value and not an object."""

ROOT_LEVEL = "item"
"""Name of the entries of an array that has no key."""

OF_FILE = "$."
"""Beginning of the name of a column that stands once in a file, beside its records."""

MISSING: Any = object()
_STEP = re.compile(
    r'"(?P<quoted>[^"]+)"|\{(?P<name>[^{}\[\]".]+)\}|(?P<key>[^{}\[\]".]+)|\[(?P<index>\*|\d+)\]'
)


@dataclass(frozen=True)
class Step:
    """One step of a path; `value` is a key, the number of an entry, or the name of keys."""

    kind: Literal["key", "index", "each", "keys"]
    value: Any = None


@dataclass(frozen=True)
class RecordPlace:
    """Where a file has its records.

    Parameters
    ----------
    steps
        Path to the records.
    columns
        Path to the names of their columns, where records are arrays of cells.
    """

    steps: tuple[Step, ...]
    columns: tuple[Step, ...] | None = None


@dataclass(frozen=True)
class Reading:
    """What a mapping says about how a file is read.

    Parameters
    ----------
    places
        Where the records may be, the first that the file has counts; empty for the usual places.
    columns
        Columns that somebody reads; what a path passes on its way is added to records only under these.
    """

    places: tuple[RecordPlace, ...] = ()
    columns: frozenset[str] = field(default_factory=frozenset)

    @property
    def heads(self) -> frozenset[str]:
        """The first keys of the columns."""
        return frozenset(head for head in map(head_of, self.columns) if head is not None)


@lru_cache(maxsize=4096)
def parse_path(text: str) -> tuple[Step, ...]:
    """Parse a path.

    Raises
    ------
    ValueError
        When it is not one; the message shows the place.
    """
    steps: list[Step] = []
    position = 0
    while position < len(text):
        if text[position] == "." and steps:
            position += 1
        found = _STEP.match(text, position)
        is_joined = position == 0 or text[position - 1] == "." or text[position : position + 1] == "["
        if found is None or not is_joined or (found["index"] and text[position - 1 : position] == "."):
            raise ValueError(
                f"{text!r} is not a path (at {text[position:]!r}); write keys with points between them, such "
                "as data.items[*], and a key with a point in double quotes"
            )
        steps.append(_step_of(found))
        position = found.end()
    if not steps:
        raise ValueError("the path is empty; write for example data.items[*], or leave it out")
    return tuple(steps)


def _step_of(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return Step("each") if found["index"] == "*" else Step("index", int(found["index"]))
    if found["name"] is not None:
        return Step("keys", found["name"].strip())
    return Step("key", found["quoted"] or found["key"].strip())


def column_steps(column: str) -> tuple[Step, ...] | None:
    """Return the path that a column's name is; None where it is a plain name."""
    if "." not in column and "[" not in column and '"' not in column:
        return None
    try:
        steps = parse_path(column)
    except ValueError:
        return None
    return steps if len(steps) > 1 and steps[0].kind == "key" and _has_no_keys(steps) else None


def _has_no_keys(steps: tuple[Step, ...]) -> bool:
    return all(step.kind != "keys" for step in steps)


def head_of(column: str) -> str | None:
    """Return the key of a record under which a column is found; None for a value of the whole file."""
    if column.startswith(OF_FILE):
        return None
    steps = column_steps(column)
    return column if steps is None else str(steps[0].value)


def find(value: Any, steps: tuple[Step, ...]) -> Any:
    """Return what is at a path; a list where the path has `[*]`, and `MISSING` where there is nothing.

    A single object counts as an array of one, since several exporters write it so.
    """
    for number, step in enumerate(steps):
        if step.kind == "each":
            found = [find(one, steps[number + 1 :]) for one in _entries(value)]
            return _flat([one for one in found if one is not MISSING])
        value = _step_into(value, step)
        if value is MISSING:
            return MISSING
    return value


def filled_cell(record: dict[str, Any], column: str) -> Any:
    """Return a filled cell of a record, also at a path; None for an empty one, a list or an object."""
    value = record.get(column, MISSING)
    if value is MISSING:
        steps = column_steps(column)
        value = None if steps is None else find(record, steps)
    if isinstance(value, str):
        return value.strip() or None
    return None if value is MISSING or isinstance(value, list | dict) else value


def _step_into(value: Any, step: Step) -> Any:
    if step.kind == "index":
        entries = _entries(value)
        return entries[step.value] if step.value < len(entries) else MISSING
    return value.get(step.value, MISSING) if isinstance(value, dict) else MISSING


def _entries(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _flat(values: list[Any]) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def expand(
    value: Any, steps: tuple[Step, ...], wanted: frozenset[str], level: str = ROOT_LEVEL, passed: Any = None
) -> Iterator[Any]:
    """Yield the records at a path, each with what the path passed on its way to it.

    Parameters
    ----------
    value
        Where the path begins.
    steps
        The path. An array at its end is taken entry by entry.
    wanted
        Names under which something that was passed is added to a record: that of `{name}` for a key, and the
        last key of the path for an entry of an array.
    level
        Last key before `value`.
    passed
        What was passed already.
    """
    passed = passed or {}
    if not steps:
        for one in value if isinstance(value, list) else [value]:
            record = as_record(one) if one is not None or not passed else {SCALAR: None}
            yield {**passed, **record} if passed and isinstance(record, dict) else record
        return
    step, rest = steps[0], steps[1:]
    if step.kind == "each":
        for one in _entries(value) if isinstance(value, list | dict) else []:
            more = {level: one} if rest and level in wanted else {}
            yield from expand(one, rest, wanted, level, {**passed, **more})
    elif step.kind == "keys":
        for key, one in value.items() if isinstance(value, dict) else ():
            more = {step.value: key} if step.value in wanted else {}
            if rest and level in wanted:
                more[level] = one
            yield from expand(one, rest, wanted, level, {**passed, **more})
    else:
        inner = _step_into(value, step)
        if inner is not MISSING:
            yield from expand(inner, rest, wanted, step.value if step.kind == "key" else level, passed)


def as_record(value: Any) -> Any:
    """Return an entry as a record: an object as it is, a single value under the column `value`."""
    if type(value) is dict:
        return value
    if isinstance(value, dict):
        return dict(value)
    return {SCALAR: value} if isinstance(value, str | int | float | Decimal) else value
