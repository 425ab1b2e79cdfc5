"""Read JSON and JSON Lines one record at a time, so that the size of the file does not matter."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import RecordFile, open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS_KEY = "records"
"""Key of the array in a JSON file that is one object."""

_MAX_LINE = 5_000_000


@contextmanager
def open_jsonl(path: Path) -> Iterator[RecordFile]:
    """Open a file with one JSON object a line; empty lines do not count.

    Raises
    ------
    IngestError
        While reading, at the first line that is not JSON.
    """
    with open_text(path) as (text, share):
        yield RecordFile(None, lambda _wanted: _jsonl_records(text, path.name), share)


def _jsonl_records(text: IO[str], name: str) -> Iterator[Any]:
    for number, line in enumerate(iter(partial(text.readline, _MAX_LINE), ""), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not line.strip():
                continue
            raise IngestError(_say_broken(line, number, error, name)) from error
        yield record


def _say_broken(line: str, number: int, error: Exception, name: str) -> str:
    if len(line) == _MAX_LINE:
        return (
            f"{name}, line {number} is longer than {_MAX_LINE:,} characters; if the file is one JSON array, "
            "read it as json"
        )
    if not line.endswith("\n"):
        return f"{name} ends inside line {number}: it was cut off; export it again"
    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return (
        f"{name}, line {number} is not JSON ({what}); correct that line, or read the file in another format"
    )


@contextmanager
def open_json(path: Path) -> Iterator[RecordFile]:
    """Open a JSON file: an array of objects, or an object with such an array under `records`.

    It is parsed as a stream (ijson), so that its size does not matter.

    Raises
    ------
    IngestError
        When it is neither; while reading, when it ends early or is not JSON.
    """
    with open_text(path) as (text, share):
        first = _first_character(text)
        if first not in {"[", "{"}:
            raise IngestError(
                f"{path.name} is not a JSON array or object (it starts with {first!r}); choose its format"
            )
        prefix = "item" if first == "[" else f"{RECORDS_KEY}.item"
        yield RecordFile(None, lambda _wanted: _json_records(text, prefix, path.name), share)


def _json_records(text: IO[str], prefix: str, name: str) -> Iterator[Any]:
    import ijson  # noqa: PLC0415 - only this format needs it

    number = 0
    try:
        for record in ijson.items(_AsBytes(text), prefix, use_float=True):
            number += 1
            yield record
    except ijson.IncompleteJSONError as error:
        # The parser reports every error as incomplete input; only the end of the file is.
        if text.read(1) == "" and "premature" in str(error):
            raise IngestError(
                f"{name} ends inside record {number + 1}: it was cut off; export it again"
            ) from error
        raise IngestError(_say_no_json(name, number, error)) from error
    except (ijson.JSONError, ValueError, RecursionError) as error:
        raise IngestError(_say_no_json(name, number, error)) from error
    if number == 0 and prefix != "item":
        raise IngestError(
            f"{name} is one JSON object without records under the key {RECORDS_KEY!r}; write an array of "
            f'objects, {{"{RECORDS_KEY}": [...]}}, or read it as jsonl'
        )


def _say_no_json(name: str, number: int, error: Exception) -> str:
    what = " ".join(str(error).split())[:200]
    return f"{name} is not JSON after record {number} ({what}); correct it there, or export it again"


def _first_character(text: IO[str]) -> str:
    start = ""
    while not start:
        part = text.read(1_000)
        start = part.lstrip()
        if not part:
            break
    text.seek(0)
    return start[:1]


class _AsBytes:
    """Text file of any encoding as the stream of UTF-8 bytes that the parser reads."""

    def __init__(self, text: IO[str]) -> None:
        self.text = text

    def read(self, size: int) -> bytes:
        """Read up to `size` characters; with 0, which the parser asks for first, nothing."""
        return self.text.read(size).encode("utf-8", "surrogatepass") if size else b""
