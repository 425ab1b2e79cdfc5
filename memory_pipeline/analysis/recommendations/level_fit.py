"""Is everything easier or harder today than over the whole history?

A policy predicts the average of its history. Where success in general has drifted, with applications of
another kind, other people or another season, promises for tomorrow would be those of yesterday. So what is
left of the outcomes after the prediction is averaged over parts of the history, and a level that moves by a
normal step from one part to the next (a local level model, ref. 1) is fitted by maximum likelihood. The
filtered level of the newest part moves what is promised, of all approaches alike, so that it does not change
which of them is better.

It is used only where steps are shown: a likelihood ratio at 5%, with half of its distribution at 0, since the
variance of steps cannot be negative (ref. 2).

References
----------
1. Durbin and Koopman (2012), Time series analysis by state space methods, section 2.
2. Self and Liang (1987), Asymptotic properties of maximum likelihood estimators and likelihood ratio tests
   under nonstandard conditions, JASA 82.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.recommendations.level import NO_LEVEL, Level
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints
    from memory_pipeline.analysis.recommendations.policy import Policy

_MOST_PARTS, _FEWEST_PARTS = 12, 4
_LEAST_IN_PART = 150
_FEWEST_UNITS = 5
_MOST_ROWS = 20_000
"""Attempts, evenly over the time, from which the level is estimated."""
_SHOWN = 2.706 / 2
"""Log-likelihood that steps have to gain: chi-squared, 1 degree of freedom, at 10% (half of it is at 0)."""
_STEPS = np.concatenate([[0.0], np.logspace(-6, -1, 41)])
_LARGEST_SHIFT = 3.0
_NEWTON_STEPS = 20


class _Filtered(NamedTuple):
    log_likelihood: float
    level: float
    variance: float


def fit_level(policy: Policy, outcomes: pd.DataFrame) -> Level:
    """Estimate today's level of success beside what a policy predicts.

    Parameters
    ----------
    policy
        Fitted to `outcomes`, without a level.
    outcomes
        Flat attempts; without `occurred_at` there is no level.
    """
    if "occurred_at" not in outcomes:
        return NO_LEVEL
    when = pd.to_datetime(outcomes["occurred_at"], utc=True)
    order = np.argsort(when.to_numpy(), kind="stable")[: int(when.notna().sum())]
    order = order[np.linspace(0, len(order) - 1, min(len(order), _MOST_ROWS)).astype(np.int64)]
    parts = min(len(order) // _LEAST_IN_PART, _MOST_PARTS)
    if parts < _FEWEST_PARTS:
        return NO_LEVEL
    rows, when = outcomes.iloc[order], when.iloc[order]
    rank = (when.rank(method="max").to_numpy() - 1) / max(len(order) - 1, 1)
    part = np.unique(np.minimum((rank * parts).astype(np.int64), parts - 1), return_inverse=True)[1]
    expected = policy.expected(rows).to_numpy(dtype=float)
    unit = pd.factorize(rows[policy.unit].astype(str))[0]
    correlation = policy.structured.model.correlation
    means, variances = _residuals(is_success(rows) - expected, expected, unit, part, correlation)
    known = np.isfinite(variances)
    if known.sum() < _FEWEST_PARTS or not known[-1]:
        return NO_LEVEL
    found = [_filter(means[known], variances[known], step) for step in _STEPS]
    best = int(np.argmax([one.log_likelihood for one in found]))
    if found[best].log_likelihood - found[0].log_likelihood < _SHOWN:
        return NO_LEVEL
    newest = part == part.max()
    shift, slope = _shift_of(expected[newest], found[best].level)
    spread = float(np.sqrt(found[best].variance + _STEPS[best])) / slope
    return Level(shift, spread, found[best].level, when[newest].min().isoformat())


def _residuals(
    residual: Floats, expected: Floats, unit: Ints, part: Ints, correlation: float
) -> tuple[Floats, Floats]:
    """Average residuals by part, with variances that take units as the witnesses, shape (parts,) each.

    Each variance is the larger of that between units and that of binomial attempts with the model's
    correlation within units; infinite where there are few units.
    """
    parts = int(part.max()) + 1
    key, place = np.unique(part * (int(unit.max()) + 1) + unit, return_inverse=True)
    owner = key // (int(unit.max()) + 1)
    sums, sizes = np.bincount(place, residual), np.bincount(place).astype(float)
    n, units = np.bincount(owner, sizes, parts), np.bincount(owner, minlength=parts)
    means = np.bincount(owner, sums, parts) / np.maximum(n, 1)
    between = np.bincount(owner, (sums - sizes * means[owner]) ** 2, parts) * units / np.maximum(units - 1, 1)
    scale = np.bincount(part, expected * (1 - expected), parts) / np.maximum(n, 1)
    binomial = scale * np.bincount(owner, sizes * (1 + (sizes - 1) * correlation), parts)
    variances = np.maximum(between, binomial) / np.maximum(n, 1) ** 2
    return means, np.where(units >= _FEWEST_UNITS, variances, np.inf)


def _filter(means: Floats, variances: Floats, step: float) -> _Filtered:
    """Filter a local level, with nothing known before the first part."""
    level, variance, total = float(means[0]), float(variances[0]), 0.0
    for mean, noise in zip(means[1:], variances[1:], strict=True):
        variance += step
        surprise, scale = float(mean - level), float(variance + noise)
        total -= 0.5 * (np.log(scale) + surprise**2 / scale)
        gain = variance / scale
        level, variance = level + gain * surprise, (1 - gain) * variance
    return _Filtered(total, level, variance)


def _shift_of(expected: Floats, points: float) -> tuple[float, float]:
    """Solve for the log-odds that move the mean rate by some points; returns them with the slope there."""
    base, goal = log_odds(expected), float(np.clip(expected.mean() + points, 0.001, 0.999))
    shift, slope = 0.0, 1.0
    for _ in range(_NEWTON_STEPS):
        rates = expit(base + shift)
        slope = max(float((rates * (1 - rates)).mean()), 1e-3)
        shift = float(np.clip(shift + (goal - rates.mean()) / slope, -_LARGEST_SHIFT, _LARGEST_SHIFT))
    return shift, slope
