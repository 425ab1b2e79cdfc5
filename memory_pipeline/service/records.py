"""How a row leaves the memory: the one form that `--json` and every other door share."""

from __future__ import annotations

import json
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pandas as pd

from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["plain_value", "to_json", "to_records"]


def to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts of plain Python values; see `plain_value`.

    Raises
    ------
    ValueError
        When two columns have the same name, so that one of them would be lost.
    """
    names: list[Hashable] = [str(name) for name in frame.columns]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the column {twice[0]!r} is there twice; rename one of them")
    records: list[dict[str, Any]] = plain_value(frame)
    return records


def to_json(data: Any, *, indent: int | None = 2) -> str:
    """Write any answer of the memory as JSON (RFC 8259).

    Parameters
    ----------
    data
        Values that `plain_value` reads, frames among them.
    indent
        Spaces of each level; None for one line.

    Returns
    -------
    str
        Times, dates and durations are in ISO 8601, what is not a number is null.

    Raises
    ------
    TypeError
        When a value has a type that JSON cannot write; the message names it.
    """
    return json.dumps(
        plain_value(data), default=_json_value, ensure_ascii=False, indent=indent, allow_nan=False
    )


def _json_value(value: Any) -> str:
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, timedelta):
        return pd.Timedelta(value).isoformat()
    if isinstance(value, UUID):
        return str(value)
    msg = f"{type(value).__name__} cannot be written as JSON"
    raise TypeError(msg)
