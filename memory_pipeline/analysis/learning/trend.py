"""Find out whether a monthly measure changed its level, and since when.

What belongs here: one series of a few dozen periods, each with a value and its interval, whatever the
measure. `models.change_points` is another detector for another question: it has every attempt and what was
expected of it, tests hundreds of values of settings and context at once, and says from when on evidence is
stale. Its test leans on a limit for long series and gives no interval of the difference; this one allows
for few periods and for what their intervals allow for, and gives the interval and the range of the date
that a reader of a chart needs.

The months are split in two at every month; the split whose sides differ most, measured in standard
errors, is the change. Three things keep that honest:

- The search over splits is paid for: the critical value is that of the largest of all splits under "no
  change" (a sup-Wald statistic, ref. 1), simulated for the months at hand. The interval of the difference
  uses the same value, so it holds for every split at once, also for the one that was chosen.
- A month's precision is taken from the interval that it comes with, so whatever that interval allows for
  is allowed for here.
- Where months scatter around the two levels more than their intervals say (other applications came in),
  or go up and down together (what is broken stays broken for a while), all standard errors are widened by
  what the residuals show, and the critical value is that of a statistic whose variance had to be
  estimated.

So at most one history in twenty without a change is said to have one, also where months scatter by
themselves. Where bad months follow bad months (serial correlation of 0.5) it is up to one in five. A slow
change of the case mix cannot be told from a change of the rate.

References
----------
1. Andrews (1993), Tests for parameter instability and structural change with unknown change point,
   Econometrica 61.
2. Hansen (1997), Inference in TAR models, Studies in Nonlinear Dynamics and Econometrics 2: the set of
   split points that a likelihood ratio does not reject, critical value 7.35 at 95%.
3. Kendall (1954), Note on bias in the estimation of autocorrelation, Biometrika 41.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints

MIN_PERIODS = 6
"""Fewer months than these say nothing about a change."""
_MIN_SIDE = 2
_DRAWS = 4_000
_Z_95 = 1.959964
_SPLIT_CRITICAL = 7.35
_NARROWEST = 1e-3
_MOST_SERIAL_CORRELATION = 0.8


@dataclass(frozen=True)
class LevelShift:
    """The best split of a series into an earlier and a later level.

    Attributes
    ----------
    since
        First period of the later level.
    earliest, latest
        95% range of where the later level begins.
    before, after
        The two levels: averages over the attempts of each side.
    ci_low, ci_high
        Interval of `after - before`, simultaneous over all splits.
    is_clear
        Whether that interval leaves out zero.
    """

    since: pd.Timestamp
    earliest: pd.Timestamp
    latest: pd.Timestamp
    before: float
    after: float
    ci_low: float
    ci_high: float
    is_clear: bool

    @property
    def difference(self) -> float:
        """Later level minus earlier level."""
        return self.after - self.before


def find_level_shift(series: pd.DataFrame, *, level: float = 0.95) -> LevelShift | None:
    """Find the split that tells the earlier and the later part of a series best apart.

    Parameters
    ----------
    series
        One row per period in any order: `period_start`, `value`, `ci_low`, `ci_high` (95%),
        `sample_size`; shape (periods, any).
    level
        Confidence level of the interval and of `is_clear`.

    Returns
    -------
    LevelShift or None
        None where there are fewer than `MIN_PERIODS` periods.
    """
    if len(series) < MIN_PERIODS:
        return None
    series = series.sort_values("period_start")
    value = series["value"].to_numpy(float)
    weight = series["sample_size"].to_numpy(float).clip(min=1)
    error = standard_errors(series)
    splits = np.arange(_MIN_SIDE, len(series) - _MIN_SIDE + 1)
    before, after, spread = _levels(value, weight, error, splits)
    dispersion = float(_dispersion(value, weight, error))
    critical = _critical_value(_relative(weight), _relative(error), level, is_estimated=dispersion > 1)
    spread = spread * np.sqrt(max(dispersion, 1.0))
    z = np.abs(after - before) / spread
    best = int(np.argmax(z))
    difference, margin = float(after[best] - before[best]), float(critical * spread[best])
    starts = pd.DatetimeIndex(series["period_start"])[splits]
    plausible = starts[z[best] ** 2 - z**2 <= _SPLIT_CRITICAL]
    return LevelShift(
        since=starts[best],
        earliest=plausible.min(),
        latest=plausible.max(),
        before=float(before[best]),
        after=float(after[best]),
        ci_low=difference - margin,
        ci_high=difference + margin,
        is_clear=bool(z[best] > critical),
    )


def standard_errors(series: pd.DataFrame) -> Floats:
    """Take the standard error of each value from its interval, or from its sample; shape (periods,)."""
    width = (series["ci_high"].astype(float) - series["ci_low"].astype(float)).to_numpy()
    size = series["sample_size"].to_numpy(float).clip(min=1)
    share = (series["value"].to_numpy(float).clip(0, 1) * size + 2) / (size + 4)
    from_sample = np.sqrt(share * (1 - share) / (size + 4))
    errors: Floats = np.where(np.isnan(width), from_sample, width / (2 * _Z_95)).clip(min=_NARROWEST)
    return errors


def overall_level(series: pd.DataFrame) -> tuple[float, float, float]:
    """Average over all attempts of a series, and its 95% interval (widened like those of a change)."""
    weight = series["sample_size"].to_numpy(float).clip(min=1)
    value, error = series["value"].to_numpy(float), standard_errors(series)
    level = float((weight * value).sum() / weight.sum())
    widened = 1.0 if len(value) < MIN_PERIODS else np.sqrt(max(float(_dispersion(value, weight, error)), 1.0))
    margin = float(_Z_95 * widened * np.sqrt(((weight * error) ** 2).sum()) / weight.sum())
    return level, level - margin, level + margin


def _levels(value: Floats, weight: Floats, error: Floats, splits: Ints) -> tuple[Floats, Floats, Floats]:
    """Levels before and after each split and the standard error of their difference.

    `value` has shape (..., periods); the levels have shape (..., splits), the error (splits,).
    """
    total, weighted = weight.cumsum(), (weight * value).cumsum(-1)
    squares = ((weight * error) ** 2).cumsum()
    at = splits - 1
    before = weighted[..., at] / total[at]
    after = (weighted[..., -1:] - weighted[..., at]) / (total[-1] - total[at])
    variance = squares[at] / total[at] ** 2 + (squares[-1] - squares[at]) / (total[-1] - total[at]) ** 2
    return before, after, np.sqrt(variance)


def _dispersion(value: Floats, weight: Floats, error: Floats) -> Floats:
    """How much wider the standard error of a level is than the errors of its periods say, squared.

    From the residuals around the levels of the best split: their variance, times (1 + r) / (1 - r) for
    their first serial correlation r (with Kendall's correction for its bias, ref. 3; none below 0).
    `value` has shape (..., periods), the result (...).
    """
    periods = value.shape[-1]
    splits = np.arange(_MIN_SIDE, periods - _MIN_SIDE + 1)
    before, after, spread = _levels(value, weight, error, splits)
    best = np.argmax(np.abs(after - before) / spread, axis=-1)[..., None]
    is_before = np.arange(periods) < splits[best]
    level = np.where(is_before, np.take_along_axis(before, best, -1), np.take_along_axis(after, best, -1))
    residual = (value - level) / error
    squares = np.maximum((residual**2).sum(-1), _NARROWEST)
    correlation = (residual[..., 1:] * residual[..., :-1]).sum(-1) / squares
    correlation = correlation + (2 + 4 * np.maximum(correlation, 0)) / periods
    correlation = np.clip(correlation, 0, _MOST_SERIAL_CORRELATION)
    dispersion: Floats = squares / (periods - 2) * (1 + correlation) / (1 - correlation)
    return dispersion


def _relative(sizes: Floats) -> tuple[float, ...]:
    """Sizes against their mean, to the hundredth: all that a critical value depends on."""
    return tuple(np.round(sizes / sizes.mean(), 2).clip(min=0.01).tolist())


@lru_cache(maxsize=256)
def _critical_value(
    weight: tuple[float, ...], error: tuple[float, ...], level: float, *, is_estimated: bool
) -> float:
    """Value that the largest statistic of all splits stays below, with probability `level`, without change.

    `is_estimated`: of the statistic that is divided by the dispersion estimated from the same periods.
    """
    weights, errors = np.array(weight), np.array(error)
    draws = np.random.default_rng(0).normal(size=(_DRAWS, len(errors))) * errors
    splits = np.arange(_MIN_SIDE, len(errors) - _MIN_SIDE + 1)
    before, after, spread = _levels(draws, weights, errors, splits)
    largest = (np.abs(after - before) / spread).max(axis=-1)
    if is_estimated:
        largest /= np.sqrt(_dispersion(draws, weights, errors))
    return float(np.quantile(largest, level))
