"""Generate histories of one organisation in which the truth about every approach is known.

Shared by the benchmarks of advice. The chance of success is `expit(eta + b)`, where `eta` adds up what
the context, the settings and some of their interactions contribute, and `b` is the unit's own deviation,
normal with a standard deviation of `unit_spread`. The success of an approach in a context is the
expectation over units: `E_b expit(eta + b)`, by Gauss-Hermite quadrature.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNIT = "application_name"
CONTEXT = {"installer_type": ("msi", "exe", "nullsoft", "burn"), "team": ("modern", "legacy")}
SETTINGS = {
    "switches": ("/qn", "/S", "/quiet"),
    "detection": ("file", "product_code", "registry"),
    "wrapper": ("yes", "no"),
    "naming": ("short", "long", "vendor"),
}
PLACES = tuple(dict(zip(CONTEXT, values, strict=True)) for values in product(*CONTEXT.values()))
ROLES: dict[str, Any] = {"approach": list(SETTINGS), "context": list(CONTEXT), "unit": UNIT}
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


@dataclass(frozen=True)
class AdviceWorld:
    """A history and the mechanism behind it.

    Attributes
    ----------
    outcomes
        Flat attempts in the order of time.
    effects
        Log-odds by (column, value), and by (setting, value, context column, value) for interactions.
    habits
        How often each value of each setting is chosen in each place: by (place number, setting).
    base, unit_spread
        Log-odds of success without any effect; standard deviation of units.
    """

    outcomes: pd.DataFrame
    effects: Mapping[tuple[str, ...], float]
    habits: Mapping[tuple[int, str], Floats]
    base: float
    unit_spread: float

    def eta(self, rows: pd.DataFrame) -> Floats:
        """Return the log-odds of attempts before their unit's deviation, shape (rows,)."""
        eta = np.full(len(rows), self.base)
        for name, size in self.effects.items():
            holds = np.ones(len(rows), dtype=bool)
            for column, value in zip(name[::2], name[1::2], strict=True):
                holds &= (rows[column] == value).to_numpy()
            eta += size * holds
        return eta

    def true_rate(self, place: Mapping[str, str], approach: Mapping[str, Any]) -> float:
        """Return the success of an approach in a place, over units; other settings stay as usual."""
        number = PLACES.index(dict(place))
        open_settings = [column for column in SETTINGS if column not in approach]
        combinations = list(product(*(SETTINGS[column] for column in open_settings)))
        shares = [
            np.prod(
                [
                    self.habits[number, column][SETTINGS[column].index(value)]
                    for column, value in zip(open_settings, values, strict=True)
                ]
            )
            for values in combinations
        ]
        rows = pd.DataFrame(
            [
                {**place, **approach, **dict(zip(open_settings, values, strict=True))}
                for values in combinations
            ]
        )
        eta = self.eta(rows)[:, None] + self.unit_spread * _NODES
        return float(np.average(expit(eta) @ _WEIGHTS / _WEIGHTS.sum(), weights=shares))


def make_world(
    seed: int,
    *,
    attempts: int = 1500,
    units: int = 80,
    effect: float = 0.4,
    matters: tuple[str, ...] = ("switches", "detection"),
    interaction: float = 0.2,
    unit_spread: float = 0.7,
    heavy_tail: bool = False,
    is_habitual: float = 0.3,
) -> AdviceWorld:
    """Generate a world with effects drawn at random.

    Parameters
    ----------
    seed
        Seed of the random numbers.
    attempts, units
        Size of the history.
    effect, matters
        Standard deviation of the log-odds of the settings that matter, and which do.
    interaction
        Standard deviation of the interactions of these settings with the installer type.
    unit_spread
        Standard deviation of the units' log-odds.
    heavy_tail
        Whether few units have most attempts (Pareto 1.5) or all equally many.
    is_habitual
        Share of the attempts that take the approach that is their unit's habit.
    """
    random = np.random.default_rng([seed, attempts, units])
    effects: dict[tuple[str, ...], float] = {
        (column, value): random.normal(0, 0.5) for column, values in CONTEXT.items() for value in values
    }
    for column in matters:
        for value in SETTINGS[column]:
            effects[column, value] = random.normal(0, effect)
            for kind in CONTEXT["installer_type"]:
                effects[column, value, "installer_type", kind] = random.normal(0, interaction)
    habits = {
        (place, column): random.dirichlet(np.full(len(values), 2.0))
        for place in range(len(PLACES))
        for column, values in SETTINGS.items()
    }
    weights = random.pareto(1.5, units) + 0.3 if heavy_tail else np.ones(units)
    unit = random.choice(units, size=attempts, p=weights / weights.sum())
    place_of = random.integers(0, len(PLACES), units)
    frame = pd.DataFrame([PLACES[place] for place in place_of[unit]])
    for column, values in SETTINGS.items():
        usual = np.array([random.choice(len(values), p=habits[place, column]) for place in place_of])
        shares = np.array([habits[place, column] for place in place_of[unit]]).cumsum(axis=1)
        free = (random.random(attempts)[:, None] > shares).sum(axis=1)
        picked = np.where(random.random(attempts) < is_habitual, usual[unit], free)
        frame[column] = np.array(values, dtype=object)[np.minimum(picked, len(values) - 1)]
    frame[UNIT] = [f"app-{u:03d}" for u in unit]
    days = np.sort(random.integers(0, 720, attempts))
    frame["occurred_at"] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    world = AdviceWorld(frame, effects, habits, random.normal(0.8, 0.3), unit_spread)
    chances = expit(world.eta(frame) + random.normal(0, unit_spread, units)[unit])
    frame["outcome_status"] = np.where(random.random(attempts) < chances, "success", "failure")
    return world


def stated(text: str) -> dict[str, Any]:
    """Parse an approach from its JSON text."""
    approach: dict[str, Any] = json.loads(text)
    return approach
