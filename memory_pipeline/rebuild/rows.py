"""Rows of a frame as plain dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts by column name, in order."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
