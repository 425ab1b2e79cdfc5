"""Backtest: each month of the history with the policy that the months before it give.

What belongs here: cutting the history so that nothing of a month or after it is used for its policy. What is
measured about such a month is in `learning.backtest_measures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.features.columns import check_columns
from memory_pipeline.analysis.learning.measures import period_starts
from memory_pipeline.analysis.recommendations.current import fit_current_policy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.recommendations.policy import Policy


@dataclass(frozen=True)
class MonthView:
    """One month of the history, and what was known when it began.

    Attributes
    ----------
    start
        First moment of the month, in UTC.
    before
        The attempts before it, shape (attempts, any).
    attempts
        The attempts of the month with their outcomes: for scoring, never for fitting.
    policy
        Fitted to the attempts before `learnt_until`.
    learnt_until
        First moment whose attempts the policy does not use: `start`, or that of an earlier month.
    """

    start: pd.Timestamp
    before: pd.DataFrame
    attempts: pd.DataFrame
    policy: Policy
    learnt_until: pd.Timestamp


def backtest_months(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    months: Collection[pd.Timestamp] | None = None,
    min_history: int = 100,
    max_fits: int = 6,
    **options: Any,
) -> Iterator[MonthView]:
    """Yield the months that have a history, each with the policy that would have advised it.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at` and `outcome_status`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    months
        First moments of the months to yield; by default all.
    min_history
        Attempts that a month needs before it; at least one.
    max_fits
        Largest number of fits, two or more: one for the last month, the others in steps in which the history
        grows by the same factor; in between, the last policy is used again. So a long history costs no more
        than a short one, and in a short one hardly any month is scored with a policy from half its history.
    options
        Of `fit_current_policy`.

    Yields
    ------
    MonthView
        In the order of time.

    Raises
    ------
    KeyError, ValueError
        As in `fit_policy`, and for attempts without a time.
    """
    roles: dict[str, Any] = {"approach": approach, "context": context, "unit": unit}
    check_columns(outcomes, **roles)
    periods = period_starts(outcomes)
    enough = max(min_history, 1)
    starts = [start for start in sorted(periods.unique()) if int((periods < start).sum()) >= enough]
    if months is not None:
        starts = [start for start in starts if start in months]
    known = np.array([(periods < start).sum() for start in starts])
    return _views(outcomes, periods, starts, _steps(known, max_fits), roles | options)


def _steps(known: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the step of each month, from 0 and below `most`; months of one step share a policy.

    The last month is a step of its own, since its measures stand for today.
    """
    if len(known) <= most:
        return np.arange(len(known))
    before = most - 1
    growth = np.log(known[:-1] / known[0])
    steps = np.minimum((before * growth / max(growth[-1], 1e-12)).astype(np.int64), before - 1)
    return np.append(steps, before)


def _views(
    outcomes: pd.DataFrame,
    periods: pd.Series,
    starts: Sequence[pd.Timestamp],
    steps: NDArray[np.int64],
    learning: dict[str, Any],
) -> Iterator[MonthView]:
    step = -1
    for start, own_step in zip(starts, steps, strict=True):
        before = outcomes[periods < start]
        if own_step != step:
            step, learnt_until = own_step, start
            policy = fit_current_policy(before, **learning)
        yield MonthView(start, before, outcomes[periods == start], policy, learnt_until)
