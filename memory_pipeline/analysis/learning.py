"""Is the memory getting better? Measures over time that a person can judge progress by.

What belongs here: success over time, and what was known beforehand. The other measures are beside it:
coverage and drift in `knowledge`, findings tried later in `holdout`, the gain of followed advice in
`advice_gain`, what following it would have changed in `replay`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.knowledge import skill_rows
from memory_pipeline.analysis.lookback import look_back
from memory_pipeline.analysis.measure_names import SUCCESS_RATE
from memory_pipeline.analysis.measures import MEASURE_COLUMNS, measure_table, period_starts
from memory_pipeline.analysis.replay import ReplayResult, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MEASURE_COLUMNS", "ReplayResult", "prior_knowledge", "replay", "success_over_time"]


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
        `success_rate`, `period_start` in UTC, the whole has the empty segment. The interval is Wilson's
        at 95%, for attempts as independent; `details` counts the attempts of each status.

    Raises
    ------
    KeyError
        When a column is not in the frame.
    ValueError
        When an attempt has no time, or `freq` is no offset.
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


def prior_knowledge(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    min_history: int = 100,
    max_fits: int = 6,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure what the memory knew beforehand: each month predicted from the months before it alone.

    For each month, everything (categories, model, records) is learnt from attempts before the month's
    first moment (in a long history from some months earlier, see `max_fits`); the month's attempts are
    predicted from their context and the approach that they took. The value is the Brier skill score
    `1 - sum (p - y)^2 / sum (b - y)^2` (Brier 1950; Murphy 1973), where b is the success rate of the
    months before: 0 is no better than knowing that rate, 1 is perfect, below 0 is worse. It does not move
    when easier cases come in, as the success rate does.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    min_history
        Attempts before a month that it takes to predict it.
    max_fits
        Most times that everything is learnt anew; see `lookback.look_back`.
    seed
        Start of the random numbers of the intervals.

    Returns
    -------
    DataFrame
        Columns `MEASURE_COLUMNS`, `measure` is `prior_knowledge`, one row per month that has a history
        and for which the base rate's score is not zero. The 95% interval resamples the month's units;
        with one unit it is open: `ci_low` and `ci_high` are None. `details` holds both Brier scores,
        the base rate, and the attempts and units behind them.

    Raises
    ------
    KeyError, ValueError
        As in `fit_policy`, and for attempts without a time.
    """
    views = look_back(
        outcomes,
        approach=approach,
        context=context,
        unit=unit,
        min_history=min_history,
        max_fits=max_fits,
    )
    return measure_table(row for view in views for row in skill_rows(view, unit=unit, seed=seed))


def _success_by_period(status: pd.Series, periods: pd.Series, column: str, values: pd.Series) -> pd.DataFrame:
    """Count the statuses of each period and segment value, and take the rate."""
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
