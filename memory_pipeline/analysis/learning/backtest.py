"""The past, month by month, as the memory would have stood in it: learnt from earlier months alone.

What belongs here: cutting history so that nothing of a month or after it reaches what is learnt before
it. What is measured about such a month is in `learning.backtest_measures`.
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
    """One month, and what was known when it began.

    Attributes
    ----------
    start
        First moment of the month, in UTC.
    before
        The attempts before it, shape (attempts, any).
    attempts
        The attempts of the month, with what came of them: to score by, never to learn from.
    policy
        Learnt from attempts before `learnt_until`.
    learnt_until
        First moment that the policy knows nothing of: `start`, or an earlier month's.
    """

    start: pd.Timestamp
    before: pd.DataFrame
    attempts: pd.DataFrame
    policy: Policy
    learnt_until: pd.Timestamp


def look_back(
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
    """Go through the months that have a history, each with the policy that it would have been advised by.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at` and `outcome_status`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    months
        First moments of the months to go through; by default all.
    min_history
        Attempts before a month that it takes; at least one.
    max_fits
        Most times that everything is learnt anew, two or more: for the last month, and before it in steps in
        which the history grows by the same factor; in between the last policy goes on. So a long history
        costs no more than a short one, and a short one is not asked with what was known of half of it.
    options
        For `fit_current_policy`.

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
    """Give each month the number of its step, below `most`, within which the history hardly grows.

    The last month is a step of its own: what is said of it is what is said of today.
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
