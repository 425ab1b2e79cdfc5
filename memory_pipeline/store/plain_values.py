"""Values of NumPy and pandas as plain Python values, which the database driver and JSON take."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd


def plain_value(value: Any, *, keep_infinite: bool = False) -> Any:
    """Return a value, and all that is in it, as plain Python values.

    Parameters
    ----------
    value
        A scalar, list, tuple, set, dict, array, series or data frame, nested as it likes.
    keep_infinite
        Keep infinite numbers, so that whoever reads the value can refuse them.

    Returns
    -------
    Any
        NaN, NaT, NA and infinite numbers are None; NumPy scalars and decimals are Python numbers;
        timestamps and time differences are `datetime`
        and `timedelta` (microseconds); tuples, sets (sorted by their text), arrays and series
        are lists; keys are text; a data frame is a list of dicts, one a row. Any other value is itself.

    Examples
    --------
    >>> plain_value({1: (np.int64(2), float("nan"))})
    {'1': [2, None]}
    """
    if type(value) in {str, bool, int}:
        return value
    if isinstance(value, dict):
        return {str(key): plain_value(one, keep_infinite=keep_infinite) for key, one in value.items()}
    if isinstance(value, pd.DataFrame):
        value = value.to_dict("records")
    elif isinstance(value, (pd.Series, pd.Index, np.ndarray)):
        # Iterating keeps a time a time; `tolist` makes whole numbers of those of NumPy.
        value = list(value) if value.ndim else value[()]
    elif isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return [plain_value(one, keep_infinite=keep_infinite) for one in value]
    return _plain_scalar(value, keep_infinite=keep_infinite)


def _plain_scalar(value: Any, *, keep_infinite: bool) -> Any:
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    elif isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    elif isinstance(value, (np.floating, Decimal)):
        value = float(value)
    elif isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime(warn=False)
    if isinstance(value, pd.Timedelta):
        return value.to_pytimedelta()
    if isinstance(value, float) and (math.isnan(value) or (math.isinf(value) and not keep_infinite)):
        return None
    return value
