"""Read XML one element at a time, and property lists and PowerShell's CliXML as the objects that they hold.

Entities that a file declares are refused (defusedxml), so that a small file cannot grow in memory.
"""

from __future__ import annotations

import plistlib
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from memory_pipeline.ingest.cli_xml import objects_of
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.file_formats import RecordFile
from memory_pipeline.ingest.record_paths import MISSING, OF_FILE, Reading, expand, find, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

TEXT = "text"
"""Column of the text of an element that has attributes or elements too."""

_MAX_WHOLE = 200_000_000
"""Bytes of a property list or CliXML file, which is read as a whole."""
_MAX_DEPTH = 200


@contextmanager
def open_xml(path: Path, how: Reading | None = None) -> Iterator[RecordFile]:
    """Open an XML file.

    A record is an element at the mapping's `records` (a path below the root), without it an element right
    below the root. Its attributes and elements are its columns; an element that occurs several times is a
    list.

    Raises
    ------
    IngestError
        When it is not XML, ends early, or declares entities.
    """
    how = how or Reading()
    with path.open("rb") as raw, _wrap_xml_errors(path.name):
        size = max(path.stat().st_size, 1)
        root = "plist" if raw.read(8) == b"bplist00" else _root_of(raw)
        raw.seek(0)
        if root in {"plist", "Objs"} and size > _MAX_WHOLE:
            raise IngestError(
                f"{path.name} has {size:,} bytes; export at most {_MAX_WHOLE:,} at once, or write CSV"
            )
        if root == "plist":
            whole = _aware(plistlib.load(raw))
        elif root == "Objs":
            whole = objects_of(raw, path.name)
        else:
            yield RecordFile(None, lambda _wanted: _elements(raw, how, path.name), lambda: raw.tell() / size)
            return
        yield RecordFile(None, lambda _wanted: _records_in(whole, how, path.name), lambda: 1.0)


@contextmanager
def _wrap_xml_errors(name: str) -> Iterator[None]:
    from xml.etree.ElementTree import ParseError  # noqa: PLC0415 - the error alone

    from defusedxml.common import DefusedXmlException  # noqa: PLC0415 - only this format needs it

    try:
        yield
    except DefusedXmlException as error:
        raise IngestError(
            f"{name} declares entities, which can grow a small file without end; export it without a DTD"
        ) from error
    except (ParseError, ExpatError, plistlib.InvalidFileException, ValueError, EOFError) as error:
        raise IngestError(f"{name} is not XML, or was cut off ({error}); export it again") from error


def _parse(raw: IO[bytes], events: tuple[str, ...]) -> Iterator[tuple[str, Element]]:
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    return iterparse(raw, events=events, forbid_entities=True, forbid_external=True)  # type: ignore[no-any-return]


def _root_of(raw: IO[bytes]) -> str:
    raw.seek(0)
    for _, element in _parse(raw, ("start",)):
        return local_name(element)
    return ""


def local_name(element: Element) -> str:
    """Return the name of an element without its name space."""
    return str(element.tag).rpartition("}")[2]


def _elements(raw: IO[bytes], how: Reading, name: str) -> Iterator[dict[str, Any]]:
    """Yield the elements at a path; whatever was passed is forgotten."""
    paths = [[step.value for step in place.steps if step.kind == "key"] for place in how.places]
    heads = how.heads
    stack: list[Element] = []
    inside = 0
    with _wrap_xml_errors(name):
        for event, element in _parse(raw, ("start", "end")):
            if event == "start":
                stack.append(element)
                if len(stack) > _MAX_DEPTH:
                    raise IngestError(f"{name} is nested more than {_MAX_DEPTH} elements deep; flatten it")
                inside += bool(inside) or _is_at(stack, paths)
                continue
            stack.pop()
            if inside == 1:
                found = value_of(element)
                record = found if isinstance(found, dict) else {TEXT: found}
                passed = {
                    local_name(one): dict(one.attrib)
                    for one in stack
                    if local_name(one) in heads and one.attrib
                }
                yield {**passed, **record}
            inside = max(inside - 1, 0)
            if not inside and stack:
                stack[-1].remove(element)


def _is_at(stack: list[Element], paths: list[list[Any]]) -> bool:
    names = [local_name(one) for one in stack[1:]]
    return names in paths if paths else len(names) == 1


def value_of(element: Element) -> Any:
    """Return an element as text, or as an object of its attributes, its elements and its text."""
    pieces = (element.text, *(child.tail for child in element))
    text = " ".join(piece.strip() for piece in pieces if piece and piece.strip())
    if not element.attrib and not len(element):
        return text
    found: dict[str, Any] = {}
    for child in element:
        name, value = local_name(child), value_of(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        found[f"@{name}" if name in found else name] = value
    if text:
        found.setdefault(TEXT, text)
    return found


def _records_in(whole: Any, how: Reading, name: str) -> Iterator[Any]:
    beside = {}
    for column in how.columns:
        if column.startswith(OF_FILE):
            value = find(whole, parse_path(column.removeprefix(OF_FILE)))
            if value is not MISSING:
                beside[column] = value
    for place in how.places:
        count = next((n for n, step in enumerate(place.steps) if step.kind != "key"), len(place.steps))
        if find(whole, place.steps[:count]) is not MISSING:
            for one in expand(whole, place.steps, how.heads):
                yield {**beside, **one} if beside and isinstance(one, dict) else one
            return
    if how.places and isinstance(whole, dict):
        raise IngestError(
            f"{name} has no records where the mapping looks for them; its keys are: {', '.join(whole)}. "
            "Correct `records` in the mapping"
        )
    yield from expand(whole, (), how.heads)


def _aware(value: Any) -> Any:
    """Return a property list with its times, which are in UTC, as text that says so."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}+00:00"
    if isinstance(value, dict):
        return {key: _aware(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_aware(one) for one in value]
    return value.hex() if isinstance(value, bytes) else value
