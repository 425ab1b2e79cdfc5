"""Open a file of records by its format, as a mapping says, and read them with its columns checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.csv_files import open_csv
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import check_file, format_of
from memory_pipeline.ingest.json_files import open_json, open_jsonl
from memory_pipeline.ingest.mapping import OWN_FIELDS
from memory_pipeline.ingest.parquet_files import open_parquet
from memory_pipeline.ingest.record_paths import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memory_pipeline.ingest.file_formats import RecordFile
    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.record_keys import Translator

_NESTED = {"json": open_json, "jsonl": open_jsonl}


def open_records(
    path: Path,
    kind: str,
    mapping: Mapping | None,
    translator: Translator,
    file_format: str | None = None,
) -> AbstractContextManager[RecordFile]:
    """Open a file of records.

    Parameters
    ----------
    path
        The file.
    kind
        `outcomes` or `members`.
    mapping
        What its columns mean; None for the fields of the kind.
    translator
        Made of the mapping: which columns it expects, and how a CSV file is written.
    file_format
        One of `file_formats.FORMATS`; None for that of the name.

    Raises
    ------
    IngestError
        When it is not there, or its format is unknown; also on entering, when it cannot be read.
    """
    check_file(path)
    form = format_of(path, file_format)
    if form == "csv":
        return open_csv(path, translator.csv_form, translator.expected)
    if form == "parquet":
        return open_parquet(path)
    if mapping is None:
        return _NESTED[form](path, Reading(columns=OWN_FIELDS[kind]))
    places = tuple(rule.place() for rule in mapping.records)
    return _NESTED[form](path, Reading(places, frozenset(mapping.columns_read)))


def records_of(file: RecordFile, translator: Translator, name: str) -> Iterator[Any]:
    """Yield the records of a file, and compare its columns with those that the translator needs.

    Raises
    ------
    IngestError
        When a needed column is missing, or there are no records.
    """
    wanted = None if file.columns is None else translator.check_columns(file.columns)
    is_empty = True
    for record in file.read(wanted):
        is_empty = False
        yield record
    if is_empty:
        raise IngestError(f"{name} holds no records; check what was exported")
    if file.columns is None:
        translator.check_seen_columns()
