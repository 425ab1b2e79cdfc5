"""Is the memory getting better? Measures over time that a person can judge progress by.

What belongs here: success over time, and what was known beforehand. What following the advice would
have changed is in `replay`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.cells import check_columns, is_success
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.recommendations import Policy, fit_policy
from memory_pipeline.analysis.replay import ReplayResult, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["MEASURE_COLUMNS", "ReplayResult", "prior_knowledge", "replay", "success_over_time"]

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

_BOOTSTRAPS = 2000


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
    periods = _periods(outcomes, freq)
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
    max_fits: int = 8,
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
        Most times that everything is learnt anew, evenly spread over the months; in between the last
        one goes on. So a long history costs no more than a short one.
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
    check_columns(outcomes, approach=approach, context=context, unit=unit)
    periods = _periods(outcomes, "MS")
    starts = [start for start in sorted(periods.unique()) if int((periods < start).sum()) >= min_history]
    every = max(1, -(-len(starts) // max_fits))
    rows = []
    policy: Policy | None = None
    for number, start in enumerate(starts):
        before, month = outcomes[periods < start], outcomes[periods == start]
        if policy is None or number % every == 0:
            policy = fit_policy(before, approach=approach, context=context, unit=unit)
        # The model sees conditions only: what is known after an attempt is not even passed on.
        predicted = policy.expected(month[[*dict.fromkeys([*approach, *context])]]).to_numpy()
        row = _skill(predicted, is_success(before).mean(), month, unit, np.random.default_rng(seed))
        if row is not None:
            row["details"]["attempts_before"] = len(before)
            rows.append({"measure": "prior_knowledge", "period_start": start} | row)
    table = pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))
    table = table.astype({"segment_column": object, "segment_value": object})
    for bound in ("ci_low", "ci_high"):
        if table[bound].isna().any():
            table[bound] = table[bound].astype(object).where(table[bound].notna(), None)
    return table


def _periods(outcomes: pd.DataFrame, freq: str) -> pd.Series:
    """Return the first moment of each attempt's period, in UTC."""
    for column in ("occurred_at", "outcome_status"):
        if column not in outcomes:
            msg = f"{column} is not in the frame; it has {sorted(map(str, outcomes.columns))}"
            raise KeyError(msg)
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
            "measure": "success_rate",
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


def _skill(
    predicted: Floats, base: float, month: pd.DataFrame, unit: str, random: np.random.Generator
) -> dict[str, Any] | None:
    """Score a month's predictions against the base rate; None where the base rate is always right."""
    happened = is_success(month).astype(float)
    numbers = np.unique(month[unit].astype(str).to_numpy(dtype=str), return_inverse=True)[1]
    losses = np.bincount(numbers, weights=(predicted - happened) ** 2)
    base_losses = np.bincount(numbers, weights=(base - happened) ** 2)
    if base_losses.sum() == 0:
        return None
    low = high = None
    units = len(losses)
    if units > 1:
        picks = random.multinomial(units, np.full(units, 1 / units), size=_BOOTSTRAPS)
        against = picks @ base_losses
        skills = 1 - (picks @ losses)[against > 0] / against[against > 0]
        low, high = map(float, np.quantile(skills, [0.025, 0.975]))
    return {
        "segment_column": "",
        "segment_value": "",
        "value": float(1 - losses.sum() / base_losses.sum()),
        "ci_low": low,
        "ci_high": high,
        "sample_size": len(month),
        "details": {
            "brier": float(losses.sum() / len(month)),
            "base_brier": float(base_losses.sum() / len(month)),
            "base_rate": float(base),
            "units": units,
        },
    }
