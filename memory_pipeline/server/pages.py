"""Pages of a list: where the next one begins, as a cursor that stays right while rows come and go.

A cursor holds the order key of the last row of a page, never a row number. A row that is there throughout,
with the same key, is on exactly one page, whatever is added or removed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from memory_pipeline.server.cursors import REMEDY, read_text, write_text
from memory_pipeline.server.problems import FieldError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = Mapping[str, Any]
    Key = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after the row with a key; and how many rows there were at the first page."""

    after: list[Any]
    total: int


@dataclass(frozen=True)
class Page:
    """Some rows, the cursor of the page after them (None at the end), and how many rows there are in all."""

    items: list[dict[str, Any]]
    next_cursor: str | None
    total: int

    def to_dict(self) -> dict[str, Any]:
        """Return the page as it is sent."""
        return {"items": self.items, "next_cursor": self.next_cursor, "total": self.total}


def write_cursor(scope: str, after: Sequence[Any], total: int) -> str:
    """Return a cursor as text.

    Parameters
    ----------
    scope
        What is listed: address, filters and order. The cursor is refused anywhere else.
    after
        Order key of the last row, of values that JSON has.
    total
        Rows in all.
    """
    return write_text(scope, [list(after), total])


def read_cursor(text: str | None, scope: str) -> Cursor | None:
    """Read a cursor; None where there is none.

    Raises
    ------
    ProblemError
        When it was damaged, or belongs to another list.
    """
    if text is None:
        return None
    try:
        after, total = read_text(scope, text)
    except ValueError:
        raise bad_cursor(text) from None
    return Cursor(after, total)


def bad_cursor(text: str) -> ProblemError:
    """Return the problem of a cursor that cannot be used."""
    return ProblemError(
        422, f"the cursor cannot be used: {REMEDY}", (FieldError("query.cursor", text[:80], REMEDY),)
    )


def page_of(
    rows: Sequence[dict[str, Any]], key: Callable[[Row], Key], *, scope: str, cursor: str | None, limit: int
) -> Page:
    """Return one page of rows that are sorted by a key.

    Parameters
    ----------
    rows
        All rows, in the order of their keys, which differ.
    key
        Key of a row: values that JSON has, compared one after the other, ascending.
    scope, cursor
        As `read_cursor`.
    limit
        Most rows of a page.

    Raises
    ------
    ProblemError
        When the cursor cannot be used.
    """
    begin = read_cursor(cursor, scope)
    try:
        left = list(rows) if begin is None else [row for row in rows if key(row) > tuple(begin.after)]
    except TypeError:  # keys of another kind: an earlier version of the server wrote the cursor
        raise bad_cursor(cursor or "") from None
    items = left[:limit]
    more = write_cursor(scope, key(items[-1]), len(rows)) if len(left) > limit else None
    return Page(items, more, len(rows))


def descending(value: Any) -> float:
    """Return a number or time as a number that sorts the other way round; missing ones come last."""
    if value is None:
        return float(2**62)
    if isinstance(value, datetime):
        return -((value - _EPOCH) // timedelta(microseconds=1))
    return -float(value)
