"""Read the beginning of a file without a mapping: its columns, and how their cells are filled."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.csv_layout import DELIMITERS, LINES_SEARCHED, possible_headers
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import (
    CELLS_KEY,
    TWICE_KEY,
    check_file,
    format_of,
    open_text,
)
from memory_pipeline.ingest.guess.values import Column
from memory_pipeline.ingest.guess.words import HEADERS, header_score
from memory_pipeline.ingest.readers import open_by_format
from memory_pipeline.ingest.record_paths import Reading, RecordPlace, parse_path

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memory_pipeline.ingest.file_formats import Format, RecordFile

MOST_ROWS = 10_000
"""Records of a file that a guess rests on."""
MOST_COLUMNS = 300

_PROBE_CHARACTERS = 100_000
_DEEPEST = 3
_TABLES = {"csv", "excel", "parquet"}


@dataclass
class Sample:
    """The first records of a file.

    Parameters
    ----------
    columns
        By name, in the order of the file.
    records
        The records, nested objects flattened to paths (`actor.login`).
    place
        Path to the records in nested data, where they are not where they are looked for by default.
    is_table
        Whether every record has all columns.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    place: str | None = None
    is_table: bool = True


def read_sample(path: Path, file_format: str | None = None) -> Sample:
    """Read the first `MOST_ROWS` records of a file.

    Raises
    ------
    IngestError
        When it cannot be read, holds no records, or is a log, whose lines no header describes.
    """
    check_file(path)
    form = format_of(path, file_format)
    if form == "log":
        raise IngestError(
            f"{path.name} is a log, and only a mapping with the key `log` says where an attempt begins and "
            "ends; see the shipped ones with `log` in their names"
        )
    sample = Sample(is_table=form in _TABLES)
    with _opened(path, form, None) as file:
        _fill(sample, file)
    if form not in _TABLES and len(sample.records) == 1:
        place = _place_in(sample.records[0])
        if place is not None:
            sample = Sample(place=place, is_table=False)
            with _opened(path, form, place) as file:
                _fill(sample, file)
    if not sample.records:
        raise IngestError(f"{path.name} holds no records; check what was exported")
    sample.records = [_flat(record) for record in sample.records]
    for record in sample.records:
        for name, cell in record.items():
            if name not in sample.columns and len(sample.columns) < MOST_COLUMNS:
                sample.columns[name] = Column(name)
            if name in sample.columns:
                sample.columns[name].add(cell)
    for column in sample.columns.values():
        column.rows = len(sample.records)
    return sample


def _opened(path: Path, form: Format, place: str | None) -> AbstractContextManager[RecordFile]:
    places = () if place is None else (RecordPlace(parse_path(place)),)
    expected = _header_of(path) if form == "csv" else frozenset()
    return open_by_format(path, form, Reading(places), None, expected)


def _fill(sample: Sample, file: RecordFile) -> None:
    if file.columns is not None:
        sample.columns = {name: Column(name) for name in file.columns[:MOST_COLUMNS]}
    for record in file.read(None):
        if isinstance(record, dict) and CELLS_KEY not in record and TWICE_KEY not in record:
            sample.records.append(record)
        if len(sample.records) >= MOST_ROWS:
            return


def _header_of(path: Path) -> frozenset[str]:
    """Return the cells of the line that looks most like a header; none where no line does."""
    with open_text(path, guesses=True) as (text, _):
        lines = list(io.StringIO(text.read(_PROBE_CHARACTERS), newline=""))[:LINES_SEARCHED]
    best, found = 0.0, frozenset[str]()
    for _, cells in possible_headers(lines, 0, DELIMITERS):
        names = [cell.strip() for cell in cells if cell.strip()]
        if len(names) > 1 and len(set(names)) == len(names):
            score = sum(max(header_score(name, role) for role in HEADERS) >= _A_WORD for name in names)
            if score > best and score > 1:
                best, found = score, frozenset(names)
    return found


_A_WORD = 2.0


def _place_in(record: dict[str, Any]) -> str | None:
    """Return the path to the longest list of objects within an object."""
    found = max(_lists_in(record, ()), default=None)
    return None if found is None else ".".join(_quoted(key) for key in found[1])


def _lists_in(value: Any, keys: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    if isinstance(value, list) and keys and sum(isinstance(one, dict) for one in value) > 1:
        return [(len(value), keys)]
    if isinstance(value, dict) and len(keys) < _DEEPEST:
        return [found for key, one in value.items() for found in _lists_in(one, (*keys, str(key)))]
    return []


def _quoted(key: str) -> str:
    return f'"{key}"' if set(key) & set('.[]{}"') else key


def _flat(record: dict[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in record.items():
        name = before + (_quoted(str(key)) if before else str(key))
        if isinstance(value, dict) and value and depth < _DEEPEST:
            head = before + _quoted(str(key))
            found |= _flat(value, f"{head}.", depth + 1)
        else:
            found[name] = value
    return found
