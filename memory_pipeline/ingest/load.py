"""Store the records of a file or of a program, through a mapping and the contract.

An ingest is one transaction: a killed or failed one leaves nothing behind. Rows are read, checked and copied
to a temporary table one after the other, so that memory does not grow with the file.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from sqlalchemy.exc import DBAPIError

from memory_pipeline.ingest.errors import IngestError, StorageError, printable
from memory_pipeline.ingest.lookups import join, open_lookups
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import OWN_FORMAT, load_mapping
from memory_pipeline.ingest.opening import columns_of_name, given_columns, open_records, records_of
from memory_pipeline.ingest.report import (
    MAX_NOTES,
    MAX_PROBLEMS,
    MAX_STORED_IDS,
    IngestReport,
    Problem,
    RecordResult,
)
from memory_pipeline.ingest.staging import Job, occurrence_identity, stage
from memory_pipeline.store.bulk_writes import IngestRun, RecordWriter
from memory_pipeline.store.errors import explain
from memory_pipeline.store.models import RECORD_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.report import ProgressCallback
    from memory_pipeline.store import Store


def ingest_file(
    store: Store,
    kind: str,
    path: str | Path,
    *,
    mapping: str | Path | Mapping | None = None,
    source: str | None = None,
    file_format: str | None = None,
    name: str | None = None,
    progress: ProgressCallback | None = None,
    given: dict[str, str] | None = None,
    lookups: dict[str, str] | None = None,
) -> IngestReport:
    """Store the records of a file; storing the same file again changes nothing.

    Parameters
    ----------
    store
        The memory.
    kind
        `outcomes` or `members`.
    path
        A CSV, JSON, JSON Lines, Parquet, XML or log file.
    mapping
        How its columns become fields: the name of a shipped mapping, the path of a YAML file, or a mapping.
        None: the file is in the project's own form.
    source
        Name of the source, for records that do not name theirs.
    file_format
        `csv`, `json`, `jsonl`, `log`, `markdown`, `parquet` or `xml`, where the file's name does not say it.
    name
        What the ingest is called in the table `ingests`; None for the file's name.
    progress
        Function that is called every few thousand records.
    given
        Values for columns that the file does not have, by column or outcome field; see `given_columns`.
    lookups
        Files of the mapping's lookups by their names, instead of those that it names.

    Returns
    -------
    IngestReport
        Counts of the records by what became of them; those that break the contract are in quarantine.

    Raises
    ------
    IngestError
        When the file or mapping cannot be used as a whole; then nothing is stored.
    """
    path = Path(path)
    chosen = _loaded(mapping)
    translator = build_translator(_known_kind(kind), chosen)
    with open_records(path, kind, chosen, translator, file_format) as file:
        columns = columns_of_name(path.name, chosen) | given_columns(given or {}, kind, chosen)
        records = records_of(file, translator, path.name, columns, open_lookups(chosen, lookups))
        called = printable(name or path.name)
        job = Job(kind, called, translator, source, progress=progress, share=file.share, notes=file.notes)
        return _run(store, job, records)


def ingest_rows(
    store: Store,
    kind: str,
    rows: pd.DataFrame | Iterable[Any],
    *,
    mapping: str | Path | Mapping | None = None,
    source: str | None = None,
    name: str | None = None,
    progress: ProgressCallback | None = None,
    lists_records: bool = False,
) -> IngestReport:
    """Store the rows of a data frame, or dicts, as those of a file.

    Parameters
    ----------
    rows
        See `frames.open_rows`.
    name
        What the ingest is called in the table `ingests`; None for `data frame` or `records`.
    lists_records
        Whether the report says of each record what became of it.

    Other parameters, the result and the errors are those of `ingest_file`.
    """
    from memory_pipeline.ingest.frames import open_rows  # noqa: PLC0415 - needs pandas

    called = printable(name or ("data frame" if hasattr(rows, "columns") else "records"))
    chosen = _loaded(mapping)
    translator = build_translator(_known_kind(kind), chosen)
    file = open_rows(rows, called)
    records = records_of(file, translator, called, lookups=open_lookups(chosen, needs_all=False))
    job = Job(
        kind, called, translator, source, progress=progress, share=file.share, lists_records=lists_records
    )
    return _run(store, job, records)


def ingest_records(
    store: Store,
    kind: str,
    records: Iterable[dict[str, Any]],
    *,
    source: str | None = None,
    mapping: str | Path | Mapping | None = None,
    name: str = "records",
    progress: ProgressCallback | None = None,
) -> IngestReport:
    """Store records that a program holds, on the same path as those of a file.

    Parameters
    ----------
    records
        One dict a record, read once; they may come from a generator.
    name
        What the ingest is called in the table `ingests`.

    Other parameters, the result and the errors are those of `ingest_file`.
    """
    return load_and_store(
        store, kind, records, source=source, mapping=_loaded(mapping), name=name, progress=progress
    )


def load_and_store(
    store: Store,
    kind: str,
    records: Iterable[dict[str, Any]],
    *,
    mapping: Mapping | None,
    name: str,
    source: str | None = None,
    progress: ProgressCallback | None = None,
    keeps_stored: bool = False,
    lists_records: bool = False,
) -> IngestReport:
    """Store records; see `ingest_rows`. With `keeps_stored`, no stored record is changed."""
    translator = build_translator(_known_kind(kind), mapping)
    job = Job(
        kind,
        name,
        translator,
        source,
        progress=progress,
        keeps_stored=keeps_stored,
        lists_records=lists_records,
    )
    lookups = open_lookups(mapping, needs_all=False)
    filled = translator.derive(records)
    return _run(store, job, join(filled, lookups) if lookups else filled)


def _known_kind(kind: str) -> str:
    if kind not in RECORD_KINDS:
        raise IngestError(f"the kind {kind!r} is unknown; use one of {', '.join(RECORD_KINDS)}")
    return kind


def _loaded(mapping: str | Path | Mapping | None) -> Mapping | None:
    return load_mapping(mapping) if isinstance(mapping, str | Path) else mapping


def _run(store: Store, job: Job, records: Iterator[Any]) -> IngestReport:
    run = IngestRun(str(uuid4()), job.kind, job.file_name, job.translator.name, datetime.now(tz=UTC))
    with _wrap_database_errors(), store.transaction() as connection:
        writer = RecordWriter(connection, run)
        with writer.staging() as write:
            stage(job, records, write)
        job.report_progress("storing")
        counts = writer.store_staged(
            read=job.read,
            rename=occurrence_identity,
            own_format=OWN_FORMAT,
            skipped_ids=job.skipped_ids,
            keeps_stored=job.keeps_stored,
            latest_wins=job.translator.latest_wins,
        )
        if counts.superseded:
            job.notes.append(
                f"{counts.superseded:,} of the records are older than another of the same attempt, in this "
                "file or stored before, and do not count; if they are attempts of their own, give each an id "
                "of its own (`record_id`)"
            )
        late = writer.late_refusals(MAX_PROBLEMS)
        stored_ids = writer.stored_ids() if job.read <= MAX_STORED_IDS else ()
        results = writer.record_results() if job.lists_records else ()
    problems = sorted([*job.problems, *(Problem(*one) for one in late)], key=lambda one: one.row_number)
    return IngestReport(
        ingest_id=run.ingest_id,
        kind=job.kind,
        file_name=job.file_name,
        mapping_name=job.translator.name,
        read=job.read,
        new=counts.new,
        changed=counts.changed,
        unchanged=counts.unchanged,
        quarantined=counts.quarantined,
        skipped=job.skipped,
        already_quarantined=counts.already_quarantined,
        problems=tuple(problems[:MAX_PROBLEMS]),
        stored_ids=stored_ids,
        records=tuple(_result_of(one) for one in results),
        notes=(*job.notes, *job.translator.notes.sentences())[:MAX_NOTES],
    )


def _result_of(row: Any) -> RecordResult:
    if row.reason is None:
        return RecordResult(row.row_number, row.status, row.id)
    problem = Problem(row.row_number, row.field, row.value, row.reason)
    return RecordResult(row.row_number, row.status, None, row.quarantine_id, problem)


@contextmanager
def _wrap_database_errors() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, DBAPIError) as error:
        # Only the first line: the others show a whole row.
        what = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        meaning = explain(error)
        if meaning is None or meaning.is_away:
            raise StorageError(
                f"the database could not store the records ({what}); nothing was stored, "
                "so try the same again"
            ) from error
        raise StorageError(f"nothing was stored: {meaning}") from error
