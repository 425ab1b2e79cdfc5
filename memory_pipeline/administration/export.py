"""Write what a memory was told as a zip of JSON Lines, to be read by another one, or by other programs.

What is found is not in it: a rebuild finds it again. Tokens never are. Rows are streamed from one snapshot:
what this needs of the working memory does not grow with the history.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from memory_pipeline import __version__
from memory_pipeline.administration.exported_tables import TABLES
from memory_pipeline.administration.new_files import new_zip

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

    from sqlalchemy import Connection

    from memory_pipeline.administration.exported_tables import ExportedTable
    from memory_pipeline.store import Store

FORMAT = 1
"""Version of the form of an export; an import reads this one and older ones."""
MANIFEST = "manifest.json"
_ROWS_AT_ONCE = 2_000
# The id of a pattern among members is a running number, so a decision names the pattern.
_DECISIONS = """
select jsonb_set(to_jsonb(t) - 'id', '{finding_id}', to_jsonb(coalesce(p.name, t.finding_id)))::text
from decisions as t left join patterns as p on t.kind = 'member_pattern' and p.id::text = t.finding_id
order by t.decided_at, t.id
"""


@dataclass(frozen=True)
class ExportedFile:
    """Rows of a file of an export, and its SHA-256."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class ExportManifest:
    """What an export holds.

    Attributes
    ----------
    format
        `FORMAT` of its writer.
    version
        Of memory-pipeline.
    revision
        Of the schema.
    made_at
        ISO 8601 in UTC.
    files
        By name.
    """

    format: int
    version: str
    revision: str
    made_at: str
    files: dict[str, ExportedFile]


def write_export(store: Store, path: Path) -> ExportManifest:
    """Write an export to a new file, readable by its owner alone.

    Raises
    ------
    FileExistsError
        When the file exists.
    OSError
        When it cannot be written, as on a full disk; nothing is left of it.
    """
    engine = store.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin(), new_zip(path, compresses=True) as archive:
        connection.execute(text("set transaction read only"))
        connection.execute(text("set local timezone to 'UTC'"))
        manifest = ExportManifest(
            format=FORMAT,
            version=__version__,
            revision=store.revision() or "",
            made_at=datetime.now(tz=UTC).isoformat(timespec="seconds"),
            files={f"{table.name}.jsonl": _write(connection, archive, table) for table in TABLES},
        )
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def _write(connection: Connection, archive: zipfile.ZipFile, table: ExportedTable) -> ExportedFile:
    digest, rows = hashlib.sha256(), 0
    streamed = {"yield_per": _ROWS_AT_ONCE}
    found = connection.execute(text(_query(table)), execution_options=streamed).scalars()
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
        for lines in found.partitions(_ROWS_AT_ONCE):
            block = "".join(f"{line}\n" for line in lines).encode()
            digest.update(block)
            file.write(block)
            rows += len(lines)
    return ExportedFile(rows, digest.hexdigest())


def _query(table: ExportedTable) -> str:
    """Return the SQL of a table's lines, as text of JSON objects in the order of their keys."""
    if table.name == "decisions":
        return _DECISIONS
    columns, key, name = ", ".join(table.columns), ", ".join(table.key), table.model.__tablename__
    return f"select to_jsonb(t)::text from (select {columns} from {name}) as t order by {key}"  # noqa: S608
