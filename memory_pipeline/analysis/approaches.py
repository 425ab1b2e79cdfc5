"""Whole approaches: the settings that were chosen together, written so that equal ones are equal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.cells import combined_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_LISTS = (list, tuple, set, frozenset, np.ndarray)


def approach_text(approach: Mapping[str, Any]) -> str:
    """Write an approach as JSON: keys and lists in order, settings that are not stated left out.

    Examples
    --------
    >>> approach_text({"wrapper": True, "closes": ["b", "a"], "transform": None})
    '{"closes": ["a", "b"], "wrapper": true}'
    """
    stated = {str(key): _plain(value) for key, value in approach.items()}
    return json.dumps({k: v for k, v in stated.items() if v is not None}, sort_keys=True, ensure_ascii=False)


def number_approaches(outcomes: pd.DataFrame, approach: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Write every different approach as JSON, and number the attempts by it.

    Returns
    -------
    texts
        The different approaches, in alphabetical order.
    codes
        Which of them each attempt took, shape (attempts,).
    """
    if not approach:
        return ["{}"], np.zeros(len(outcomes), dtype=np.int64)
    codes, values = zip(*(_numbered(outcomes[column]) for column in approach), strict=True)
    _, first, which = np.unique(combined_key(codes), return_index=True, return_inverse=True)
    texts = [
        approach_text(
            {name: seen[code[row]] for name, seen, code in zip(approach, values, codes, strict=True)}
        )
        for row in first
    ]
    names = sorted(set(texts))
    number = {text: i for i, text in enumerate(names)}
    return names, np.array([number[text] for text in texts], dtype=np.int64)[which]


def _numbered(column: pd.Series) -> tuple[NDArray[np.int64], list[Any]]:
    """Give the different values of a column numbers, lists among them."""
    values = column.to_numpy(dtype=object)
    try:
        codes, uniques = pd.factorize(values)
    except TypeError:
        plain = np.empty(len(values), dtype=object)
        plain[:] = [tuple(value) if isinstance(value, _LISTS) else value for value in values]
        codes, uniques = pd.factorize(plain)
    return codes.astype(np.int64) + 1, [None, *uniques]


def _plain(value: Any) -> Any:
    """Turn a value into what JSON has; lists lose order and repetition, whole floats their point."""
    if isinstance(value, _LISTS):
        return sorted({_plain(element) for element in value}, key=str)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
