"""Where is a history cut into an early and a later part, and which of its attempts are looked at?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.columns import require_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray


def moments_of(outcomes: pd.DataFrame) -> pd.Series:
    """Return the time of each attempt, in UTC.

    Raises
    ------
    ValueError
        When one is missing.
    """
    require_columns(outcomes, ["occurred_at"])
    when = pd.to_datetime(outcomes["occurred_at"], utc=True)
    if when.isna().any():
        msg = f"occurred_at is missing in {int(when.isna().sum())} rows; give every attempt its time"
        raise ValueError(msg)
    return when


def evenly_over_time(when: pd.Series, most: int) -> NDArray[np.int64]:
    """Return the positions of at most so many attempts, evenly over time, in the order of the frame."""
    if len(when) <= most:
        return np.arange(len(when))
    order = np.argsort(when.to_numpy(dtype="datetime64[ns]"), kind="stable")
    return np.sort(order[np.linspace(0, len(when) - 1, most).astype(np.int64)])


def cut_at(when: pd.Series, split: float | str | pd.Timestamp) -> pd.Timestamp:
    """Return the first moment of the later part of a history.

    Parameters
    ----------
    when
        Time of each attempt, shape (attempts,).
    split
        That moment, or the share of attempts that come before it; attempts of one moment stay together.

    Raises
    ------
    ValueError
        When it is neither a moment nor a share between 0 and 1.
    """
    if isinstance(split, (int, float)) and not isinstance(split, bool):
        if not 0 < split < 1:
            msg = f"split is {split}; give a share between 0 and 1, or a moment"
            raise ValueError(msg)
        if when.empty:
            return pd.Timestamp(0, tz="UTC")
        ordered = when.sort_values()
        return pd.Timestamp(ordered.iloc[min(int(np.ceil(split * len(ordered))), len(ordered) - 1)])
    try:
        moment = pd.Timestamp(split)
    except (TypeError, ValueError) as error:
        msg = f"split is {split!r}; give a share between 0 and 1, or a moment such as 2024-07-01"
        raise ValueError(msg) from error
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
