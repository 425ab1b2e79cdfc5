"""Histories in which no recorded condition has an effect, of the kinds that packaging really has.

What is found in them is false. Kinds differ in what makes a test too sure of itself: few units, sizes with
heavy tails, outcomes of a unit that go together in time (*spells*: a package stays broken for days), settings
that a unit keeps for long, vendors that nobody recorded, gaps in the record, and success that changes with
the calendar while conditions do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DAYS = 540
"""Length of each history."""
LEVELS = {
    "vendor": 12,
    "installer_type": 4,
    "architecture": 2,
    "silent_switch": 5,
    "wrapper": 3,
    "detection": 4,
    "shift": 3,
    "os_build": 4,
}
"""Condition columns, and how many values each has."""
_USUAL = {
    "vendor": 1.0,
    "installer_type": 1.0,
    "architecture": 1.0,
    "silent_switch": 0.9,
    "wrapper": 0.8,
    "detection": 0.6,
    "shift": 0.0,
    "os_build": 0.0,
}
"""Share of a unit's attempts that have its usual value; the others are drawn anew."""
_OF_VENDOR = {"installer_type": 0.9, "architecture": 0.9, "silent_switch": 0.85, "wrapper": 0.8}
"""Columns in which all units of a vendor have one usual value, and the share of attempts that have it."""
_SETTINGS = ("silent_switch", "wrapper", "detection", "os_build")
_WITH_GAPS = ("architecture", "silent_switch", "wrapper", "detection", "shift")
_VENDORS = 10
_STEP_AT = 0.6
_START = pd.Timestamp("2024-01-01", tz="UTC")


@dataclass(frozen=True)
class EmptyHistory:
    """What a kind of history without effects is made of.

    Attributes
    ----------
    units
        Applications.
    sizes
        Spread of the logarithm of their shares of the attempts; or `heavy` (Pareto, shape 1), or `one` (one
        has 60%).
    settings
        `usual`: each unit has a usual value, kept in a part of its attempts; `constant`, `free`: in all or
        none of them; `switch`: a unit goes from one value to another at some date; `roll-out`: every unit
        goes to the same new value, within weeks of one date; `blocks`: a unit draws anew every three months.
    spell_days
        Mean length of the spells in which a unit's difficulty stays the same; 0: there are none.
    drift
        Change of the log-odds of success over the history.
    step
        Change of the log-odds of success after 60% of the history.
    has_moving_conditions
        Whether conditions change with the calendar too.
    vendors
        Whether units belong to vendors, unrecorded, that share difficulty and settings.
    gaps
        Whether harder units have more missing values.
    failure_share
        Share of failures, where they are rare; None: about a third.
    """

    units: int = 100
    sizes: float | Literal["heavy", "one"] = 1.0
    settings: Literal["usual", "constant", "free", "switch", "roll-out", "blocks"] = "usual"
    spell_days: float = 0.0
    drift: float = 0.0
    step: float = 0.0
    has_moving_conditions: bool = False
    vendors: bool = False
    gaps: bool = False
    failure_share: float | None = None


EMPTY_HISTORIES = {
    "plain": EmptyHistory(),
    "12 units": EmptyHistory(units=12, sizes=0.7),
    "constant conditions": EmptyHistory(settings="constant"),
    "free conditions": EmptyHistory(settings="free"),
    "rare failures": EmptyHistory(failure_share=0.005),
    "one unit of 60%": EmptyHistory(sizes="one"),
    "unrecorded vendors": EmptyHistory(vendors=True),
    "informative gaps": EmptyHistory(gaps=True),
    "spells of 5 days": EmptyHistory(settings="switch", spell_days=5),
    "spells of 30 days": EmptyHistory(settings="switch", spell_days=30),
    "spells of 90 days": EmptyHistory(settings="switch", spell_days=90),
    "spells, 20 units": EmptyHistory(units=20, settings="switch", spell_days=30),
    "spells, heavy tails": EmptyHistory(sizes="heavy", settings="switch", spell_days=30),
    "spells, one unit of 60%": EmptyHistory(sizes="one", settings="switch", spell_days=30),
    "spells, roll-out": EmptyHistory(settings="roll-out", spell_days=30),
    "spells, blocks of months": EmptyHistory(settings="blocks", spell_days=30),
    "mild drift": EmptyHistory(drift=1.0, has_moving_conditions=True),
    "drift": EmptyHistory(drift=2.0, has_moving_conditions=True),
    "step": EmptyHistory(step=1.2, has_moving_conditions=True),
    "roll-out in a better season": EmptyHistory(settings="roll-out", step=1.2),
}
"""The kinds, by name."""


def empty_history(kind: str, seed: int, *, attempts: int = 3000) -> pd.DataFrame:
    """Generate one history without effects.

    Parameters
    ----------
    kind
        One of `EMPTY_HISTORIES`.
    seed
        Non-negative.
    attempts
        Number of attempts.

    Returns
    -------
    DataFrame
        Shape (attempts, 11): `application_name`, `occurred_at`, `outcome_status`, and the columns of
        `LEVELS`.

    Raises
    ------
    KeyError
        When no kind has that name; the message lists those that exist.
    """
    if kind not in EMPTY_HISTORIES:
        raise KeyError(f"no empty history is named {kind!r}; there are {list(EMPTY_HISTORIES)}")
    world = EMPTY_HISTORIES[kind]
    rng = np.random.default_rng([seed, list(EMPTY_HISTORIES).index(kind)])
    unit = _units(rng, world, attempts)
    time = rng.random(attempts)
    vendor = rng.integers(0, _VENDORS, world.units)
    values = _conditions(rng, world, unit, time, vendor)
    log_odds = _difficulty(rng, world, vendor)
    chance = log_odds[unit] + world.drift * (time - 0.5) + world.step * (time > _STEP_AT)
    if world.spell_days:
        spread = 2.0 * _spells(rng, unit, time, world.spell_days / DAYS)
        chance = 0.5 + 0.5 * chance + spread
    frame = pd.DataFrame(
        {
            "application_name": np.char.add("app ", unit.astype(str)).astype(object),
            "occurred_at": _START + pd.to_timedelta((time * DAYS * 24 * 60).astype(int), unit="min"),
            "outcome_status": np.where(rng.random(attempts) < expit(chance), "success", "failure"),
        }
    )
    for column, codes in values.items():
        frame[column] = np.char.add(f"{column} ", codes.astype(str)).astype(object)
    if world.gaps:
        for column in _WITH_GAPS:
            frame.loc[rng.random(attempts) < expit(-1.0 - log_odds[unit]), column] = None
    return frame


def _units(rng: np.random.Generator, world: EmptyHistory, attempts: int) -> Ints:
    """Draw the unit of each attempt, shape (attempts,)."""
    if world.sizes == "heavy":
        weight = rng.pareto(1.0, world.units) + 0.2
    elif world.sizes == "one":
        weight = np.ones(world.units)
        weight[0] = 1.5 * (world.units - 1)
    else:
        weight = rng.lognormal(0.0, world.sizes, world.units)
    return rng.choice(world.units, attempts, p=weight / weight.sum())


def _difficulty(rng: np.random.Generator, world: EmptyHistory, vendor: Ints) -> Floats:
    """Draw the log-odds of success of each unit, shape (units,)."""
    if world.failure_share is not None:
        return float(np.log(1 / world.failure_share - 1)) + rng.normal(0.5, 1.0, world.units)
    if world.vendors:
        return 0.9 + rng.normal(0.0, 1.0, _VENDORS)[vendor] + rng.normal(0.0, 0.7, world.units)
    return rng.normal(1.0, 1.2, world.units)


def _conditions(
    rng: np.random.Generator, world: EmptyHistory, unit: Ints, time: Floats, vendor: Ints
) -> dict[str, Ints]:
    """Draw the value of each column in each attempt, shape (attempts,) each."""
    values: dict[str, Ints] = {}
    for column, levels in LEVELS.items():
        usual = _levels(rng, levels, world.units)
        stays = {"constant": 1.0, "free": 0.0}.get(world.settings, _USUAL[column])
        if world.vendors and column in _OF_VENDOR:
            usual, stays = _levels(rng, levels, _VENDORS)[vendor], _OF_VENDOR[column]
        free = _levels(rng, levels, len(unit))
        values[column] = np.where(rng.random(len(unit)) < stays, usual[unit], free)
    for column in _SETTINGS if world.settings in {"switch", "roll-out", "blocks"} else ():
        values[column] = _kept_for_long(rng, world, LEVELS[column], unit, time)
    if world.has_moving_conditions:
        for column in ("os_build", "shift"):
            spread = 1.2 if world.drift == 1.0 else 0.7
            centre = time * (LEVELS[column] - 1) + rng.normal(0.0, spread, len(unit))
            values[column] = np.clip(np.round(centre), 0, LEVELS[column] - 1).astype(np.int64)
    return values


def _kept_for_long(
    rng: np.random.Generator, world: EmptyHistory, levels: int, unit: Ints, time: Floats
) -> Ints:
    """Draw a setting that units change seldom, shape (attempts,)."""
    before, after = (_levels(rng, levels, world.units)[unit] for _ in range(2))
    if world.settings == "roll-out":
        date = rng.uniform(0.25, 0.75) + rng.normal(0.0, 20 / DAYS, world.units)
        return np.where(time < date[unit], before, rng.integers(0, levels))
    if world.settings == "blocks":
        blocks = DAYS // 90
        drawn = _levels(rng, levels, world.units * blocks)
        return np.asarray(drawn[unit * blocks + (time * blocks).astype(int)])
    return np.where(time < rng.random(world.units)[unit], before, after)


def _spells(rng: np.random.Generator, unit: Ints, time: Floats, length: float) -> Floats:
    """Draw standard normal states that stay for exponential times of a mean length, shape (attempts,)."""
    order = np.lexsort((time, unit))
    gap = np.diff(time[order], prepend=0.0)
    is_new = rng.random(len(unit)) > np.exp(-np.abs(gap) / length)
    is_new |= np.diff(unit[order], prepend=-1) != 0
    state = np.empty(len(unit))
    state[order] = rng.normal(0.0, 1.0, int(is_new.sum()))[np.cumsum(is_new) - 1]
    return state


def _levels(rng: np.random.Generator, levels: int, size: int) -> Ints:
    """Draw values from unequal shares, shape (size,)."""
    return rng.choice(levels, size, p=rng.dirichlet(np.full(levels, 2.0)))
