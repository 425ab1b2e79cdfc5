"""Which attempts are compared to tell whether advice does harm, and within which strata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.names import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Mask

REPEATED_DAYS = 14
"""An attempt so many days after a failed one of the same unit may be there because that one failed."""
AFTER_FAILURE = INTERNAL + "after_failure"
"""The column that tells such attempts."""


@dataclass(frozen=True)
class ComparedAttempts:
    """Attempts that name advice, divided.

    Attributes
    ----------
    frame
        The attempts, with every column of `strata`; shape (attempts, any).
    strata
        Columns within whose values the sides are compared.
    without, advised
        Which attempts are on which side, shape (attempts,).
    is_randomised
        Whether answers were withheld at random, so that the side without is an experiment's.
    """

    frame: pd.DataFrame
    strata: tuple[str, ...]
    without: Mask
    advised: Mask
    is_randomised: bool


def compared_attempts(attempts: pd.DataFrame, *, unit: str, strata: Sequence[str]) -> ComparedAttempts:
    """Divide attempts that name advice into those with it and those without.

    Answers that were withheld at random are the comparison where there are any, with all that were served,
    followed or not. Else it is those not followed, with those followed; and where advice fails, the attempt
    is repeated without it, so that a unit with both has failures on the side of advice because it failed.
    So attempts after a failure are compared among themselves: what went before an attempt is known before it.

    Parameters
    ----------
    attempts
        Shape (attempts, any): the unit, `occurred_at`, `outcome_status`, `is_control`, and `followed` (True,
        False or missing).
    unit
        Column of the unit.
    strata
        Columns within whose values attempts are compared anyway.
    """
    control = attempts["is_control"].astype(bool).to_numpy()
    if control.any():
        return ComparedAttempts(attempts, tuple(strata), control, ~control, is_randomised=True)
    followed = attempts["followed"].map({True: 1.0, False: 0.0})
    return ComparedAttempts(
        attempts.assign(**{AFTER_FAILURE: after_failure(attempts, unit=unit)}),
        (*strata, AFTER_FAILURE),
        (followed == 0).to_numpy(),
        (followed == 1).to_numpy(),
        is_randomised=False,
    )


def after_failure(attempts: pd.DataFrame, *, unit: str) -> Mask:
    """Return which attempts come soon after a failed one of the same unit, shape (attempts,).

    It is the attempt of the unit just before that counts, where it is at most `REPEATED_DAYS` older.
    """
    ordered = attempts.reset_index(drop=True).sort_values([unit, "occurred_at"], kind="stable")
    is_same = (ordered[unit] == ordered[unit].shift()).to_numpy()
    is_soon = (ordered["occurred_at"].diff() <= pd.Timedelta(days=REPEATED_DAYS)).to_numpy()
    has_failed = np.concatenate([[False], ~is_success(ordered)[:-1]])[: len(ordered)]
    found = np.zeros(len(attempts), dtype=bool)
    found[ordered.index.to_numpy()] = is_same & is_soon & has_failed
    return found
