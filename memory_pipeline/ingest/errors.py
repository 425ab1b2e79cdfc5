"""Errors of an ingest: of the whole, of its mapping, or of one record."""

from __future__ import annotations

import reprlib
from datetime import date, time
from typing import Any, NoReturn

SHOWN_CHARACTERS = 200
"""Characters of a refused value that are kept and shown."""


class IngestError(Exception):
    """The ingest as a whole cannot be done; nothing of it was stored.

    Parameters
    ----------
    message
        What is wrong and what to do about it, for a person.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StorageError(IngestError):
    """The database failed while it stored records; nothing was stored, and nothing is wrong with them."""


class MappingError(IngestError):
    """A mapping does not exist, or breaks the rules of the mapping language."""


class RecordRefusedError(Exception):
    """One record breaks its contract; it goes to quarantine and the others are stored.

    Parameters
    ----------
    field
        The field or column that is wrong.
    value
        What it holds, shortened for display; None where it holds nothing.
    reason
        What is wrong and how to correct it.
    """

    def __init__(self, field: str, value: str | None, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.value = value
        self.reason = reason


class TextTooLongError(RecordRefusedError):
    """A free text, such as the detail of a failure, is longer than is kept."""


def refuse(field: str, value: Any, reason: str) -> NoReturn:
    """Refuse the record in hand because of one field.

    Raises
    ------
    RecordRefusedError
        Always.
    """
    shown = None if value is None else printable(value)
    raise RecordRefusedError(printable(field), shown, _on_one_line(reason))


# A refused value may be a list of a million entries, or nested a thousand times.
_short = reprlib.Repr()
_short.maxlevel = 4
_short.maxdict = _short.maxlist = 20
_short.maxstring = _short.maxother = _short.maxlong = SHOWN_CHARACTERS


def printable(value: Any) -> str:
    """Write any value as text of at most `SHOWN_CHARACTERS` that a terminal and a database can hold."""
    if isinstance(value, date | time):
        text = value.isoformat()
    else:
        text = value if isinstance(value, str) else _short.repr(value)
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[: SHOWN_CHARACTERS - 1]}…"
    return _on_one_line(text)[:SHOWN_CHARACTERS]


def _on_one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
