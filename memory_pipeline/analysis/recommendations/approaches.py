"""Whole approaches, the settings that were chosen together, as one canonical text each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence.grouped_counts import combined_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray


_LISTS = (list, tuple, set, frozenset, np.ndarray)
_NOT_STATED = "null"


def approach_text(approach: Mapping[str, Any]) -> str:
    """Return an approach as JSON text: keys and lists sorted, settings that are not stated left out.

    Examples
    --------
    >>> approach_text({"wrapper": True, "closes": ["b", "a"], "transform": None})
    '{"closes": ["a", "b"], "wrapper": true}'
    """
    stated = {str(key): _json(value) for key, value in approach.items()}
    return _joined([f"{_json(key)}: {stated[key]}" for key in sorted(stated) if stated[key] != _NOT_STATED])


def number_approaches(outcomes: pd.DataFrame, approach: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct approaches as JSON texts, and the number of the one that each attempt took.

    Returns
    -------
    texts
        The distinct approaches, in alphabetical order.
    codes
        Number of the approach of each attempt, shape (attempts,).
    """
    if not approach:
        return ["{}"], np.zeros(len(outcomes), dtype=np.int64)
    codes, values = zip(*(_numbered(outcomes[column]) for column in approach), strict=True)
    _, first, which = np.unique(combined_key(codes), return_index=True, return_inverse=True)
    # Approaches are many, values few: each value is written once.
    by_name = sorted(zip(map(str, approach), codes, values, strict=True), key=lambda column: column[0])
    written = []
    for name, code, seen in by_name:
        parts = [f"{_json(name)}: {text}" if text != _NOT_STATED else "" for text in map(_json, seen)]
        written.append(np.array(parts, dtype=object)[code[first]])
    texts = [_joined(filter(None, parts)) for parts in zip(*written, strict=True)]
    names = sorted(set(texts))
    number = {text: i for i, text in enumerate(names)}
    return names, np.array([number[text] for text in texts], dtype=np.int64)[which]


def _json(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _joined(parts: Iterable[str]) -> str:
    return "{" + ", ".join(parts) + "}"


def _numbered(column: pd.Series) -> tuple[NDArray[np.int64], list[Any]]:
    """Return codes for the distinct values of a column, which may be lists, and the values by code."""
    values = column.to_numpy(dtype=object)
    if pd.api.types.infer_dtype(values, skipna=True) not in {"mixed", "mixed-integer"}:
        codes, uniques = pd.factorize(values)
        return codes.astype(np.int64) + 1, [None, *uniques]
    codes, _ = pd.factorize(pd.Series([_key(value) for value in values], dtype=object))
    first = np.unique(codes, return_index=True)[1]
    return codes.astype(np.int64), list(values[first])


def _key(value: Any) -> tuple[Any, ...]:
    """Return a hashable form of a value that distinguishes True from 1."""
    if isinstance(value, dict):
        return dict, *((name, _key(element)) for name, element in value.items())
    if isinstance(value, _LISTS):
        return list, *map(_key, value)
    return type(value), value


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; lists become sorted sets, whole floats become integers."""
    if isinstance(value, dict):
        named = {str(key): _plain(element) for key, element in value.items()}
        return dict(sorted(named.items()))
    if isinstance(value, _LISTS):
        elements = map(_plain, value)
        different = {json.dumps(element, sort_keys=True): element for element in elements}
        return [different[text] for text in sorted(different, key=lambda text: (str(different[text]), text))]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
