"""`alerts`: what needs attention, who knows of it, and the rules that watch."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from memory_pipeline.analysis.alerts.metrics import ALERT_METRICS, DIRECTIONS
from memory_pipeline.cli.context import console, json_option, opened_memory, output, print_json
from memory_pipeline.settings import parse_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.memory import Memory


@click.group()
def alerts() -> None:
    """Show what needs attention, acknowledge or silence it, and change what is watched."""


@alerts.command("list")
@click.option("--all", "show_all", is_flag=True, help="Show closed alerts too.")
@click.option("--rule", "rule_name", metavar="NAME", help="Only alerts of this rule.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Most alerts.")
@json_option
def list_alerts(*, as_json: bool, show_all: bool, rule_name: str | None, limit: int) -> None:
    """Show the alerts that are open, the newest first."""
    with opened_memory() as memory:
        rows, total = memory.alerts(state="all" if show_all else "open", rule_name=rule_name, limit=limit)
        sending = memory.alert_sending()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        output.print(_headline(row))
        output.print(Text(f"    {row['message']}"))
    if not rows:
        console.print("nothing needs attention", highlight=False)
    elif total > len(rows):
        console.print(f"{len(rows):,} of {total:,} alerts", highlight=False)
    _print_sending(sending)


def _headline(row: Mapping[str, Any]) -> Text:
    """Return an alert in one line: id, rule, subject, since when, and who knows."""
    notes = [f"since {row['opened_at']:%Y-%m-%d %H:%M} UTC"]
    if row["closed_at"]:
        notes.append(f"closed {row['closed_at']:%Y-%m-%d %H:%M}")
    if row["acknowledged_at"]:
        notes.append(f"acknowledged by {row['acknowledged_by']}")
    if row["silenced_until"]:
        notes.append(f"silenced until {row['silenced_until']:%Y-%m-%d %H:%M}")
    subject = f" ({row['subject']})" if row["subject"] else ""
    style = "" if row["closed_at"] else "yellow"
    return Text(f"{row['id']:>4}  {row['rule_name']}{subject}, {', '.join(notes)}", style=style)


def _print_sending(sending: Mapping[str, Any]) -> None:
    if sending["hint"]:
        console.print(Text(sending["hint"], style="yellow"))
    elif sending["problem"]:
        problem = sending["problem"]
        console.print(
            Text(f"{problem['waiting']} messages could not be sent: {problem['error']}", style="yellow")
        )


@alerts.command("check")
@json_option
def check(*, as_json: bool) -> None:
    """Evaluate the rules now and send what is new; a rebuild does so when it ends."""
    with opened_memory() as memory:
        done = memory.evaluate_alerts()
    if as_json:
        print_json(
            {
                "rules": done.rules,
                "opened": done.opened,
                "open": dict(done.still_open),
                "problems": dict(done.problems),
            }
        )
        return
    count = sum(done.still_open.values())
    console.print(f"{done.rules} rules: {done.opened} new alerts, {count} open", highlight=False)
    for name, why in done.problems.items():
        console.print(Text(f"{name} could not be evaluated: {why}", style="yellow"))


@alerts.command("acknowledge")
@click.argument("identity", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--by", help="Who knows of it; by default the user of the system.")
def acknowledge(identity: int, by: str | None) -> None:
    """Record that somebody knows of an alert: nothing more is sent about it."""
    with opened_memory() as memory:
        row = memory.acknowledge_alert(identity, by=by or getpass.getuser())
    output.print(_headline(row))


@alerts.command("silence")
@click.argument("identity", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--for", "interval", metavar="INTERVAL", help="How long, such as 12h or 30d.")
@click.option("--end", is_flag=True, help="End a silence.")
def silence(identity: int, interval: str | None, *, end: bool) -> None:
    """Send nothing about an alert, and what follows about the same subject, for some time."""
    if end == (interval is not None):
        raise click.UsageError("say how long with --for, or --end")
    try:
        days = 0.0 if interval is None else parse_interval(interval).total_seconds() / 86_400
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
    with opened_memory() as memory:
        row = memory.silence_alert(identity, days)
    output.print(_headline(row))


@alerts.command("rules")
@json_option
def rules(*, as_json: bool) -> None:
    """Show what is watched, and from where on it is an alert."""
    with opened_memory() as memory:
        rows = memory.alert_rules()
    if as_json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "metric"):
        table.add_column(name, no_wrap=True)
    for name in ("alert when", "where", "alarms a year", "state"):
        table.add_column(name, overflow="fold")
    for row in rows:
        column, value = row["segment_column"], row["segment_value"]
        where = "" if column is None else f"{column} = {value}" if value else f"each {column}"
        rate = "" if row["error_rate"] is None else f"{row['error_rate']:g}"
        state = (row["problem"] or "on") if row["enabled"] else "off"
        limit = f"{row['direction']} {row['threshold']:g}"
        cells = (row["name"], row["metric"], limit, where, rate, state)
        table.add_row(*(Text(cell) for cell in cells))
    output.print(table)


@alerts.command("set")
@click.argument("name")
@click.option("--metric", type=click.Choice(list(ALERT_METRICS)), help="What is watched.")
@click.option("--direction", type=click.Choice(DIRECTIONS), help="What of it is an alert.")
@click.option(
    "--segment-column", metavar="COLUMN", help="Watch each value of this column; empty: all attempts."
)
@click.option("--segment-value", metavar="VALUE", help="Watch only this value; empty: each.")
@click.option("--threshold", type=float, help="How far it must go; 0.05 of success is five points.")
@click.option("--error-rate", type=float, help="Expected false alarms in a year, such as 0.05.")
@click.option("--on/--off", "enabled", default=None, help="Whether it is evaluated.")
@json_option
def set_rule(*, as_json: bool, name: str, **options: Any) -> None:
    """Change a rule, or add one: only what is named changes."""
    changes = {key: value for key, value in options.items() if value is not None}
    with opened_memory() as memory:
        row = _saved(memory, name, changes)
    if as_json:
        print_json(row)
        return
    console.print(
        f"{row['name']}: {row['metric']} {row['direction']}, threshold {row['threshold']:g}, "
        f"{'on' if row['enabled'] else 'off'}",
        highlight=False,
    )


def _saved(memory: Memory, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return memory.save_alert_rule(name, changes, by=getpass.getuser())
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@alerts.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a rule and close its alerts; the shipped rules are there again when none is left."""
    with opened_memory() as memory:
        memory.remove_alert_rule(name)
    console.print(f"removed {name}", highlight=False)
