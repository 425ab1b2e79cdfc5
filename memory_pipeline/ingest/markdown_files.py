"""Read the tables of a Markdown file (GitHub Flavored Markdown, section 4.10), as tools write their reports.

A file may have several tables; those that hold columns which are expected are read, each with its own.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import CELLS_KEY, RecordFile, check_header, open_text
from memory_pipeline.ingest.record_paths import OF_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADING = "heading"
"""Column with the heading above a table."""

_MAX_LINE = 1_000_000
_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<text>.+?)[ \t#]*")
_NAMED_VALUE = re.compile(r"\*\*(?P<name>[^*:]{1,100}):?\*\*:?[ \t]*(?P<value>.+)")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(?P<text>.+?)\1")


@contextmanager
def open_markdown(path: Path, columns: frozenset[str]) -> Iterator[RecordFile]:
    """Open a Markdown file.

    A cell is its text without links, images and emphasis. A line `**UTC**: …` above a table gives its rows
    the column `$.UTC`, and the heading above it the column `heading`, where somebody reads them.

    Parameters
    ----------
    path
        The file.
    columns
        Columns that somebody reads; a table without one of them is passed over.

    Raises
    ------
    IngestError
        While reading, when no table holds such a column.
    """
    with open_text(path, guesses=True) as (text, share):
        yield RecordFile(None, lambda _wanted: _records(text, path.name, columns), share)


def _records(text: IO[str], name: str, columns: frozenset[str]) -> Iterator[dict[str, Any]]:
    beside: dict[str, str] = {}
    header: tuple[str, ...] | None = None
    is_found = False
    before = ""
    for line in iter(lambda: text.readline(_MAX_LINE), ""):
        stripped = line.strip()
        if header is not None:
            if "|" in stripped:
                yield _record(stripped, header, beside)
                continue
            header = None
        cells = tuple(_cells(before)) if "|" in before and _RULE.fullmatch(stripped) else ()
        if cells and len(cells) == len(_cells(stripped)) and not columns.isdisjoint(cells):
            header, is_found = cells, True
            check_header(header, name)
        elif not cells:
            beside |= _beside(stripped, columns)
        before = stripped
    if not is_found:
        raise IngestError(
            f"{name} has no table with a column that the mapping reads; choose another mapping, or a file "
            "with the table"
        )


def _record(line: str, header: tuple[str, ...], beside: dict[str, str]) -> dict[str, Any]:
    cells = _cells(line)
    if len(cells) > len(header):
        return {CELLS_KEY: cells}
    filled = [*cells, *[""] * (len(header) - len(cells))]
    return {**beside, **{column: cell or None for column, cell in zip(header, filled, strict=True)}}


def _beside(line: str, columns: frozenset[str]) -> dict[str, str]:
    """Return what a line between tables says about those below it."""
    heading = _HEADING.fullmatch(line)
    if heading is not None:
        return {HEADING: _plain(heading["text"])} if HEADING in columns else {}
    named = _NAMED_VALUE.fullmatch(line)
    if named is None or f"{OF_FILE}{named['name'].strip()}" not in columns:
        return {}
    return {f"{OF_FILE}{named['name'].strip()}": _plain(named["value"])}


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [_plain(cell) for cell in _BETWEEN_CELLS.split(inner)]


def _plain(text: str) -> str:
    """Return a text without links, images and emphasis."""
    without = _LINK.sub(r"\g<text>", _IMAGE.sub("", text.replace("\\|", "|")))
    return _EMPHASIS.sub(r"\g<text>", without).strip()
