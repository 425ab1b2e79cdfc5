"""Read spreadsheets of Excel (extra `excel`): the first sheet with a table, a row at a time.

What a formula last gave counts, not the formula. Times come as times, numbers as numbers; a duration or a
time of day becomes a text such as `0:02:31`.
"""

from __future__ import annotations

import zipfile
from collections import deque
from contextlib import contextmanager
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from memory_pipeline.ingest.csv_layout import LINES_SEARCHED, CsvForm
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import RecordFile, check_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Row = tuple[Any, ...]

_MOST_UNPACKED = 2**31
"""Bytes that a workbook may unpack to: more is an attack, or not a table of attempts."""
_ENOUGH_CELLS = 2


@contextmanager
def open_excel(
    path: Path, form: CsvForm | None = None, expected: frozenset[str] = frozenset()
) -> Iterator[RecordFile]:
    """Open a workbook (.xlsx or .xlsm).

    Parameters
    ----------
    path
        The file.
    form
        Number of the row with the header, and of the rows at the end that are no records; None to find the
        header.
    expected
        Columns by which the header is found: the row that holds most of them. Without any, the first row with
        two cells or more.

    Raises
    ------
    IngestError
        When openpyxl is not installed, the file is not a workbook, is protected or unpacks to more than 2 GB,
        or has no table.
    """
    form = form or CsvForm()
    openpyxl = _library(path)
    _check_size(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise _unreadable(path, error) from error
    try:
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        tables = ((sheet, _header(sheet, path, form, expected)) for sheet in visible)
        found = next(((sheet, header) for sheet, header in tables if header is not None), None)
        if found is None:
            raise IngestError(f"{path.name} has no sheet with a table; check what was exported")
        sheet, (number, columns) = found
        check_header(columns, path.name)
        notes = []
        others = [one.title for one in book.worksheets if one is not sheet]
        if others:
            notes.append(
                f"the sheet {sheet.title!r} was read, not {', '.join(repr(one) for one in others)}; save "
                "another one as a file of its own to read it"
            )
        if number:
            notes.append(f"{number} rows above the header were left out")
        total, done = max(int(sheet.max_row or 0), 1), [0]

        def read(_wanted: tuple[str, ...] | None) -> Iterator[dict[str, Any]]:
            held: deque[dict[str, Any]] = deque()
            for row in _rows(sheet, path, after=number + 1):
                done[0] += 1
                if all(value is None for value in row):
                    continue
                held.append(dict(zip(columns, row, strict=False)))
                if len(held) > form.footer_rows:
                    yield held.popleft()

        yield RecordFile(columns, read, lambda: min(done[0] / total, 1.0), notes)
    finally:
        book.close()


def _library(path: Path) -> Any:
    try:
        import openpyxl  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise IngestError(
            f"{path.name} is a workbook, which needs openpyxl; install the extra "
            "(`pip install 'memory-pipeline[excel]'`), or save the sheet as CSV"
        ) from error
    return openpyxl


def _check_size(path: Path) -> None:
    """Refuse what is not a workbook, and what would unpack to more than memory and disk should take."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
    except zipfile.BadZipFile as error:
        raise IngestError(
            f"{path.name} is not a workbook of Excel 2007 or later: it is older (.xls), protected by a "
            "password, damaged or another format; save it as .xlsx without a password, or as CSV"
        ) from error
    if size > _MOST_UNPACKED:
        raise IngestError(
            f"{path.name} unpacks to {size / 2**20:,.0f} MB, more than {_MOST_UNPACKED / 2**20:,.0f}; save "
            "the sheet as CSV"
        )


def _unreadable(path: Path, error: Exception) -> IngestError:
    said = (str(error).splitlines() or [""])[0]
    return IngestError(
        f"{path.name} cannot be read as a workbook ({type(error).__name__}: {said}); open it and save it "
        "again as .xlsx, or as CSV"
    )


def _rows(sheet: Any, path: Path, *, after: int = 0, most: int | None = None) -> Iterator[Row]:
    last = None if most is None else after + most
    try:
        for row in sheet.iter_rows(min_row=after + 1, max_row=last, values_only=True):
            yield tuple(_plain(value) for value in row)
    except Exception as error:
        raise _unreadable(path, error) from error


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, timedelta | time):
        return str(value)
    return value


def _header(
    sheet: Any, path: Path, form: CsvForm, expected: frozenset[str]
) -> tuple[int, tuple[str, ...]] | None:
    """Return how many rows are above the header, and the columns; None where there is no table."""
    after = 0 if form.header_line is None else form.header_line - 1
    most = LINES_SEARCHED if form.header_line is None else 1
    least = min(_ENOUGH_CELLS, len(expected)) or _ENOUGH_CELLS
    best: tuple[int, tuple[str, ...]] | None = None
    score = -1
    for number, row in enumerate(_rows(sheet, path, after=after, most=most), start=after):
        cells = tuple("" if value is None else str(value).strip() for value in row)
        while cells and not cells[-1]:
            cells = cells[:-1]
        held = len(expected.intersection(cells))
        if sum(bool(cell) for cell in cells) >= least and held > score:
            best, score = (number, cells), held
    return best
