"""Measures of the backtest: how well a month was predicted, what share had advice, what had changed.

Each function measures one `MonthView`, whose policy knows earlier months alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.compute.threads import on_one_thread
from memory_pipeline.analysis.features.columns import unit_codes
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.learning.backtest import backtest_months
from memory_pipeline.analysis.learning.history_split import evenly_over_time, moments_of
from memory_pipeline.analysis.learning.measures import (
    measure_row,
    measure_table,
)
from memory_pipeline.analysis.names import ADVICE_COVERAGE, DRIFT, DRIFT_CHANGE, PRIOR_KNOWLEDGE
from memory_pipeline.analysis.stats.cluster_bootstrap import resampled_totals
from memory_pipeline.analysis.stats.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.learning.backtest import MonthView


_BOOTSTRAPS = 2000


def skill_rows(view: MonthView, *, unit: str, seed: int = 0) -> list[dict[str, Any]]:
    """Score how well a month was predicted: the Brier skill score against the base rate before it.

    Parameters
    ----------
    view
        The month.
    unit
        Column whose values repeat; the interval resamples them.
    seed
        Start of the random numbers.

    Returns
    -------
    list of dict
        One row of `prior_knowledge`; none where the base rate's Brier score is zero, so that nothing can be
        better.
    """
    # Only conditions are passed on: the model must not see what is known after an attempt.
    predicted = view.policy.expected(_conditions(view)).to_numpy()
    base = float(is_success(view.before).mean())
    happened = is_success(view.attempts).astype(float)
    numbers = unit_codes(view.attempts[unit])
    losses, base_losses = (
        np.asarray(np.bincount(numbers, weights=(forecast - happened) ** 2), dtype=float)
        for forecast in (predicted, base)
    )
    if base_losses.sum() == 0:
        return []
    attempts = len(view.attempts)
    details = {
        "brier": float(losses.sum() / attempts),
        "base_brier": float(base_losses.sum() / attempts),
        "base_rate": base,
        "units": len(losses),
        "attempts_before": len(view.before),
        "learnt_until": view.learnt_until.isoformat(),
    }
    skill = float(1 - losses.sum() / base_losses.sum())
    interval = _skill_interval(losses, base_losses, np.random.default_rng(seed))
    return [measure_row(PRIOR_KNOWLEDGE, view.start, skill, attempts, interval=interval, details=details)]


@on_one_thread
def coverage_rows(
    view: MonthView, segments: Mapping[str, pd.Series], *, max_asked: int = 200
) -> list[dict[str, Any]]:
    """Measure the share of a month's attempts for which there would have been advice, overall and by context.

    Parameters
    ----------
    view
        The month.
    segments
        By column: the segment of each attempt of the history, as text, indexed as the history.
    max_asked
        Largest number of attempts for which the policy is asked. Of a larger month they are taken evenly
        over time, and the shares have Wilson's 95% interval; of a smaller one all are asked, and the shares
        are exact, without an interval.

    Returns
    -------
    list of dict
        Rows of `advice_coverage`: one for the whole month, one per segment in it. `sample_size` counts the
        attempts asked for; `details` counts those with advice, those in a context without earlier attempts,
        and the attempts of the month.
    """
    policy = view.policy
    attempts = view.attempts.iloc[evenly_over_time(moments_of(view.attempts), max_asked)]
    frame = pd.DataFrame({"has_advice": False, "is_new": False}, index=attempts.index)
    for same, posterior in policy.posteriors(attempts):
        frame.iloc[same] = policy.choice(posterior).index is not None, posterior.is_widened
    is_sample = len(attempts) < len(view.attempts)
    rows = [_coverage(view, frame, ("", ""), is_sample=is_sample)]
    for column, values in segments.items():
        groups = frame.groupby(values.loc[frame.index].to_numpy())
        rows += [_coverage(view, part, (column, str(value)), is_sample=is_sample) for value, part in groups]
    return rows


def drift_rows(view: MonthView) -> list[dict[str, Any]]:
    """Report the change points of the policy that would have advised a month.

    Returns
    -------
    list of dict
        One row of `drift`, the number of changes (`details` has the largest), and one row of `drift_change`
        per change: the difference in the success rate of the segment that changed (a share, between -1 and
        1); `sample_size` counts the attempts on both sides of it.
    """
    changes = view.policy.changes
    largest = max(changes, key=lambda one: abs(one["difference"]), default=None)
    known = int(view.policy.history["attempts"])
    details = {"largest": largest, "learnt_until": view.learnt_until.isoformat()}
    return [
        measure_row(DRIFT, view.start, float(len(changes)), max(known, 1), details=details),
        *(
            measure_row(
                DRIFT_CHANGE,
                view.start,
                one["difference"],
                one["before"] + one["after"],
                segment=(one["column"], one["value"]),
                details=one,
            )
            for one in changes
        ),
    ]


def _conditions(view: MonthView) -> pd.DataFrame:
    return view.attempts[[*dict.fromkeys([*view.policy.approach, *view.policy.context])]]


def _coverage(
    view: MonthView, asked: pd.DataFrame, segment: tuple[str, str], *, is_sample: bool
) -> dict[str, Any]:
    count = int(asked["has_advice"].sum())
    details = {
        "with_advice": count,
        "in_new_contexts": int(asked["is_new"].sum()),
        "attempts": len(view.attempts),
        "learnt_until": view.learnt_until.isoformat(),
    }
    return measure_row(
        ADVICE_COVERAGE,
        view.start,
        count / len(asked),
        len(asked),
        interval=wilson_interval(count, len(asked)) if is_sample else (None, None),
        segment=segment,
        details=details,
    )


def _skill_interval(
    losses: Floats, base_losses: Floats, random: np.random.Generator
) -> tuple[float | None, float | None]:
    """Return the 95% bootstrap interval of the skill over units; None, None with one unit."""
    if len(losses) == 1:
        return None, None
    lost, against = resampled_totals(random, [losses, base_losses], _BOOTSTRAPS)
    skills = 1 - lost[against > 0] / against[against > 0]
    low, high = (float(one) for one in np.quantile(skills, [0.025, 0.975]))
    return low, high


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

    For each month, everything (categories, model, records) is fitted to the attempts before its first moment
    (in a long history: before some earlier month, see `max_fits`); the month's attempts are predicted from
    their context and approach. The value is the Brier skill score `1 - sum (p - y)^2 / sum (b - y)^2` (Brier
    1950; Murphy 1973), where b is the success rate of the months before: 0 is no better than knowing that
    rate, 1 is perfect, below 0 is worse. Unlike the success rate, it does not rise when easier cases come in.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    min_history
        Attempts that a month needs before it.
    max_fits
        Largest number of fits; see `learning.backtest.backtest_months`.
    seed
        Start of the random numbers of the intervals.

    Returns
    -------
    DataFrame
        Columns `MEASURE_COLUMNS`, `measure` is `prior_knowledge`, one row per month that has a history
        and for which the base rate's Brier score is not zero. The 95% interval resamples the month's units;
        with one unit `ci_low` and `ci_high` are None. `details` holds both Brier scores, the base rate, and
        the attempts and units behind them.

    Raises
    ------
    KeyError, ValueError
        As in `fit_policy`, and for attempts without a time.
    """
    views = backtest_months(
        outcomes,
        approach=approach,
        context=context,
        unit=unit,
        min_history=min_history,
        max_fits=max_fits,
    )
    return measure_table(row for view in views for row in skill_rows(view, unit=unit, seed=seed))
