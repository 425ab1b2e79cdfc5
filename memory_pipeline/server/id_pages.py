"""Pages of lists that are read in the order of an id: the cursor is the last id of the page before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from memory_pipeline.server.cursors import read_text, write_text
from memory_pipeline.server.pages import bad_cursor

Row = TypeVar("Row")

_SCOPE = "ids"
MOST_ROWS = 1_000
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most entries of the page.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before; none for the first.")
]


class IdPage(BaseModel, Generic[Row]):
    """One page of a list."""

    items: list[Row]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last.")
    total: int = Field(ge=0, description="Entries of the whole list.")


def write_cursor(*key: Any) -> str:
    """Return the cursor of a row with a key of integers and texts."""
    return write_text(_SCOPE, key)


def read_cursor(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """Return the key in a cursor; None without one.

    Raises
    ------
    ProblemError
        When no server wrote it.
    """
    if cursor is None:
        return None
    try:
        key = read_text(_SCOPE, cursor)
    except ValueError:
        raise bad_cursor(cursor) from None
    if [type(one) for one in key] != list(types):  # of a list with another order
        raise bad_cursor(cursor)
    return tuple(key)


def read_moment_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and the id in a cursor; None without one; raises as `read_cursor`."""
    key = read_cursor(cursor, str, str)
    if key is None or cursor is None:
        return None
    try:
        moment = datetime.fromisoformat(key[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_cursor(cursor) from None
    return moment, key[1]


def page_of(rows: list[dict[str, Any]], total: int, limit: int, *key: str) -> dict[str, Any]:
    """Return one page as `IdPage` has it.

    Parameters
    ----------
    rows
        Up to one row more than `limit`, which shows that there is a next page.
    total
        Entries of the whole list.
    limit
        Most rows of a page.
    key
        Columns by which the rows are in order.
    """
    shown = rows[:limit]
    has_more = len(rows) > limit
    values = [shown[-1][name] for name in key] if has_more else []
    cursor = write_cursor(*(one if isinstance(one, int) else str(one) for one in values))
    return {"items": shown, "next_cursor": cursor if has_more else None, "total": total}
