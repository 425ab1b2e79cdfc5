"""`discover`: find patterns among the members, by statistics and, with a key, by Claude."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from memory_pipeline.cli.context import console, json_option, opened_memory, output, print_json

if TYPE_CHECKING:
    from memory_pipeline.agent import Discovery


@click.command()
@click.option(
    "--focus", "focus_areas", multiple=True, help="Area that Claude looks at first; may be repeated."
)
@click.option("--statistics-only", is_flag=True, help="Use statistics alone, even where there is a key.")
@json_option
def discover(as_json: bool, focus_areas: tuple[str, ...], statistics_only: bool) -> None:
    """Find patterns among the members again: by statistics, then by Claude if ANTHROPIC_API_KEY is set.

    Statistics cost nothing. Claude costs money, up to MEMORY_DISCOVERY_MAX_COST; it receives how many members
    have which skills and interests, and never a name or a profile. The exit code is 1 where Claude did not
    finish; what was verified until then is stored.
    """
    from memory_pipeline.agent import PatternFinderAgent  # noqa: PLC0415 - needs pandas
    from memory_pipeline.agent.prompt import checked_focus  # noqa: PLC0415

    try:
        checked_focus(focus_areas)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--focus") from error
    with opened_memory() as memory:
        by_category = memory.find_member_patterns()
        discovery = None
        if not statistics_only:
            discovery = PatternFinderAgent(memory).discover_patterns(focus_areas, trigger="command")
    if as_json:
        found: dict[str, Any] = {"patterns": sum(by_category.values()), "by_category": by_category}
        print_json(found | {"discovery": None if discovery is None else discovery.to_dict()})
    else:
        _print_statistics(by_category)
        if discovery is not None:
            _print_discovery(discovery)
        console.print("see `memory-pipeline show member-patterns`", highlight=False)
    if discovery is not None and not discovery.is_complete:
        sys.exit(1)


def _print_statistics(by_category: dict[str, int]) -> None:
    found = ", ".join(f"{category} {count}" for category, count in by_category.items()) or "none"
    console.print(f"statistics: {found}", highlight=False)


def _print_discovery(discovery: Discovery) -> None:
    """Print how it ended, what it cost, and what became of each claim."""
    style = "" if discovery.is_complete else "yellow"
    console.print(Text(discovery.message, style=style))
    used = discovery.usage
    if used.requests:
        cost = "cost unknown" if used.cost_usd is None else f"about ${used.cost_usd:.2f}"
        retries = f", {used.retries} repeated" if used.retries else ""
        console.print(
            f"{used.model}: {used.turns} turns{retries}, {used.tokens:,} tokens, {cost}", highlight=False
        )
    for claim in discovery.claims:
        reason = f": {claim['reason']}" if claim["reason"] else ""
        output.print(Text(f"  {claim['verdict']:<8} {claim['name']}{reason}"))
    if discovery.summary:
        output.print(Text(discovery.summary))
