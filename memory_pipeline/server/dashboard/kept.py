"""Values that pages show, kept until the part of the memory changes that they are read from."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_MOST = 64


class KeptValues:
    """Keeps what was read, by what was asked and the version of what it rests on; threads may share it."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[str, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, asked: Hashable, version: str, read: Callable[[], Any]) -> Any:
        """Return a value: the kept one where the version is the same, else what `read` returns."""
        with self._lock:
            found = self._values.get(asked)
            if found is not None and found[0] == version:
                self._values.move_to_end(asked)
                return found[1]
        value = read()
        with self._lock:
            self._values[asked] = (version, value)
            self._values.move_to_end(asked)
            while len(self._values) > _MOST:
                self._values.popitem(last=False)
        return value
