"""How hard an attempt was, as far as could be known before any advice: what verification compares within."""

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


def expected_before(
    attempts: pd.DataFrame, history: pd.DataFrame, *, context: Sequence[str], unit: str
) -> pd.Series:
    """Expect the success of attempts from what was known before: their context and their unit's record.

    The context's part is a model of the history without any setting (`fit_policy`); the unit's own
    record moves it by as much as units differ: `(successes + k * expected) / (attempts + k)` with
    `k = (1 - r) / r` for a correlation r of attempts within units.

    Parameters
    ----------
    attempts
        Flat attempts, shape (attempts, any); how they ended is not looked at.
    history
        Flat attempts from before the first advice, with `outcome_status`.
    context, unit
        As in `fit_policy`.

    Returns
    -------
    Series
        Expected success, indexed as `attempts`; the same for all where the history has fewer than
        100 attempts.
    """
    if len(history) < _ENOUGH:
        return pd.Series(0.5, index=attempts.index, name="expected")
    policy = fit_policy(history, approach=[], context=context, unit=unit)
    expected = policy.expected(attempts)
    correlation = max(policy.ruled.model.correlation, _LEAST_CORRELATION)
    strength = (1 - correlation) / correlation
    wins = pd.Series(is_success(history).astype(float), index=history.index)
    record = wins.groupby(unit_names(history[unit])).agg(["sum", "size"])
    own = record.reindex(unit_names(attempts[unit])).fillna(0.0).to_numpy()
    return pd.Series(
        (own[:, 0] + strength * expected.to_numpy()) / (own[:, 1] + strength),
        index=attempts.index,
        name="expected",
    )


def difficulty_bands(expected: pd.Series, *, bands: int = 5) -> pd.Series:
    """Cut the success that was expected before any advice into bands of equally many attempts.

    Stratifying by it balances everything that it was computed from (the prognostic score of Hansen 2008);
    five bands remove some nine tenths of the bias (Cochran 1968). Equal values stay together.
    """
    if (expected == expected.iloc[:1].max()).all():
        return pd.Series(0, index=expected.index, name="difficulty")
    cut = pd.qcut(expected.rank(method="average"), bands, labels=False, duplicates="drop")
    return cut.rename("difficulty")
