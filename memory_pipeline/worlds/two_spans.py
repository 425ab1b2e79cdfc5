"""Generate histories of two spans in which the mix, the rates, both or nothing changes, with the true parts.

Success depends on vendor, installer type and wrapper, and the effects add up, so that the true parts of the
difference are known exactly. Applications deviate from what their conditions let expect (a beta
distribution), their numbers of attempts have heavy tails, they come and go, and what is broken can stay so
for a month (a spell).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONDITIONS = ("application_vendor", "installer_type", "wrapper")
CHANGED_VENDOR = "Vendor A"
_BASE = 0.68
_VENDORS = {
    "Vendor A": 0.05,
    "Vendor B": -0.22,
    "Vendor C": -0.12,
    "Vendor D": 0.12,
    "Vendor E": 0.0,
    "Vendor F": 0.08,
}
_VENDOR_SHARES = np.array([0.22, 0.14, 0.12, 0.2, 0.2, 0.12])
_TYPES = {"exe": -0.06, "msi": 0.04, "msix": 0.0}
_TYPE_SHARES = np.array(
    [
        [0.2, 0.6, 0.2],
        [0.7, 0.2, 0.1],
        [0.5, 0.3, 0.2],
        [0.2, 0.5, 0.3],
        [0.4, 0.4, 0.2],
        [0.3, 0.3, 0.4],
    ]
)
_WRAPPERS = {"none": -0.03, "psadt": 0.03}
_SPELL = 0.35
"""Share of the months of an application in which it behaves like another one."""


@dataclass(frozen=True)
class TwoSpans:
    """A history and what changed in its last month.

    Attributes
    ----------
    outcomes
        Flat attempts: `application_name`, `occurred_at`, `outcome_status` and `CONDITIONS`.
    before, after
        First and last month of each span.
    total, mix, rate
        True difference in the chance of success, and its parts.
    """

    outcomes: pd.DataFrame
    before: tuple[str, str]
    after: tuple[str, str]
    total: float
    mix: float
    rate: float


def two_spans(
    seed: int,
    *,
    shift: float = 1.0,
    fall: float = 0.0,
    applications: int = 120,
    attempts: int = 3_000,
    months: int = 13,
    correlation: float = 0.2,
    tail: float = 1.5,
    has_spells: bool = True,
) -> TwoSpans:
    """Generate a history whose last month differs from those before as stated.

    Parameters
    ----------
    seed
        Of the random numbers.
    shift
        Factor by which applications of the vendors B and C, which fail most, are more active in the last
        month.
    fall
        Drop of the chance of success of vendor A in the last month.
    applications, attempts, months
        Size of the history.
    correlation
        Intraclass correlation of the attempts of one application.
    tail
        Shape of the Pareto distribution of the applications' activity; smaller is heavier.
    has_spells
        Whether applications have months in which they behave like another one.
    """
    random = np.random.default_rng([seed, 71])
    vendor = random.choice(len(_VENDORS), applications, p=_VENDOR_SHARES)
    kind = np.array([random.choice(len(_TYPES), p=_TYPE_SHARES[one]) for one in vendor])
    activity = random.pareto(tail, applications) + 0.3
    unit, month = _when(random, activity, vendor, shift=shift, attempts=attempts, months=months)
    is_last = month == months - 1
    wrapper = random.integers(0, len(_WRAPPERS), len(unit))
    chance = _chance(vendor[unit], kind[unit], wrapper) - fall * ((vendor[unit] == 0) & is_last)
    ease = random.random(applications)[unit]
    if has_spells:
        is_spell = random.random((applications, months)) < _SPELL
        spell = random.random((applications, months))
        ease = np.where(is_spell[unit, month], spell[unit, month], ease)
    if correlation > 0:
        strength = 1 / correlation - 1
        chance = stats.beta.ppf(ease, chance * strength, (1 - chance) * strength)
    wins = random.random(len(unit)) < chance
    starts = pd.date_range(end="2026-06-01", periods=months, freq="MS", tz="UTC")
    days = pd.to_timedelta(random.integers(0, 28, len(unit)), unit="D")
    outcomes = pd.DataFrame(
        {
            "application_name": [f"Application {one:04d}" for one in unit],
            "occurred_at": starts[month] + days,
            "outcome_status": np.where(wins, "success", "failure"),
            "application_vendor": np.array(list(_VENDORS))[vendor[unit]],
            "installer_type": np.array(list(_TYPES))[kind[unit]],
            "wrapper": np.array(list(_WRAPPERS))[wrapper],
        }
    )
    mix, rate = _true_parts(shift, fall)
    names = starts.strftime("%Y-%m")
    return TwoSpans(outcomes, (names[0], names[-2]), (names[-1], names[-1]), mix + rate, mix, rate)


def _when(
    random: np.random.Generator,
    activity: NDArray[np.float64],
    vendor: NDArray[np.int64],
    *,
    shift: float,
    attempts: int,
    months: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw application and month of each attempt; an application is tried in a stretch of the months."""
    length = random.integers(2, months + 1, len(activity))
    begin = random.integers(0, months, len(activity))
    distance = (np.arange(months) - begin[:, None]) % months
    weight = activity[:, None] * (distance < length[:, None])
    weight[:, -1] *= np.where(np.isin(vendor, [1, 2]), shift, 1.0)
    weight /= weight.sum(axis=0)
    month = random.integers(0, months, attempts)
    unit = np.zeros(attempts, dtype=np.int64)
    for one in range(months):
        chosen = month == one
        unit[chosen] = random.choice(len(activity), int(chosen.sum()), p=weight[:, one])
    return unit, month


def _chance(
    vendor: NDArray[np.int64], kind: NDArray[np.int64], wrapper: NDArray[np.int64]
) -> NDArray[np.float64]:
    effects = [np.array(list(one.values())) for one in (_VENDORS, _TYPES, _WRAPPERS)]
    return np.asarray(_BASE + effects[0][vendor] + effects[1][kind] + effects[2][wrapper], np.float64)


def _true_parts(shift: float, fall: float) -> tuple[float, float]:
    """Compute mix and rate from the expected shares of the vendors."""
    shifted = _VENDOR_SHARES * np.where(np.isin(np.arange(len(_VENDORS)), [1, 2]), shift, 1.0)
    shares = np.array([_VENDOR_SHARES, shifted / shifted.sum()])
    expected = np.array(list(_VENDORS.values())) + _TYPE_SHARES @ np.array(list(_TYPES.values()))
    mean = shares.mean(axis=0)[0]
    change = float(shares[1, 0] - shares[0, 0])
    mix = float((shares[1] - shares[0]) @ expected) - fall / 2 * change
    return mix, float(-fall * mean)
