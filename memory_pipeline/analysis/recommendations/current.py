"""The policy of today: fitted on the history without stale evidence (change points, half-life)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.columns import check_columns
from memory_pipeline.analysis.features.encoding import encode_conditions, learn_conditions
from memory_pipeline.analysis.models.change_points import Change, find_changes
from memory_pipeline.analysis.names import split_element_column
from memory_pipeline.analysis.recommendations.fit import fit_policy
from memory_pipeline.analysis.recommendations.level import NO_LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from memory_pipeline.analysis.features.encoding import Encoding
    from memory_pipeline.analysis.recommendations.policy import Policy


def fit_current_policy(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    encoding: Encoding | None = None,
    half_life: timedelta | None = None,
    **options: Any,
) -> Policy:
    """Fit a policy on the evidence that still holds.

    A first fit ignores time. Where attempts with some value have ended differently than it predicts since
    some moment (`models.change_points.find_changes`), the attempts with that value from before are left out,
    and the policy is fitted again. Its intervals widen, and advice that rested on the old attempts is
    withheld until there is new evidence. Nothing else is left out: discounting by age costs more than it
    gains where nothing drifts.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    encoding
        How approach and context become categories, learned before on `outcomes`; None: it is learned here.
        Both fits and the change points have the same.
    half_life
        Age at which an attempt counts half (`thin_by_age`); None: age does not matter.
    **options
        For `fit_policy`.
    """
    check_columns(outcomes, approach=approach, context=context, unit=unit)
    columns = [column for column in [*approach, *context] if column != unit]
    if encoding is None:
        encoding = learn_conditions(outcomes, columns, unit=unit)

    def fit(rows: pd.DataFrame) -> Policy:
        return fit_policy(rows, approach=approach, context=context, unit=unit, encoding=encoding, **options)

    recent = outcomes if half_life is None else thin_by_age(outcomes, half_life)
    policy = fit(recent)
    if recent.empty or "occurred_at" not in recent:
        return policy
    over_all = replace(policy, level=NO_LEVEL).expected(recent)
    changes = find_changes(recent, over_all, columns=columns, unit=unit, encoding=encoding)
    if changes:
        policy = fit(drop_stale(recent, changes, unit=unit, encoding=encoding))
    return replace(policy, changes=tuple(change.to_dict() for change in changes))


def drop_stale(
    outcomes: pd.DataFrame, changes: Sequence[Change], *, unit: str, encoding: Encoding | None = None
) -> pd.DataFrame:
    """Return the attempts without those that have a changed value and are from before its change."""
    when = pd.to_datetime(outcomes["occurred_at"], utc=True)
    is_stale = np.zeros(len(outcomes), dtype=bool)
    for change in changes:
        source = change.column if change.column in outcomes else split_element_column(change.column)[0]
        encoded = encode_conditions(outcomes, [source], unit=unit, encoding=encoding).frame
        has_value = (encoded[change.column] == change.value).to_numpy()
        is_stale |= has_value & (when < pd.Timestamp(change.since)).to_numpy()
    return outcomes[~is_stale]


def thin_by_age(outcomes: pd.DataFrame, half_life: timedelta) -> pd.DataFrame:
    """Return a sample of the attempts that is thinner the older they are.

    Of the attempts one half-life older than the newest, every second one is kept, and so on. They are drawn
    systematically in the order of time, so that every count that is reported later is one of attempts that
    happened.
    """
    if outcomes.empty:
        return outcomes
    when = pd.to_datetime(outcomes["occurred_at"], utc=True)
    weight = 0.5 ** ((when.max() - when) / pd.Timedelta(half_life)).to_numpy(dtype=float)
    order = outcomes.index[np.argsort(when.to_numpy(), kind="stable")]
    total = pd.Series(weight, index=outcomes.index).loc[order].cumsum()
    crossed = np.floor(total.to_numpy() + 0.5)
    is_kept = pd.Series(np.diff(crossed, prepend=0.0) > 0, index=order)
    return outcomes[is_kept.loc[outcomes.index].to_numpy()]
