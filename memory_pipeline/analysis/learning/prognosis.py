"""The prognostic score: how likely an attempt was to succeed, as known before any advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.analysis.features.columns import unit_names
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.recommendations.fit import fit_policy

if TYPE_CHECKING:
    from collections.abc import Sequence


_ENOUGH = 100
_LEAST_CORRELATION = 0.01


def prognostic_score(
    attempts: pd.DataFrame, history: pd.DataFrame, *, context: Sequence[str], unit: str
) -> pd.Series:
    """Predict the success of attempts from what was known before: their context and their unit's record.

    This is the prognostic score of Hansen (2008). A model of the history without any setting (`fit_policy`)
    predicts from the context; the unit's own record moves the prediction by as much as units differ:
    `(successes + k * expected) / (attempts + k)` with `k = (1 - r) / r` for a correlation r of attempts
    within units.

    Parameters
    ----------
    attempts
        Flat attempts, shape (attempts, any); their outcomes are not used.
    history
        Flat attempts from before the first advice, with `outcome_status`.
    context, unit
        As in `fit_policy`.

    Returns
    -------
    Series
        Expected success rate, indexed as `attempts`; 0.5 for all where the history has fewer than 100
        attempts.
    """
    if len(history) < _ENOUGH:
        return pd.Series(0.5, index=attempts.index, name="expected")
    policy = fit_policy(history, approach=[], context=context, unit=unit)
    expected = policy.expected(attempts)
    correlation = max(policy.structured.model.correlation, _LEAST_CORRELATION)
    strength = (1 - correlation) / correlation
    wins = pd.Series(is_success(history).astype(float), index=history.index)
    record = wins.groupby(unit_names(history[unit])).agg(["sum", "size"])
    own = record.reindex(unit_names(attempts[unit])).fillna(0.0).to_numpy()
    return pd.Series(
        (own[:, 0] + strength * expected.to_numpy()) / (own[:, 1] + strength),
        index=attempts.index,
        name="expected",
    )


def prognostic_bands(expected: pd.Series, *, bands: int = 5) -> pd.Series:
    """Return the band of each attempt: prognostic scores cut into bands of about equally many attempts.

    Stratifying by the prognostic score balances everything that it was computed from (Hansen 2008); five
    bands remove about nine tenths of the bias (Cochran 1968). Equal scores stay in one band.
    """
    if (expected == expected.iloc[:1].max()).all():
        return pd.Series(0, index=expected.index, name="difficulty")
    cut = pd.qcut(expected.rank(method="average"), bands, labels=False, duplicates="drop")
    return cut.rename("difficulty")
