"""Does advice keep its promises: promised against true success, interval coverage, useless settings.

    python benchmarks/advice.py [--worlds 200]

Worlds (`advice_worlds`) with 8 contexts, 54 approaches of 4 settings of which two matter, some of them
differently by installer type, units with deviations of their own (0.7 log-odds). A policy is fitted on
each; in each context it is asked for advice. The truth is the success of the advised approach on average
over units, of which the history is a sample.

Printed per kind of world, with 95% intervals over worlds (their means as observations, t):

- advised: share of contexts with advice;
- promised and true: mean promised success of the advised approaches, and their true success;
- boast: promised less true, where a winner's curse would show;
- gain: true success of the advice less that of what is usually done;
- coverage: share of 95% intervals that hold the truth, of advised approaches and of "what is usual";
- noise: share of the settings without effect that the advice names.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from advice_worlds import PLACES, ROLES, SETTINGS, make_world
from scipy import stats

from memory_pipeline.analysis.recommendations import fit_policy

WORLDS = {
    "effects": {},
    "strong effects": {"effect": 0.8, "interaction": 0.4},
    "effects, heavy-tailed": {"heavy_tail": True},
    "effects, chosen per unit": {"is_habitual": 0.9},
    "effects, 4,000 attempts": {"attempts": 4000, "units": 200},
    "effects, few units": {"units": 16},
    "effects, 300 attempts": {"attempts": 300},
    "no effects": {"matters": ()},
    "no effects, few units": {"matters": (), "units": 16},
    "no effects, chosen per unit": {"matters": (), "is_habitual": 0.9},
}
MATTERS = ("switches", "detection")


def answers(kind: str, seed: int) -> list[dict[str, float]]:
    """Measure the advice of one world in all its contexts."""
    options = WORLDS[kind]
    world = make_world(seed, **options)
    policy = fit_policy(world.outcomes, **ROLES)
    noise = [column for column in SETTINGS if column not in options.get("matters", MATTERS)]
    rows = []
    for place in PLACES:
        advice = policy.recommend(place)
        approach = advice.recommended_approach
        usual = world.true_rate(place, {})
        true = usual if approach is None else world.true_rate(place, approach)
        rows.append(
            {
                "advised": approach is not None,
                "promised": advice.success_rate,
                "true": true,
                "boast": advice.success_rate - true,
                "gain": true - usual,
                "coverage": advice.ci_low <= true <= advice.ci_high,
                "width": advice.ci_high - advice.ci_low,
                "noise": np.nan if approach is None else np.mean([column in approach for column in noise]),
            }
        )
    return rows


def interval(values: pd.Series) -> str:
    """Return a mean over worlds with its 95% interval as text."""
    known = values.dropna()
    if len(known) < 2:  # noqa: PLR2004 - no spread
        return "-"
    margin = stats.t.ppf(0.975, len(known) - 1) * known.std() / np.sqrt(len(known))
    return f"{known.mean():.3f} ± {margin:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=200, help="worlds of each kind")
    parser.add_argument("--only", nargs="*", default=list(WORLDS), help="kinds of worlds")
    arguments = parser.parse_args()
    columns = ("promised", "true", "boast", "gain", "coverage", "width", "noise")
    print(f"Advice in {arguments.worlds} worlds of each kind, mean ± 95% interval over worlds\n")
    print("| world | advised | " + " | ".join(columns) + " | coverage of the usual |")
    print("|---" * (len(columns) + 3) + "|")
    for kind in arguments.only:
        rows = [row | {"world": seed} for seed in range(arguments.worlds) for row in answers(kind, seed)]
        table = pd.DataFrame(rows).astype(float)
        advised, other = (table[table["advised"] == side].groupby("world").mean() for side in (1, 0))
        cells = [interval(table.groupby("world")["advised"].mean())]
        cells += [interval(advised[column]) if len(advised) else "-" for column in columns]
        cells.append(interval(other["coverage"]) if len(other) else "-")
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
