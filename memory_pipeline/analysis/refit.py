"""The policy for today: learnt from history after what is stale was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.drift import fade, find_changes, forget
from memory_pipeline.analysis.recommendations import fit_policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from memory_pipeline.analysis.policy import Policy


def fit_current_policy(
    outcomes: pd.DataFrame,
    *,
    approach: Sequence[str],
    context: Sequence[str],
    unit: str,
    half_life: timedelta | None = None,
    **options: Any,
) -> Policy:
    """Fit a policy on the evidence that still holds.

    A first fit knows no time; where attempts end otherwise than it expects since some moment
    (`drift.find_changes`), those with the changed value from before are left out and the policy is fitted
    again. So its intervals widen, and advice that rested on them falls silent until there is new evidence.
    Nothing else is forgotten: forgetting by default costs more than it gains where nothing drifts.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    approach, context, unit
        As in `fit_policy`.
    half_life
        Age at which an attempt counts half (`drift.fade`); None: for ever.
    **options
        For `fit_policy`.
    """
    roles = {"approach": approach, "context": context, "unit": unit}
    recent = outcomes if half_life is None else fade(outcomes, half_life)
    policy = fit_policy(recent, **roles, **options)  # type: ignore[arg-type]
    if recent.empty or "occurred_at" not in recent:
        return policy
    columns = [column for column in [*approach, *context] if column != unit]
    changes = find_changes(recent, policy.expected(recent), columns=columns, unit=unit)
    if changes:
        policy = fit_policy(forget(recent, changes, unit=unit), **roles, **options)  # type: ignore[arg-type]
    return replace(policy, changes=tuple(change.to_dict() for change in changes))
