"""Whether a monthly measure changed, and since when: the sentence that a progress chart says.

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
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MIN_PERIODS = 6
"""Fewer months than these say nothing about a change."""
_MIN_SIDE = 2
_DRAWS = 4_000
_Z_95 = 1.959964
_SPLIT_CRITICAL = 7.35
_NARROWEST = 1e-3
_MOST_SERIAL_CORRELATION = 0.8


@dataclass(frozen=True)
class Change:
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


def find_change(series: pd.DataFrame, *, level: float = 0.95) -> Change | None:
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
    Change or None
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
    return Change(
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


def describe_change(measures: pd.DataFrame, *, measure: str = "success_rate") -> str:
    """Say in one sentence whether a share changed over the whole history, and since when.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of the whole history are used.
    measure
        Which of the measures, one that is a share.
    """
    name = measure.replace("_", " ").capitalize()
    whole = measures
    if len(measures):
        whole = measures[(measures["measure"] == measure) & (measures["segment_column"] == "")]
    change = find_change(whole)
    return " ".join(filter(None, (f"{change_sentence(whole, name, change)}.", change_details(change))))


def change_sentence(series: pd.DataFrame, name: str, change: Change | None) -> str:
    """Say whether a share changed: `Success rate rose: 71% before October 2025, 83% since`.

    Parameters
    ----------
    series
        The periods, shape (periods, any).
    name
        What the share is called.
    change
        What `find_change` found in them.
    """
    if series.empty:
        return f"{name}: no data yet"
    level, _, _ = overall_level(series)
    if change is None:
        if len(series) == 1:
            return f"{name}: {level:.0%} in {series['period_start'].iloc[0]:%B %Y}, the only month so far"
        return f"{name}: {level:.0%} over {len(series)} months, too few to tell a change"
    if not change.is_clear:
        return f"{name}: no clear change, {level:.0%} over all"
    verb = "rose" if change.difference > 0 else "fell"
    return f"{name} {verb}: {change.before:.0%} before {change.since:%B %Y}, {change.after:.0%} since"


def change_details(change: Change | None) -> str:
    """Say how large a change is and when it began, with the intervals; nothing where there is none."""
    if change is None:
        return ""
    low, high = signed(100 * change.ci_low), signed(100 * change.ci_high)
    points = f"{signed(100 * change.difference)} points (95% interval {low} to {high})"
    if not change.is_clear:
        return f"The largest difference between later and earlier months is {points}; it may be chance."
    if change.earliest == change.latest:
        return f"{points}; the later level began in {change.since:%B %Y}."
    when = f"between {change.earliest:%B %Y} and {change.latest:%B %Y}"
    return f"{points}; the later level began {when} (95% range)."


def skill_sentence(series: pd.DataFrame) -> str:
    """Say whether predictions from earlier periods beat the base rate; skill scores, shape (periods, any)."""
    level, low, high = overall_level(series)
    if low > 0:
        message = f"The memory predicts better than the base rate: skill {signed(level, 2)}"
    elif high < 0:
        message = f"The memory predicts worse than the base rate: skill {signed(level, 2)}"
    else:
        message = f"The memory predicts no better than the base rate so far: skill {signed(level, 2)}"
    change = find_change(series)
    if change is None or not change.is_clear:
        return message
    verb = "rising" if change.difference > 0 else "falling"
    levels = f"from {signed(change.before, 2)} to {signed(change.after, 2)}"
    return f"{message}, {verb} {levels} since {change.since:%B %Y}"


def signed(value: float, digits: int = 0) -> str:
    """Write a number with its sign, a real minus sign; what rounds to zero has none."""
    text = f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text if float(f"{value:.{digits}f}") != 0 else text[1:]


def _levels(
    value: Floats, weight: Floats, error: Floats, splits: NDArray[np.int_]
) -> tuple[Floats, Floats, Floats]:
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
