"""How is evidence restricted to some periods, or split at a point in time?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from memory_pipeline.analysis.arrays import Mask
    from memory_pipeline.analysis.evidence.evidence import Evidence


def without_periods(evidence: Evidence, periods: Collection[str]) -> Evidence:
    """Return the evidence without some periods; levels and outcomes of these alone are removed too.

    Raises
    ------
    ValueError
        When the evidence has no periods.
    """
    if evidence.period is None:
        raise ValueError("the evidence has no periods to leave out; count it with `period`")
    codes, levels = evidence.codes(evidence.period)
    kept = np.flatnonzero(~np.isin(codes, [levels.index(one) for one in periods if one in levels]))
    counts = evidence.counts[kept]
    used = np.flatnonzero(counts.any(axis=0))
    return replace(
        evidence,
        columns={key: column.take(kept).without_unused() for key, column in evidence.columns.items()},
        counts=counts[:, used],
        outcomes=tuple(evidence.outcomes[one] for one in used),
    )


def later_rows(evidence: Evidence, share: float) -> Mask | None:
    """Return which collapsed rows come after the first `share` of the attempts, shape (rows,).

    The cut is between two periods, where it is closest to the share. None where the evidence has no
    periods, or only one.
    """
    if evidence.period is None or len(evidence) == 0:
        return None
    codes, levels = evidence.codes(evidence.period)
    if len(levels) < 2:  # noqa: PLR2004 - no cut between fewer
        return None
    before = np.cumsum(np.bincount(codes, weights=evidence.n, minlength=len(levels)))[:-1]
    cut = int(np.argmin(np.abs(before - share * float(evidence.n.sum()))))
    rows: Mask = codes > cut
    return rows


def rows_between(evidence: Evidence, first: str, last: str) -> Mask:
    """Return which collapsed rows lie in the periods from `first` to `last`, both included, shape (rows,).

    Raises
    ------
    ValueError
        When the evidence has no periods.
    """
    if evidence.period is None:
        raise ValueError("the evidence has no periods to select; count it with `period`")
    codes, levels = evidence.codes(evidence.period)
    rows: Mask = np.array([first <= level <= last for level in levels], dtype=bool)[codes]
    return rows
