"""Which groups have another rate than all others together, beyond chance?

Attempts at the same task are alike, so each group's counts are first reduced to the number of independent
attempts that they are worth (ref. 1); then every group is tested against the rest of the selection, the tests
are corrected for their number (ref. 2), and the intervals for the selection of those that are shown as
different (ref. 3).

References
----------
1. Rao and Scott (1992), A simple method for the analysis of clustered binary data, Biometrics 48.
2. Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing under
   dependency, Annals of Statistics 29.
3. Benjamini and Yekutieli (2005), False discovery rate-adjusted multiple confidence intervals for selected
   parameters, JASA 100.
4. Newcombe (1998), Interval estimation for the difference between independent proportions,
   Statistics in Medicine 17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.stats.exact_tests import fisher_p_values
from memory_pipeline.analysis.stats.multiplicity import false_discovery_q_values, largest_passing_p_value

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.arrays import Floats, Ints

ALIKE_SUMS = ("n_squared", "n_cubed", "k_squared", "n_times_k")
"""Sums over the tasks of a group that tell how alike attempts at one task are."""


def compare_with_rest(groups: pd.DataFrame, *, fdr: float = 0.05) -> pd.DataFrame:
    """Compare the rate of each group with that of all others together.

    Parameters
    ----------
    groups
        One row per group, shape (groups, any): `attempts`, `successes`, and of the tasks of the group, each
        with n attempts and k successes, the sums `n_squared`, `n_cubed`, `k_squared`, `n_times_k`.
    fdr
        Expected share of groups shown as different that are not.

    Returns
    -------
    DataFrame
        The rows with `rate`, `rest_rate`, `difference`, `ci_low`, `ci_high` (Newcombe's interval, ref. 4, of
        a level at which the intervals of those shown as different cover together, ref. 3), `q_value`,
        `is_different` (the q-value is at most `fdr`, and the interval leaves out zero) and
        `effective_attempts`; the columns of tasks are left out. A group without a rest
        has no difference: its numbers are NaN.

    Notes
    -----
    What is tested is a group's rate during the selected time. Attempts at different tasks of one group count
    as independent, given that rate.
    """
    found = groups.drop(columns=list(ALIKE_SUMS)).reset_index(drop=True)
    n, k = groups["attempts"].to_numpy(float), groups["successes"].to_numpy(float)
    worth = effective_attempts(groups)
    hits = np.round(worth * k / np.maximum(n, 1)).astype(np.int64)
    rest, rest_hits = n.sum() - n, k.sum() - k
    has_rest = rest > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, rest_rate = k / n, rest_hits / rest
    q = np.ones(len(n))
    if has_rest.any():
        p_values = fisher_p_values(worth, hits, int(worth.sum()), int(hits.sum()))
        q = false_discovery_q_values(p_values, len(p_values))
    is_different = has_rest & (q <= fdr)
    level = largest_passing_p_value(len(n), fdr) / max(len(n), 1) * max(int(is_different.sum()), 1)
    confidence = 1 - (level if len(n) else fdr)
    low, high = newcombe_bounds(rate, worth, rest_rate, worth.sum() - worth, confidence)
    return found.assign(
        rate=rate,
        rest_rate=rest_rate,
        difference=rate - rest_rate,
        ci_low=np.where(has_rest, low, np.nan),
        ci_high=np.where(has_rest, high, np.nan),
        q_value=q,
        is_different=is_different & ((low > 0) | (high < 0)),
        effective_attempts=worth,
    )


def describe_differences(compared: pd.DataFrame, noun: str) -> str:
    """Write how many groups differ from the others beyond chance, as a sentence.

    Parameters
    ----------
    compared
        As `compare_with_rest` returns.
    noun
        Plural of what the groups are, such as `applications`.
    """
    shown = compared["is_different"].astype(bool)
    worse = int((shown & (compared["difference"] < 0)).sum())
    better = int(shown.sum()) - worse
    if not worse + better:
        return f"None of {len(compared):,} {noun} differs from the others beyond chance."
    parts = [
        f"{count:,} {word}" for count, word in ((worse, "fail more often"), (better, "less often")) if count
    ]
    if not worse:
        parts = [f"{better:,} fail less often"]
    return f"Of {len(compared):,} {noun}, {' and '.join(parts)} than the others, beyond chance."


def task_correlation(groups: pd.DataFrame) -> float:
    """Estimate how alike attempts at one task are within a group (intraclass correlation), 0 to 1.

    By the method of moments: the squared deviations of the tasks' successes from what the rate of their
    group leads to expect are, summed over groups, set equal to their expectation, which is linear in the
    correlation; that the rate of each group is estimated from the same attempts is allowed for.

    Parameters
    ----------
    groups
        As in `compare_with_rest`.
    """
    n, k = groups["attempts"].to_numpy(float), groups["successes"].to_numpy(float)
    squared, cubed, k_squared, n_times_k = (groups[name].to_numpy(float) for name in ALIKE_SUMS)
    several = (n > 1) & (squared < n**2) & (k > 0) & (k < n)
    n, k, squared, cubed = n[several], k[several], squared[several], cubed[several]
    rate = k / n
    deviations = k_squared[several] - 2 * rate * n_times_k[several] + rate**2 * squared
    spread = rate * (1 - rate) * n / np.maximum(n - 1, 1)
    alone = spread * (n - squared / n)
    pairs = squared - n
    alike = spread * (pairs - 2 / n * (cubed - squared) + squared / n**2 * pairs)
    if alike.sum() <= 0:
        return 0.0
    return float(np.clip((deviations.sum() - alone.sum()) / alike.sum(), 0, 1))


def effective_attempts(groups: pd.DataFrame) -> Ints:
    """Return how many independent attempts those of each group are worth (ref. 1), shape (groups,).

    Parameters
    ----------
    groups
        As in `compare_with_rest`; what is alike may be attempts at one task or at one application.
    """
    n = groups["attempts"].to_numpy(float)
    mean_size = groups["n_squared"].to_numpy(float) / np.maximum(n, 1)
    effects = 1 + task_correlation(groups) * np.maximum(mean_size - 1, 0)
    worth: Ints = np.maximum(np.floor(n / effects), np.minimum(n, 1)).astype(np.int64)
    return worth


def newcombe_bounds(
    rate: Floats, n: Ints, rest_rate: Floats, rest: Ints, confidence: float
) -> tuple[Floats, Floats]:
    """Compute Newcombe's intervals (ref. 4) of the differences of two rates.

    Parameters
    ----------
    rate, n
        Rates and the independent attempts that they rest on, shape (groups,).
    rest_rate, rest
        The same of what they are compared with.
    confidence
        Probability with which each interval covers.

    Returns
    -------
    low, high
        Bounds of `rate - rest_rate`, shape (groups,).
    """
    bounds = []
    for share, size in ((rate, n), (rest_rate, rest)):
        trials = np.maximum(size, 1)
        hits = np.nan_to_num(share) * trials
        bounds.append(proportion_confint(hits, trials, alpha=1 - confidence, method="wilson"))
    (low1, high1), (low0, high0) = bounds
    difference = rate - rest_rate
    low = difference - np.sqrt((rate - low1) ** 2 + (high0 - rest_rate) ** 2)
    high = difference + np.sqrt((high1 - rate) ** 2 + (rest_rate - low0) ** 2)
    return low, high
