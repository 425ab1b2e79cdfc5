"""`mapping check` and `mapping guess`: try a mapping on a file, and propose one; nothing is stored."""

from __future__ import annotations

from pathlib import Path

import click

from memory_pipeline.cli.context import json_option, output, print_json
from memory_pipeline.cli.file_options import (
    errors_as_messages,
    file_format_option,
    given_option,
    lookup_option,
)
from memory_pipeline.cli.guess import guess
from memory_pipeline.cli.trials import trial_lines


@click.group()
def mapping() -> None:
    """Try mappings on files and propose new ones; nothing is stored."""


@mapping.command()
@click.argument("mapping_name", metavar="MAPPING")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rows", default=3, show_default=True, type=click.IntRange(min=0), help="Show as many accepted records."
)
@file_format_option
@given_option
@lookup_option
@json_option
def check(
    mapping_name: str,
    file: Path,
    *,
    rows: int,
    file_format: str | None,
    given: dict[str, str],
    lookups: dict[str, str],
    as_json: bool,
) -> None:
    """Read FILE as MAPPING says, show what would become of it, and store nothing.

    MAPPING is the name of a shipped mapping or the path of a YAML file. The exit code is 1 where no record
    would be stored.
    """
    from memory_pipeline.ingest.trial import try_mapping  # noqa: PLC0415 - keeps `--help` quick

    with errors_as_messages():
        trial = try_mapping(
            file, mapping_name, file_format=file_format, shown=rows, given=given, lookups=lookups
        )
    if as_json:
        print_json(trial.to_dict())
    else:
        output.print("\n".join(trial_lines(trial)), markup=False, highlight=False, soft_wrap=True)
    if trial.accepted == 0:
        raise click.ClickException(f"no record of {file.name} would be stored; see the refusals above")


mapping.add_command(guess)
