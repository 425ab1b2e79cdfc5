"""Check single values, as outcomes and members share them: texts, numbers, lists and settings."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import Any

from memory_pipeline.ingest.errors import TextTooLongError, printable, refuse

MAX_NAME = 300
"""Characters of a name or identifier. Indexed, and an index entry of PostgreSQL holds 2,704 bytes."""

MAX_TEXT = 20_000
"""Characters of any other text."""

MAX_ITEMS = 500
"""Entries of a list, and keys of a dict."""

_LARGEST = float(2**63)
_DIRECTIONS = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = f"\x7f-\x9f{_DIRECTIONS}\u2028\u2029\ud800-\udfff\ufffe\uffff"
_CONTROL = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
"""What no name holds: control characters, marks that turn the direction of writing around, line and
paragraph separators, halves of surrogate pairs, and what is no character in XML (a chart is XML)."""
_CONTROL_IN_TEXT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f{_INVISIBLE}]")
"""The same for other texts, which may have tabs and line breaks."""
_DIRECTION = re.compile(f"[{_DIRECTIONS}]")
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Soft hyphen, zero-width space, word joiner, byte order mark; joiners within letters stay."""
_SNAKE_CASE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")

MEANS_NOTHING = frozenset(
    (
        *("", " ", "-", "--", "\u2013", "\u2014", "\u00a0", "\u200b", "\ufeff", "\\N"),
        *("N/A", "n/a", "#N/A", "NULL", "Null", "null", "(null)", "<null>", "NaN", "nan", "NAN"),
    )
)
"""Texts by which programs and people write that there is no value."""

_good_keys: set[str] = set()
_GOOD_KEYS_KEPT = 10_000


def name_of(field: str, value: Any, *, limit: int = MAX_NAME) -> str | None:
    """Check a name or identifier and return it without surrounding white space; None if nothing is left."""
    if value is None:
        return None
    if type(value) is not str:
        text = plain(value)
        if type(text) is not str:
            as_written = str(value) if isinstance(value, Decimal) else text
            refuse(field, as_written, f"{field} has to be text; write it in quotes")
        value = text
    value = value.strip()
    if not value.isascii() or "  " in value:
        value = plain_name(value)
    if len(value) > limit:
        refuse(field, value, f"{field} has {len(value):,} characters; write at most {limit}")
    if not value.isprintable():
        check_characters(field, value)
    return value or None


def plain_name(value: str) -> str:
    r"""Return a name without what nobody sees: letters in one form (NFC), single spaces, nothing invisible.

    Examples
    --------
    >>> plain_name("Contoso\u00a0 Viewer\u200b")
    'Contoso Viewer'
    """
    seen = unicodedata.normalize("NFC", value).translate(_UNSEEN)
    return re.sub("[ \u00a0\u2000-\u200a\u202f\u205f\u3000]+", " ", seen).strip()


def required_name_of(field: str, value: Any) -> str:
    """Check a required name."""
    name = name_of(field, value)
    if name is None:
        refuse(field, None, f"{field} is missing; every record needs one")
    return name


def check_characters(field: str, value: str) -> None:
    """Refuse control characters and their like (`_CONTROL`): no name holds them on purpose."""
    found = _CONTROL.search(value)
    if found is not None:
        code = f"U+{ord(found[0]):04X}"
        refuse(field, value, f"{field} holds the character {code} at position {found.start()}; remove it")


def without_directions(text: str) -> str:
    """Return a text without the marks that turn the direction of writing around."""
    return _DIRECTION.sub("", text)


def escape_controls(value: Any) -> Any:
    r"""Return a value of JSON whose texts show control characters and their like as `\u001b`.

    Logs hold the colour codes of terminals; they neither refuse an attempt nor reach a terminal or a chart.
    """
    if isinstance(value, str):
        return _CONTROL_IN_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    if isinstance(value, dict):
        return {key: escape_controls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escape_controls(item) for item in value]
    return value


def text_of(field: str, value: Any, *, limit: int = MAX_TEXT) -> str | None:
    """Check a free text, which may have line breaks."""
    if value is None:
        return None
    if type(value) is not str:
        refuse(field, value, f"{field} has to be text; write it in quotes")
    if len(value) > limit:
        reason = f"{field} has {len(value):,} characters; shorten it to {limit:,}"
        raise TextTooLongError(field, printable(value), reason)
    return value


def snake_case_of(field: str, value: Any) -> str:
    """Check a category such as `missing_prerequisite`."""
    if type(value) is not str or _SNAKE_CASE.fullmatch(value) is None or len(value) > MAX_NAME:
        proposal = snake_case(value) if isinstance(value, str) else ""
        refuse(
            field, value, f"{field} is a short category in snake_case; write {proposal or 'missing_file'!r}"
        )
    return value


def snake_case(text: str) -> str:
    """Return a text as a category: `missing_file` for `Missing File!`; empty if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")[:MAX_NAME].rstrip("_")


def number_of(field: str, value: Any) -> int | float:
    """Check a finite number that is not a boolean."""
    if type(value) is not float and type(value) is not int:
        value = plain(value)
        if type(value) is not float and type(value) is not int:
            refuse(field, value, f"{field} has to be a number; write it without quotes and unit")
    if not -_LARGEST < value < _LARGEST:
        refuse(field, value, f"{field} has to be a finite number below 2^63; leave it out if it is unknown")
    return value


def boolean_of(field: str, value: Any) -> bool | None:
    """Check a truth value; the texts `true` and `false` are read too, as in CSV."""
    if value is None or type(value) is bool:
        return value
    if isinstance(value, str) and value.strip().casefold() in {"true", "false"}:
        return value.strip().casefold() == "true"
    value = plain(value)
    if type(value) is not bool:
        refuse(field, value, f"{field} has to be true or false; write one of them, or leave it out")
    return value


def list_of(field: str, value: Any) -> list[Any] | None:
    """Check a list; its JSON text is read too, as in CSV."""
    value = structure_of(value)
    if value is None:
        return None
    if type(value) is not list:
        refuse(field, value, f'{field} has to be a list; write for example ["a", "b"]')
    if len(value) > MAX_ITEMS:
        refuse(field, f"{len(value):,} entries", f"{field} has too many entries; write at most {MAX_ITEMS}")
    return value


def texts_of(field: str, value: Any) -> list[str] | None:
    """Check a list of texts."""
    items = list_of(field, value)
    if items is not None:
        for item in items:
            if type(item) is not str:
                refuse(field, item, f"{field} has to hold texts only; write each in quotes")
            if len(item) > MAX_TEXT:
                refuse(field, item, f"{field} has an entry of {len(item):,} characters; shorten it")
    return items


def dict_of(field: str, value: Any) -> dict[str, Any] | None:
    """Check a dict with usable keys; its JSON text is read too, as in CSV."""
    value = structure_of(value)
    if value is None:
        return None
    if type(value) is not dict:
        refuse(field, value, f'{field} has to be an object; write for example {{"key": "value"}}')
    if not value.keys() <= _good_keys:
        _check_keys(field, value)
    return value


def settings_of(field: str, value: Any) -> dict[str, Any] | None:
    """Check a dict of scalars and lists of texts; keys without a value are left out (`MEANS_NOTHING`)."""
    settings = dict_of(field, value)
    if settings is None:
        return None
    is_clean = True
    for key, item in settings.items():
        kind = type(item)
        if kind is str:
            if len(item) > MAX_TEXT:
                refuse(f"{field}.{key}", item, f"{key} has {len(item):,} characters; shorten it")
            is_clean = is_clean and item not in MEANS_NOTHING
        elif kind is int or kind is float:
            if not -_LARGEST < item < _LARGEST:
                number_of(f"{field}.{key}", item)
        elif kind is list:
            texts_of(f"{field}.{key}", item)
        elif kind is not bool:
            is_clean = False
    if is_clean:
        return settings
    return {
        key: _setting_of(f"{field}.{key}", item)
        for key, item in settings.items()
        if item is not None and not (type(item) is str and item in MEANS_NOTHING)
    }


def _setting_of(field: str, value: Any) -> Any:
    value = plain(value)
    if isinstance(value, list):
        return texts_of(field, value)
    if not isinstance(value, str | int | float):
        refuse(field, value, f"{field} has to be text, a number, true, false or a list of texts; flatten it")
    return value


def numbers_of(field: str, value: Any) -> dict[str, int | float] | None:
    """Check a dict of numbers; keys without a value (None) are left out."""
    numbers = dict_of(field, value)
    if numbers is None:
        return None
    return {key: number_of(f"{field}.{key}", item) for key, item in numbers.items() if item is not None}


def structure_of(value: Any) -> Any:
    """Return a list or dict as it is, its JSON text parsed, and another sequence as a list."""
    if type(value) is dict or type(value) is list:
        return value
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if text[0] in "[{":
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return value
        return value
    return plain(value)


def plain(value: Any) -> Any:
    """Convert NumPy scalars and arrays, tuples, sets and subclasses to the plain types that JSON has."""
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, float | Decimal):
        return float(value)
    if isinstance(value, dict):
        return dict(value)
    return str(value) if isinstance(value, str) else value


def _check_keys(field: str, value: dict[Any, Any]) -> None:
    if len(value) > MAX_ITEMS:
        refuse(field, f"{len(value):,} keys", f"{field} has too many keys; write at most {MAX_ITEMS}")
    for key in value:
        if type(key) is not str or not key or key != key.strip() or len(key) > MAX_NAME:
            refuse(
                field, key, f"{field} has an unusable key; write 1 to {MAX_NAME} characters without spaces"
            )
        check_characters(field, key)
    if len(_good_keys) < _GOOD_KEYS_KEPT:
        _good_keys.update(value)
