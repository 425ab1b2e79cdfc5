"""`show` and `status`: print what the memory holds, as tables or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from memory_pipeline.analysis.names import MEASURES
from memory_pipeline.cli import label_tables, tables
from memory_pipeline.cli.context import console, json_option, opened_memory, output, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import pandas as pd

_LIMIT = click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(min=1), help="Show at most this many rows."
)
_CATEGORY = click.option(
    "--category",
    type=click.Choice(
        [
            "skill_cluster",
            "interest_theme",
            "collaboration_opportunity",
            "community_strength",
            "cross_domain",
        ]
    ),
    help="Only this category.",
)
_SINCE = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


def _show(frame: pd.DataFrame, table: Any, *, as_json: bool, limit: int) -> None:
    """Print the first rows, and how many more there are."""
    if as_json:
        print_json(frame.head(limit))
        return
    if frame.empty:
        console.print("nothing found; `memory-pipeline status` shows what the memory holds", highlight=False)
        return
    output.print(table(frame.head(limit)))
    if len(frame) > limit:
        output.print(f"{len(frame) - limit:,} more; raise --limit to see them", style="dim")


def _explain(unknown: Iterable[object]) -> None:
    """Print which values of the filters never occurred, to stderr."""
    for one in unknown:
        console.print(str(one), style="yellow", markup=False, highlight=False)


@click.group()
def show() -> None:
    """Show what the memory holds: attempts and what they teach, members and what they have in common."""


@show.command()
@click.option("--status", type=click.Choice(["success", "failure", "partial"]), help="How the attempt ended.")
@click.option("--application", help="Application name.")
@click.option("--vendor", help="Application vendor.")
@click.option("--application-type", help="Application type.")
@click.option("--installer-type", help="Installer type.")
@click.option("--failure-reason", help="Attempts with this reason.")
@click.option("--intervention", help="Attempts with this kind of intervention, or `any`.")
@click.option("--since", type=_SINCE, help="Attempts from this time on (UTC).")
@click.option("--until", type=_SINCE, help="Attempts before this time (UTC).")
@_LIMIT
@json_option
def outcomes(
    as_json: bool, limit: int, since: datetime | None, until: datetime | None, **filters: Any
) -> None:
    """Show recorded attempts, the newest first."""
    from datetime import UTC  # noqa: PLC0415

    with opened_memory() as memory:
        frame = memory.outcomes(
            since=since and since.replace(tzinfo=UTC),
            until=until and until.replace(tzinfo=UTC),
            limit=limit + 1,
            **filters,
        )
        if as_json:
            print_json(frame.head(limit))
            return
        if frame.empty:
            _explain(memory.outcome_page(limit=0, **filters).unknown)
        output.print(tables.outcomes(frame.head(limit), width=output.width))
        if len(frame) > limit:
            output.print("more; raise --limit or filter to see them", style="dim")


@show.command()
@click.option(
    "--type",
    "pattern_type",
    type=click.Choice(["success", "failure", "intervention"]),
    help="Only this type.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Only with at least this confidence.",
)
@click.option(
    "--sort",
    type=click.Choice(["confidence", "impact", "sample_size"]),
    default="confidence",
    show_default=True,
    help="Order of the rows.",
)
@click.option("--column", "condition_column", help="Only with a condition on this column.")
@click.option("--value", "condition_value", help="Only with a condition of this value.")
@click.option("--include-retired", is_flag=True, help="Show retired patterns too.")
@_LIMIT
@json_option
def patterns(as_json: bool, limit: int, **filters: Any) -> None:
    """Show identified patterns with their evidence."""
    with opened_memory() as memory:
        _explain(memory.unknown_conditions(filters["condition_column"], filters["condition_value"]))
        _show(memory.patterns(**filters), tables.patterns, as_json=as_json, limit=limit)


@show.command()
@click.option(
    "--patterns",
    "of_patterns",
    is_flag=True,
    help="Show pairs of patterns that cover the same attempts instead.",
)
@click.option(
    "--all", "include_all", is_flag=True, help="Show every pair of conditions, also those that may be chance."
)
@_LIMIT
@json_option
def associations(as_json: bool, limit: int, of_patterns: bool, include_all: bool) -> None:
    """Show which conditions are associated, so that findings about them may be one."""
    with opened_memory() as memory:
        if of_patterns:
            _show(memory.pattern_overlaps(), tables.pattern_overlaps, as_json=as_json, limit=limit)
        else:
            frame = memory.associations(include_all=include_all)
            _show(frame, tables.associations, as_json=as_json, limit=limit)


@show.command()
@json_option
def predictability(as_json: bool) -> None:
    """Show how much of success the recorded conditions explain."""
    with opened_memory() as memory:
        frame = memory.predictability()
    if as_json:
        print_json({"summary": frame.attrs["summary"], "scores": frame})
        return
    output.print(Text(frame.attrs["summary"]))
    if not frame.empty:
        output.print(tables.predictability(frame))


@show.command()
@click.option("--application-type", help="Only factors that apply to this type.")
@click.option(
    "--all",
    "include_all",
    is_flag=True,
    help="Show every comparison, also those without a shown effect and suppressed ones.",
)
@_LIMIT
@json_option
def factors(as_json: bool, limit: int, application_type: str | None, include_all: bool) -> None:
    """Show what single approach settings change, everything else being equal."""
    with opened_memory() as memory:
        _explain(memory.unknown_application_type(application_type))
        frame = memory.factors(application_type=application_type, include_all=include_all)
        _show(frame, lambda rows: tables.factors(rows, width=output.width), as_json=as_json, limit=limit)


@show.command()
@_LIMIT
@json_option
def recommendations(as_json: bool, limit: int) -> None:
    """Show the advised approach for each context that occurs."""
    with opened_memory() as memory:
        _show(memory.recommendations(), tables.recommendations, as_json=as_json, limit=limit)


@show.command()
@click.option("--measure", type=click.Choice(MEASURES), help="Only this measure.")
@click.option(
    "--history", is_flag=True, help="Show what each rebuild measured, where it differs from the one before."
)
@click.option(
    "--limit", default=60, show_default=True, type=click.IntRange(min=1), help="Show at most this many rows."
)
@json_option
def learning(as_json: bool, limit: int, measure: str | None, history: bool) -> None:
    """Show how results, knowledge and the value of advice developed over time.

    Without --measure: the current value of each.
    """
    with opened_memory() as memory:
        frame = memory.learning(measure, history=history)
        if as_json or measure or history or frame.empty:
            _show(frame, tables.learning, as_json=as_json, limit=limit)
            return
        output.print(tables.sentences(memory.learning_summary()))
        output.print(
            "--measure shows the months of one; --history what earlier rebuilds measured", style="dim"
        )


@show.command("advice-changes")
@_LIMIT
@json_option
def advice_changes(as_json: bool, limit: int) -> None:
    """Show what rebuilds changed in the advice, and why, the newest first."""
    with opened_memory() as memory:
        _show(memory.advice_changes(), tables.advice_changes, as_json=as_json, limit=limit)


@show.command("verification")
@_LIMIT
@json_option
def verification(as_json: bool, limit: int) -> None:
    """Show whether following the advice helped, as each rebuild found it, the newest first."""
    with opened_memory() as memory:
        _show(memory.advice_verifications(), tables.verifications, as_json=as_json, limit=limit)


@show.command()
@_LIMIT
@json_option
def members(as_json: bool, limit: int) -> None:
    """Show member profiles."""
    with opened_memory() as memory:
        _show(memory.members(), label_tables.members, as_json=as_json, limit=limit)


@show.command("member-patterns")
@_CATEGORY
@click.option("--include-retired", is_flag=True, help="Show inactive patterns too.")
@_LIMIT
@json_option
def member_patterns(as_json: bool, limit: int, **filters: Any) -> None:
    """Show patterns among the members, with questions worth asking."""
    with opened_memory() as memory:
        frame = memory.member_patterns(**filters)
        _show(frame, label_tables.member_patterns, as_json=as_json, limit=limit)


@show.command()
@_CATEGORY
@_LIMIT
@json_option
def questions(as_json: bool, limit: int, category: str | None) -> None:
    """Show questions worth asking members, whom to ask, and what the answers are good for."""
    with opened_memory() as memory:
        _show(memory.questions(category=category), label_tables.questions, as_json=as_json, limit=limit)


@show.command()
@click.option("--field", "member_field", help="Only this field, such as skills.")
@click.option(
    "--why",
    type=click.Choice(
        [
            *("same spelling", "vocabulary", "same words", "looks alike"),
            *("is a list", "was broken at a comma", "says nothing"),
        ]
    ),
    help="Only what was changed for this reason; `looks alike` was not merged, a person has to decide.",
)
@_LIMIT
@json_option
def labels(as_json: bool, limit: int, member_field: str | None, why: str | None) -> None:
    """Show which labels of members are read as another, and why; correct it in the vocabulary file."""
    with opened_memory() as memory:
        _show(
            memory.label_merges(member_field=member_field, why=why),
            label_tables.labels,
            as_json=as_json,
            limit=limit,
        )


@show.command()
@click.option("--column", help="Only names of this column, such as application_vendor.")
@click.option(
    "--why",
    type=click.Choice(["same spelling", "version left out", "decided", "looks alike"]),
    help="Only those with this reason; `looks alike` was not merged, a person has to decide.",
)
@_LIMIT
@json_option
def names(as_json: bool, limit: int, column: str | None, why: str | None) -> None:
    """Show which names of applications, vendors and so on are read as another, and which look alike."""
    with opened_memory() as memory:
        frame = memory.name_merges(column=column, why=why)
        _show(frame, label_tables.names, as_json=as_json, limit=limit)


@show.command("name-decisions")
@_LIMIT
@json_option
def name_decisions(as_json: bool, limit: int) -> None:
    """Show what persons decided about names, the newest first; correct it with `decide name`."""
    with opened_memory() as memory:
        _show(memory.name_decisions(), label_tables.name_decisions, as_json=as_json, limit=limit)


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show what the memory holds, where it is, and when records were last stored and findings rebuilt."""
    with opened_memory() as memory:
        state = memory.status()
    if as_json:
        print_json(state)
        return
    output.print(tables.status(state))
