"""Counts by day and unit for the rules of alerts, of the days that they look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.alerts.watch import NEEDED_DAYS, DailyCounts, codes
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.store.frames import OUTCOME_FEATURES
from memory_pipeline.store.reads import last_rebuild

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memory_pipeline.analysis.arrays import Ints, Mask
    from memory_pipeline.store.session import Session

STRATUM = "installer_type"
"""Column within whose values rates are compared, where attempts have it."""
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class RecentAttempts:
    """The attempts of the days that rules look at.

    Attributes
    ----------
    frame
        Flat attempts, shape (attempts, columns that were asked for).
    today
        The present day, as days since 1970-01-01.
    unit
        Column of the unit.
    """

    frame: pd.DataFrame
    today: int
    unit: str

    def counts(self, chosen: Mask | None = None, *, strata: Sequence[str] = (STRATUM,)) -> DailyCounts:
        """Count attempts and successes by day, unit and stratum; of all attempts or the chosen ones.

        Codes of units and strata are the same whatever is chosen.
        """
        named = [one for one in strata if one in self.frame]
        stratum = codes(_joined(self.frame, named))
        keys = np.stack(
            [day_numbers(self.frame["occurred_at"]), codes(self.frame[self.unit].tolist()), stratum]
        )
        success = is_success(self.frame).astype(float)
        if chosen is not None:
            keys, success = keys[:, chosen], success[chosen]
        cells, cell = np.unique(keys, axis=1, return_inverse=True)
        attempts, successes = (
            np.bincount(cell.ravel(), weights=one, minlength=cells.shape[1]).astype(np.float64)
            for one in (None, success)
        )
        return DailyCounts(cells[0], cells[1], cells[2], attempts, successes)


def recent_attempts(session: Session, *, now: datetime, columns: Sequence[str] | None = ()) -> RecentAttempts:
    """Read the attempts of the days that rules look at, by the features of the last rebuild.

    Parameters
    ----------
    now
        The present time.
    columns
        Columns beside time, unit, stratum and status; None for all.

    Raises
    ------
    FileNotFoundError
        When there are no features yet.
    ValueError
        When the attempts have no such column.
    """
    today = last_whole_day(session, now)
    unit = session.settings.unit
    first = pd.Timestamp(today - NEEDED_DAYS, unit="D", tz="UTC")
    parts, info = session.frames.parts(OUTCOME_FEATURES)
    # Months are named as 2026-06; attempts without a time are in a part of another name.
    wanted = [part for key, part in parts.items() if key >= f"{first:%Y-%m}" or part.rows == 0]
    if not parts:
        session.frames.read(OUTCOME_FEATURES)  # raises what says that there are none
    known = {*info.get("context", ()), *info.get("approach", ()), unit}
    for one in columns or ():
        if one not in known:
            raise ValueError(f"segment_column is {one!r}; use one of {', '.join(sorted(known))}")
    always = [unit, "occurred_at", "outcome_status", *([STRATUM] if STRATUM in known else [])]
    read = None if columns is None else list(dict.fromkeys([*always, *columns]))
    if not wanted:
        empty = session.frames.read_parts(list(parts.values())[:1], read)
        return RecentAttempts(empty.head(0), today, unit)
    frame = session.frames.read_parts(wanted, read)
    return RecentAttempts(frame[frame["occurred_at"] >= first].reset_index(drop=True), today, unit)


def last_whole_day(session: Session, now: datetime) -> int:
    """Return the day until which the features are complete, as days since 1970-01-01.

    It is that on which the last rebuild began: a span that ended later is looked at when its attempts are
    known, so that each is tested once and not again with every attempt that is added.
    """
    rebuilt = last_rebuild(session.store)
    known = now if rebuilt is None else min(now, rebuilt[0])
    return int(known.timestamp() // _SECONDS_A_DAY)


def day_numbers(times: pd.Series) -> Ints:
    """Return the days since 1970-01-01 of times in UTC, shape (times,)."""
    seconds = (times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=_SECONDS_A_DAY)
    return seconds.to_numpy(dtype=np.int64)


def _joined(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return one text a row that tells the values of columns apart."""
    if not columns:
        return [""] * len(frame)
    texts = [frame[one].astype(object).astype(str) for one in columns]
    return ["\x1f".join(row) for row in zip(*texts, strict=True)]
