"""`export` and `import`: what a memory was told, to take elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from memory_pipeline.cli.context import console, json_option, opened_store, output, print_json


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def export(file: Path, as_json: bool) -> None:
    """Write outcomes, members, advice that was served and decisions to FILE, a zip of JSON Lines.

    Findings are not in it, a rebuild finds them again; tokens never are.
    """
    from memory_pipeline.administration.export import write_export  # noqa: PLC0415 - keeps `--help` quick

    with opened_store() as (_, store):
        manifest = write_export(store, file)
    if as_json:
        print_json({"file": str(file), **asdict(manifest)})
        return
    for name, one in manifest.files.items():
        output.print(f"{name:<32} {one.rows:>12,}", highlight=False)


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print what would change, and store nothing.")
@json_option
def import_(file: Path, dry_run: bool, as_json: bool) -> None:
    """Read an export: what is new is added, what differs is replaced, and nothing is removed.

    Run it with --dry-run first. A damaged file is refused with its line, and then nothing is stored.
    """
    from memory_pipeline.administration.read_export import read_export  # noqa: PLC0415 - see above

    with opened_store() as (_, store):
        done = read_export(
            store,
            file,
            is_dry_run=dry_run,
            on_table=lambda name: console.print(f"  reading {name} ...", highlight=False),
        )
    if as_json:
        print_json({"is_dry_run": dry_run, "tables": [asdict(one) for one in done]})
        return
    output.print(f"{'':<24} {'new':>12} {'changed':>12} {'unchanged':>12}")
    for one in done:
        counts = f"{one.new:>12,} {one.changed:>12,} {one.unchanged:>12,}"
        output.print(f"{one.name:<24} {counts}", highlight=False)
        if one.left_out:
            console.print(
                f"{one.left_out:,} decisions are about patterns among members that are not here yet: "
                "rebuild, and import again",
                style="yellow",
            )
    console.print(
        "Nothing was stored: without --dry-run, it is." if dry_run else "Run `memory-pipeline rebuild` next."
    )
