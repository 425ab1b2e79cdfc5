"""How is a value of a column written as a level, and which values are distinct?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.names import NO, YES


def distinct_values(values: pd.Series) -> tuple[np.ndarray, list[tuple[str, ...]], bool]:
    """Assign a number to each distinct value of a column.

    Returns
    -------
    codes
        Number of each row's value, shape (rows,); -1 where it is missing.
    names
        The distinct values as texts: a list as the tuple of its elements, anything else as one text.
    is_list
        Whether the column holds lists.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), [(level_name(v),) for v in values.cat.categories], False
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind != "mixed" and kind != "mixed-integer":  # noqa: PLR1714 - a set would be slower to read
        codes, uniques = pd.factorize(values)
        return codes, [(level_name(value),) for value in uniques], False
    # Lists, or values of several types, of which True and 1 must not become one.
    missing = values.isna().to_numpy(dtype=bool)
    is_list = bool(values.map(_is_listlike).any())
    texts = pd.Series(
        [None if gone else tuple(sorted(set(_texts(v)))) for v, gone in zip(values, missing, strict=True)],
        dtype=object,
    )
    codes, uniques = pd.factorize(texts)
    return codes, [tuple(value) for value in uniques], is_list


def as_numbers(values: pd.Series) -> pd.Series | None:
    """Return the values as floats where all of them are numbers (and not truth values); None otherwise."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind not in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return None
    return pd.to_numeric(values, errors="coerce").astype(float)


def _is_listlike(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, np.ndarray))


def _texts(value: Any) -> list[str]:
    return [level_name(element) for element in value] if _is_listlike(value) else [level_name(value)]


def level_name(value: Any) -> str:
    """Return the level of a value: whole floats without their `.0`, truth values as yes or no."""
    if isinstance(value, (bool, np.bool_)):
        return YES if value else NO
    if isinstance(value, (float, np.floating)):
        return f"{value:.12g}"
    return str(value)
