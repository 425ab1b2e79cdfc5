"""Open a file of records by its format, as a mapping says, and read them with its columns checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import check_file, format_of
from memory_pipeline.ingest.json_files import open_json, open_jsonl
from memory_pipeline.ingest.log_files import open_log
from memory_pipeline.ingest.mapping import OWN_FIELDS
from memory_pipeline.ingest.record_paths import Reading
from memory_pipeline.ingest.table_files import open_csv, open_parquet
from memory_pipeline.ingest.xml_files import open_xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memory_pipeline.ingest.file_formats import RecordFile
    from memory_pipeline.ingest.mapping import Mapping
    from memory_pipeline.ingest.record_keys import Translator

_TABLES = {"csv": open_csv, "parquet": open_parquet}
_NESTED = {"json": open_json, "jsonl": open_jsonl, "xml": open_xml}


def open_records(
    path: Path, kind: str, mapping: Mapping | None, file_format: str | None = None
) -> AbstractContextManager[RecordFile]:
    """Open a file of records.

    Raises
    ------
    IngestError
        When it is not there, or its format is unknown; also on entering, when it cannot be read.
    """
    check_file(path)
    if mapping is not None and mapping.log is not None and file_format in {None, "log"}:
        return open_log(path, mapping.log.form())
    form = format_of(path, file_format)
    if form == "log":
        raise IngestError(
            f"{path.name} is a log; choose a mapping with the key `log`, which says where an attempt begins "
            "and ends, or the format if it is another"
        )
    if form in _TABLES:
        return _TABLES[form](path)
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
