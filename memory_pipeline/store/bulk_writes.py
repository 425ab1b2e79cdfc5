"""Write outcomes, members, their ingests and refused records in bulk.

Records are copied (`COPY`) into a temporary table and moved from there to their tables in the same
transaction: either all of an ingest is stored or nothing. Whether a record is valid is checked in `ingest`.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from memory_pipeline.store.bulk_sql import (
    COUNT_OLDER,
    CREATE,
    FIND_REPEATS,
    FORGET_REPEATS,
    MARK_REPETITIONS,
    REFUSE_CONTRADICTIONS,
    REFUSE_OVERWRITES,
    REFUSED_AGAIN,
    RESOLVE,
    RESULTS,
    STAGED_COLUMNS,
    SUPERSEDE,
    SUPERSEDE_REPEATS,
    WRITE,
    WRITE_INGEST,
    WRITE_QUARANTINE,
)
from memory_pipeline.store.models import QuarantinedRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select


@dataclass(frozen=True)
class IngestRun:
    """Which ingest a write belongs to, as the table `ingests` keeps it."""

    ingest_id: str
    kind: str
    file_name: str
    mapping_name: str
    started_at: datetime


@dataclass(frozen=True)
class WrittenCounts:
    """Numbers of staged records by what became of them."""

    new: int
    changed: int
    unchanged: int
    quarantined: int
    already_quarantined: int
    superseded: int = 0


class RecordWriter:
    """Writes the records of one ingest to a staging table and moves them to their tables.

    Parameters
    ----------
    connection
        With an open transaction, which the caller commits.
    run
        The ingest.
    """

    def __init__(self, connection: Connection, run: IngestRun) -> None:
        self.connection = connection
        self.run = run
        _watch_client(connection)
        connection.execute(text(CREATE))
        connection.execute(text("set local work_mem = '64MB'"))
        connection.execute(text("set local jit = off"))

    @contextmanager
    def staging(self) -> Iterator[Callable[[str], None]]:
        """Open the staging table; the yielded function takes lines of `accepted_line` and `refused_line`."""
        driver: Any = self.connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f"copy staged_records ({STAGED_COLUMNS}) from stdin") as copy,
        ):
            yield copy.write

    def store_staged(
        self,
        *,
        read: int,
        rename: Callable[[str, str, int], tuple[str, str]],
        own_format: str,
        skipped_ids: Sequence[int] = (),
        keeps_stored: bool = False,
        latest_wins: bool | None = False,
    ) -> WrittenCounts:
        """Move the staged records to their tables, and log the ingest.

        Parameters
        ----------
        read
            Number of records read, for the table `ingests`.
        rename
            From (source, hash, occurrence) to (record id, id), for identical records without an id in their
            source.
        own_format
            Mapping name of refused records that are kept in normal form.
        skipped_ids
            Quarantined records that the mapping now skips.
        keeps_stored
            Refuse records that would change a stored one.
        latest_wins
            Of outcomes with the same identity, here or stored, only the one that occurred last counts. None:
            where their application is the same and their times differ.
        """
        self.connection.execute(text("analyze staged_records (row_number, id, hash, reason)"))
        staged = self._scalar("select count(*) from staged_records where reason is null")
        superseded = 0
        if latest_wins:
            superseded = sum(self.connection.execute(text(one)).rowcount for one in SUPERSEDE)
        self.connection.execute(text(FIND_REPEATS))
        if latest_wins is None:
            superseded = self.connection.execute(text(SUPERSEDE_REPEATS)).rowcount
            if superseded:
                self.connection.execute(text(FORGET_REPEATS))
                self.connection.execute(text(FIND_REPEATS))
        self._rename_identical(rename)
        self.connection.execute(text(REFUSE_CONTRADICTIONS))
        self.connection.execute(text(MARK_REPETITIONS))
        if keeps_stored:
            table = {"outcomes": "packaging_outcomes", "members": "members"}[self.run.kind]
            self.connection.execute(text(REFUSE_OVERWRITES[table]))
        keeps_later = latest_wins is None
        values = {"ingest_id": self.run.ingest_id, "keeps_later": keeps_later}
        new, changed = self.connection.execute(text(WRITE[self.run.kind]), values).one()
        if keeps_later and new < staged:
            superseded += self._scalar(COUNT_OLDER)
        quarantined = self._scalar("select count(*) from staged_records where reason is not null")
        fresh = self._write_quarantine(own_format) if quarantined else 0
        resolved = {"kind": self.run.kind, "skipped_ids": list(skipped_ids)}
        self.connection.execute(text(RESOLVE), resolved)
        late = quarantined - self._scalar(
            "select count(*) from staged_records where reason is not null and is_content is null"
        )
        counts = WrittenCounts(
            new=new,
            changed=changed,
            unchanged=staged - late - new - changed,
            quarantined=quarantined,
            already_quarantined=quarantined - fresh,
            superseded=superseded,
        )
        self._write_ingest(read, counts)
        return counts

    def late_refusals(self, limit: int) -> list[tuple[int, str, str | None, str]]:
        """Return (row, field, value, reason) of records that only a comparison with the others refused."""
        rows = self.connection.execute(
            text(
                "select row_number, field, value, reason from staged_records "
                "where reason is not null and is_content is not null order by row_number limit :limit"
            ),
            {"limit": limit},
        )
        return [tuple(row) for row in rows]

    def stored_ids(self) -> tuple[str, ...]:
        """Return the ids of the accepted records, in the order of their rows."""
        column = {
            "outcomes": "select s.id from staged_records as s where s.reason is null order by s.row_number",
            "members": "select m.id::text from staged_records as s join members as m "
            "on m.source = s.source and m.source_record_id = s.record_id "
            "where s.reason is null order by s.row_number",
        }[self.run.kind]
        return tuple(self.connection.scalars(text(column)))

    def record_results(self) -> Sequence[Row[Any]]:
        """Return what became of each staged record, once all are moved to their tables.

        Returns
        -------
        sequence of Row
            `row_number`, `status`, `id`, `quarantine_id`, `field`, `value`, `reason`, in the order of rows.
        """
        names = {"kind": self.run.kind, "ingest_id": self.run.ingest_id}
        return self.connection.execute(text(RESULTS[self.run.kind]), names).all()

    def _rename_identical(self, rename: Callable[[str, str, int], tuple[str, str]]) -> None:
        """Set ids of identical records that have none in their source, by the number of their occurrence."""
        repeats = self.connection.execute(
            text(
                "select s.row_number, s.source, s.hash, r.occurrence from staged_records as s "
                "join staged_repeats as r using (row_number) where s.is_content"
            ),
            execution_options={"yield_per": 10_000},
        )
        driver: Any = self.connection.connection.driver_connection
        for part in repeats.partitions():
            with (
                driver.cursor() as cursor,
                cursor.copy("copy staged_names (row_number, record_id, id) from stdin") as copy,
            ):
                for row in part:
                    copy.write_row((row.row_number, *rename(row.source, row.hash, row.occurrence)))
        self.connection.execute(
            text(
                "update staged_records as s set record_id = n.record_id, id = n.id "
                "from staged_names as n where s.row_number = n.row_number"
            )
        )

    def _write_quarantine(self, own_format: str) -> int:
        parameters = {
            "kind": self.run.kind,
            "ingest_id": self.run.ingest_id,
            "file_name": self.run.file_name,
            "mapping_name": self.run.mapping_name,
            "own_format": own_format,
        }
        self.connection.execute(text(REFUSED_AGAIN), parameters)
        return int(self.connection.execute(text(WRITE_QUARANTINE), parameters).scalar_one())

    def _write_ingest(self, read: int, counts: WrittenCounts) -> None:
        parameters = {
            "ingest_id": self.run.ingest_id,
            "kind": self.run.kind,
            "file_name": self.run.file_name,
            "mapping_name": self.run.mapping_name,
            "read": read,
            "new": counts.new,
            "changed": counts.changed,
            "unchanged": counts.unchanged,
            "quarantined": counts.quarantined,
            "started_at": self.run.started_at,
        }
        self.connection.execute(text(WRITE_INGEST), parameters)

    def _scalar(self, statement: str) -> int:
        return int(self.connection.execute(text(statement)).scalar_one())


def _watch_client(connection: Connection) -> None:
    """Make the server end a long statement when the process that sent it is gone.

    Otherwise a killed ingest would hold its locks until the statement is done, and the next would wait.
    """
    # Servers on some systems cannot check their clients and refuse the setting; there the wait remains.
    with suppress(DBAPIError), connection.begin_nested():
        connection.execute(text("set local client_connection_check_interval = '1s'"))


def accepted_line(
    row_number: int,
    *,
    source: str,
    record_id: str,
    record: tuple[str, str, str],
    is_content: bool,
    quarantine_id: int | None,
) -> str:
    """Return the line of an accepted record for the staging table.

    Parameters
    ----------
    row_number
        Its place in the file, from 1.
    source, record_id
        Its identity; without control characters.
    record
        Its (id, hash, canonical JSON).
    is_content
        Whether the identity was made from the content.
    quarantine_id
        The quarantined record that it corrects.
    """
    identity, digest, document = record
    names = f"{source}\t{record_id}"
    if "\\" in names:
        names = names.replace("\\", "\\\\")
    if "\\" in document:
        document = document.replace("\\", "\\\\")
    quarantined = "\\N" if quarantine_id is None else quarantine_id
    flag = "t" if is_content else "f"
    return f"{row_number}\t{names}\t{identity}\t{flag}\t{digest}\t{quarantined}\t{document}\t\\N\t\\N\t\\N\n"


def refused_line(
    row_number: int,
    *,
    record: tuple[str, str],
    problem: tuple[str, str | None, str],
    quarantine_id: int | None,
) -> str:
    """Return the line of a refused record for the staging table.

    Parameters
    ----------
    row_number
        Its place in the file, from 1.
    record
        Its (hash, JSON as it arrived).
    problem
        (field, value, reason).
    quarantine_id
        The quarantined record that it was meant to correct.
    """
    digest, document = record
    parts = [str(row_number), None, None, None, None, digest, quarantine_id, document, *problem]
    return "\t".join("\\N" if part is None else _copy_text(str(part)) for part in parts) + "\n"


def _copy_text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


@dataclass(frozen=True)
class QuarantineFilter:
    """Filter of the records in quarantine; None does not filter."""

    kind: str | None = None
    file_name: str | None = None
    ingest_id: str | None = None
    mapping_name: str | None = None
    id: int | None = None
    field: str | None = None
    reason: str | None = None

    def select(self, columns: Sequence[Any]) -> Select[Any]:
        """Build the query for columns of the matching records, the oldest first."""
        conditions = [
            getattr(QuarantinedRecord, column.name) == getattr(self, column.name)
            for column in fields(self)
            if getattr(self, column.name) is not None
        ]
        waiting = QuarantinedRecord.resolved_at.is_(None)
        return select(*columns).where(waiting, *conditions).order_by(QuarantinedRecord.id)


def read_quarantined(
    connection: Connection, chosen: QuarantineFilter, columns: Sequence[Any]
) -> Iterator[Row[Any]]:
    """Stream columns of the records that wait in quarantine, the oldest first."""
    yield from connection.execute(chosen.select(columns), execution_options={"yield_per": 1_000})


def quarantined_groups(connection: Connection, chosen: QuarantineFilter) -> list[tuple[str, str, int]]:
    """Count the records that wait in quarantine by (kind, mapping name)."""
    groups = (QuarantinedRecord.kind, QuarantinedRecord.mapping_name)
    statement = chosen.select((*groups, func.count())).order_by(None).group_by(*groups).order_by(*groups)
    return [tuple(row) for row in connection.execute(statement)]
