"""`monitor`: is the memory worth its keep, in numbers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.padding import Padding
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
            output.print(_shown(frame, output.width))
    for note in found.notes:
        output.print(Text(note, style="dim"))


def _shown(frame: pd.DataFrame, width: int) -> Table | Group:
    """Return a frame as a table or, where that is wider than the terminal, as a block for each row.

    An interval is one column, beside what it is of.
    """
    columns = [str(one) for one in frame.columns if not str(one).endswith("ci_high")]
    names = [
        "95% interval" if column.endswith("ci_low") else _NAMES.get(column, column.replace("_", " "))
        for column in columns
    ]
    rows = [[_cell(row, column, frame) for column in columns] for row in frame.to_dict("records")]
    widths = [max(map(len, cells)) for cells in zip(names, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= width:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for place, name in enumerate(names):
            table.add_column(name, justify="right" if place else "left", overflow="fold")
        for cells in rows:
            table.add_row(*map(Text, cells))
        return table
    blocks: list[Text | Padding] = []
    for first, *others in rows:
        said = [f"{name} {cell}" for name, cell in zip(names[1:], others, strict=True) if cell]
        blocks += [Text(first, style="bold"), Padding(Text(" · ".join(said)), (0, 0, 0, 2))]
    return Group(*blocks)


def _cell(row: dict[Any, Any], column: str, frame: pd.DataFrame) -> str:
    if column.endswith("ci_low"):
        prefix = column.removesuffix("ci_low")
        low, high = row[column], row[f"{prefix}ci_high"]
        kind = f"{prefix}share" if prefix else next(one for one in _POINTS if one in frame.columns)
        return f"{_written(kind, low)} to {_written(kind, high)}" if _is_there(low) else ""
    return _written(column, row[column])


_FEW_SECONDS, _A_MOMENT = 10, 0.0005
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
        text = "<0.001" if value < _A_MOMENT else f"{value:.3f}"
    elif column.endswith(_SHARES):
        text = f"{value:.0%}"
    else:
        text = f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)
    return text
