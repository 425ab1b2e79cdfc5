"""`evidence`: share counts with other organisations, so that patterns are found in the evidence of all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memory_pipeline.cli.context import console, json_option, opened_store, output, print_json

if TYPE_CHECKING:
    from memory_pipeline.administration.evidence_manifest import EvidenceManifest

_FILE = click.Path(dir_okay=False, path_type=Path)
_NEXT = "Run `memory-pipeline rebuild` next."


@click.group()
def evidence() -> None:
    """Export counted evidence without names, and search patterns in what others exported, too."""


@evidence.command("export")
@click.argument("file", type=_FILE)
@click.option(
    "--least-units",
    "k",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="Fewest units of each combination of values; rarer ones become `(other)`.",
)
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Export this condition; repeat it.")
@click.option("--with-names", is_flag=True, help="Write the names of the units, not pseudonyms.")
@json_option
def export_(*, file: Path, k: int, columns: tuple[str, ...], with_names: bool, as_json: bool) -> None:
    """Write the counts of the newest rebuild to FILE, with pseudonyms of the units."""
    from memory_pipeline.administration.evidence_export import write_evidence  # noqa: PLC0415 - quick `--help`
    from memory_pipeline.store.session import open_session  # noqa: PLC0415 - see above

    with opened_store() as (settings, store):
        made = write_evidence(
            open_session(settings, store), file, k=k, columns=columns, with_names=with_names
        )
    if as_json:
        print_json({"file": str(file), **made.model_dump(mode="json")})
        return
    _print_source(made)
    cost = made.suppressed
    output.print(
        f"  suppressed: {cost.rare_cells:,} combinations had fewer than {k} units; {cost.attempts_changed:,} "
        f"attempts have `(other)` somewhere, {cost.attempts_left_out:,} are left out",
        highlight=False,
    )
    for name, attempts in sorted(cost.columns_changed.items(), key=lambda one: (-one[1], one[0])):
        output.print(f"    {name}: {attempts:,} attempts", highlight=False, markup=False)


@evidence.command("import")
@click.argument("file", type=_FILE)
@json_option
def import_(*, file: Path, as_json: bool) -> None:
    """Keep the evidence in FILE, in the place of what its source gave before.

    A damaged file is refused, and then nothing changes.
    """
    from memory_pipeline.administration.evidence_import import import_evidence  # noqa: PLC0415 - see above
    from memory_pipeline.store.session import open_session  # noqa: PLC0415 - see above

    with opened_store() as (settings, store):
        read = import_evidence(open_session(settings, store), file)
    if as_json:
        print_json(read.model_dump(mode="json"))
        return
    _print_source(read)
    console.print(_NEXT)


@evidence.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """Show what is imported, by source."""
    from memory_pipeline.administration.evidence_import import list_evidence  # noqa: PLC0415 - see above
    from memory_pipeline.store.session import open_session  # noqa: PLC0415 - see above

    with opened_store() as (settings, store):
        found = list_evidence(open_session(settings, store))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        _print_source(one)
    if not found:
        console.print("nothing is imported")


@evidence.command()
@click.argument("source")
def withdraw(source: str) -> None:
    """Remove what was imported from SOURCE, as `memory-pipeline evidence list` shows it."""
    from memory_pipeline.administration.evidence_import import withdraw_evidence  # noqa: PLC0415 - see above
    from memory_pipeline.store.session import open_session  # noqa: PLC0415 - see above

    with opened_store() as (settings, store):
        withdraw_evidence(open_session(settings, store), source)
    console.print(f"The evidence of {source} is removed. {_NEXT}")


def _print_source(one: EvidenceManifest) -> None:
    output.print(
        f"source {one.source}: {one.attempts:,} attempts of {one.units:,} units "
        f"({'with names' if one.has_names else 'pseudonyms'}), {one.months[0]} to {one.months[1]}, "
        f"{len(one.conditions)} conditions, k = {one.k}, made {one.made_at:%Y-%m-%d %H:%M}",
        highlight=False,
    )
