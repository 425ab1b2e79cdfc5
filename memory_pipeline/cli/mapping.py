"""`mapping check`: try a mapping on a file and store nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memory_pipeline.cli.context import json_option, output, print_json
from memory_pipeline.cli.ingest import errors_as_messages, file_format_option, given_option

if TYPE_CHECKING:
    from memory_pipeline.ingest.trial import Trial

_SHOWN_VALUES = 8
_SHOWN_REFUSALS = 10


@click.group()
def mapping() -> None:
    """Try mappings on files; nothing is stored."""


@mapping.command()
@click.argument("mapping_name", metavar="MAPPING")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rows", default=3, show_default=True, type=click.IntRange(min=0), help="Show as many accepted records."
)
@file_format_option
@given_option
@json_option
def check(
    mapping_name: str,
    file: Path,
    *,
    rows: int,
    file_format: str | None,
    given: dict[str, str],
    as_json: bool,
) -> None:
    """Read FILE as MAPPING says, show what would become of it, and store nothing.

    MAPPING is the name of a shipped mapping or the path of a YAML file. The exit code is 1 where no record
    would be stored.
    """
    from memory_pipeline.ingest.trial import try_mapping  # noqa: PLC0415 - keeps `--help` quick

    with errors_as_messages():
        trial = try_mapping(file, mapping_name, file_format=file_format, shown=rows, given=given)
    if as_json:
        print_json(trial.to_dict())
    else:
        output.print("\n".join(_lines(trial)), markup=False, highlight=False, soft_wrap=True)
    if trial.accepted == 0:
        raise click.ClickException(f"no record of {file.name} would be stored; see the refusals above")


def _lines(trial: Trial) -> list[str]:
    stored = f"{trial.accepted:,} would be stored, {trial.skipped:,} skipped, {trial.refused:,} refused"
    lines = [f"read {trial.read:,} records: {stored}"]
    for number, record in enumerate(trial.records, start=1):
        lines.append(f"Record {number}")
        lines += [
            f"  {field}: {_shown(value)}" for field, value in record.items() if value not in (None, {}, [])
        ]
    if trial.refusals:
        lines.append("Refused")
        for (field, reason), count in trial.refusals.most_common(_SHOWN_REFUSALS):
            lines.append(f"  {count:,} times {field}: {reason}")
    lines.append("Values of the columns")
    for column, counts in trial.values.items():
        common = ", ".join(f"{value} ({count:,})" for value, count in counts.most_common(_SHOWN_VALUES))
        more = f" and {len(counts) - _SHOWN_VALUES} more" if len(counts) > _SHOWN_VALUES else ""
        lines.append(f"  {column}: {common or 'always empty'}{more}")
    return lines


def _shown(value: Any) -> str:
    return ", ".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, dict) else str(value)
