"""Restore a backup beside the memory, check it, and only then switch to it.

The database is restored under a new name. What was there stays under the name `<database>_before_<moment>`,
and its features and evidence in `storage.before-<moment>`, until `drop_kept` removes them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from memory_pipeline.administration.backup import (
    DUMP,
    FORMAT,
    MANIFEST,
    STORAGE,
    Manifest,
    count_tables,
    shown_settings,
)
from memory_pipeline.administration.new_files import check_there
from memory_pipeline.administration.postgres_programs import find_program, running, server_major
from memory_pipeline.store import Store
from memory_pipeline.store.database import revisions
from memory_pipeline.store.frames import FrameStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from memory_pipeline.settings import Settings

_CHUNK = 1 << 20
_STAMP = "%Y%m%d_%H%M%S"
_LONGEST_NAME = 63
_PATIENCE, _POLL = 2.0, 0.05
_OTHERS = """
select count(*) from pg_stat_activity
where datname = :database and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes
    ----------
    manifest
        Of the backup.
    kept_database
        Name of the database that was there before.
    kept_storage
        Folder of the features that were there before; None where there were none.
    has_storage
        Whether features and evidence were in the backup, so that the memory answers before a rebuild.
    other_settings
        Settings (variable to text then and now, None where it was or is the default) that differ.
    """

    manifest: Manifest
    kept_database: str
    kept_storage: Path | None
    has_storage: bool
    other_settings: dict[str, tuple[str | None, str | None]]


def read_manifest(path: Path) -> Manifest:
    """Read what a backup holds.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is not a backup, is cut off, or is of a newer version; the message says which.
    """
    check_there(path)
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(MANIFEST))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        msg = f"{path} is not a backup, or it is cut off ({error}); use another one"
        raise ValueError(msg) from error
    if content.get("format", FORMAT + 1) > FORMAT:
        raise ValueError(
            f"{path} is a backup of format {content.get('format')}, and this version reads those up to "
            f"{FORMAT}: install memory-pipeline {content.get('version')} or newer"
        )
    manifest = Manifest(**content)
    if manifest.revision not in revisions():
        raise ValueError(
            f"{path} has a schema of revision {manifest.revision}, and this version knows those up to "
            f"{revisions()[-1]}: install memory-pipeline {manifest.version} or newer"
        )
    return manifest


def check_files(path: Path, manifest: Manifest) -> None:
    """Raise ValueError where a file of a backup is not what its writer wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name, expected in manifest.files.items():
                digest = hashlib.sha256()
                with archive.open(name) as member:
                    while chunk := member.read(_CHUNK):
                        digest.update(chunk)
                if digest.hexdigest() != expected:
                    raise ValueError(f"{path} is damaged: {name} has another SHA-256; use another backup")
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}); use another backup") from error


def restore_backup(
    settings: Settings,
    store: Store,
    path: Path,
    *,
    disconnects: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Restore a backup in place of a memory, which stays under another name.

    Parameters
    ----------
    settings, store
        The memory that is replaced; it may be empty, and need not be migrated.
    path
        The backup.
    disconnects
        Whether other connections to the memory are ended; else they are an error.
    on_step
        Called with a few words as each step begins.

    Raises
    ------
    ValueError
        When the file is not a whole backup that this version reads; nothing was changed.
    RuntimeError
        When others are connected, a program of PostgreSQL is missing or fails, or the restored tables do
        not have the rows of the manifest; the memory is as it was.
    """
    on_step("checking the file")
    manifest = read_manifest(path)
    check_files(path, manifest)
    database = str(store.url.database)
    stamp = f"{datetime.now(tz=UTC):{_STAMP}}"
    fresh, kept = (_name(database, word, stamp) for word in ("restoring", "before"))
    with _maintenance(store) as connection:
        if not disconnects:
            store.close()
            _check_alone(connection, database)
        connection.execute(text(f"create database {_quoted(fresh)} template template0"))
        folder = None
        try:
            restored = Store(store.url.set(database=fresh))
            on_step("restoring the database")
            _fill(restored, path, manifest)
            on_step("checking the rows")
            _verify(restored, manifest)
            restored.migrate()
            restored.close()
            on_step("switching")
            folder = _unpack_storage(settings, path, manifest, stamp)
            store.close()
            _switch(connection, {database: kept, fresh: database}, disconnects=disconnects)
        except BaseException:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            restored.close()
            connection.execute(text(f"drop database if exists {_quoted(fresh)} with (force)"))
            raise
    return Restored(
        manifest=manifest,
        kept_database=kept,
        kept_storage=_switch_storage(settings, folder, stamp),
        has_storage=folder is not None,
        other_settings=_differences(manifest.settings, shown_settings(settings)),
    )


def kept_databases(store: Store) -> list[str]:
    """Return the databases that restores kept, the oldest first."""
    pattern = f"^{re.escape(_name(str(store.url.database), 'before', ''))}\\d{{8}}_\\d{{6}}$"
    with store.transaction() as connection:
        found = connection.scalars(
            text("select datname::text from pg_database where datname ~ :pattern order by 1"),
            {"pattern": pattern},
        )
        return list(found)


def drop_kept(settings: Settings, store: Store, name: str) -> None:
    """Remove a database that a restore kept, with its features and evidence.

    Raises
    ------
    KeyError
        When no restore kept a database of that name.
    """
    kept = kept_databases(store)
    if name not in kept:
        raise KeyError(f"no restore kept a database {name!r}; there are: {', '.join(kept) or 'none'}")
    with _maintenance(store) as connection:
        connection.execute(text(f"drop database {_quoted(name)} with (force)"))
    root = _local_root(settings)
    if root is not None:
        shutil.rmtree(_beside(root, "before", name[-len("20000101_000000") :]), ignore_errors=True)


@contextmanager
def _maintenance(store: Store) -> Iterator[Connection]:
    """Open a connection to another database of the server: a database in use cannot be renamed."""
    other = "template1" if store.url.database == "postgres" else "postgres"
    neighbour = Store(store.url.set(database=other))
    try:
        with neighbour.engine.connect() as plain:
            yield plain.execution_options(isolation_level="AUTOCOMMIT")
    finally:
        neighbour.close()


def _check_alone(connection: Connection, database: str) -> None:
    """Raise RuntimeError where others are connected; a connection that was closed takes a moment to go."""
    until = time.monotonic() + _PATIENCE
    while others := connection.scalar(text(_OTHERS), {"database": database}):
        if time.monotonic() < until:
            time.sleep(_POLL)
            continue
        raise RuntimeError(
            f"{others} other connections use the memory: stop `memory-pipeline serve`, `dev` and what else "
            "works on it, or end the connections with --disconnect"
        )


def _fill(restored: Store, path: Path, manifest: Manifest) -> None:
    """Restore the dump into an empty database, in one transaction."""
    program, _ = find_program("pg_restore", max(manifest.dump_major, server_major(restored)))
    arguments = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(DUMP) as dump,
        running(program, restored.url, arguments, stdin=subprocess.PIPE) as child,
    ):
        shutil.copyfileobj(dump, child.stdin, _CHUNK)  # type: ignore[arg-type] # a pipe was asked for


def _verify(restored: Store, manifest: Manifest) -> None:
    with restored.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found = count_tables(connection)
        connection.execute(text("analyze"))
    wrong = {
        name: (manifest.tables.get(name), found.get(name))
        for name in sorted({*manifest.tables, *found})
        if manifest.tables.get(name) != found.get(name)
    }
    if wrong:
        said = "; ".join(f"{name}: {was} in the backup, {now} restored" for name, (was, now) in wrong.items())
        raise RuntimeError(f"the restored database is not what was backed up ({said}); nothing was changed")


def _switch(connection: Connection, names: dict[str, str], *, disconnects: bool) -> None:
    """Rename databases together: no moment has neither."""
    first = next(iter(names))
    with connection.engine.connect() as switching, switching.begin():
        if disconnects:
            switching.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = :database "
                    "and pid <> pg_backend_pid()"
                ),
                {"database": first},
            )
        try:
            for old, new in names.items():
                switching.execute(text(f"alter database {_quoted(old)} rename to {_quoted(new)}"))
        except OperationalError as error:
            raise RuntimeError(
                f"the memory is in use, so it could not be replaced ({str(error.orig).strip()}): stop "
                "`memory-pipeline serve`, `dev` and what else works on it, and try again"
            ) from error


def _unpack_storage(settings: Settings, path: Path, manifest: Manifest, stamp: str) -> Path | None:
    """Unpack the frames beside the place of the present ones; None where the backup has none."""
    root = _local_root(settings)
    names = [name for name in manifest.files if name.startswith(STORAGE)]
    if root is None or not names:
        return None
    folder = _beside(root, "restoring", stamp)
    folder.mkdir(mode=0o700, parents=True)
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                target = folder / Path(name).name  # a name alone: nothing lands outside of the folder
                with archive.open(name) as member, target.open("wb") as file:
                    shutil.copyfileobj(member, file, _CHUNK)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _switch_storage(settings: Settings, folder: Path | None, stamp: str) -> Path | None:
    """Move the present frames aside and the restored ones to their place; return where the former are."""
    root = _local_root(settings)
    if root is None:
        return None
    kept = _beside(root, "before", stamp)
    with suppress(FileNotFoundError):
        root.rename(kept)
    if folder is not None:
        folder.rename(root)
    return kept if kept.exists() else None


def _local_root(settings: Settings) -> Path | None:
    frames = FrameStore(settings.storage)
    return Path(frames.root) if isinstance(frames.filesystem, LocalFileSystem) else None


def _beside(root: Path, word: str, stamp: str) -> Path:
    return root.with_name(f"{root.name}.{word}-{stamp}")


def _name(database: str, word: str, stamp: str) -> str:
    """Return a name for another database, which PostgreSQL takes whole."""
    longest = _LONGEST_NAME - len(f"_{word}_20000101_000000")
    return f"{database[:longest]}_{word}_{stamp}"


def _quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _differences(then: dict[str, str], now: dict[str, str]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (then.get(name), now.get(name))
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    }
