"""How much expected success does advice give up where settings interact with contexts?

    python benchmarks/interacting.py [--worlds 40]

Worlds with 15 contexts (5 installer types, 3 teams) and 4 approaches (2 settings of 2 values) whose log-odds
of success add up a part of the approach, one of the approach with the installer type, and one of the
approach in the context, each normal with the standard deviation of the kind of world; units deviate by 0.5.
In each context, approaches were chosen by habit (Dirichlet 2). *Regret* is the success of the best approach
of a context less that of the choice, on average over contexts, weighted by their attempts; settings that
advice leaves open go on as usual, and so does everything where nothing is advised.

Printed per kind of world, with 95% intervals over worlds (t):

- usual: regret of what is usually done;
- counting: regret of the rule of thumb, the highest observed share in the context (3 attempts or more);
- advice: regret of `fit_policy`, and its ratio to counting;
- advised: share of contexts with advice;
- settings: settings that advice names, where there is advice.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from memory_pipeline.analysis.recommendations import fit_policy

TYPES, TEAMS = ("msi", "exe", "nullsoft", "burn", "msix"), ("clients", "servers", "kiosks")
Floats = np.ndarray
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_UNIT_SPREAD, _LEAST = 0.5, 3

WORLDS: dict[str, dict[str, Any]] = {
    "settings interact with contexts": {"sd": (0.4, 0.5, 0.35)},
    "the same, 1,500 attempts": {"sd": (0.4, 0.5, 0.35), "attempts": 1500},
    "with the installer type alone": {"sd": (0.4, 0.5, 0.0)},
    "effects add up": {"sd": (0.4, 0.0, 0.0), "is_additive": True},
    "effects add up, 18 approaches": {"sd": (0.4, 0.0, 0.0), "is_additive": True, "values": (3, 3, 2)},
    "nothing matters": {"sd": (0.0, 0.0, 0.0)},
}


class World:
    """A history with the true success of every approach in every context.

    Parameters
    ----------
    seed
        Seed of the random numbers.
    sd
        Standard deviations of log-odds: of approaches, by installer type, by context.
    attempts, units
        Size of the history.
    values
        Number of values of each setting.
    is_additive
        Whether the part of an approach adds up those of its settings.
    """

    def __init__(
        self,
        seed: int,
        *,
        sd: tuple[float, float, float],
        attempts: int = 4000,
        units: int = 200,
        values: tuple[int, ...] = (2, 2),
        is_additive: bool = False,
    ) -> None:
        random = np.random.default_rng([seed, attempts, len(values)])
        self.settings = [f"setting_{i}" for i in range(len(values))]
        self.places = list(product(TYPES, TEAMS))
        self.approaches = list(product(*([f"v{j}" for j in range(size)] for size in values)))
        count, types = len(self.approaches), len(TYPES)
        if is_additive:
            own = [random.normal(0, sd[0], size) for size in values]
            main = np.array([sum(part) for part in product(*own)])
        else:
            main = random.normal(0, sd[0], count)
        eta = 0.9 + random.normal(0, 0.5, (types, 1, 1)) + random.normal(0, 0.3, (1, len(TEAMS), 1)) + main
        eta = eta + random.normal(0, sd[1], (types, 1, count)) if sd[1] else eta
        eta = eta.reshape(len(self.places), count)
        eta = eta + random.normal(0, sd[2], eta.shape) if sd[2] else eta
        spread = eta[:, :, None] + _UNIT_SPREAD * _NODES
        self.chances = np.asarray(expit(spread) @ _WEIGHTS / _WEIGHTS.sum())
        self.habits = random.dirichlet(np.full(count, 2.0), len(self.places))
        weights = random.dirichlet(np.full(len(self.places), 5.0))
        place_of = random.choice(len(self.places), units, p=weights)
        unit = random.integers(0, units, attempts)
        self.place = place_of[unit]
        shares = self.habits[self.place].cumsum(axis=1)
        self.taken = np.minimum((random.random(attempts)[:, None] > shares).sum(axis=1), count - 1)
        deviation = random.normal(0, _UNIT_SPREAD, units)[unit]
        self.won = random.random(attempts) < expit(eta[self.place, self.taken] + deviation)
        self.outcomes = pd.DataFrame(
            {
                "installer_type": [self.places[one][0] for one in self.place],
                "team": [self.places[one][1] for one in self.place],
                **{
                    name: [self.approaches[one][i] for one in self.taken]
                    for i, name in enumerate(self.settings)
                },
                "application_name": [f"app-{one:03d}" for one in unit],
                "outcome_status": np.where(self.won, "success", "failure"),
                "occurred_at": pd.date_range("2025-01-01", periods=attempts, freq="h", tz="UTC"),
            }
        )

    @property
    def weights(self) -> Floats:
        """Share of attempts in each context, shape (contexts,)."""
        return np.bincount(self.place, minlength=len(self.places)) / len(self.place)

    def counted(self) -> Floats:
        """Return the success of the approach with the highest observed share, shape (contexts,)."""
        size = len(self.places), len(self.approaches)
        pair = self.place * size[1] + self.taken
        tried = np.bincount(pair, minlength=size[0] * size[1]).reshape(size)
        won = np.bincount(pair, weights=self.won, minlength=size[0] * size[1]).reshape(size)
        shares = np.where(tried >= _LEAST, won / np.maximum(tried, 1), -1.0)
        return np.asarray(self.chances[np.arange(size[0]), shares.argmax(axis=1)])

    def success(self, place: int, advised: dict[str, Any] | None) -> float:
        """Return the success in a context if some settings are as advised and the others as usual."""
        named = {self.settings.index(name): value for name, value in (advised or {}).items()}
        agrees = np.array([all(one[i] == value for i, value in named.items()) for one in self.approaches])
        return float(np.average(self.chances[place][agrees], weights=self.habits[place][agrees]))


def measure(kind: str, seed: int) -> dict[str, float]:
    """Measure the advice of one world."""
    world = World(seed, **WORLDS[kind])
    policy = fit_policy(
        world.outcomes,
        approach=world.settings,
        context=["installer_type", "team"],
        unit="application_name",
    )
    places = [dict(zip(("installer_type", "team"), one, strict=True)) for one in world.places]
    advised = [policy.recommend(place).recommended_approach for place in places]
    best, weights = world.chances.max(axis=1), world.weights
    got = np.array([world.success(place, one) for place, one in enumerate(advised)])
    usual = np.array([world.success(place, None) for place in range(len(places))])
    return {
        "usual": float(weights @ (best - usual)),
        "counting": float(weights @ (best - world.counted())),
        "advice": float(weights @ (best - got)),
        "advised": float(np.mean([one is not None for one in advised])),
        "settings": float(np.mean([len(one) for one in advised if one is not None] or [np.nan])),
    }


def interval(values: pd.Series, digits: int = 4) -> str:
    """Return a mean over worlds with its 95% margin as text."""
    known = values.dropna()
    if len(known) < 2:  # noqa: PLR2004 - no spread
        return "-"
    margin = stats.t.ppf(0.975, len(known) - 1) * known.std() / np.sqrt(len(known))
    return f"{known.mean():.{digits}f} ± {margin:.{digits}f}"


def ratio(table: pd.DataFrame) -> str:
    """Return the ratio of advice to counting with its 95% margin over worlds (linearised) as text."""
    if table["counting"].mean() == 0:
        return "-"
    found = table["advice"].mean() / table["counting"].mean()
    spread = (table["advice"] - found * table["counting"]).std() / table["counting"].mean()
    return f"{found:.2f} ± {stats.t.ppf(0.975, len(table) - 1) * spread / np.sqrt(len(table)):.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=40, help="worlds of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", nargs="*", default=list(WORLDS), help="kinds of worlds")
    arguments = parser.parse_args()
    print(f"Regret in {arguments.worlds} worlds of each kind, mean ± 95% interval over worlds\n")
    print("| world | usual | counting | advice | advice / counting | advised | settings |")
    print("|---" * 7 + "|")
    for kind in arguments.only:
        seeds = range(arguments.first, arguments.first + arguments.worlds)
        table = pd.DataFrame([measure(kind, seed) for seed in seeds])
        cells = [interval(table[name]) for name in ("usual", "counting", "advice")]
        cells += [ratio(table), interval(table["advised"], 3), interval(table["settings"], 2)]
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
