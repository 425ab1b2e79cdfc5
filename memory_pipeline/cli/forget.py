"""`forget` and `retention`: what is removed, at once or after a time."""

from __future__ import annotations

from dataclasses import asdict

import click

from memory_pipeline.cli.context import console, json_option, opened_store, output, print_json

_DRY_RUN = click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")


@click.command()
@click.argument("kind", type=click.Choice(["application", "person"]))
@click.argument("name")
@click.option("--member-id", type=click.IntRange(min=1), help="Of a person: the only member that goes.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_DRY_RUN
@json_option
def forget(kind: str, name: str, member_id: int | None, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Forget an application (its outcomes go) or a person everywhere in the memory, then rebuild.

    Run it with --dry-run first. What was done is in the audit log, without the name. Backups, exports and the
    files that were read are not reached.
    """
    from memory_pipeline.administration.forget import forget as run_forget  # noqa: PLC0415
    from memory_pipeline.administration.restore import kept_databases  # noqa: PLC0415
    from memory_pipeline.cli.run import rebuild_with_progress  # noqa: PLC0415
    from memory_pipeline.store.session import open_session  # noqa: PLC0415

    with opened_store() as (settings, store):
        session = open_session(settings, store)
        found = run_forget(session, kind, name, member_id=member_id, is_dry_run=True)
        if as_json and dry_run:
            print_json({"is_dry_run": True, **asdict(found)})
            return
        for spelling in found.spellings:
            console.print(f"taken for it: {spelling}", markup=False, highlight=False)
        for table, rows in found.rows.items():
            output.print(f"{table:<28} {rows:>12,}", highlight=False)
        for path in found.files:
            output.print(path, highlight=False, soft_wrap=True)
        if not found.is_known:
            console.print("the name stands nowhere in this memory; features and evidence are made anew")
        if dry_run:
            console.print("Nothing was removed: without --dry-run, it is.")
            return
        if not yes:
            click.confirm("Remove it for good?", abort=True, err=True)
        with store.rebuild_lock():
            done = run_forget(session, kind, name, member_id=member_id)
        rebuild_with_progress(settings, store)
        kept = kept_databases(store)
    if as_json:
        print_json({"is_dry_run": False, **asdict(done)})
    console.print(
        "Forgotten here. Remove old backups and exports, and the name at its source: reading the same file "
        "again brings it back. Restart servers, which keep answers in memory."
    )
    for one in kept:
        console.print(
            f"An earlier restore kept {one}: `memory-pipeline restore --drop {one}`", highlight=False
        )


@click.command()
@_DRY_RUN
@json_option
def retention(*, dry_run: bool, as_json: bool) -> None:
    """Remove what is older than the settings MEMORY_KEEP_..._DAYS say."""
    from memory_pipeline.administration.retention import apply_retention  # noqa: PLC0415

    with opened_store() as (settings, store):
        removed = apply_retention(store, settings, is_dry_run=dry_run)
    if as_json:
        print_json({"is_dry_run": dry_run, "removed": removed})
        return
    for table, rows in removed.items():
        output.print(f"{table:<28} {rows:>12,}", highlight=False)
    if not removed:
        console.print("Everything is kept: no MEMORY_KEEP_..._DAYS is set.", markup=False)
