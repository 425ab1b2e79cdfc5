"""Which attempts are compared to tell whether advice does harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.outcomes import is_success

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Mask

REPEATED_DAYS = 14
"""An attempt so many days after a failed one of the same unit may be there because that one failed."""


@dataclass(frozen=True)
class ComparedAttempts:
    """Attempts that name advice, divided.

    Attributes
    ----------
    without, advised
        Which attempts are on which side, shape (attempts,).
    is_randomised
        Whether answers were withheld at random, so that the side without is an experiment's.
    """

    without: Mask
    advised: Mask
    is_randomised: bool


def compared_attempts(attempts: pd.DataFrame, *, unit: str) -> ComparedAttempts:
    """Divide attempts that name advice into those with it and those without.

    Answers that were withheld at random are the comparison where there are any, with all that were served,
    followed or not. Else it is those not followed, with those followed. But where advice fails, the attempt
    is repeated without it, so that a unit with both has failures on the side of advice because it failed: so
    attempts soon after a failed one count on neither side.

    Parameters
    ----------
    attempts
        Shape (attempts, any): the unit, `occurred_at`, `outcome_status`, `is_control`, and `followed` (True,
        False or missing).
    unit
        Column of the unit.
    """
    control = attempts["is_control"].astype(bool).to_numpy()
    if control.any():
        return ComparedAttempts(control, ~control, is_randomised=True)
    followed = attempts["followed"].map({True: 1.0, False: 0.0}).to_numpy()
    is_first = ~after_failure(attempts, unit=unit)
    return ComparedAttempts((followed == 0) & is_first, (followed == 1) & is_first, is_randomised=False)


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
