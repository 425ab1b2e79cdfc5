"""`backup` and `restore`: a copy of the whole memory, and the way back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from memory_pipeline.cli.context import console, json_option, opened_store, print_json, read_settings

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("target", required=False, type=_PATH)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Keep only the newest so many backups of the folder; files with other names stay.",
)
@json_option
def backup(target: Path | None, keep: int | None, as_json: bool) -> None:
    """Write a backup of the whole memory: the database, features and evidence.

    TARGET is a new file whose name ends in .zip, or a folder; without it, MEMORY_BACKUP_FOLDER or
    MEMORY_HOME/backups. Ingests and answers go on meanwhile; a rebuild is waited for.
    """
    from memory_pipeline.administration.backup import (  # noqa: PLC0415 - keeps `--help` quick
        LOCK_PATIENCE,
        prune_backups,
        write_backup,
    )
    from memory_pipeline.store.session import open_session  # noqa: PLC0415

    with opened_store() as (settings, store):
        where = target or settings.backup_folder or settings.home.absolute() / "backups"
        with store.rebuild_lock(patience=LOCK_PATIENCE):
            path, manifest = write_backup(open_session(settings, store), where)
    removed = [] if keep is None else prune_backups(path.parent, keep)
    if as_json:
        print_json({"file": str(path), "removed": [str(one) for one in removed], **asdict(manifest)})
        return
    rows = sum(manifest.tables.values())
    size = path.stat().st_size / 1e6
    console.print(
        f"{rows:,} rows of {len(manifest.tables)} tables are in {path} ({size:,.1f} MB); "
        f"restore them with `memory-pipeline restore {path}`",
        highlight=False,
        soft_wrap=True,
    )
    for one in removed:
        console.print(f"removed {one}", highlight=False, soft_wrap=True)


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--disconnect", is_flag=True, help="End the connections of others instead of refusing.")
@click.option("--list", "lists", is_flag=True, help="List the databases that earlier restores kept.")
@click.option("--drop", metavar="NAME", help="Remove a database that an earlier restore kept.")
@json_option
def restore(file: Path | None, disconnect: bool, lists: bool, drop: str | None, as_json: bool) -> None:
    """Restore a backup in place of the memory, which is kept under another name.

    FILE is restored into a database of its own and checked against the backup's manifest; only then the
    memory is switched to it.
    """
    from memory_pipeline.administration.restore import (  # noqa: PLC0415 - keeps `--help` quick
        drop_kept,
        kept_databases,
        restore_backup,
    )
    from memory_pipeline.store.opening import connect_store  # noqa: PLC0415

    if sum((file is not None, lists, drop is not None)) != 1:
        raise click.UsageError("name a FILE, --list, or --drop NAME: one of them")
    settings = read_settings()
    store = connect_store(settings)
    try:
        if drop is not None:
            drop_kept(settings, store, drop)
            console.print(f"removed {drop}", highlight=False)
            return
        if file is None:
            for name in kept_databases(store):
                click.echo(name)
            return
        done = restore_backup(
            settings,
            store,
            file,
            disconnects=disconnect,
            on_step=lambda words: console.print(f"  {words} ...", highlight=False),
        )
    finally:
        store.close()
    if as_json:
        print_json({**asdict(done), "kept_storage": done.kept_storage and str(done.kept_storage)})
        return
    for name, (then, now) in done.other_settings.items():
        console.print(
            f"warning: {name} was {then or 'the default'} and is {now or 'the default'} now, so that a "
            "rebuild may find something else",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
    console.print(
        f"restored {sum(done.manifest.tables.values()):,} rows of {done.manifest.made_at}. What was there "
        f"before is kept as database {done.kept_database}; remove it with "
        f"`memory-pipeline restore --drop {done.kept_database}`",
        highlight=False,
        soft_wrap=True,
    )
    if not done.has_storage:
        console.print("Features and evidence are not in this backup: run `memory-pipeline rebuild`.")
