"""Choose the reader of a file by its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.ingest.csv_files import open_csv
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.excel_files import open_excel
from memory_pipeline.ingest.json_files import open_json, open_jsonl
from memory_pipeline.ingest.markdown_files import open_markdown
from memory_pipeline.ingest.parquet_files import open_parquet
from memory_pipeline.ingest.xml_files import open_xml

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memory_pipeline.ingest.csv_layout import CsvForm
    from memory_pipeline.ingest.file_formats import Format, RecordFile
    from memory_pipeline.ingest.record_paths import Reading

_NESTED = {"json": open_json, "jsonl": open_jsonl, "xml": open_xml}


def open_by_format(
    path: Path,
    form: Format,
    reading: Reading,
    csv_form: CsvForm | None = None,
    expected: frozenset[str] = frozenset(),
) -> AbstractContextManager[RecordFile]:
    """Open a file of records in a format.

    Parameters
    ----------
    path
        The file.
    form
        Its format.
    reading
        Where its records are, if they are nested.
    csv_form
        What is known of the form of a CSV file, or of a sheet.
    expected
        Columns by which the header of a CSV file, or of a sheet, is found.

    Raises
    ------
    IngestError
        When it is a log, whose records only a mapping describes; also on entering, when it cannot be read.
    """
    if form == "csv":
        return open_csv(path, csv_form, expected)
    if form == "excel":
        return open_excel(path, csv_form, expected)
    if form == "markdown":
        return open_markdown(path, reading.columns | expected)
    if form == "parquet":
        return open_parquet(path)
    if form == "log":
        raise IngestError(
            f"{path.name} is a log; choose a mapping with the key `log`, which says where an attempt begins "
            "and ends, or the format if it is another"
        )
    return _NESTED[form](path, reading)
