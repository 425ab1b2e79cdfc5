"""Find where the table of a CSV file begins: its delimiter, its header, and the lines above it.

Exports put lines above the header (`#TYPE …`, `sep=;`, titles), and a spreadsheet that saves a file it did
not take apart puts each row as a whole into one quoted cell. The header is the row that holds the columns
which are expected.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_pipeline.ingest.errors import IngestError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = ",;\t|"
NO_DELIMITER = "\x1f"
"""Character that occurs in no table (the unit separator): each row is one cell."""

LINES_SEARCHED = 100
_ENOUGH_COLUMNS = 2
_SEP_LINE = re.compile(r'"?sep=(.)[";,\t]*', re.IGNORECASE)
_TYPE_LINE = re.compile(r'"?#TYPE\b')


@dataclass(frozen=True)
class CsvForm:
    """What the reader of a CSV file knows of its form; None where it is to be found out.

    Parameters
    ----------
    encoding
        Name of its encoding, such as `cp1252`.
    delimiter
        The character between cells.
    header_line
        Number of the line with the header, from 1.
    footer_rows
        Number of rows at the end that are no records.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    footer_rows: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ValueError
            With the key and what it takes.
        """
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise ValueError("csv.delimiter is one character, such as ';' or \"\\t\"")
        if self.header_line is not None and self.header_line < 1:
            raise ValueError("csv.header_line is the number of a line, from 1")
        if self.footer_rows < 0:
            raise ValueError("csv.footer_rows is a number of rows, 0 or more")


@dataclass(frozen=True)
class CsvLayout:
    """How a CSV file is laid out.

    Parameters
    ----------
    delimiter
        The character between cells.
    lines_above
        Number of lines above the header.
    is_wrapped
        Whether each row stands as a whole in one quoted cell.
    """

    delimiter: str
    lines_above: int
    is_wrapped: bool = False


def find_layout(start: str, form: CsvForm, expected: frozenset[str], name: str) -> CsvLayout:
    """Find the layout of a CSV file in its first lines.

    Parameters
    ----------
    start
        The beginning of the file.
    form
        What is known.
    expected
        Columns that the header may hold.
    name
        Of the file, for messages.

    Raises
    ------
    IngestError
        When the file has no line with the header's number.
    """
    lines = list(io.StringIO(start, newline=""))
    above, said = _marks_above(lines)
    delimiters = form.delimiter or said or DELIMITERS
    if form.header_line is not None:
        above = form.header_line - 1
        if above >= len(lines):
            raise IngestError(
                f"{name} has no line {form.header_line}, where the mapping has its header "
                "(`csv.header_line`); correct the number"
            )
    first = lines[above] if above < len(lines) else ""
    default = CsvLayout(_most_frequent(first, delimiters), above)
    last = above + (1 if form.header_line is not None else LINES_SEARCHED)
    best, found = default, _expected_cells(_cells(first, default.delimiter), expected)
    for layout, cells in possible_headers(lines[:last], above, delimiters):
        score = _expected_cells(cells, expected)
        if score > found and (score >= _ENOUGH_COLUMNS or score == len(expected)):
            best, found = layout, score
    return best


def note_on_lines_above(start: str, layout: CsvLayout, name: str) -> str | None:
    """Return a note on the lines above the header that were left out; None where there are none."""
    lines = list(io.StringIO(start, newline=""))[: layout.lines_above]
    first, _ = _marks_above(lines)
    shown = [line.strip() for line in lines[first:] if line.strip()]
    if not shown:
        return None
    return (
        f"{name} is read from line {layout.lines_above + 1}, its header; what stands above it was left out "
        f"({printable(shown[0])!r}{' and more' if len(shown) > 1 else ''})"
    )


def _marks_above(lines: list[str]) -> tuple[int, str | None]:
    """Return the number of lines that only say how the file was written, and the delimiter they name."""
    delimiter = None
    for number, line in enumerate(lines):
        mark = _SEP_LINE.fullmatch(line.rstrip("\r\n"))
        if mark is not None:
            delimiter = mark[1]
        elif line.strip() and _TYPE_LINE.match(line) is None:
            return number, delimiter
    return len(lines), delimiter


def _most_frequent(header: str, delimiters: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max(delimiters, key=outside.count)


def possible_headers(lines: list[str], above: int, delimiters: str) -> Iterator[tuple[CsvLayout, list[str]]]:
    """Yield each row that may be the header, with the layout that it would mean; likely ones first."""
    for delimiter in delimiters:
        reader = csv.reader(lines[above:], delimiter=delimiter)
        before = 0
        for row in reader:
            yield CsvLayout(delimiter, above + before), row
            before = reader.line_num
    for number in range(above, len(lines)):
        line = lines[number].strip()
        if line.startswith('"') and line.endswith('"'):
            inner = _cells(line, NO_DELIMITER)[0]
            for delimiter in delimiters:
                yield CsvLayout(delimiter, number, is_wrapped=True), _cells(inner, delimiter)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [""])


def _expected_cells(cells: list[str], expected: frozenset[str]) -> int:
    return len(expected & {cell.strip() for cell in cells})
