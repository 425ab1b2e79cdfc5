"""Success over time, overall and by context.

The other measures of progress are beside it: prediction, coverage and drift in `learning.backtest_measures`,
replication of findings in `learning.replication`, the gain of followed advice in `learning.verification`, the
gain that following it would have had in `learning.replay`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.features.encoding import encode
from memory_pipeline.analysis.learning.measures import MEASURE_COLUMNS, period_starts
from memory_pipeline.analysis.names import SUCCESS_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence


def success_over_time(
    outcomes: pd.DataFrame, *, context: Sequence[str] = (), freq: str = "MS"
) -> pd.DataFrame:
    """Measure the success rate of each period, overall and by context.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at` and `outcome_status`, shape (attempts, any).
    context
        Columns whose values are segments; rare ones go to `(other)`, as in the analysis.
    freq
        Pandas offset of the periods; `MS` is months.

    Returns
    -------
    DataFrame
        Columns `MEASURE_COLUMNS`, one row per period and segment that has attempts; `measure` is
        `success_rate`, `period_start` in UTC, the whole history has the empty segment. The interval is
        Wilson's 95% interval, which treats attempts as independent; `details` counts the attempts of each
        status.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    ValueError
        When an attempt has no time, or `freq` is not an offset.
    """
    periods = period_starts(outcomes, freq)
    segments: list[tuple[str, pd.Series]] = [("", pd.Series("", index=outcomes.index, dtype=object))]
    if len(outcomes):
        encoded = encode(outcomes, context).frame
        segments += [(str(column), encoded[column].astype(object)) for column in encoded]
    tables = [
        _success_by_period(outcomes["outcome_status"], periods, column, values) for column, values in segments
    ]
    return pd.concat(tables, ignore_index=True)


def _success_by_period(status: pd.Series, periods: pd.Series, column: str, values: pd.Series) -> pd.DataFrame:
    """Count the statuses of each period and segment value, and compute the success rate."""
    counts = pd.crosstab([periods.rename("period_start"), values.rename("segment_value")], status)
    for name in ("success", "failure", "partial"):
        if name not in counts:
            counts[name] = 0
    total = counts[["success", "failure", "partial"]].sum(axis=1)
    low, high = proportion_confint(counts["success"], total, method="wilson")
    rate = (counts["success"] / total).to_numpy()
    index = counts.index.to_frame(index=False)
    return pd.DataFrame(
        {
            "measure": SUCCESS_RATE,
            "period_start": index["period_start"],
            "segment_column": column,
            "segment_value": index["segment_value"],
            "value": rate,
            # Rounding puts Wilson's bound a hair inside a rate of 0 or 1.
            "ci_low": np.minimum(np.asarray(low), rate),
            "ci_high": np.maximum(np.asarray(high), rate),
            "sample_size": total.to_numpy(),
            "details": [
                {"success": int(s), "failure": int(f), "partial": int(p)}
                for s, f, p in counts[["success", "failure", "partial"]].itertuples(index=False)
            ],
        },
        columns=list(MEASURE_COLUMNS),
    )
