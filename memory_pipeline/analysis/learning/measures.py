"""The columns of all learning measures, and the periods that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.features.columns import require_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


MEASURE_COLUMNS = (
    "measure",
    "period_start",
    "segment_column",
    "segment_value",
    "value",
    "ci_low",
    "ci_high",
    "sample_size",
    "details",
)


def measure_row(
    measure: str,
    period_start: pd.Timestamp,
    value: float,
    sample_size: int,
    *,
    interval: tuple[float | None, float | None] = (None, None),
    segment: tuple[str, str] = ("", ""),
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one row of `MEASURE_COLUMNS`; the empty segment stands for the whole history."""
    return {
        "measure": measure,
        "period_start": period_start,
        "segment_column": segment[0],
        "segment_value": segment[1],
        "value": value,
        "ci_low": interval[0],
        "ci_high": interval[1],
        "sample_size": sample_size,
        "details": dict(details or {}),
    }


def measure_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame with `MEASURE_COLUMNS`; a missing bound of an interval is None."""
    table = pd.DataFrame(list(rows), columns=list(MEASURE_COLUMNS))
    table = table.astype({"segment_column": object, "segment_value": object})
    for bound in ("ci_low", "ci_high"):
        if table[bound].isna().any():
            table[bound] = table[bound].astype(object).where(table[bound].notna(), None)
    return table


def period_starts(outcomes: pd.DataFrame, freq: str = "MS") -> pd.Series:
    """Return the first moment of each attempt's period, in UTC, shape (attempts,).

    Parameters
    ----------
    outcomes
        With `occurred_at` and `outcome_status`, shape (attempts, any).
    freq
        Pandas offset of the periods; `MS` is months.

    Raises
    ------
    KeyError
        When one of the two columns is not in the frame.
    ValueError
        When an attempt has no time, or `freq` is not an offset.
    """
    require_columns(outcomes, ["occurred_at", "outcome_status"])
    when = pd.to_datetime(outcomes["occurred_at"], utc=True)
    if when.isna().any():
        msg = f"occurred_at is missing in {int(when.isna().sum())} rows; give every attempt its time"
        raise ValueError(msg)
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except ValueError as error:
        msg = f"freq is {freq!r}; give a pandas offset such as MS (months), QS (quarters) or W-MON (weeks)"
        raise ValueError(msg) from error
    days = when.dt.normalize()
    starts = {day: offset.rollback(day) for day in days.unique()}
    return days.map(starts)
