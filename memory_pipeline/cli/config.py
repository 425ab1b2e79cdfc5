"""`config`: show, check and change the settings of a memory."""

from __future__ import annotations

import sys

import click
from rich.table import Table
from rich.text import Text

from memory_pipeline.cli.context import console, json_option, output, print_json, read_settings


@click.group()
def config() -> None:
    """Show, check and change the settings; a variable of the environment wins over the file."""


@config.command("show")
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> None:
    """Show the settings in force, or the one of that NAME: value, where it is from, and what it means."""
    from memory_pipeline.configuration import describe_settings, setting_named  # noqa: PLC0415
    from memory_pipeline.settings import variable_of  # noqa: PLC0415

    rows = describe_settings(read_settings())
    if name is not None:
        wanted = variable_of(setting_named(name))
        rows = [one for one in rows if one["variable"] == wanted]
    if as_json:
        print_json(rows)
        return
    table = Table(box=None, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("variable", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    table.add_column("meaning", overflow="fold")
    for one in rows:
        cells = (one["variable"], one["value"] or "unset", one["source"], one["description"])
        style = "dim" if one["source"] == "default" else ""
        table.add_row(*(Text(cell) for cell in cells), style=style)
    output.print(table)


@config.command("validate")
def validate() -> None:
    """Check the settings of the environment and the file; the exit code is 1 where one cannot be used."""
    from memory_pipeline.configuration import describe_settings, unknown_variables  # noqa: PLC0415
    from memory_pipeline.settings_file import settings_file  # noqa: PLC0415

    settings = read_settings()
    unknown = unknown_variables()
    for sentence in unknown:
        console.print(sentence, style="yellow", markup=False, highlight=False)
    if unknown:
        sys.exit(1)
    rows = describe_settings(settings)
    given = sum(one["source"] != "default" for one in rows)
    path = settings_file(settings.home)
    there = "is there" if path.is_file() else "is not there, which is fine"
    console.print(f"{len(rows)} settings can be used, {given} are set; {path} {there}", highlight=False)


@config.command("set")
@click.argument("name")
@click.argument("value", required=False)
def set_(name: str, value: str | None) -> None:
    """Write a setting into the file under MEMORY_HOME, such as `min_units 7`.

    Without VALUE it is asked for, and a secret is not shown meanwhile: an argument is seen in the list of
    processes and in the history of the shell.
    """
    from memory_pipeline.configuration import (  # noqa: PLC0415
        is_in_environment,
        is_secret,
        set_setting,
        setting_named,
    )
    from memory_pipeline.settings import variable_of  # noqa: PLC0415

    field = setting_named(name)
    if value is None:
        value = click.prompt(field, hide_input=is_secret(field), err=True)
    path = set_setting(field, str(value))
    console.print(f"{field} is set in {path}; what runs now reads it when it starts again", highlight=False)
    if is_in_environment(field):
        warning = f"{variable_of(field)} is in the environment, which wins over the file"
        console.print(warning, style="yellow", highlight=False)


@config.command("unset")
@click.argument("name")
def unset(name: str) -> None:
    """Remove a setting from the file under MEMORY_HOME."""
    from memory_pipeline.configuration import setting_named, unset_setting  # noqa: PLC0415

    field = setting_named(name)
    path = unset_setting(field)
    console.print(f"{field} is no longer set in {path}", highlight=False)
