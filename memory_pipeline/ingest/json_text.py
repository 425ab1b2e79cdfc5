"""Stream the values of a JSON text: NaN is read as null, and a key that stands twice is noticed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from memory_pipeline.ingest.file_formats import TWICE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK = 65_536
_CONSTANTS = ("NaN", "Infinity")
_LONGEST_CONSTANT = len("-Infinity")
_TOKEN = re.compile(r'\\.|"|NaN|-?Infinity', re.DOTALL)


@dataclass(frozen=True)
class Look:
    """What the first value of a text is.

    Parameters
    ----------
    is_array
        Whether it is an array.
    found
        Number of the place that was found in an object, None for none.
    holds_array
        Whether an array is there.
    keys
        Keys of the object, as far as it was read.
    is_too_long
        Whether the object was not read to its end.
    """

    is_array: bool
    found: int | None = None
    holds_array: bool = False
    keys: tuple[str, ...] = ()
    is_too_long: bool = False


class JsonStream:
    """Values of a JSON text, which is read from its start each time.

    Numbers with a point are decimals, so that 1.10 can be told from 1.1.
    """

    def __init__(self, text: IO[str]) -> None:
        self.text = text
        self.has_constants = _has_constants(text)
        self.has_twice = False
        self._map_type = self._watching_map()

    def _bytes(self) -> AsBytes:
        self.text.seek(0)
        return WithoutNan(self.text) if self.has_constants else AsBytes(self.text)

    def pop_twice(self, value: Any) -> str | None:
        """Return a key that an object in a value has twice, None where there is none.

        The parser is ahead of the values that it hands out, so the mark is in the object itself.
        """
        if not self.has_twice:
            return None
        if isinstance(value, list):
            return next((key for one in value if (key := self.pop_twice(one)) is not None), None)
        if not isinstance(value, dict):
            return None
        own = value.pop(TWICE_KEY, None)
        inside = [key for one in value.values() if (key := self.pop_twice(one)) is not None]
        return next(iter([*([] if own is None else [own]), *inside]), None)

    def _watching_map(self) -> type[dict[str, Any]]:
        stream = self

        class Watching(dict[str, Any]):
            """Object of JSON that notices a key that is there already."""

            def __setitem__(self, key: str, value: Any) -> None:
                if key in self:
                    stream.has_twice = True
                    super().__setitem__(TWICE_KEY, key)
                super().__setitem__(key, value)

        return Watching

    def items(self, keys: Sequence[str]) -> Iterator[Any]:
        """Yield the values at a path of keys, where `item` is every entry of an array."""
        import ijson  # noqa: PLC0415 - only this format needs it

        return map(
            self._plain,
            ijson.items(self._bytes(), ".".join(keys), map_type=self._map_type, multiple_values=True),
        )

    def pairs(self, keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Yield the keys and values of the object at a path of keys."""
        import ijson  # noqa: PLC0415

        found = ijson.kvitems(self._bytes(), ".".join(keys), map_type=self._map_type, multiple_values=True)
        return ((key, self._plain(one)) for key, one in found)

    def _plain(self, value: Any) -> Any:
        """Return a value with plain dicts: checks of a record ask for the exact type."""
        if isinstance(value, self._map_type):
            containers = (self._map_type, list)
            return {
                key: self._plain(one) if isinstance(one, containers) else one for key, one in value.items()
            }
        return [self._plain(one) for one in value] if isinstance(value, list) else value

    def look(self, places: Sequence[tuple[tuple[str, ...], str | None]], limit: int) -> Look:
        """Read the beginning of the text up to the first of several places.

        Parameters
        ----------
        places
            Paths of keys, each with the event that the first entry there has to begin with; None for
            any value.
        limit
            Characters after which the search ends.
        """
        import ijson  # noqa: PLC0415

        source = self._bytes()
        by_path = {".".join(keys): (number, kind) for number, (keys, kind) in enumerate(places) if keys}
        keys: dict[str, None] = {}
        events = ijson.parse(source, multiple_values=True)
        for prefix, event, value in events:
            if prefix == "":
                if event == "start_array":
                    return Look(is_array=True)
                if event == "map_key":
                    keys[str(value)] = None
                if event == "end_map":
                    break
            elif prefix in by_path and event not in {"map_key", "end_map", "end_array"}:
                number, kind = by_path[prefix]
                is_array = event == "start_array"
                if kind is None or (is_array and next(events)[1] in {kind, "end_array"}):
                    return Look(False, number, is_array, tuple(keys))
            if source.characters > limit:
                return Look(False, None, False, tuple(keys), is_too_long=True)
        return Look(False, None, False, tuple(keys))


def _has_constants(text: IO[str]) -> bool:
    """Return whether NaN or Infinity stands anywhere in a text, if only within a string."""
    text.seek(0)
    end = ""
    while part := text.read(_CHUNK):
        joined = end + part
        if any(name in joined for name in _CONSTANTS):
            return True
        end = part[-_LONGEST_CONSTANT:]
    return False


class AsBytes:
    """Text file of any encoding as the stream of UTF-8 bytes that the parser reads."""

    def __init__(self, text: IO[str]) -> None:
        self.text = text
        self.characters = 0

    def read(self, size: int) -> bytes:
        """Read up to `size` characters; with 0, which the parser asks for first, nothing."""
        if not size:
            return b""
        part = self.next_part(size)
        self.characters += len(part)
        return part.encode("utf-8", "surrogatepass")

    def next_part(self, size: int) -> str:
        """Read a part of the text."""
        return self.text.read(size)


class WithoutNan(AsBytes):
    """The same with null for NaN and a text for an infinite number, which JSON does not have."""

    def __init__(self, text: IO[str]) -> None:
        super().__init__(text)
        self.waiting = ""
        self.is_inside = False

    def next_part(self, size: int) -> str:
        """Read a part of the text; what may be the beginning of a constant waits for the next part."""
        part = self.waiting + self.text.read(size)
        is_last = len(part) == len(self.waiting)
        cut = len(part) if is_last else max(len(part) - _LONGEST_CONSTANT, 0)
        pieces, position = [], 0
        for token in _TOKEN.finditer(part):
            if token.start() >= cut:
                break
            text = token[0]
            if text == '"':
                self.is_inside = not self.is_inside
            elif not self.is_inside and not text.startswith("\\"):
                pieces += [part[position : token.start()], "null" if text == "NaN" else f'"{text}"']
                position = token.end()
            cut = max(cut, token.end())
        self.waiting = part[cut:]
        pieces.append(part[position:cut])
        made = "".join(pieces)
        return self.next_part(size) if not made and not is_last else made
