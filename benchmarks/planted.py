"""Generate worlds with planted effects among correlated decoys, and judge findings in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ATTEMPTS, UNITS = 6000, 150
LEVELS = (0.4, 0.3, 0.3)
"""Shares of the values 0, 1 and 2 of each column; the planted conditions are all `column = 0`."""
PLANTED = (("a",), ("b", "c"), ("d", "e", "f"))
"""Columns of the planted effects: 40%, 16% and 6.4% of the attempts."""
DECOYS = {"a": "a_decoy", "b": "b_decoy", "d": "d_decoy"}
AGREEMENT = 0.8
"""Share of attempts in which a decoy copies its column; otherwise it is drawn again."""
FREE = ("x", "y", "z")
SIZES = (0.05, 0.1, 0.2, 0.4)
COLUMNS = tuple(column for effect in PLANTED for column in effect) + tuple(DECOYS.values()) + FREE
OF_UNIT = 0.5
"""Share of attempts in which a column has its unit's usual value; otherwise it is drawn again."""
NEGLIGIBLE = 0.01
"""Findings with a true risk difference below this, in the claimed direction, are false."""
_REFERENCE_ROWS = 100_000

Conditions = frozenset[tuple[str, str]]


class Finding(NamedTuple):
    """A finding of a tool: these conditions go with more (1) or fewer (-1) successes."""

    conditions: Conditions
    sign: int


class Effect(NamedTuple):
    """A planted effect: the risk difference among otherwise unaffected attempts."""

    conditions: Conditions
    difference: float

    @property
    def sign(self) -> int:
        """Return 1 where it raises success, else -1."""
        return 1 if self.difference > 0 else -1


@dataclass(frozen=True)
class World:
    """A history, shape (attempts, columns + unit + outcome), and its planted effects, shortest first."""

    outcomes: pd.DataFrame
    effects: tuple[Effect, ...]

    def true_difference(self, conditions: Conditions) -> float:
        """Return success inside less outside, over a reference population of 100,000 attempts."""
        inside = np.ones(_REFERENCE_ROWS, dtype=bool)
        for condition in conditions:
            inside &= _reference_mask(condition)
        attempts = int(inside.sum())
        if attempts in {0, _REFERENCE_ROWS}:
            return 0.0
        chances = self._reference_chances
        hits = float(chances[inside].sum())
        return hits / attempts - (float(chances.sum()) - hits) / (_REFERENCE_ROWS - attempts)

    @cached_property
    def _reference_chances(self) -> Floats:
        return _chances(_reference(), self.effects, np.full(_REFERENCE_ROWS, 0.5))

    def judge(self, finding: Finding) -> str:
        """Classify a finding.

        Returns
        -------
        str
            `exact`: the conditions of a planted effect, no more and no less, in its direction.
            Otherwise `false`, where the true risk difference in the direction claimed is below
            0.01, or a shadow: a true difference that is there only because the attempts overlap with
            those of a planted effect (nothing else changes success). Shadows are `travelling` (with a
            decoy among the conditions), `part` (a planted effect without some of its conditions),
            `longer` (with further ones) or `other` (such as the planted column's other values).
        """
        if any(finding.conditions == one.conditions and finding.sign == one.sign for one in self.effects):
            return "exact"
        if finding.sign * self.true_difference(finding.conditions) < NEGLIGIBLE:
            return "false"
        if any(column in DECOYS.values() for column, _ in finding.conditions):
            return "travelling"
        if any(finding.conditions < one.conditions for one in self.effects):
            return "part"
        if any(finding.conditions > one.conditions for one in self.effects):
            return "longer"
        return "other"


JUDGEMENTS = ("exact", "travelling", "part", "longer", "other", "false")


def planted_world(seed: int, *, intraclass: float, alone: bool = False) -> World:
    """Generate a world: effects of one, two and three conditions of different sizes, or one of them.

    Sixteen seeds in a row hold every size with every order four times (a Latin square); with `alone`,
    twelve in a row hold each once. The success rates of units are beta with mean 0.5 and the given
    intraclass correlation. An effect forces a share of the attempts that it applies to to succeed (or
    fail), so that it changes the rates of all units in proportion and none leaves [0, 1]. So where several
    effects meet, one leaves less to another: there, a longer finding ("a, where not b and c") can be true.
    """
    rng = np.random.default_rng([seed, round(100 * intraclass)])
    row, column = seed // 4 % 4, seed % 4
    sizes = [SIZES[row], SIZES[column], SIZES[(row + column) % 4]]
    if alone:
        sizes = [
            SIZES[seed // len(PLANTED) % 4] if order == seed % len(PLANTED) else 0.0 for order in range(3)
        ]
    effects = tuple(
        Effect(frozenset((name, "0") for name in names), float(size * rng.choice([-1, 1])))
        for names, size in zip(PLANTED, sizes, strict=True)
        if size
    )
    outcomes = draw_attempts(rng, effects=effects, units=UNITS, intraclass=intraclass, attempts=ATTEMPTS)
    return World(outcomes, effects)


def draw_attempts(
    rng: np.random.Generator, *, effects: tuple[Effect, ...], units: int, intraclass: float, attempts: int
) -> pd.DataFrame:
    """Draw attempts of new units, shape (attempts, columns + unit + outcome)."""
    unit = rng.integers(0, units, attempts)
    outcomes = _draw_conditions(rng, unit)
    scale = (1 - intraclass) / intraclass if intraclass else np.inf
    rates = rng.beta(scale / 2, scale / 2, units) if intraclass else np.full(units, 0.5)
    chances = _chances(outcomes, effects, rates[unit])
    outcomes["application_name"] = [f"app {one}" for one in unit]
    outcomes["outcome_status"] = np.where(rng.random(attempts) < chances, "success", "failure")
    return outcomes


def holds(frame: pd.DataFrame, conditions: Conditions) -> NDArray[np.bool_]:
    """Return which attempts have all of the conditions, shape (attempts,)."""
    inside = np.ones(len(frame), dtype=bool)
    for column, value in conditions:
        inside &= (frame[column] == value).to_numpy()
    return inside


def _draw_conditions(rng: np.random.Generator, unit: NDArray[np.int64]) -> pd.DataFrame:
    """Draw the columns; each has its unit's usual value in half of the attempts."""
    frame: dict[str, NDArray[np.int64]] = {}
    for name in (*(column for effect in PLANTED for column in effect), *FREE):
        usual = rng.choice(len(LEVELS), unit.max() + 1, p=LEVELS)[unit]
        free = rng.choice(len(LEVELS), len(unit), p=LEVELS)
        frame[name] = np.where(rng.random(len(unit)) < OF_UNIT, usual, free)
    for name, decoy in DECOYS.items():
        free = rng.choice(len(LEVELS), len(unit), p=LEVELS)
        frame[decoy] = np.where(rng.random(len(unit)) < AGREEMENT, frame[name], free)
    return pd.DataFrame(frame)[list(COLUMNS)].astype(str).astype("category")


def _chances(frame: pd.DataFrame, effects: tuple[Effect, ...], rates: Floats) -> Floats:
    chances = rates.copy()
    for effect in effects:
        inside = holds(frame, effect.conditions)
        goal = 1.0 if effect.difference > 0 else 0.0
        # Half of the unaffected attempts have the other outcome, so twice the difference is forced.
        chances[inside] += 2 * abs(effect.difference) * (goal - chances[inside])
    return chances


@cache
def _reference() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return _draw_conditions(rng, np.arange(_REFERENCE_ROWS))


@cache
def _reference_mask(condition: tuple[str, str]) -> NDArray[np.bool_]:
    return holds(_reference(), frozenset({condition}))
