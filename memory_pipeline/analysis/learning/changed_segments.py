"""Which parts of the history got better or worse, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.analysis.learning.trend import find_level_shift
from memory_pipeline.analysis.learning.trend_text import change_details, change_sentence
from memory_pipeline.analysis.names import SUCCESS_RATE
from memory_pipeline.analysis.text import name_factor

if TYPE_CHECKING:
    from memory_pipeline.analysis.learning.trend import LevelShift

COLUMNS = (
    "segment_column",
    "segment_value",
    "before",
    "after",
    "difference",
    "ci_low",
    "ci_high",
    "since",
    "is_clear",
    "sample_size",
    "sentence",
)


def changed_segments(measures: pd.DataFrame, *, error: float = 0.05) -> pd.DataFrame:
    """Find the change of level of each segment's success, those that changed clearly first.

    The more segments there are, the larger a change must be to be clear (Bonferroni over all of them), so
    that of twenty histories in which nothing changed at most about one has a segment that is said to have
    changed. What that leans on is in `learning.trend`.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `success_rate` are looked at.
    error
        Probability of any clear change where nothing changed.

    Returns
    -------
    DataFrame
        A row for each segment with enough months, shape (segments, 11), with `COLUMNS`: the two levels, their
        difference with its interval (simultaneous over segments and months), the first month of the later
        level, whether it is clear, the attempts, and a sentence. Of those that are clear or not, the largest
        difference comes first.
    """
    empty = pd.DataFrame(columns=list(COLUMNS))
    if measures.empty:
        return empty
    split = measures[(measures["measure"] == SUCCESS_RATE) & (measures["segment_column"] != "")]
    groups = [(key, rows) for key, rows in split.groupby(["segment_column", "segment_value"], sort=True)]
    if not groups:
        return empty
    level = 1 - error / len(groups)
    found = [
        _row(str(column), str(value), rows, change)
        for (column, value), rows in groups
        if (change := find_level_shift(rows, level=level)) is not None
    ]
    if not found:
        return empty
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    order = pd.DataFrame({"is_clear": frame["is_clear"], "size": frame["difference"].abs()})
    order = order.sort_values(["is_clear", "size"], ascending=False, kind="stable")
    return frame.loc[order.index].reset_index(drop=True)


def _row(column: str, value: str, rows: pd.DataFrame, change: LevelShift) -> tuple[object, ...]:
    sentence = f"{change_sentence(rows, f'Success with {name_factor(column, value)}', change)}."
    return (
        column,
        value,
        change.before,
        change.after,
        change.difference,
        change.ci_low,
        change.ci_high,
        change.since,
        change.is_clear,
        int(rows["sample_size"].sum()),
        f"{sentence} {change_details(change)}",
    )
