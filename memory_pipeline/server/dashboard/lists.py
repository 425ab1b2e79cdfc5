"""Filters, order and pages of a list, as they stand in a page's address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

Row = TypeVar("Row")
ROWS = 50
"""Rows of a page of a list."""


def chosen(request: Request, *names: str) -> dict[str, str | None]:
    """Return the filters that were chosen; what was left empty is None."""
    return {name: (request.query_params.get(name, "").strip() or None) for name in names}


def page_number(request: Request) -> int:
    """Return the page that was asked for, from 1 on; what is not a number is the first."""
    text = request.query_params.get("page", "1")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004 - a bound


def part_of(rows: Sequence[Row], request: Request) -> tuple[list[Row], int | None]:
    """Return the rows of the page that was asked for, and the number of the next one where there is one."""
    page = page_number(request)
    return list(rows[(page - 1) * ROWS : page * ROWS]), page + 1 if len(rows) > page * ROWS else None


def number(text: str | None, least: float, most: float, fallback: Any) -> Any:
    """Return a number of an address within bounds; the fallback where it is not a number."""
    try:
        value = float(text or "")
    except ValueError:
        return fallback
    return min(max(value, least), most) if value == value else fallback  # noqa: PLR0124 - NaN differs from itself
