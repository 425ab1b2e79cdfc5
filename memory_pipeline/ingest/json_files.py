"""Read JSON and JSON Lines one record at a time, so that the size of the file does not matter.

`json_text` holds the streams under it; `record_paths` says where in a file the records are.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError, printable
from memory_pipeline.ingest.file_formats import CELLS_KEY, TWICE_KEY, RecordFile, open_text
from memory_pipeline.ingest.json_text import JsonStream
from memory_pipeline.ingest.record_paths import (
    EACH,
    MISSING,
    OF_FILE,
    ROOT_LEVEL,
    Reading,
    RecordPlace,
    Step,
    as_record,
    expand,
    find,
    parse_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_LINE = 5_000_000
_MAX_OBJECT = 50_000_000
"""Characters of a JSON object that is one record by itself."""

_ALL = Step(EACH)
_TABLE = RecordPlace(parse_path("Values"), parse_path("Schema[*].Column"))
_USUAL = (RecordPlace(parse_path("records")), RecordPlace(parse_path("value")), _TABLE)
"""Where records are without a word about it: our own key, lists of OData, reports of Microsoft Graph."""
_SHOWN_KEYS = 12


@contextmanager
def open_jsonl(path: Path, how: Reading | None = None) -> Iterator[RecordFile]:
    """Open a file with one JSON object a line; empty lines do not count.

    A file whose first line is an opening bracket alone is JSON over several lines, and read so.

    Raises
    ------
    IngestError
        While reading, at the first line that is not JSON.
    """
    with open_text(path) as (text, share):
        first = text.readline(_MAX_LINE).strip()
        text.seek(0)
        if first in {"{", "["}:
            source = JsonSource(text, path.name, how or Reading())
            yield RecordFile(None, lambda _wanted: source.records(), share)
        else:
            yield RecordFile(None, lambda _wanted: _jsonl_records(text, path.name), share)


class _Line:
    """Decoder of one line, which remembers a key that stands twice in one object."""

    def __init__(self) -> None:
        self.twice: str | None = None
        self.decode = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=Decimal,
            parse_constant=lambda name: None if name == "NaN" else float(name),
        ).decode

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            keys = [key for key, _ in pairs]
            self.twice = next(key for key in keys if keys.count(key) > 1)
        return made


def _jsonl_records(text: IO[str], name: str) -> Iterator[Any]:
    line_reader = _Line()
    for number, line in enumerate(iter(partial(text.readline, _MAX_LINE), ""), start=1):
        try:
            record = line_reader.decode(line)
        except (ValueError, RecursionError) as error:
            if not line.strip():
                continue
            raise IngestError(_say_broken(line, number, error, name)) from error
        if line_reader.twice is not None:
            if isinstance(record, dict):
                record = {**record, TWICE_KEY: line_reader.twice}
            line_reader.twice = None
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
def open_json(path: Path, how: Reading | None = None) -> Iterator[RecordFile]:
    """Open a JSON file, or one with several JSON values one after the other.

    The records are where the mapping's `records` says; without it, the entries of an array, of the key
    `records` or `value`, the rows of a report of Microsoft Graph (`Schema` and `Values`), or the object
    itself. It is parsed as a stream (ijson), so that its size does not matter.

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
        source = JsonSource(text, path.name, how or Reading())
        yield RecordFile(None, lambda _wanted: source.records(), share)


class JsonSource:
    """The records of a JSON text."""

    def __init__(self, text: IO[str], name: str, how: Reading) -> None:
        self.text = text
        self.name = name
        self.how = how
        self.wanted = how.heads
        self.number = 0

    def records(self) -> Iterator[Any]:
        """Yield the records.

        Raises
        ------
        IngestError
            When there are none where they should be, or the text is not JSON.
        """
        import ijson  # noqa: PLC0415 - only this format needs it

        self.stream = JsonStream(self.text)
        try:
            yield from self._records()
        except ijson.IncompleteJSONError as error:
            # The parser reports every error as incomplete input; only the end of the file is.
            if self.text.read(1) == "" and "premature" in str(error):
                raise IngestError(
                    f"{self.name} ends inside record {self.number + 1}: it was cut off; export it again"
                ) from error
            raise IngestError(self._say_no_json(error)) from error
        except (ijson.JSONError, ValueError, RecursionError) as error:
            raise IngestError(self._say_no_json(error)) from error

    def _say_no_json(self, error: Exception) -> str:
        what = " ".join(str(error).split())[:200]
        return (
            f"{self.name} is not JSON after record {self.number} ({what}); correct it there, or export it "
            "again"
        )

    def _records(self) -> Iterator[Any]:
        place = self._place()
        beside = self._beside()
        found = self._table_rows(place) if place.columns else self._walk(place.steps)
        for one in found:
            self.number += 1
            twice = self.stream.pop_twice(one)
            if isinstance(one, dict) and (beside or twice is not None):
                yield {**beside, **one, **({} if twice is None else {TWICE_KEY: twice})}
            else:
                yield one

    def _beside(self) -> dict[str, Any]:
        """Return the wanted values that stand once in the file (`$.x`)."""
        found = {}
        for column in self.how.columns:
            if column.startswith(OF_FILE):
                steps = parse_path(column.removeprefix(OF_FILE))
                keys = [step.value for step in steps if step.kind == "key"]
                value = next((find(one, steps[1:]) for one in self.stream.items(keys[:1])), MISSING)
                if value is not MISSING:
                    found[column] = value
        return found

    def _table_rows(self, place: RecordPlace) -> Iterator[Any]:
        columns = [str(one) for one in self._values(place.columns or ())]
        for row in self._values(place.steps):
            if not isinstance(row, list):
                yield as_record(row)
            elif len(row) != len(columns):
                yield {CELLS_KEY: row}
            else:
                yield dict(zip(columns, row, strict=True))

    def _values(self, steps: tuple[Step, ...]) -> Iterator[Any]:
        """Yield the values at a path, the entries of an array at its end one by one."""
        keys, rest = _leading_keys(steps)
        if rest[:1] in {(), (_ALL,)}:
            for one in self.stream.items([*keys, ROOT_LEVEL]):
                found = find(one, rest[1:])
                yield from found if rest[1:] and isinstance(found, list) else [found]
            return
        for one in self.stream.items(keys):
            found = find(one, rest)
            yield from found if isinstance(found, list) else [found]

    def _walk(self, steps: tuple[Step, ...]) -> Iterator[Any]:
        """Yield the records at a path, with only one entry of its first array or object in memory."""
        keys, rest = _leading_keys(steps)
        level = keys[-1] if keys else ROOT_LEVEL
        if not rest or rest[0].kind == "index":
            found = self.stream.items(keys)
            if rest:
                entries = self.stream.items([*keys, ROOT_LEVEL])
                found, rest = islice(entries, rest[0].value, rest[0].value + 1), rest[1:]
            for one in found:
                yield from expand(one, rest, self.wanted, level)
        elif rest[0].kind == EACH:
            for one in self.stream.items([*keys, ROOT_LEVEL]):
                yield from expand([one], rest, self.wanted, level)
        else:
            for key, one in self.stream.pairs(keys):
                yield from expand({key: one}, rest, self.wanted, level)

    def _place(self) -> RecordPlace:
        """Choose where the records are by the beginning of the text."""
        look = self.stream.look([self._beginning(one) for one in self.how.places or _USUAL], _MAX_OBJECT)
        if look.is_array:
            return self._place_in_array()
        if look.found is not None:
            chosen = (self.how.places or _USUAL)[look.found]
            is_array = look.holds_array and not _leading_keys(chosen.steps)[1]
            return RecordPlace((*chosen.steps, _ALL)) if is_array and not chosen.columns else chosen
        of_keys = [one for one in self.how.places if one.steps[0].kind == "keys"]
        if of_keys:
            return of_keys[0]
        keys = set(look.keys)
        if self.how.places or look.is_too_long or not (not self.wanted or keys & self.wanted):
            shown = ", ".join(map(printable, look.keys[:_SHOWN_KEYS])) or "none"
            raise IngestError(
                f"{self.name} is a JSON object without records where they are looked for; its keys are: "
                f"{shown}. Say in the mapping where they are, such as `records: data.items[*]`, or write an "
                "array of objects"
            )
        return RecordPlace(())

    def _place_in_array(self) -> RecordPlace:
        """Choose the first place that the first entry of the array has; the entries where it has none."""
        of_arrays = [one for one in self.how.places if one.steps[0].kind != "key"]
        if len(of_arrays) == len(self.how.places) == 1:
            return of_arrays[0]
        first = next(iter(self.stream.items([ROOT_LEVEL])), None)
        for one in of_arrays:
            keys, _ = _leading_keys(one.steps[1:])
            if find(first, one.steps[1 : 1 + len(keys)]) is not MISSING:
                return one
        return RecordPlace((_ALL,))

    def _beginning(self, place: RecordPlace) -> tuple[tuple[str, ...], str | None]:
        keys, _ = _leading_keys(place.steps)
        is_usual = not self.how.places
        kind = None if not is_usual else ("start_array" if place.columns else "start_map")
        return tuple(keys), kind


def _leading_keys(steps: tuple[Step, ...]) -> tuple[list[str], tuple[Step, ...]]:
    count = next((n for n, step in enumerate(steps) if step.kind != "key"), len(steps))
    return [step.value for step in steps[:count]], steps[count:]


def _first_character(text: IO[str]) -> str:
    start = ""
    while not start:
        part = text.read(1_000)
        start = part.lstrip()
        if not part:
            break
    text.seek(0)
    return start[:1]
