"""Results that are kept: what an earlier rebuild computed from the same inputs is not computed again.

What is kept is what a computation returned, and not what was stored: a step still writes its tables and
frames, with what persons decided meanwhile, so that whatever was lost or changed by hand is made good. A
result counts only with the fingerprint of everything that it rests on: the features or counts, the settings
it reads, the code of the analysis, and the libraries that decide its digits.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from memory_pipeline.rebuild.code_version import code_version
from memory_pipeline.store.frames import (
    IMPORTED_EVIDENCE,
    KEPT_RESULTS,
    OUTCOME_EVIDENCE,
    OUTCOME_FEATURES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memory_pipeline.store.frames import FrameStore

_LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "statsmodels", "numba", "mlxtend")
"""Libraries that decide the digits of a result."""
_TAG = "__kind__"
T = TypeVar("T")


class KeptResults:
    """Results by name, each a file beside the features, with what it rests on.

    Parameters
    ----------
    frames
        Where they are kept.
    """

    def __init__(self, frames: FrameStore) -> None:
        self._frames = frames
        self.reused: set[str] = set()
        """Names of the results that were taken over."""

    def frame(
        self, name: str, rests_on: Mapping[str, Any], compute: Callable[[], pd.DataFrame]
    ) -> pd.DataFrame:
        """Return a frame that was kept, or compute and keep it.

        Columns have numbers, truth values, moments, text, or objects that JSON knows (tuples too); the index
        counts from 0.

        Parameters
        ----------
        name
            What is computed.
        rests_on
            Fingerprints and settings that it rests on, JSON-able.
        compute
            Computes it; its code is in `memory_pipeline.analysis`.
        """
        return self.value(name, rests_on, compute, (frame_to_plain, frame_from_plain))

    def value(
        self,
        name: str,
        rests_on: Mapping[str, Any],
        compute: Callable[[], T],
        form: tuple[Callable[[T], Any], Callable[[Any], T]],
    ) -> T:
        """Return a result that was kept, or compute and keep it; `form` writes and reads it as JSON.

        The other parameters are those of `frame`.
        """
        key = _fingerprint({**rests_on, "made by": _made_by()})
        write, read = form
        try:
            kept = self._frames.read_json(f"{KEPT_RESULTS}.{name}")
        except FileNotFoundError:
            kept = {}
        if kept.get("key") == key:
            self.reused.add(name)
            return read(kept["result"])
        result = compute()
        self._frames.write_json(f"{KEPT_RESULTS}.{name}", {"key": key, "result": write(result)})
        return result


def features_fingerprint(frames: FrameStore) -> str:
    """Return what tells one state of the features from another."""
    parts, info = frames.parts(OUTCOME_FEATURES)
    return _fingerprint({"info": info, "parts": {month: part.file for month, part in parts.items()}})


def evidence_fingerprint(frames: FrameStore) -> str:
    """Return what tells one state of the counts from another, without those from elsewhere."""
    return _fingerprint(frames.info(OUTCOME_EVIDENCE))


def imported_fingerprint(frames: FrameStore) -> str:
    """Return what tells one state of the evidence from elsewhere from another."""
    names = frames.names(f"{IMPORTED_EVIDENCE}.")
    return _fingerprint([[name, hashlib.sha256(frames.read_bytes(name)).hexdigest()] for name in names])


def frame_to_plain(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a frame as JSON-able values from which `frame_from_plain` makes the same one.

    Raises
    ------
    TypeError
        When a value is of a kind that is not known here.
    """
    columns = []
    for name in frame:
        values = frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            raise TypeError(f"the column {name!r} has categories, which are not kept")
        plain = [_to_plain(value) for value in values.astype(object)]
        columns.append({"name": name, "type": str(values.dtype), "values": plain})
    return {"rows": len(frame), "columns": columns, "attrs": _to_plain(dict(frame.attrs))}


def frame_from_plain(plain: Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame that `frame_to_plain` wrote."""
    columns = {}
    for one in plain["columns"]:
        values = pd.Series([_from_plain(value) for value in one["values"]], dtype=object)
        columns[one["name"]] = values if one["type"] == "object" else values.astype(one["type"])
    frame = pd.DataFrame(columns, index=pd.RangeIndex(plain["rows"]))
    frame.attrs = _from_plain(plain["attrs"])
    return frame


def _to_plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if value is pd.NaT or value is pd.NA:
        return {_TAG: "missing", "value": str(value)}
    if isinstance(value, np.generic):
        return _to_plain(value.item())
    if isinstance(value, pd.Timestamp):
        return {_TAG: "moment", "value": value.isoformat()}
    if isinstance(value, tuple | list):
        listed = [_to_plain(one) for one in value]
        return {_TAG: "tuple", "value": listed} if isinstance(value, tuple) else listed
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and _TAG not in value:
        return {key: _to_plain(one) for key, one in value.items()}
    raise TypeError(f"{type(value).__name__} is not kept: {value!r}")


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TAG)
    if kind == "tuple":
        return tuple(_from_plain(one) for one in value["value"])
    if kind == "moment":
        return pd.Timestamp(value["value"])
    if kind == "missing":
        return pd.NaT if value["value"] == "NaT" else pd.NA
    return {key: _from_plain(one) for key, one in value.items()}


def _fingerprint(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _made_by() -> list[str]:
    """Return the version of the code of the analysis, and of the libraries under it."""
    return [code_version("memory_pipeline.analysis"), *(f"{one} {version(one)}" for one in _LIBRARIES)]
