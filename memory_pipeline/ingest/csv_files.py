"""Read CSV files as programs write them and spreadsheets save them, a row at a time.

Where the table begins is found in `csv_layout`. What is left out (lines above the header, totals at the end)
and what is repaired (quotes that are not doubled) is said in the file's notes.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from contextlib import contextmanager
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.csv_layout import (
    NO_DELIMITER,
    CsvForm,
    CsvLayout,
    find_layout,
    note_on_lines_above,
)
from memory_pipeline.ingest.errors import IngestError, printable
from memory_pipeline.ingest.file_formats import CELLS_KEY, RecordFile, check_header, open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_CELL = 1_000_000
_PROBE_CHARACTERS = 100_000
_LAST_ROWS = 3
_TOTAL = re.compile(
    r"(grand |sub-?|report )?totals?:?\s*\d*|sums?:?|summen?:?|(gesamt|end)(summe|anzahl)?:?|count:?"
    r"|\(?\d+ (rows?|records?|items?|zeilen?|datens[äa]tze?)( affected| selected)?\)?|end of (report|file)\.?"
    r"|[-=_*]{3,}",
    re.IGNORECASE,
)
_ESCAPED_QUOTE = re.compile(r'\\"(?=[^",;|\t\r\n]|"(?:[,;|\t\r\n]|$))')
r"""A quote that is escaped as `\"`, in contrast to a backslash at the end of a quoted cell."""


@contextmanager
def open_csv(
    path: Path, form: CsvForm | None = None, expected: frozenset[str] = frozenset()
) -> Iterator[RecordFile]:
    """Open a CSV file; what its form does not say (encoding, delimiter, line of the header) is found out.

    An empty cell is None. A row with more or fewer cells than the header has them under `(cells)`, which no
    mapping has, so that it is refused and not misread; empty cells beyond the header do not count.

    Parameters
    ----------
    path
        The file.
    form
        What is known of its form.
    expected
        Columns by which the header is found.

    Raises
    ------
    IngestError
        When the header is unusable or the file ends inside a row.
    """
    form = form or CsvForm()
    notes: list[str] = []
    csv.field_size_limit(_MAX_CELL)
    with open_text(path, encoding=form.encoding, guesses=True, notes=notes) as (text, share):
        start = text.read(_PROBE_CHARACTERS)
        text.seek(0)
        layout = find_layout(start, form, expected, path.name)
        note = note_on_lines_above(start, layout, path.name)
        if note is not None:
            notes.append(note)
        rows = _Rows(text, layout, path.name, notes)
        reading = iter(rows)
        first = next(reading, None)
        if first is None:
            raise IngestError(f"{path.name} is empty; export it again")
        columns = tuple(cell.strip() for cell in first)
        while columns and not columns[-1] and len(columns) > 1:
            columns = columns[:-1]
        check_header(columns, path.name)
        rows.width = len(columns)
        records = _records(reading, columns, form.footer_rows, path.name, notes)
        yield RecordFile(columns, lambda _wanted: records, share, notes)


class _Rows:
    """Rows of a CSV file that hold anything, from its header on.

    A row that breaks the rules of quotes is repaired where only one reading gives it the header's number of
    cells: quotes escaped by a backslash, and a quoted word at the beginning of a cell.
    """

    def __init__(self, text: IO[str], layout: CsvLayout, name: str, notes: list[str]) -> None:
        self.text = text
        self.layout = layout
        self.name = name
        self.notes = notes
        self.width: int | None = None
        self.has_escaped_quotes = False
        self._held: list[str] = []
        self._lines_read = 0
        self._has_nul = self._has_bare_quotes = False

    def __iter__(self) -> Iterator[list[str]]:
        for _ in range(self.layout.lines_above):
            self.text.readline()
        self._lines_read = self.layout.lines_above
        if self.layout.is_wrapped:
            yield from self._unwrapped()
            return
        lines = self._lines()
        source: Iterator[str] = lines
        while True:
            try:
                for row in csv.reader(source, delimiter=self.layout.delimiter, strict=True):
                    self._held.clear()
                    if row:
                        yield row
            except csv.Error as error:
                repaired = self._repaired(error)
                if isinstance(repaired, list):
                    self._held.clear()
                    yield repaired
                    source = lines
                else:
                    source = chain(repaired, lines)
            else:
                return

    def _lines(self) -> Iterator[str]:
        """Yield lines, and hold those of the row in hand."""
        held = self._held
        for line in self.text:
            if "\x00" in line:
                line = line.replace("\x00", "")  # noqa: PLW2901
                self._note_on_nul()
            if self.has_escaped_quotes:
                line = _ESCAPED_QUOTE.sub('""', line)  # noqa: PLW2901
            held.append(line)
            self._lines_read += 1
            yield line

    def _note_on_nul(self) -> None:
        if not self._has_nul:
            self._has_nul = True
            self.notes.append(
                f"{self.name} holds NUL characters (first in line {self._lines_read + 1}), which "
                "were left out"
            )

    def _repaired(self, error: csv.Error) -> list[str] | tuple[str, ...]:
        """Return the row in hand, or its lines to be read again; raise where neither is certain."""
        if "unexpected end" in str(error):
            raise IngestError(
                f"{self.name} ends inside a quoted cell (line {self._lines_read}): it was cut off, or a "
                "quote was never closed; export it again"
            ) from error
        held = tuple(self._held)
        if not self.has_escaped_quotes and any(_ESCAPED_QUOTE.search(line) for line in held):
            self.has_escaped_quotes = True
            self.notes.append(
                f'{self.name} escapes quotes as \\" (first in line {self._lines_read}) and was read so'
            )
            self._held[:] = [_ESCAPED_QUOTE.sub('""', line) for line in held]
            return tuple(self._held)
        if len(held) == 1 and held[0].count('"') % 2 == 0:
            row = next(csv.reader(held, delimiter=self.layout.delimiter), [])
            if len(row) == self.width:
                if not self._has_bare_quotes:
                    self._has_bare_quotes = True
                    self.notes.append(
                        f"{self.name} has quotes within quoted cells that are not doubled (first in line "
                        f"{self._lines_read}); they were left out"
                    )
                return row
        raise IngestError(
            f"{self.name}, line {self._lines_read}: {error}; correct the quotes there"
        ) from error

    def _unwrapped(self) -> Iterator[list[str]]:
        """Yield the rows that stand in one quoted cell each."""
        self.notes.append(
            f"{self.name} has each row as a whole in one quoted cell, as a spreadsheet saves a file that it "
            "did not take apart; the cells within were read"
        )
        lines = (line.rstrip() for line in self.text)
        for cells in csv.reader(lines, delimiter=NO_DELIMITER):
            row = next(csv.reader(cells, delimiter=self.layout.delimiter), None)
            if row:
                yield row


def _records(
    rows: Iterator[list[str]], columns: tuple[str, ...], footer_rows: int, name: str, notes: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield each row once the next ones were read: the last rows of a file may be totals or cut off."""
    width = len(columns)
    held: deque[list[str]] = deque()
    most = _LAST_ROWS + footer_rows
    number = 0
    for row in rows:
        if not row[0] and not any(row):
            continue
        held.append(row)
        number += 1
        if len(held) > most:
            yield _record(held.popleft(), columns, width)
    for _ in range(min(footer_rows, len(held))):
        held.pop()
    left_out = []
    while held and _is_footer(held[-1], width):
        left_out.append(held.pop())
    for row in reversed(left_out):
        shown = printable(" ".join(cell for cell in row if cell))
        notes.append(f"{name}: the row {shown!r} at the end was left out as a total or a footer")
    if held and len(held[-1]) < width:
        raise IngestError(
            f"{name} ends inside row {number}, which has {len(held[-1])} of {width} cells; it was cut off, "
            "export it again"
        )
    for row in held:
        yield _record(row, columns, width)


def _is_footer(row: list[str], width: int) -> bool:
    filled = [cell.strip() for cell in row if cell.strip()]
    return len(filled) * 2 <= width and _TOTAL.fullmatch(filled[0]) is not None


def _record(row: list[str], columns: tuple[str, ...], width: int) -> dict[str, Any]:
    if len(row) != width:
        if len(row) < width or any(row[width:]):
            return {CELLS_KEY: row}
        row = row[:width]
    return {column: cell or None for column, cell in zip(columns, row, strict=True)}
