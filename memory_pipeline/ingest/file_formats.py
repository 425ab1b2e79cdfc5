"""Detect the format and the text encoding of a file of records, and open it.

The formats themselves are read in modules of their names (`readers` chooses); encodings are told apart in
`text_encodings`.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.text_encodings import encoding_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Format = Literal["csv", "excel", "json", "jsonl", "log", "markdown", "parquet", "xml"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".log": "log",
    ".md": "markdown",
    ".xml": "xml",
    ".clixml": "xml",
    ".plist": "xml",
}
"""File name endings and the formats that they stand for."""

CELLS_KEY = "(cells)"
"""Key under which a row of a CSV whose cells do not fit its columns keeps them."""

TWICE_KEY = "(twice)"
"""Key under which a record of JSON keeps the name of a key that it has twice."""


@dataclass(frozen=True)
class RecordFile:
    """File that was opened to be read once.

    Parameters
    ----------
    columns
        Names of a table's columns; None where each record has keys of its own.
    read
        Function from the wanted columns (None for all) to an iterator of records.
    share
        Function that returns the part of the file that was read so far, 0 to 1; None where that is unknown.
    notes
        What was found out or left out while the file was read, for its reader; complete at its end.
    """

    columns: tuple[str, ...] | None
    read: Callable[[tuple[str, ...] | None], Iterator[Any]]
    share: Callable[[], float | None]
    notes: list[str] = field(default_factory=list)


def check_file(path: Path) -> None:
    """Check that a path is a file with content.

    Raises
    ------
    IngestError
        When it is not; the message names the path and the remedy.
    """
    if path.is_dir():
        raise IngestError(f"{path} is a folder; name one file in it")
    if not path.exists():
        raise IngestError(f"{path} does not exist; check the path (the working folder is {Path.cwd()})")
    if path.is_file() and path.stat().st_size == 0:
        raise IngestError(f"{path} is empty (0 bytes); export it again")


def format_of(path: Path, chosen: str | None = None) -> Format:
    """Return the format of a file: the chosen one, else the one that its name ends in.

    Raises
    ------
    IngestError
        When the name does not show it; the message lists the endings that do.
    """
    formats = sorted(set(FORMATS.values()))
    if chosen is not None:
        for known in formats:
            if chosen == known:
                return known
        raise IngestError(f"the format {chosen!r} is unknown; choose one of {', '.join(formats)}")
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise IngestError(
            f"{path.name} ends in {path.suffix or 'nothing'!r}, which names no known format; rename it to "
            f"end in one of {', '.join(FORMATS)}, or choose the format ({', '.join(formats)})"
        )
    return found


def check_header(columns: tuple[str, ...], name: str) -> None:
    """Refuse a header with a column that has no name, or with two of the same name.

    Raises
    ------
    IngestError
        With the number or name of the column.
    """
    for number, column in enumerate(columns, start=1):
        if not column:
            raise IngestError(f"{name}: column {number} of the header has no name; name it, or remove it")
        if column in columns[: number - 1]:
            raise IngestError(f"{name}: the column {column!r} occurs twice; rename one of them")


@contextmanager
def open_text(
    path: Path, *, encoding: str | None = None, guesses: bool = False, notes: list[str] | None = None
) -> Iterator[tuple[IO[str], Callable[[], float]]]:
    """Open a text file in UTF-8 or UTF-16, with or without a byte order mark, or in a code page.

    Parameters
    ----------
    path
        The file.
    encoding
        Its encoding; None to find it out.
    guesses
        Whether a file that is neither UTF-8 nor UTF-16 is read in the code page that fits best.
    notes
        List that takes a note on such a guess.

    Yields
    ------
    text
        The file, with line ends as they are.
    share
        Function that returns the part that was read, 0 to 1.

    Raises
    ------
    IngestError
        When the bytes are not of the encoding; also later, from within the `with` block, at the first byte
        that is not.
    """
    with path.open("rb") as raw:
        name, note = encoding_of(raw, path, encoding, guesses=guesses)
        if note is not None and notes is not None:
            notes.append(note)
        raw.seek(0)
        size = max(path.stat().st_size, 1)
        try:
            with io.TextIOWrapper(raw, encoding=name, newline="") as text:
                yield text, lambda: min(raw.tell() / size, 1.0)
        except UnicodeDecodeError as error:
            wrong = error.object[error.start : error.start + 1].hex()
            near = error.object[max(0, error.start - 20) : error.start].decode("ascii", "replace")
            raise IngestError(
                f"{path.name} is not {name.removesuffix('-sig').upper()}: the byte 0x{wrong} after {near!r} "
                "does not belong there; save the file as UTF-8 and try again"
            ) from error
        except UnicodeError as error:
            raise IngestError(f"{path.name} cannot be decoded ({error}); save it as UTF-8") from error
