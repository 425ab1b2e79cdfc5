"""Does advice respect persons' decisions and keep its promises: suppressed factors, known truth.

    python benchmarks/decided.py [--worlds 100]

Worlds as in `benchmarks/advice.py` (strong effects): of four settings two matter, among them `switches`
with three values, for each of which a person may have suppressed the comparison with another.

Printed per decision, with 95% intervals over worlds (their means as observations, t):

- advised: share of the 8 contexts with advice;
- named: share of the contexts in which a value with a suppressed comparison is advised;
- against its other side: share in which one is advised against that is treated as the other;
- boast: promised less true success of the advised approaches;
- gain: true success of the advice less that of what is usually done;
- coverage: share of 95% intervals that hold the truth.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from advice import interval
from advice_worlds import PLACES, ROLES, SETTINGS, make_world

from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.decisions import SUPPRESS, FactorDecision

if TYPE_CHECKING:
    from advice_worlds import AdviceWorld

    from memory_pipeline.analysis.recommendations import Policy

SETTING = "switches"


def suppress(one: str, other: str) -> FactorDecision:
    """Return the decision that suppresses a comparison of two values."""
    return FactorDecision("factor", SUPPRESS, {SETTING: one}, {SETTING: other}, "a person", "2026-01-01")


DECISIONS = {
    "nothing": (),
    "one of three comparisons": (suppress("/S", "/qn"),),
    "all comparisons": tuple(suppress(*pair) for pair in combinations(SETTINGS[SETTING], 2)),
}


def answers(
    policy: Policy, world: AdviceWorld, decisions: tuple[FactorDecision, ...]
) -> list[dict[str, float]]:
    """Measure the advice of a policy in all contexts, under some decisions."""
    decided = replace(policy, decisions=decisions)
    sides = {value for one in decisions for side in one.sides for value in side.values()}
    moved = {rarer[SETTING] for rarer, _ in decided.suppressed}
    rows = []
    for place in PLACES:
        advice = decided.recommend(place)
        approach = advice.recommended_approach
        usual = world.true_rate(place, {})
        true = usual if approach is None else world.true_rate(place, approach)
        avoided = {e["approach"][SETTING] for e in advice.avoid_approach if set(e["approach"]) == {SETTING}}
        rows.append(
            {
                "advised": approach is not None,
                "named": (approach or {}).get(SETTING) in sides,
                "against its other side": bool(avoided & moved),
                "boast": np.nan if approach is None else advice.success_rate - true,
                "gain": np.nan if approach is None else true - usual,
                "coverage": np.nan if approach is None else advice.ci_low <= true <= advice.ci_high,
            }
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=100)
    worlds = parser.parse_args().worlds
    found: dict[str, list[dict[str, float]]] = {name: [] for name in DECISIONS}
    for seed in range(worlds):
        world = make_world(seed, effect=0.8, interaction=0.4)
        policy = fit_policy(world.outcomes, **ROLES)
        for name, decisions in DECISIONS.items():
            found[name] += [row | {"world": seed} for row in answers(policy, world, decisions)]
    columns = [column for column in found["nothing"][0] if column != "world"]
    print(f"{worlds} worlds, mean ± 95% interval over worlds\n")
    print("| suppressed | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for name, rows in found.items():
        means = pd.DataFrame(rows).astype(float).groupby("world").mean()
        print(f"| {name} | " + " | ".join(interval(means[column]) for column in columns) + " |")


if __name__ == "__main__":
    main()
