"""`pattern`, `factor`, `decide`: show one finding with its evidence, and decide about findings."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from memory_pipeline.analysis.text import confidence_text
from memory_pipeline.cli import tables
from memory_pipeline.cli.context import json_option, opened_memory, output, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

_OUTCOME_COLUMNS = (
    "id",
    "occurred_at",
    "application_name",
    "application_version",
    "installer_type",
    "outcome_status",
    "failure_reasons",
    "manual_interventions",
    "approach_details",
)


@click.command()
@click.argument("pattern_id", metavar="ID")
@click.option(
    "--limit",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    help="Show at most this many outcomes.",
)
@json_option
def pattern(as_json: bool, pattern_id: str, limit: int) -> None:
    """Show one pattern: its evidence, its history over the rebuilds, persons' decisions, and its outcomes.

    ID is the id or the beginning of it, as `memory-pipeline show patterns` prints it.
    """
    with opened_memory() as memory:
        found = memory.pattern(pattern_id)
    outcomes = found["outcomes"][list(_OUTCOME_COLUMNS)].head(limit)
    if as_json:
        print_json(found | {"outcomes": outcomes})
        return
    _print_pattern(found)
    if not outcomes.empty:
        shown = f"{len(outcomes):,} of {found['related_count']:,} outcomes, the strongest first"
        output.print(Text(f"\n{shown}", style="bold"))
        output.print(tables.outcomes(outcomes, width=output.width))


def _print_pattern(found: Mapping[str, Any]) -> None:
    output.print(Text(found["description"], style="bold"))
    since = "" if found["active"] else f"not active since {found['retired_at']:%Y-%m-%d}: "
    output.print(Text(f"  {since}{found['retired_reason'] or 'active'}"))
    if found["active"] and not found["is_found"]:
        output.print(Text(f"  the newest rebuild did not find it: {found['absence_reason']}", style="yellow"))
    impact = found["impact"]
    for name, value in {
        "id": found["id"],
        "type": f"{found['pattern_type']} (target {found['target']})",
        "conditions": tables.settings_text(found["conditions"]),
        "attempts": f"{found['sample_size']:,} of {found['units']:,} units",
        **_from_elsewhere(impact),
        "rate": f"{impact['rate']:.1%}, over all attempts {impact['base_rate']:.1%}",
        "p and q": f"{impact['p_value']:.2g} and {impact['q_value']:.2g}",
        "first found": f"{found['created_at']:%Y-%m-%d %H:%M}",
    }.items():
        output.print(Text(f"  {name}: {value}"))
    _print_decisions(found["decision_log"])
    if not found["history"].empty:
        output.print(Text("\nHistory over the rebuilds, a line for each change", style="bold"))
        output.print(tables.pattern_history(found["history"]))


def _from_elsewhere(impact: Mapping[str, Any]) -> dict[str, str]:
    """Return the line that says what of the evidence was imported; none where nothing was."""
    if impact.get("foreign_attempts") is None:
        return {}
    return {
        "of these, from elsewhere": f"{impact['foreign_attempts']:,} of {impact['foreign_units']:,} units"
    }


@click.command()
@click.argument("factor_id", metavar="ID")
@json_option
def factor(as_json: bool, factor_id: str) -> None:
    """Show one success factor: what is compared, the effect, where it applies, its evidence and caveats.

    ID is the id or the beginning of it, as `memory-pipeline show factors` prints it.
    """
    with opened_memory() as memory:
        found = memory.factor(factor_id)
    sides = {side: found[side][list(_OUTCOME_COLUMNS)] for side in ("with_value", "with_reference")}
    if as_json:
        # The frames last, the attempts behind them.
        record = {key: value for key, value in found.items() if key not in {"decision_log", *sides}}
        print_json(record | {"decision_log": found["decision_log"]} | sides)
        return
    _print_factor(found)
    for side, frame in sides.items():
        if not frame.empty:
            output.print(Text(f"\nPast attempts {side.replace('_', ' the ')}", style="bold"))
            output.print(tables.outcomes(frame, width=output.width))


def _print_factor(found: Mapping[str, Any]) -> None:
    output.print(Text(found["description"], style="bold"))
    details = found["implementation_details"]
    where = tables.settings_text(found["applicability_conditions"]) or "everywhere: no difference was shown"
    for name, value in {
        "id": found["id"],
        "what": tables.settings_text(details["settings"]),
        "compared with": tables.settings_text(details["reference_settings"]),
        "where it holds": where,
        "shown to matter": "yes" if details["is_factor"] else "no",
        "confidence": f"{confidence_text(found['confidence'])} that the direction is right, "
        f"q {details['q_value']:.2g}",
        "attempts": f"{details['attempts_with_value']:,} against {details['attempts_with_reference']:,}",
        "units": f"{details['units_with_value']:,} against {details['units_with_reference']:,}, "
        f"{details['units_with_both']:,} had both",
        "comparable": f"{details['overlap']:.0%} of the attempts",
        "unadjusted": f"{tables.points(details['crude_difference'])} points",
    }.items():
        output.print(Text(f"  {name}: {value}"))
    for caveat in details["caveats"]:
        output.print(Text(f"  - {caveat}", style="yellow"))
    _print_decisions(found["decision_log"])
    if not found["patterns"].empty:
        output.print(Text("\nPatterns that show the same", style="bold"))
        output.print(tables.patterns(found["patterns"]))


def _print_decisions(log: pd.DataFrame) -> None:
    for _, row in log.iterrows():
        said = f"{row['decision'] or 'no decision'} by {row['decided_by']}"
        note = f": {row['note']}" if row["note"] else ""
        output.print(Text(f"  {row['decided_at']:%Y-%m-%d %H:%M} {said}{note}", style="cyan"))


@click.group()
def decide() -> None:
    """Decide about a pattern, a factor, a member pattern or names; every rebuild keeps the decision."""


def _decision_command(name: str, choices: Mapping[str, str], description: str) -> None:
    """Add a command that takes one of several decisions, each as a flag, and a note."""

    def run(finding_id: str, note: str | None, by: str, as_json: bool, **flags: bool) -> None:
        chosen = [flag for flag, is_given in flags.items() if is_given]
        if len(chosen) > 1:
            raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other; give one of them")
        if not chosen and note is None:
            raise click.UsageError(f"nothing to do: give --{', --'.join(flags)} or --note")
        kind = name.replace("-", "_")
        with opened_memory() as memory:
            held = memory.decide(kind, finding_id, chosen[0] if chosen else None, by=by, note=note)
        if as_json:
            print_json(held)
            return
        said = held["decision"] or "no decision: the rebuilds decide"
        output.print(Text(f"{name} {held['finding_id']}: {said}" + f" ({held['note']})" * bool(held["note"])))

    command: Callable[..., Any] = json_option(run)
    command = click.option("--by", default=_user, show_default="the user", help="Name of who decides.")(
        command
    )
    command = click.option("--note", help="Reason; replaces the note, an empty one removes it.")(command)
    for flag, meaning in reversed(list(choices.items())):
        command = click.option(f"--{flag}", is_flag=True, help=meaning)(command)
    command = click.argument("finding_id", metavar="ID")(command)
    decide.command(name, help=f"{description}\n\nID is the id, or the beginning of it.")(command)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for the user's number, as in a container
        return "unknown"


_RESET = {"reset": "Withdraw the decision; the rebuilds decide."}
_decision_command(
    "pattern",
    {
        "activate": "Keep it active, also when a rebuild does not find it.",
        "retire": "Keep it inactive, also when a rebuild finds it again.",
        **_RESET,
    },
    "Keep a pattern active or retired, or note something about it.",
)
_decision_command(
    "factor",
    {
        "confirm": "Mark it as confirmed; advice that uses it says so.",
        "suppress": "Base no advice on it any more, and do not show it by default.",
        **_RESET,
    },
    "Confirm or suppress a success factor, or note something about it.",
)
_decision_command(
    "member-pattern",
    {
        "activate": "Keep it active, also when it is not found again.",
        "retire": "Keep it inactive, also when it is found again.",
        **_RESET,
    },
    "Keep a member pattern active or retired, or note something about it.",
)


@decide.command("name")
@click.argument("column")
@click.argument("name")
@click.option("--same-as", metavar="OTHER", help="NAME counts as OTHER, and is shown as it.")
@click.option("--different-from", metavar="OTHER", help="NAME and OTHER are two, however alike.")
@click.option("--undo", metavar="OTHER", help="Withdraw what was decided about NAME and OTHER.")
@click.option("--note", help="Reason.")
@click.option("--by", default=_user, show_default="the user", help="Name of who decides.")
@json_option
def decide_name(
    as_json: bool, column: str, name: str, note: str | None, by: str, **others: str | None
) -> None:
    """Decide whether two names of a column are one, from the next rebuild on.

    COLUMN is such as application_name or application_vendor, NAME as `memory-pipeline show names` prints it.
    Two spellings of one name: it is shown as OTHER. What was recorded stays as it is.
    """
    given = {option: other for option, other in others.items() if other is not None}
    if len(given) != 1:
        raise click.UsageError("give one of --same-as, --different-from and --undo, with the other name")
    [(option, other)] = given.items()
    decision = {"same_as": "same", "different_from": "different", "undo": "reset"}[option]
    with opened_memory() as memory:
        held = memory.decide_name(column, name, other, decision, by=by, note=note)
    if as_json:
        print_json(held)
        return
    said = {
        "same": f"counts as {held['other_name']!r}",
        "different": f"is apart from {held['other_name']!r}",
        "reset": f"and {held['other_name']!r} are read by the rules again",
    }[decision]
    output.print(Text(f"{held['column_name']} {held['name']!r} {said}, from the next rebuild on"))
