"""The attempts for which there was advice, and what was known of each beforehand.

What belongs here: what verification compares attempts by. It is known before the advice is: the context, and
the prognostic score, learned from attempts before the first advice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import logit

from memory_pipeline.analysis.features.encoding import encode_conditions
from memory_pipeline.analysis.learning.prognosis import prognostic_bands, prognostic_score
from memory_pipeline.analysis.names import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Mask

DIFFICULTY = "difficulty"
EXPECTED = INTERNAL + "expected"
"""The column of the prognostic score, in log-odds."""
_HOME = "installer_type"
_CERTAIN = 0.01


@dataclass(frozen=True)
class AdvisedAttempts:
    """Attempts that name advice, and the columns by which they are made comparable.

    Attributes
    ----------
    frame
        Shape (attempts, any): the unit, `occurred_at`, `outcome_status`, `followed` (True, False or missing),
        `is_control` (the answer was withheld), the strata and the covariates.
    unit
        Column of the evidence units.
    strata
        Categorical columns, coarse: the installer type where it is recorded, and the band of difficulty.
    covariates
        Columns, fine: numbers (the prognostic score in log-odds), and every condition of the context as
        categories.
    """

    frame: pd.DataFrame
    unit: str
    strata: tuple[str, ...]
    covariates: tuple[str, ...] = ()

    def take(self, rows: Mask) -> AdvisedAttempts:
        """Return some of the attempts."""
        return replace(self, frame=self.frame[rows])


def describe_advised(
    attempts: pd.DataFrame, advised: pd.DataFrame, *, context: Sequence[str], unit: str
) -> AdvisedAttempts:
    """Describe the attempts that name advice by what was known before it.

    Parameters
    ----------
    attempts
        All flat attempts, shape (attempts, any).
    advised
        Of those that name advice: `id`, `followed`, `is_control`, `served_at`, shape (advised attempts, 4 or
        more).
    context, unit
        Columns that are known before an attempt, and the one whose values repeat.
    """
    named = attempts["id"].isin(advised["id"])
    later, history = attempts[named], attempts[~named]
    if len(advised):
        history = history[history["occurred_at"] < advised["served_at"].min()]
    expected = prognostic_score(later, history, context=context, unit=unit)
    conditions = encode_conditions(later, [name for name in context if name != unit], unit=unit).frame
    conditions.columns = [INTERNAL + str(name) for name in conditions]
    home = [_HOME] if _HOME in later else []
    # Only these columns: a context column may have the name of one that is added.
    kept = later[list(dict.fromkeys(["id", unit, "occurred_at", "outcome_status", *home]))]
    score = logit(np.clip(expected.to_numpy(dtype=float), _CERTAIN, 1 - _CERTAIN))
    kept = kept.assign(**{DIFFICULTY: prognostic_bands(expected), EXPECTED: score})
    frame = pd.concat([kept, conditions], axis=1).merge(
        advised[["id", "followed", "is_control", "served_at"]], on="id", how="inner"
    )
    return AdvisedAttempts(frame, unit, (*home, DIFFICULTY), (EXPECTED, *conditions.columns))
