"""Generate organisations for the rules about advice and about patterns: two years, 20 attempts a day.

In the null worlds nothing changes: advice does nothing, and what goes with success goes with it to the same
degree in both years. Common to all: 120 units, an installer type of each (success of 95%, 80% and 60%), and
unless it says otherwise independent attempts of units of equal size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
UNITS, A_DAY, YEAR, DAYS = 120, 20, 365, 730
FIRST_DAY = 20_000
CHANGE_DAY = YEAR + 100
"""Day of a planted change, the hundredth of the second year."""
TYPES = ("msi", "exe", "script")
TYPE_RATES = np.array([0.95, 0.8, 0.6])
WITHHELD = 0.1
"""Share of the answers that are withheld, where they are."""
AGAIN = 0.7
"""Share of the failed attempts that are repeated, where they are."""
ADVICE_KINDS = (
    "withheld at random: independent",
    "withheld at random: rates and heavy tails",
    "withheld at random: bad spells",
    "withheld at random: retries",
    "followed or not: rates and heavy tails",
    "followed or not: more on easy types",
    "followed or not: more each month, bad spells",
    "followed or not: by nearly all from one day on",
    "followed or not: retried the same day without it",
    "followed or not: retried within a week without it",
    "followed or not: on hard attempts, unrecorded",
)
"""Who follows, and how attempts depend on each other. In the last world following advice goes with failure
for a reason that nobody recorded: the only one in which a comparison cannot be right."""
PATTERN_KINDS = (
    "independent",
    "rates and heavy tails",
    "bad spells",
    "retries",
    "seasonal mix",
    "everything falls",
    "a setting goes out of use",
    "patterns of chance",
)
SETTINGS = ("wrapper", "signing", "channel", "reboot", "context")
"""Columns of two values each. Patterns: `wrapper` is 0, and `signing` and `channel` are."""


def advised_attempts(kind: str, seed: int, *, harm: float = 0.0, larger: int = 1) -> pd.DataFrame:
    """Generate attempts that name advice, with the columns that a rebuild describes them by.

    Parameters
    ----------
    kind
        One of `ADVICE_KINDS`.
    harm
        By how much following lowers the chance of success from `CHANGE_DAY` on.
    larger
        How many times as many units there are, with as many attempts each.

    Returns
    -------
    DataFrame
        Shape (attempts, 7): unit, `occurred_at`, `outcome_status`, `installer_type`, `difficulty` (bands,
        here those of the type), `is_control`, `followed`.
    """
    rng = np.random.default_rng([seed, 101, ADVICE_KINDS.index(kind)])
    day, unit, types = _attempts(rng, is_heavy="heavy" in kind, larger=larger)
    rate = _rates(rng, kind, types)[day, unit]
    share = np.full(len(day), 0.5)
    if "easy types" in kind:
        share = np.array([0.8, 0.5, 0.2])[types[unit]]
    elif "each month" in kind:
        share = 0.1 + 0.8 * day / DAYS
    elif "one day" in kind:
        share = np.where(day < CHANGE_DAY, 0.1, 0.9)
    if "unrecorded" in kind:
        is_hard = rng.random(len(day)) < 0.5  # noqa: PLR2004
        rate, share = np.clip(rate + np.where(is_hard, -0.2, 0.2), 0, 1), np.where(is_hard, 0.7, 0.3)
    is_control = (rng.random(len(day)) < WITHHELD) & kind.startswith("withheld")
    followed = (rng.random(len(day)) < share) & ~is_control
    success = rng.random(len(day)) < rate - harm * (followed & (day >= CHANGE_DAY))
    if "retr" in kind:
        again = ~success & (rng.random(len(day)) < AGAIN)
        if kind.startswith("followed"):
            again &= followed
        later = day + (rng.integers(1, 7, len(day)) if "week" in kind else 0)
        second = rng.random(len(day)) < rate
        withheld = (rng.random(len(day)) < WITHHELD) & kind.startswith("withheld")
        day, unit = np.concatenate([day, later[again]]), np.concatenate([unit, unit[again]])
        success = np.concatenate([success, second[again]])
        is_control = np.concatenate([is_control, withheld[again]])
        followed = np.concatenate([followed, np.zeros(again.sum(), bool)])
    frame = _frame(rng, day, unit, types, success)
    known = pd.Series(followed, dtype=object).where(~is_control, None)
    return frame.assign(difficulty=frame["installer_type"], is_control=is_control, followed=known.to_numpy())


def attempts_of_patterns(
    kind: str, seed: int, *, size: float = 0.2, gone: bool = False, larger: int = 1
) -> pd.DataFrame:
    """Generate attempts with five settings, of which two patterns go with success and failure.

    Parameters
    ----------
    kind
        One of `PATTERN_KINDS`.
    size
        How much more success there is where `wrapper` is 0, and less where `signing` and `channel` are.
    gone
        Whether `wrapper` makes no difference from `CHANGE_DAY` on.
    larger
        How many times as many units there are, with as many attempts each.

    Returns
    -------
    DataFrame
        Shape (attempts, 9): unit, `occurred_at`, `outcome_status`, `installer_type`, and `SETTINGS`.
    """
    rng = np.random.default_rng([seed, 102, PATTERN_KINDS.index(kind)])
    day, unit, types = _attempts(rng, is_heavy="heavy" in kind, larger=larger)
    if kind == "seasonal mix":
        season = 1 + 0.9 * np.sin(2 * np.pi * np.arange(DAYS) / YEAR)
        weight = np.where(types == 2, season[:, None], np.where(types == 0, 2 - season[:, None], 1.0))  # noqa: PLR2004
        unit = np.concatenate([rng.choice(UNITS, A_DAY, p=one / one.sum()) for one in weight])
    usual = rng.random((len(types), len(SETTINGS))) < 0.5  # noqa: PLR2004
    free = rng.random((len(day), len(SETTINGS))) < 0.5  # noqa: PLR2004
    value = np.where(rng.random(free.shape) < 0.5, usual[unit], free)  # noqa: PLR2004
    if kind == "a setting goes out of use":
        value[:, 0] |= rng.random(len(day)) < np.clip((day - YEAR) / YEAR, 0, 1)
    rate = 0.15 + 0.7 * _rates(rng, kind, types)[day, unit]
    if kind != "patterns of chance":
        holds = np.ones(len(day)) if not gone else (day < CHANGE_DAY).astype(float)
        rate = rate + size * ((value[:, 0] == 0) * holds - (value[:, 1:3] == 0).all(axis=1))
    if kind == "everything falls":
        rate = rate - 0.2 * (day >= CHANGE_DAY)
    rate = np.clip(rate, 0, 1)
    success = rng.random(len(day)) < rate
    if kind == "retries":
        again = ~success & (rng.random(len(day)) < AGAIN)
        second = rng.random(len(day)) < rate
        day, unit = np.concatenate([day, day[again]]), np.concatenate([unit, unit[again]])
        value, success = np.concatenate([value, value[again]]), np.concatenate([success, second[again]])
    return _frame(rng, day, unit, types, success).assign(
        **{name: value[:, place].astype(int).astype(str) for place, name in enumerate(SETTINGS)}
    )


def spells(rng: np.random.Generator, units: int, *, is_bad: bool) -> NDArray[np.bool_]:
    """Return whether each unit is in its low state on each day: a Markov chain from its stationary state."""
    leave_high, leave_low = (1 / 60, 1 / 20) if is_bad else (1 / 20, 1 / 60)
    low = np.empty((DAYS, units), dtype=bool)
    low[0] = rng.random(units) < leave_high / (leave_high + leave_low)
    for day in range(1, DAYS):
        flip = rng.random(units) < np.where(low[day - 1], leave_low, leave_high)
        low[day] = low[day - 1] ^ flip
    return low


def _attempts(
    rng: np.random.Generator, *, is_heavy: bool, larger: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw day and unit of each attempt, and the installer type of each unit."""
    units = larger * UNITS
    sizes = rng.pareto(1.0, units) + 0.2 if is_heavy else np.ones(units)
    day = np.repeat(np.arange(DAYS), larger * A_DAY)
    unit = rng.choice(units, len(day), p=sizes / sizes.sum())
    return day, unit, rng.choice(len(TYPES), units)


def _rates(rng: np.random.Generator, kind: str, types: NDArray[np.int64]) -> Floats:
    """Return the chance of success of each unit on each day, shape (days, units)."""
    if "heavy" in kind:
        scale = (1 - 0.45) / 0.45
        return np.tile(rng.beta(0.75 * scale, 0.25 * scale, len(types)), (DAYS, 1))
    if "spells" in kind:
        return np.where(spells(rng, len(types), is_bad="bad" in kind), 0.2, 0.9)
    return np.tile(TYPE_RATES[types], (DAYS, 1))


def _frame(
    rng: np.random.Generator,
    day: NDArray[np.int64],
    unit: NDArray[np.int64],
    types: NDArray[np.int64],
    success: NDArray[np.bool_],
) -> pd.DataFrame:
    # What is repeated on the same day is repeated later on that day.
    is_second = np.arange(len(day)) >= DAYS * A_DAY * len(types) // UNITS
    seconds = rng.uniform(0, 43_200, len(day)) + 43_199 * (is_second)
    when = pd.Timestamp(FIRST_DAY, unit="D", tz="UTC") + pd.to_timedelta(day, unit="D")
    return pd.DataFrame(
        {
            "application_name": pd.Series(unit).map("application {}".format),
            "occurred_at": when + pd.to_timedelta(seconds.round(), unit="s"),
            "outcome_status": np.where(success, "success", "failure"),
            "installer_type": np.array(TYPES)[types[unit]],
        }
    )
