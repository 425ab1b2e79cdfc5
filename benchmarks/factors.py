"""Are factors right: planted confounders, effects, contexts and pairs, over many histories.

    python benchmarks/factors.py [--worlds 200] [--only "confounder" ...]

Histories of 3,000 attempts of 120 applications with heavy-tailed sizes (Pareto 1.5), whose log-odds of
success deviate by an intraclass correlation of 0.3. Three installer types, two teams of which one is good
(1.2 log-odds), three settings of two values (one of them has a third). `switch` is the one in question.
Each kind of history is generated twice: settings chosen attempt by attempt, and nearly always the same within
an application (nine attempts in ten). The truth is the difference of success over the attempts that had
either value, on average over applications that might have been drawn (Gauss-Hermite quadrature).

Printed per kind: shares of the histories with Wilson's 95% intervals.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.factors import estimate_factors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Condition = tuple[tuple[str, str], ...]

ATTEMPTS, UNITS = 3000, 120
UNIT = "application_name"
SETTINGS = ("switch", "wrapper", "detection")
ROLES: dict[str, Any] = {"approach": list(SETTINGS), "context": ["installer_type", "team"], "unit": UNIT}
SPREAD = float(np.sqrt(0.3 / 0.7 * np.pi**2 / 3))
"""Standard deviation of log-odds that is an intraclass correlation of 0.3 on the latent scale."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Kind:
    """A kind of history.

    Attributes
    ----------
    effects
        Log-odds by the conditions that have to hold together.
    good_team_switches
        How often the good team chooses the switch; the other team one less that.
    measures
        Names of the measures that are printed for it.
    """

    effects: dict[Condition, float] = field(default_factory=dict)
    good_team_switches: float = 0.5
    measures: tuple[str, ...] = ("any factor",)


SWITCH = (("switch", "on"),)
BOTH = (("switch", "on"), ("wrapper", "yes"))
KINDS = {
    "nothing matters": Kind(),
    "confounder: the good team switches, which does nothing": Kind(
        good_team_switches=0.8, measures=("switch is a factor", "interval holds the truth")
    ),
    "help behind a confounder: the bad team switches": Kind(
        {SWITCH: 0.7},
        good_team_switches=0.2,
        measures=("called a help", "called a harm", "interval holds the truth"),
    ),
    "harm behind a confounder: the good team switches": Kind(
        {SWITCH: -0.7},
        good_team_switches=0.8,
        measures=("called a harm", "called a help", "interval holds the truth"),
    ),
    "the same effect everywhere": Kind({SWITCH: 1.0}, measures=("called a help", "differs by context")),
    "an effect for msi alone": Kind(
        {(*SWITCH, ("installer_type", "msi")): 1.8},
        measures=("called a help", "differs by context", "said to hold for msi alone"),
    ),
    "two settings that add up": Kind(
        {SWITCH: 0.8, (("wrapper", "yes"),): 0.8}, measures=("any pair", "called a help")
    ),
    "two settings that matter together": Kind(
        {BOTH: 1.6}, measures=("the pair", "another pair", "interval of the pair holds the truth")
    ),
}


@dataclass(frozen=True)
class World:
    """A history and the log-odds behind it."""

    outcomes: pd.DataFrame
    effects: dict[Condition, float]

    def eta(self, frame: pd.DataFrame) -> Floats:
        """Return the log-odds of attempts before their application's deviation, shape (attempts,)."""
        eta = 0.2 + 1.2 * (frame["team"] == "good") - 0.5 * (frame["installer_type"] == "exe")
        for conditions, size in self.effects.items():
            holds = np.ones(len(frame), dtype=bool)
            for column, value in conditions:
                holds &= (frame[column] == value).to_numpy()
            eta = eta + size * holds
        return np.asarray(eta, dtype=float)

    def true_difference(self, settings: dict[str, str], reference: dict[str, str]) -> float:
        """Return the change of success over the attempts that had either of the settings."""
        frame = self.outcomes
        either = np.zeros(len(frame), dtype=bool)
        for side in (settings, reference):
            either |= np.all([frame[column] == value for column, value in side.items()], axis=0)
        rates = [
            (expit(self.eta(frame[either].assign(**side))[:, None] + SPREAD * _NODES) @ _WEIGHTS).mean()
            for side in (settings, reference)
        ]
        return float(rates[0] - rates[1])


def make_world(kind: Kind, seed: int, *, alike: float) -> World:
    """Generate a history; `alike` is the share of attempts with their application's usual settings."""
    random = np.random.default_rng([seed, round(100 * alike)])
    weights = random.pareto(1.5, UNITS) + 0.3
    unit = random.choice(UNITS, size=ATTEMPTS, p=weights / weights.sum())
    team = random.choice(["good", "bad"], UNITS)
    rate = np.where(team == "good", kind.good_team_switches, 1 - kind.good_team_switches)

    def chosen(probability: Floats) -> NDArray[np.bool_]:
        usual = (random.random(UNITS) < probability)[unit]
        free = random.random(ATTEMPTS) < probability[unit]
        return np.asarray(np.where(random.random(ATTEMPTS) < alike, usual, free))

    frame = pd.DataFrame(
        {
            UNIT: [f"app-{u:03d}" for u in unit],
            "occurred_at": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(np.sort(random.integers(0, 720, ATTEMPTS)), unit="D"),
            "installer_type": random.choice(["msi", "exe", "msix"], UNITS)[unit],
            "team": team[unit],
            "switch": np.where(chosen(rate), "on", "off"),
            "wrapper": np.where(chosen(np.full(UNITS, 0.4)), "yes", "no"),
        }
    )
    second = chosen(np.full(UNITS, 0.6))
    frame["detection"] = np.where(second, "file", np.where(chosen(np.full(UNITS, 0.5)), "code", "registry"))
    world = World(frame, kind.effects)
    chances = expit(world.eta(frame) + random.normal(0, SPREAD, UNITS)[unit])
    frame["outcome_status"] = np.where(random.random(ATTEMPTS) < chances, "success", "failure")
    return world


def _switch(factors: pd.DataFrame) -> pd.Series:
    found: pd.Series = factors[(factors["column"] == "switch") & (factors["value"] == "on")].iloc[0]
    return found


def _pairs(factors: pd.DataFrame) -> pd.DataFrame:
    return factors[factors["settings"].map(len) > 1]


def _covers(row: pd.Series, truth: float) -> bool:
    return bool(row["ci_low"] <= truth <= row["ci_high"])


def _is_planted(pairs: pd.DataFrame) -> NDArray[np.bool_]:
    return np.array([set(one) == {"switch", "wrapper"} for one in pairs["settings"]], dtype=bool)


def _covers_pair(world: World, factors: pd.DataFrame) -> bool | None:
    pairs = _pairs(factors)
    named = pairs[_is_planted(pairs)]
    if named.empty:
        return None
    row = named.iloc[0]
    return _covers(row, world.true_difference(row["settings"], row["reference_settings"]))


MEASURES: dict[str, Callable[[World, pd.DataFrame], bool | None]] = {
    "any factor": lambda _, factors: bool(factors["is_factor"].any()),
    "switch is a factor": lambda _, factors: bool(_switch(factors)["is_factor"]),
    "called a help": lambda _, factors: (
        bool(_switch(factors)["is_factor"]) and _switch(factors)["effectiveness"] > 0
    ),
    "called a harm": lambda _, factors: (
        bool(_switch(factors)["is_factor"]) and _switch(factors)["effectiveness"] < 0
    ),
    "interval holds the truth": lambda world, factors: _covers(
        _switch(factors), world.true_difference({"switch": "on"}, {"switch": "off"})
    ),
    "differs by context": lambda _, factors: (
        bool(_switch(factors)["applicability"]) if _switch(factors)["is_factor"] else None
    ),
    "said to hold for msi alone": lambda _, factors: (
        _switch(factors)["applicability"] == {"installer_type": ["msi"]}
        if _switch(factors)["is_factor"]
        else None
    ),
    "any pair": lambda _, factors: bool(len(_pairs(factors))),
    "the pair": lambda _, factors: bool(_is_planted(_pairs(factors)).any()),
    "another pair": lambda _, factors: bool((~_is_planted(_pairs(factors))).any()),
    "interval of the pair holds the truth": _covers_pair,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=200, help="histories of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first history")
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of the names of the kinds")
    arguments = parser.parse_args()
    print("| history | settings chosen | measure | share [95% interval] | of |\n|---|---|---|---|---|")
    for name, kind in KINDS.items():
        if not name.startswith(tuple(arguments.only)):
            continue
        for chosen, alike in (("per attempt", 0.0), ("per application", 0.9)):
            found: dict[str, list[bool]] = {measure: [] for measure in kind.measures}
            for seed in range(arguments.first, arguments.first + arguments.worlds):
                world = make_world(kind, seed, alike=alike)
                factors = estimate_factors(world.outcomes, **ROLES)
                for measure in kind.measures:
                    answer = MEASURES[measure](world, factors)
                    if answer is not None:
                        found[measure].append(answer)
            for measure, answers in found.items():
                low, high = proportion_confint(sum(answers), max(len(answers), 1), method="wilson")
                share = sum(answers) / max(len(answers), 1)
                cells = (
                    name,
                    chosen,
                    measure,
                    f"{share:.3f} [{max(low, 0):.3f}, {high:.3f}]",
                    str(len(answers)),
                )
                print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
