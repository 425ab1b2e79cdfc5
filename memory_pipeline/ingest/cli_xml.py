"""Read CliXML, the form in which PowerShell's Export-Clixml writes objects (MS-PSRP, section 2.2.5)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.errors import IngestError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_DEPTH = 150
_MAX_NODES = 5_000_000
"""Objects and values after references were followed: a reference to a reference can double them each time."""

_LISTS = {"LST", "IE", "STK", "QUE"}
_WHOLE = {"I16", "I32", "I64", "U16", "U32", "U64", "By", "SB"}
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def objects_of(raw: IO[bytes], name: str) -> Any:
    """Return what a CliXML file holds: dicts, lists and scalars; several objects at the top as a list.

    Raises
    ------
    IngestError
        When it is nested too deeply, or grows too much through references.
    """
    from defusedxml.ElementTree import parse  # noqa: PLC0415 - only this format needs it

    reader = _Reader(name)
    found = [reader.value(one, 0) for one in parse(raw, forbid_entities=True).getroot()]
    return found[0] if len(found) == 1 else found


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.known: dict[str, tuple[Any, int]] = {}
        self.nodes = 0

    def value(self, element: Element, depth: int) -> Any:
        """Return the value of an element."""
        tag = _tag(element)
        if depth > _MAX_DEPTH:
            raise IngestError(
                f"{self.name} is nested more than {_MAX_DEPTH} objects deep; export with a lower -Depth"
            )
        self._count(1)
        if tag == "Obj":
            before = self.nodes
            made = self._object(element, depth)
            if element.get("RefId"):
                self.known[str(element.get("RefId"))] = made, self.nodes - before + 1
            return made
        if tag == "Ref":
            # An object that contains itself is not known yet, and left out.
            made, size = self.known.get(str(element.get("RefId")), (None, 0))
            self._count(size)
            return made
        return _scalar(tag, element.text or "")

    def _count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > _MAX_NODES:
            raise IngestError(
                f"{self.name} has more than {_MAX_NODES:,} values when its references are followed; export "
                "fewer objects or a lower -Depth"
            )

    def _object(self, element: Element, depth: int) -> Any:
        members: dict[str, Any] = {}
        text = single = None
        for part in element:
            tag = _tag(part)
            if tag in _LISTS:
                return [self.value(one, depth + 1) for one in part]
            if tag == "DCT":
                members.update(self._entries(part, depth))
            elif tag in {"Props", "MS"}:
                members.update({_text(one.get("N") or ""): self.value(one, depth + 1) for one in part})
            elif tag == "ToString":
                text = _text(part.text or "")
            elif tag not in {"TN", "TNRef"}:
                single = self.value(part, depth + 1)
        if single is not None:
            # An enumeration has a number and a name; other single values have notes that are not needed.
            return text if text is not None and isinstance(single, int) else single
        return members or text

    def _entries(self, part: Element, depth: int) -> dict[str, Any]:
        found = {}
        for entry in part:
            pair = {one.get("N"): self.value(one, depth + 1) for one in entry}
            found[str(pair.get("Key"))] = pair.get("Value")
        return found


def _text(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _scalar(tag: str, text: str) -> Any:
    if tag == "Nil":
        return None
    if tag == "B":
        return text.strip().lower() == "true"
    if tag in _WHOLE:
        return int(text)
    if tag in {"Db", "Sg", "D"}:
        return Decimal(text) if re.fullmatch(r"-?[\d.]+(?:[eE][+-]?\d+)?", text) else None
    return _text(text)
