"""`explain-change`: print why success changed between two spans, in sentences and by contributor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from memory_pipeline.analysis.text import condition_text, percent, points_text
from memory_pipeline.cli.context import json_option, opened_memory, output, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.learning.change_explanation import ChangeExplanation, Contributor

_MOST_ROWS = 10


@click.command("explain-change")
@click.option(
    "--from",
    "first",
    metavar="MONTH",
    help="First month of the later span; by default the last that is over.",
)
@click.option("--to", "last", metavar="MONTH", help="Its last month; by default the first.")
@click.option(
    "--before-from",
    metavar="MONTH",
    help="First month of the earlier span; by default up to twelve months before the later one.",
)
@click.option("--before-to", metavar="MONTH", help="Its last month; by default the first.")
@click.option(
    "--by", "columns", multiple=True, metavar="COLUMN", help="Explain by this column; by default by all."
)
@json_option
def explain_change(
    *,
    as_json: bool,
    first: str | None,
    last: str | None,
    before_from: str | None,
    before_to: str | None,
    columns: tuple[str, ...],
) -> None:
    """Explain why success changed: other cases, or the same cases with other results? A MONTH is YYYY-MM."""
    from memory_pipeline.analysis.learning.change_spans import span_of  # noqa: PLC0415 - keeps `--help` quick

    with opened_memory() as memory:
        explanation = memory.explain_change(
            after=span_of(first, last, "the later span"),
            before=span_of(before_from, before_to, "the earlier span"),
            columns=columns or None,
        )
    if as_json:
        print_json(explanation.to_dict())
        return
    _print(explanation)


def _print(explanation: ChangeExplanation) -> None:
    title, *others = explanation.sentences
    output.print(Text(title, style="bold"))
    for sentence in others:
        output.print(Text(f"  {sentence}"))
    if explanation.reason:
        return
    shown = explanation.contributors[:_MOST_ROWS]
    output.print(_table(shown))
    if len(explanation.contributors) > len(shown):
        said = f"{len(explanation.contributors) - len(shown):,} more contributors; --json has all"
        output.print(Text(said, style="dim"))


def _table(contributors: Sequence[Contributor]) -> Table:
    """Format contributors: their share of the attempts, how often these succeed, and what it explains."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("contributor", "part", "share of attempts", "success", "points", "interval", ""):
        table.add_column(name, justify="left" if name in {"contributor", "part", ""} else "right")
    for one in contributors:
        low, high = (points_text(100 * bound, signed=True) for bound in (one.ci_low, one.ci_high))
        table.add_row(
            Text(condition_text({one.column: one.value})),
            one.kind,
            f"{percent(one.share_before)} to {percent(one.share_after)}",
            f"{_rate(one.rate_before)} to {_rate(one.rate_after)}",
            points_text(100 * one.change, signed=True),
            f"{low} to {high}",
            "clear" if one.is_clear else "inconclusive",
        )
    return table


def _rate(rate: float | None) -> str:
    return "none" if rate is None else percent(rate)
