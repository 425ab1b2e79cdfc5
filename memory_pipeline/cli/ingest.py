"""`ingest` and `quarantine`: store records, and correct those that were refused."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from memory_pipeline.cli.context import console, json_option, opened_store, output, print_json
from memory_pipeline.cli.file_options import (
    errors_as_messages,
    file_format_option,
    given_option,
    lookup_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.ingest import IngestProgress, IngestReport
    from memory_pipeline.store.bulk_writes import QuarantineFilter

_SHOWN_PROBLEMS = 5
_ROWS_PER_LINE = 50_000
_KINDS = click.Choice(["outcomes", "members"])


class RefusedError(click.ClickException):
    """Every record that was read was refused."""


@click.group()
def ingest() -> None:
    """Store outcomes or members; storing the same file again changes nothing."""


@click.group()
def quarantine() -> None:
    """List, export and retry the records that broke their contract."""


def _ingest_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        file_format_option,
        click.option("--source", help="Name of the source, for records that do not name theirs."),
        given_option,
        lookup_option,
        click.option("--mapping", help="Name of a shipped mapping, or the path of a YAML file."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@ingest.command()
@_ingest_options
@click.option(
    "--guess",
    "is_guess",
    is_flag=True,
    help="Store nothing; propose a mapping, and write it to the file that --mapping names.",
)
def outcomes(file: Path, *, is_guess: bool, **options: Any) -> None:
    """Store the attempts of a CSV, JSON, JSON Lines, Parquet, XML or log file.

    Of a rotated log, FILE may be a folder or a pattern of names in quotes.
    """
    if is_guess:
        _guess(file, **options)
    else:
        _ingest("outcomes", file, **options)


def _guess(
    file: Path,
    *,
    mapping: str | None,
    given: dict[str, str],
    lookups: dict[str, str],
    source: str | None,
    file_format: str | None,
    as_json: bool,
) -> None:
    from memory_pipeline.cli.guess import show_guess  # noqa: PLC0415 - it takes options from here
    from memory_pipeline.ingest.guess.proposal import Said  # noqa: PLC0415

    if source is not None or lookups:
        raise click.UsageError("--source and --lookup belong to an ingest; --guess stores nothing")
    target = None if mapping is None else Path(mapping)
    show_guess(file, Said(constants=given), target=target, file_format=file_format, as_json=as_json)


@ingest.command()
@_ingest_options
def members(file: Path, **options: Any) -> None:
    """Store the member profiles of a CSV, JSON, JSON Lines or Parquet file."""
    _ingest("members", file, **options)


def _ingest(kind: str, file: Path, *, as_json: bool, **options: Any) -> None:
    from memory_pipeline.ingest import ingest_file  # noqa: PLC0415 - keeps `--help` quick

    with errors_as_messages(), opened_store() as (_, store), _progress_display() as progress:
        report = ingest_file(store, kind, file, progress=progress, **options)
    if as_json:
        print_json(report.to_dict())
    else:
        _print_report(report)
    if report.is_all_refused:
        raise RefusedError(
            f"all {report.quarantined:,} records were refused and none stored; the first: row "
            f"{report.problems[0].row_number}, {report.problems[0].reason}. They wait in quarantine; "
            "perhaps a mapping (--mapping) is missing"
        )


def _filter_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--ingest-id", help="Only records of this ingest."),
        click.option("--file-name", help="Only records of a file of this name."),
        click.option("--kind", type=_KINDS, help="Only records of this kind."),
    ):
        command = option(command)
    return command


@quarantine.command("list")
@_filter_options
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(min=1), help="Show at most this many rows."
)
@json_option
def list_(limit: int, as_json: bool, **filters: str | None) -> None:
    """Show the records in quarantine, with what is wrong and how to correct it."""
    from memory_pipeline.ingest.quarantine import count_quarantined, list_quarantined  # noqa: PLC0415

    chosen = _filter(**filters)
    with errors_as_messages(), opened_store() as (_, store):
        total = count_quarantined(store, chosen)
        records = list_quarantined(store, chosen, limit=limit)
    if as_json:
        print_json({"waiting": total, "records": records})
        return
    if not records:
        output.print("Nothing waits in quarantine.")
        return
    lines = [f"{total:,} records wait in quarantine."]
    for one in records:
        value = "" if one["value"] is None else f" = {one['value']}"
        lines.append(f"[{one['id']}] {one['file_name']}, row {one['row_number']}: {one['field']}{value}")
        lines.append(f"    {one['reason']}")
    _print_plain("\n".join(lines))
    if total > len(records):
        output.print(f"{total - len(records):,} more; raise --limit to see them", style="dim")


@quarantine.command()
@click.argument("file", type=click.Path(path_type=Path))
@_filter_options
@click.option("--mapping", "mapping_name", help="Only records that were read by this mapping.")
@json_option
def export(file: Path, as_json: bool, **filters: str | None) -> None:
    """Write the records in quarantine to FILE (JSON Lines), to be corrected and ingested again."""
    from memory_pipeline.ingest.quarantine import export_quarantined  # noqa: PLC0415

    with errors_as_messages(), opened_store() as (_, store):
        written = export_quarantined(store, file, _filter(**filters))
    if as_json:
        print_json({"file": str(file), "written": written})
        return
    _print_plain(
        f"{written:,} records written to {file}.\nCorrect them and ingest that file, with the mapping that "
        "the notes name: records that pass leave quarantine."
    )


@quarantine.command()
@_filter_options
@click.option("--mapping", help="Read them with this mapping (a name, or the path of a YAML file).")
@json_option
def retry(mapping: str | None, as_json: bool, **filters: str | None) -> None:
    """Try the records in quarantine again, after a mapping was corrected; those that pass leave it."""
    from memory_pipeline.ingest.quarantine import retry_quarantined  # noqa: PLC0415

    with errors_as_messages(), opened_store() as (_, store), _progress_display() as progress:
        reports = retry_quarantined(store, _filter(**filters), mapping=mapping, progress=progress)
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        for report in reports:
            _print_report(report)
        if not reports:
            output.print("Nothing waits in quarantine.")
    if reports and all(report.is_all_refused for report in reports):
        first = reports[0].problems[0]
        raise RefusedError(f"every record was refused again; the first: {first.field}: {first.reason}")


def _filter(**filters: Any) -> QuarantineFilter:
    from memory_pipeline.store.bulk_writes import QuarantineFilter  # noqa: PLC0415

    return QuarantineFilter(**filters)


@contextmanager
def _progress_display() -> Iterator[Callable[[IngestProgress], None]]:
    """Show progress on stderr: a bar on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield _print_progress
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("reading", total=1.0)

        def show(state: IngestProgress) -> None:
            progress.update(task, description=f"{state.stage} {state.rows:,} records", completed=state.share)

        yield show


def _print_progress(state: IngestProgress) -> None:
    if state.stage == "storing" or state.rows < _ROWS_PER_LINE or state.rows % _ROWS_PER_LINE == 0:
        share = "" if state.share is None or state.stage == "storing" else f" ({state.share:.0%} of the file)"
        console.print(f"{state.stage} {state.rows:,} records{share}", highlight=False)


def _print_report(report: IngestReport) -> None:
    lines = [
        f"{report.kind} from {report.file_name}, read as {report.mapping_name}: {report.read:,} records",
        f"  new          {report.new:>10,}",
        f"  changed      {report.changed:>10,}",
        f"  unchanged    {report.unchanged:>10,}",
        f"  skipped      {report.skipped:>10,}",
        f"  quarantined  {report.quarantined:>10,}",
    ]
    if report.read == report.unchanged:
        lines.append("Nothing is new: every record was stored before.")
    if report.quarantined:
        before = report.already_quarantined
        lines.append("Refused" + (f" ({before:,} of them waited in quarantine before):" if before else ":"))
        lines += [
            f"  row {one.row_number}, {one.field}"
            + ("" if one.value is None else f" = {one.value}")
            + f": {one.reason}"
            for one in report.problems[:_SHOWN_PROBLEMS]
        ]
        lines.append("See all with `memory-pipeline quarantine list`.")
    if report.notes:
        lines.append("Notes:")
        lines += [f"  {note}" for note in report.notes]
    _print_plain("\n".join(lines))


def _print_plain(message: str) -> None:
    """Print a text as it is, without markup."""
    output.print(message, markup=False, highlight=False, soft_wrap=True)
