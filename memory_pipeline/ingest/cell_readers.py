"""Read the cells of a source's column as text, number, truth value, list, time or exit code."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from memory_pipeline.ingest.errors import refuse
from memory_pipeline.ingest.field_rules import plain
from memory_pipeline.ingest.number_texts import (
    SECONDS,
    decimal_mark_of,
    is_ambiguous_number,
    parse_code,
    parse_duration,
    parse_number,
)
from memory_pipeline.ingest.reading_notes import ReadingNotes
from memory_pipeline.ingest.time_texts import TimeReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.ingest.column_rules import ColumnRule

TRUE_TEXTS = frozenset({"true", "yes", "y", "on", "1"})
FALSE_TEXTS = frozenset({"false", "no", "n", "off", "0"})
AS_THEY_ARE = frozenset({bool, int, list, type(None)})
"""Types of cells that need no reading where the mapping has no rule."""

PSEUDONYM_MARK = "pseudonym:"
_DASHES = frozenset({"-", "\u2013", "\u2014", "--"})


def cell_reader(
    column: str, rule: ColumnRule, timezone: str | None, notes: ReadingNotes | None = None
) -> Callable[[Any], Any]:
    """Build the function that reads the cells of one column.

    Parameters
    ----------
    column
        Name of the column, for messages.
    rule
        The mapping's rule for it.
    timezone
        Zone of times that come without one.
    notes
        Takes notes on cells that have more than one reading.

    Returns
    -------
    callable
        From a cell to its value, None for an empty cell. It raises `RecordRefusedError` for a cell that
        cannot be read.
    """
    convert = _converter(column, rule, timezone, notes or ReadingNotes())
    if not (rule.read_as or rule.missing or rule.values or rule.pseudonymise) and rule.default is None:
        return read_simple_cell
    missing = frozenset(text.strip().casefold() for text in rule.missing)
    values = {table_key(column, rule, key): value for key, value in rule.values.items()}
    default = None if rule.default is None else convert(rule.default)
    is_pseudonym = rule.pseudonymise

    def read(cell: Any) -> Any:
        value = _filled(cell, missing)
        if value is not None:
            value = convert(pseudonym(value) if is_pseudonym else value)
            if values and value is not None:
                value = _translated(value, values)
        return default if value is None else value

    return read


def read_simple_cell(cell: Any) -> Any:
    """Read a cell for which the mapping has no rule: text is stripped, other values stay as they are."""
    # Most cells come through here, so the usual types are tried first.
    kind = type(cell)
    if kind is str:
        return cell.strip() or None
    if kind in AS_THEY_ARE:
        return cell
    value = _filled(cell, frozenset())
    return as_text(value) if isinstance(value, date) else value


def table_key(column: str, rule: ColumnRule, key: Any) -> str:
    """Return a key of a mapping's table in the form in which the cells of its column are looked up."""
    return lookup_key(_code(column, key, rule) if rule.read_as == "code" else key)


def lookup_key(value: Any) -> str:
    """Return the text by which value tables find a value: without case and surrounding white space."""
    return as_text(value).strip().casefold()


def look_up(table: dict[str, Any], value: Any, default: Any = None) -> Any:
    """Return what a table has for a value; a key `1.0` stands for the number 1.0, which is `1` as text."""
    key = lookup_key(value)
    if type(value) is float and key not in table:
        key = repr(value)
    return table.get(key, default)


def as_text(value: Any) -> str:
    """Write a scalar as text: whole numbers without a point, truth values and times as JSON has them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def pseudonym(value: Any) -> str:
    """Replace a value by a mark and 16 hex digits of its SHA-256; a pseudonym stays as it is."""
    text = as_text(value).strip()
    if text.startswith(PSEUDONYM_MARK):
        return text
    return PSEUDONYM_MARK + hashlib.sha256(text.casefold().encode("utf-8", "replace")).hexdigest()[:16]


def _filled(cell: Any, missing: frozenset[str]) -> Any:
    """Return the plain value of a cell; None for an empty cell, a NaN, or a text that means missing."""
    if isinstance(cell, str):
        text = cell.strip()
        return None if not text or (missing and text.casefold() in missing) else text
    if cell is None or isinstance(cell, bool | int | list | dict):
        return cell
    cell = plain(cell)
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _translated(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [look_up(values, item, item) for item in value]
    return look_up(values, value, value)


def _converter(
    column: str, rule: ColumnRule, timezone: str | None, notes: ReadingNotes
) -> Callable[[Any], Any]:
    if rule.read_as == "time":
        return TimeReader(column, rule.formats, ZoneInfo(timezone) if timezone else None, notes).read
    mark = None if rule.locale is None else decimal_mark_of(rule.locale)
    return {
        None: read_simple_cell,
        "text": lambda value: _text(column, value),
        "number": lambda value: _number(column, value, mark, notes),
        "integer": lambda value: _integer(column, value, mark, notes),
        "duration": lambda value: _duration(column, value, rule, mark, notes),
        "boolean": lambda value: _boolean(column, value),
        "code": lambda value: _code(column, value, rule),
        "list": lambda value: _list(column, value, rule.separator),
        "json": lambda value: _json(column, value),
    }[rule.read_as]


def _text(column: str, value: Any) -> str:
    if isinstance(value, list | dict):
        refuse(column, value, f"{column} is not a single value; read it in the mapping with `as: list`")
    return as_text(value)


def _number(column: str, value: Any, mark: str | None, notes: ReadingNotes) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    number = parse_number(value, mark) if isinstance(value, str) else None
    if number is None:
        hint = "write digits with a point, without a unit"
        if isinstance(value, str) and parse_duration(value) is not None:
            hint = "read it in the mapping with `as: duration`"
        refuse(column, value, f"{column} is not a number; {hint}")
    if mark is None and "," in value and is_ambiguous_number(value):
        notes.remark(
            column,
            value,
            "the comma was read as one between thousands; if it stands before decimals, set `locale`, "
            "such as de_DE, in the mapping",
        )
    return number


def _duration(
    column: str, value: Any, rule: ColumnRule, mark: str | None, notes: ReadingNotes
) -> int | float:
    """Return a duration in the rule's unit; a number without one is in it already."""
    seconds = parse_duration(value, mark) if isinstance(value, str) else None
    if seconds is not None:
        return round(seconds / SECONDS[rule.unit], 6)
    if isinstance(value, str) and parse_number(value, mark) is None:
        refuse(
            column,
            value,
            f"{column} is not a duration; write it as 0:02:31, 3m 25s, PT3M25S or a number of {rule.unit}",
        )
    return _number(column, value, mark, notes)


def _integer(column: str, value: Any, mark: str | None, notes: ReadingNotes) -> int:
    number = _number(column, value, mark, notes)
    if not math.isfinite(number) or number != int(number):
        refuse(column, value, f"{column} is not a whole number; correct it, or read it with `as: number`")
    return int(number)


def _boolean(column: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = lookup_key(value)
    if text not in TRUE_TEXTS and text not in FALSE_TEXTS:
        refuse(column, value, f"{column} is neither true nor false; write one of them, or give it `values`")
    return text in TRUE_TEXTS


def _list(column: str, value: Any, separator: str | None) -> list[Any]:
    if isinstance(value, str):
        if separator is not None:
            value = value.split(separator)
        elif value.startswith("["):
            value = _json(column, value)
        else:
            value = [value]
    if not isinstance(value, list):
        refuse(column, value, f"{column} is not a list; write texts, or give the column a `separator`")
    texts = [as_text(item).strip() for item in value if item is not None]
    return [text for text in texts if text]


def _code(column: str, value: Any, rule: ColumnRule) -> str | None:
    text = as_text(value).strip()
    if text in _DASHES:
        return None
    try:
        return parse_code(text, is_hex=rule.hex)
    except ValueError as error:
        refuse(column, value, f"{column} {error}")


def _json(column: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        refuse(column, value, f"{column} is not JSON; correct it, or read it with another `as`")
