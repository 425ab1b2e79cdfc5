"""Values that were read or drawn, kept until the part of the memory changes that they rest on."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class KeptValues:
    """Keeps what was read, by what was asked and the version of what it rests on; threads may share it.

    Parameters
    ----------
    most
        Values that are kept; of more, those that were asked for longest ago are dropped.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[str, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, asked: Hashable, version: str, read: Callable[[], Any]) -> Any:
        """Return a value: the kept one where the version is the same, else what `read` returns."""
        with self._lock:
            if self._has(asked, version):
                return self._values[asked][1]
        value = read()
        with self._lock:
            self._values[asked] = (version, value)
            self._values.move_to_end(asked)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def find(self, asked: Hashable, version: str) -> Any:
        """Return a value that is kept of this version; None where none is."""
        with self._lock:
            return self._values[asked][1] if self._has(asked, version) else None

    def _has(self, asked: Hashable, version: str) -> bool:
        found = self._values.get(asked)
        if found is None or found[0] != version:
            return False
        self._values.move_to_end(asked)
        return True
