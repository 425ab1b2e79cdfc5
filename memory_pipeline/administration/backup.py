"""Write a backup of a memory: its whole database, and its features and evidence where they are local files.

A backup is a zip file: `database.dump` (pg_dump, custom format), `storage/` (the Parquet frames), and at its
end `manifest.json` with the rows of each table and the SHA-256 of each file. Rows are counted in the
snapshot that is dumped, so that a restore can be held against them while ingests go on.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import text

from memory_pipeline import __version__
from memory_pipeline.administration.new_files import new_zip
from memory_pipeline.administration.postgres_programs import find_program, running, server_major
from memory_pipeline.configuration import describe_settings

if TYPE_CHECKING:
    import zipfile

    from sqlalchemy import Connection

    from memory_pipeline.settings import Settings
    from memory_pipeline.store.frames import FrameStore
    from memory_pipeline.store.session import Session

FORMAT = 1
"""Version of the form of a backup; a restore reads this one and older ones."""
DUMP, MANIFEST, STORAGE = "database.dump", "manifest.json", "storage/"
LOCK_PATIENCE = 600.0
"""Seconds that a backup waits for a rebuild to end."""
_NAME = re.compile(r"memory-\d{8}T\d{6}Z\.zip")
_CHUNK = 1 << 20
_PLACES = ("MEMORY_HOME", "MEMORY_DATABASE_URL", "MEMORY_STORAGE_URL", "MEMORY_DAGSTER_UI_URL")
"""Settings that say where something is; a restored memory may well be elsewhere."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    format
        `FORMAT` of its writer.
    version
        Of memory-pipeline.
    revision
        Of the schema.
    made_at
        When its snapshot was taken, ISO 8601 in UTC.
    server_major, dump_major
        Major versions of the server and of pg_dump.
    tables
        Rows of each table, Dagster's included.
    files
        SHA-256 of each file in the backup.
    settings
        Settings that were not the default, without secrets and addresses.
    """

    format: int
    version: str
    revision: str
    made_at: str
    server_major: int
    dump_major: int
    tables: dict[str, int]
    files: dict[str, str]
    settings: dict[str, str]


def write_backup(session: Session, target: Path) -> tuple[Path, Manifest]:
    """Write a backup; call it while holding the rebuild lock, so that frames and tables agree.

    Parameters
    ----------
    session
        The memory.
    target
        A new file whose name ends in `.zip`, or a folder, which is created; there, the file is named after
        the moment.

    Returns
    -------
    Path, Manifest
        The file, readable by its owner alone, and what it holds.

    Raises
    ------
    FileExistsError
        When the file exists.
    OSError
        When the file cannot be written, as on a full disk; nothing is left of it.
    RuntimeError
        When no pg_dump fits the server, or it fails.
    """
    store = session.store
    major = server_major(store)
    program, dump_major = find_program("pg_dump", major)
    path = _file_of(target)
    files: dict[str, str] = {}
    engine = store.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin(), new_zip(path) as archive:
        snapshot = str(connection.scalar(text("select pg_export_snapshot()")))
        made_at = datetime.now(tz=UTC)
        arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        with running(program, store.url, arguments, stdout=subprocess.PIPE) as child:
            files[DUMP] = _add(archive, DUMP, child.stdout)
        for name in local_files(session.frames):
            with session.frames.filesystem.open(f"{session.frames.root}/{name}", "rb") as frame:
                files[STORAGE + name] = _add(archive, STORAGE + name, frame)
        manifest = Manifest(
            format=FORMAT,
            version=__version__,
            revision=store.revision() or "",
            made_at=made_at.isoformat(timespec="seconds"),
            server_major=major,
            dump_major=dump_major,
            tables=count_tables(connection),
            files=files,
            settings=shown_settings(session.settings),
        )
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
    return path, manifest


def count_tables(connection: Connection) -> dict[str, int]:
    """Count the rows of each table of a database, by its name with the schema."""
    names = connection.scalars(
        text(
            "select format('%I.%I', n.nspname, c.relname) from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' "
            "and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%' order by 1"
        )
    ).all()
    return {one: int(connection.scalar(text(f"select count(*) from {one}")) or 0) for one in names}  # noqa: S608


def local_files(frames: FrameStore) -> list[str]:
    """Return the names of the files of the frames; none where they are not local files."""
    if not isinstance(frames.filesystem, LocalFileSystem) or not Path(frames.root).is_dir():
        return []
    found = (path.name for path in Path(frames.root).iterdir() if path.is_file())
    return sorted(name for name in found if not name.endswith(".part"))


def shown_settings(settings: Settings) -> dict[str, str]:
    """Return the settings that are not the default, by variable, without secrets and places."""
    return {
        one["variable"]: one["value"]
        for one in describe_settings(settings)
        if not one["is_default"] and one["value"] is not None and one["variable"] not in _PLACES
        if "not shown" not in one["value"]
    }


def prune_backups(folder: Path, keep: int) -> list[Path]:
    """Remove all backups of a folder but the newest; files with other names stay.

    Parameters
    ----------
    folder
        Where `write_backup` named the files.
    keep
        How many stay, at least 1.

    Returns
    -------
    list of Path
        What was removed, the oldest first.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; keep at least 1 backup")
    named = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    for path in named[:-keep]:
        path.unlink()
    return named[:-keep]


def _file_of(target: Path) -> Path:
    """Return the file of a target."""
    if target.is_dir() or target.suffix.lower() != ".zip":
        return target / f"memory-{datetime.now(tz=UTC):%Y%m%dT%H%M%SZ}.zip"
    return target


def _add(archive: zipfile.ZipFile, name: str, content: IO[bytes] | Any) -> str:
    """Copy a stream into the archive and return its SHA-256."""
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as member:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            member.write(chunk)
    return digest.hexdigest()
