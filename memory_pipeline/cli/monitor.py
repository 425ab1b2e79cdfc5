"""`monitor`: is the memory worth its keep, in numbers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from memory_pipeline.cli.context import json_option, opened_memory, output, print_json

if TYPE_CHECKING:
    import pandas as pd

_TOPICS = ("effectiveness", "learning-rate", "performance", "quality", "usage")
_SHARES = ("share", "rate")
_NAMES = {
    "seconds_quarter": "first quartile (s)",
    "seconds_median": "median (s)",
    "seconds_three_quarters": "third quartile (s)",
    "durations": "say how long",
    "retries_recorded": "say whether retried",
    "sample_size": "attempts",
}


@click.command()
@click.argument("topic", type=click.Choice(_TOPICS))
@json_option
def monitor(*, as_json: bool, topic: str) -> None:
    """Show whether the memory is worth its keep.

    TOPIC is effectiveness (does following advice help), learning-rate (how much was known before each month),
    performance (durations, retries, interventions, with and without advice), quality (success and reasons of
    failure by month), or usage (answers, what became of them, unknown values).
    """
    with opened_memory() as memory:
        found = memory.monitored(topic)
    if as_json:
        print_json(found.to_dict())
        return
    output.print(Text(found.sentence))
    for name, frame in found.tables.items():
        if len(frame):
            output.print()
            output.print(Text(name.replace("_", " "), style="bold"))
            output.print(_table(frame))
    for note in found.notes:
        output.print(Text(note, style="dim"))


def _table(frame: pd.DataFrame) -> Table:
    """Return a frame as a table; an interval is one column, beside what it is of."""
    columns = [str(one) for one in frame.columns if not str(one).endswith("ci_high")]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        name = "95% interval" if column.endswith("ci_low") else _NAMES.get(column, column.replace("_", " "))
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for row in frame.to_dict("records"):
        table.add_row(*(Text(_cell(row, column, frame)) for column in columns))
    return table


def _cell(row: dict[Any, Any], column: str, frame: pd.DataFrame) -> str:
    if column.endswith("ci_low"):
        prefix = column.removesuffix("ci_low")
        low, high = row[column], row[f"{prefix}ci_high"]
        kind = f"{prefix}share" if prefix else next(one for one in _POINTS if one in frame.columns)
        return f"{_written(kind, low)} to {_written(kind, high)}" if _is_there(low) else ""
    return _written(column, row[column])


_FEW_SECONDS = 10
_POINTS = ("gain", "value", "success_rate", "share")
"""Columns whose interval is called `ci_low` and `ci_high` alone."""


def _is_there(value: Any) -> bool:
    return value is not None and value == value  # noqa: PLR0124 - NaN differs from itself


def _written(column: str, value: Any) -> str:
    """Write a value as its column asks: shares in per cent, gains in points, seconds and skill as numbers."""
    if not _is_there(value):
        text = "not recorded" if column == "reason" else ""
    elif isinstance(value, datetime):
        text = f"{value:%Y-%m-%d %H:%M}"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif column == "gain":
        text = f"{100 * value:+.0f} points"
    elif column == "value" and isinstance(value, float):
        text = f"{value:+.2f}"
    elif column.startswith("seconds") and value < _FEW_SECONDS:
        text = f"{value:.3f}"
    elif column.endswith(_SHARES):
        text = f"{value:.0%}"
    else:
        text = f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)
    return text
