"""Read an export into a memory: what is new is added, what differs is replaced, nothing is removed.

All of it is one transaction, which is rolled back for a dry run and where a line is damaged. Each line is
checked on its way, and the SHA-256 and the rows of a file at its end.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from memory_pipeline.administration.export import FORMAT, MANIFEST, ExportedFile, ExportManifest
from memory_pipeline.administration.exported_tables import TABLES, check_line
from memory_pipeline.administration.new_files import check_there
from memory_pipeline.ingest.canonical_json import encode_normal, record_id_of
from memory_pipeline.ingest.errors import RecordRefusedError
from memory_pipeline.ingest.mapping import OWN_FORMAT
from memory_pipeline.ingest.staging import contract_of, occurrence_identity
from memory_pipeline.store.bulk_writes import IngestRun, RecordWriter, accepted_line
from memory_pipeline.store.decisions import apply_decisions
from memory_pipeline.store.models import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from memory_pipeline.administration.exported_tables import ExportedTable
    from memory_pipeline.store import Store

_MAPPING = "export"
"""What the table `ingests` has as the mapping of records from an export."""
_LONGEST_LINE = 64 << 20
_LINES_AT_ONCE = 500
_EMPTY_STAGING = "truncate staged_records, staged_repeats, staged_names"


@dataclass(frozen=True)
class ImportedTable:
    """What an import does to a table: rows by what becomes of them.

    Attributes
    ----------
    name
        Of the file, without its ending.
    new, changed, unchanged
        Rows.
    left_out
        Decisions about patterns among members that this memory does not have.
    """

    name: str
    new: int
    changed: int
    unchanged: int
    left_out: int = 0


def read_export_manifest(path: Path) -> ExportManifest:
    """Read what an export holds.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is not an export, is cut off, or is of a newer version; the message says which.
    """
    check_there(path)
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(MANIFEST))
        files = {name: ExportedFile(**one) for name, one in content["files"].items()}
    except (zipfile.BadZipFile, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not an export, or it is cut off ({error}); export again") from error
    known = {f"{table.name}.jsonl" for table in TABLES}
    if content.get("format", FORMAT + 1) > FORMAT or not known >= files.keys():
        more = ", ".join(sorted(files.keys() - known)) or f"format {content.get('format')}"
        raise ValueError(
            f"{path} is of a newer version ({more}): install memory-pipeline {content.get('version')} "
            "or newer"
        )
    return ExportManifest(**{**content, "files": files})


def read_export(
    store: Store,
    path: Path,
    *,
    is_dry_run: bool = False,
    on_table: Callable[[str], None] = lambda _: None,
) -> list[ImportedTable]:
    """Read an export into a memory.

    Parameters
    ----------
    store
        The memory.
    path
        The export.
    is_dry_run
        Whether nothing is stored: the result is what would be.
    on_table
        Called with the name of each table as it begins.

    Returns
    -------
    list of ImportedTable
        One for each file of the export.

    Raises
    ------
    ValueError
        When the file is damaged; the message names the file in it and the line. Nothing is stored.
    """
    manifest = read_export_manifest(path)
    done: list[ImportedTable] = []
    try:
        with zipfile.ZipFile(path) as archive, store.engine.connect() as connection:
            for table in TABLES:
                name = f"{table.name}.jsonl"
                if name in manifest.files:  # an older export has fewer
                    on_table(table.name)
                    with archive.open(name) as file:
                        lines = _Lines(table, file, manifest.files[name])
                        done.append(_read(connection, lines, path.name))
            for kind in DECISIONS:
                apply_decisions(connection, kind)
            if not is_dry_run:
                connection.commit()
    except KeyError as error:
        raise ValueError(f"{path} is damaged ({error.args[0]}); export again") from error
    return done


class _Lines:
    """The lines of one file, parsed, with their numbers; what is read is held against the manifest."""

    def __init__(self, table: ExportedTable, file: IO[bytes], expected: ExportedFile) -> None:
        self.table = table
        self.name = f"{table.name}.jsonl"
        self.read = 0
        self._file, self._expected = file, expected

    def __iter__(self) -> Iterator[Any]:
        digest = hashlib.sha256()
        while block := self._next():
            digest.update(block)
            try:
                line = json.loads(block)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise self.damage(f"it is not JSON ({error})") from error
            yield line
        if (self.read, digest.hexdigest()) != (self._expected.rows, self._expected.sha256):
            raise ValueError(
                f"{self.name} has {self.read:,} lines and another content than the {self._expected.rows:,} "
                "that its manifest has the SHA-256 of; export again"
            )

    def _next(self) -> bytes:
        self.read += 1
        try:
            block = self._file.readline(_LONGEST_LINE)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self.damage(f"it cannot be read ({error})") from error
        if not block:
            self.read -= 1
        elif not block.endswith(b"\n"):
            raise self.damage("it is cut off")
        return block

    def damage(self, what: str) -> ValueError:
        """Return the error of the line that was read last."""
        return ValueError(f"{self.name}, line {self.read:,}: {what}; nothing was stored, export again")


def _read(connection: Connection, lines: _Lines, file_name: str) -> ImportedTable:
    if lines.table.kind is None:
        return _read_rows(connection, lines)
    return _read_records(connection, lines, lines.table.kind, file_name)


def _read_records(connection: Connection, lines: _Lines, kind: str, file_name: str) -> ImportedTable:
    """Store outcomes or members as an ingest does, by their source and their id there."""
    run = IngestRun(str(uuid4()), kind, file_name, _MAPPING, datetime.now(tz=UTC))
    writer, check = RecordWriter(connection, run), contract_of(kind)
    connection.execute(text(_EMPTY_STAGING))
    with writer.staging() as write:
        waiting: list[str] = []
        for record in lines:
            waiting.append(_staged(lines, record, check))
            if len(waiting) >= _LINES_AT_ONCE:
                write("".join(waiting))
                waiting.clear()
        write("".join(waiting))
    counts = writer.store_staged(read=lines.read, rename=occurrence_identity, own_format=OWN_FORMAT)
    for row_number, field, _, reason in writer.late_refusals(1):
        raise ValueError(f"{lines.name}, line {row_number:,}: {field}: {reason}; nothing was stored")
    return ImportedTable(lines.table.name, counts.new, counts.changed, counts.unchanged)


def _staged(lines: _Lines, record: Any, check: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    try:
        check_line(lines.table, record)
        if record.get("task_id") == record["source_record_id"]:
            # That is what an outcome without a task is stored with; its content has none.
            record = {**record, "task_id": None}
        encoded = encode_normal(check(record))
    except RecordRefusedError as refusal:
        raise lines.damage(refusal.reason) from refusal
    except ValueError as error:
        raise lines.damage(str(error)) from error
    source, record_id = record["source"], record["source_record_id"]
    if not (source.isprintable() and record_id.isprintable()):
        raise lines.damage("source or source_record_id has control characters")
    return accepted_line(
        lines.read,
        source=source,
        record_id=record_id,
        record=(record_id_of(source, record_id), encoded.hash, encoded.json),
        is_content=False,
        quarantine_id=None,
    )


def _read_rows(connection: Connection, lines: _Lines) -> ImportedTable:
    """Copy the lines of a table into a temporary one, and move from there what is new or differs."""
    table = lines.table
    connection.execute(text("create temporary table imported (line bigint, doc jsonb) on commit drop"))
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy("copy imported (line, doc) from stdin") as copy:
        for line in lines:
            try:
                check_line(table, line)
            except ValueError as error:
                raise lines.damage(str(error)) from error
            copy.write_row((lines.read, json.dumps(line)))
    left_out = _name_patterns_by_number(connection) if table.name == "decisions" else 0
    try:
        new, changed = _merge(connection, table)
    except DBAPIError as error:
        said = str(error.orig).partition("\n")[0]
        raise ValueError(f"{lines.name}: the database refuses a line ({said}); nothing was stored") from error
    if table.name == "decisions" and new:
        connection.execute(text(_IN_ORDER_OF_TIME))
    connection.execute(text("drop table imported"))
    return ImportedTable(table.name, new, changed, lines.read - new - changed - left_out, left_out)


def _merge(connection: Connection, table: ExportedTable) -> tuple[int, int]:
    """Move rows from `imported`; of a column that an older export lacks, a row keeps or gets its default."""
    name = table.model.__tablename__
    given = set(connection.scalars(text("select distinct jsonb_object_keys(doc) from imported")))
    columns = [one for one in table.columns if one in given or one in table.key]
    same_row = " and ".join(f"t.{one} is not distinct from s.{one}" for one in table.key)
    others = [one for one in columns if one not in table.key]
    if not given:
        return 0, 0
    connection.execute(
        text(
            f"create temporary table imported_rows on commit drop as "  # noqa: S608 - names of columns
            f"select distinct on ({', '.join(table.key)}) line, {', '.join(columns)} "
            f"from imported, jsonb_populate_record(null::{name}, doc) as r "
            f"order by {', '.join(table.key)}, line desc"
        )
    )
    changed = 0
    if others and not table.is_log:
        pairs = " or ".join(f"to_jsonb(t.{one}) is distinct from to_jsonb(s.{one})" for one in others)
        sets = ", ".join(f"{one} = s.{one}" for one in others)
        changed = connection.execute(
            text(f"update {name} as t set {sets} from imported_rows as s where {same_row} and ({pairs})")  # noqa: S608
        ).rowcount
    listed = ", ".join(columns)
    new = connection.execute(
        text(
            f"insert into {name} ({listed}) select {listed} from imported_rows as s "  # noqa: S608
            f"where not exists (select from {name} as t where {same_row}) order by line"
        )
    ).rowcount
    connection.execute(text("drop table imported_rows"))
    return new, changed


def _name_patterns_by_number(connection: Connection) -> int:
    """Replace the name of a pattern among members by its number here; return the decisions without one."""
    left_out = connection.execute(text(_WITHOUT_PATTERN)).rowcount
    connection.execute(text(_NUMBERS))
    return left_out


_WITHOUT_PATTERN = """
delete from imported where doc->>'kind' = 'member_pattern'
and not exists (select from patterns as p where p.name = doc->>'finding_id')
"""
_NUMBERS = """
update imported set doc = jsonb_set(doc, '{finding_id}', to_jsonb(p.id::text))
from patterns as p where doc->>'kind' = 'member_pattern' and p.name = doc->>'finding_id'
"""
# The newest row of a finding applies, by its number: a decision that was taken here later has to stay the
# newest after an older one came in.
_IN_ORDER_OF_TIME = """
with gone as (
    delete from decisions as d using imported as i
    where d.kind = i.doc->>'kind' and d.finding_id = i.doc->>'finding_id' returning d.*
)
insert into decisions (kind, finding_id, decision, note, decided_by, decided_at)
select kind, finding_id, decision, note, decided_by, decided_at from gone order by decided_at, id
"""
