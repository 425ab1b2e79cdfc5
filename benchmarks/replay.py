"""The coverage and power of replays, and when they refuse, in worlds where the truth is known.

    python benchmarks/replay.py [--worlds 500] [--only ...] [--sizes ...]

Worlds as in `advice_worlds`; the policy is learned from n attempts, and the next n are replayed. The truth is
the effect of that policy on average over contexts and units, of which the history is a sample.
The limits on the sample are lowered (10 attempts a setting), so that short histories have advice at all.

Printed, with Wilson's 95% interval over worlds:

- sufficient: worlds in which there was enough evidence for an interval (elsewhere it refuses);
- coverage: of these, intervals that hold the true uplift;
- error: mean of estimate less truth, doubly robust | self-normalised (± its 95% margin);
- shown: worlds called conclusive; without effects that is an error, where the true uplift is five points or
  more it is the power;
- size: median effective sample size of the later attempts that agree with the advice.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd
from advice_worlds import PLACES, ROLES, make_world

from memory_pipeline.analysis.learning import replay
from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.essential_settings import find_essential_settings
from memory_pipeline.analysis.stats.intervals import wilson_interval

LIMITS: dict[str, Any] = {"min_sample_size": 10, "confidence_threshold": 0.6}
KINDS: dict[str, dict[str, Any]] = {
    "effects": {"effect": 0.6},
    "effects, heavy-tailed": {"effect": 0.6, "heavy_tail": True},
    "no effects": {"matters": ()},
}
SIZES = (200, 500, 2000)
_WORTHWHILE = 0.05


def one_world(kind: str, n: int, seed: int) -> dict[str, float]:
    """Replay one world and compare with its truth."""
    world = make_world(seed, attempts=2 * n, units=max(40, n // 10), **KINDS[kind])
    result = replay(world.outcomes, **ROLES, split=0.5, **LIMITS)
    early = world.outcomes[world.outcomes["occurred_at"] < pd.Timestamp(result.split_at)]
    policy = fit_policy(early, **ROLES, **LIMITS)
    truth = 0.0
    for rows, posterior in policy.posteriors(pd.DataFrame(PLACES)):
        index = policy.choice(posterior).index
        if index is not None:
            approach = find_essential_settings(policy, posterior, index).approach
            for place in (PLACES[row] for row in rows):
                truth += (world.true_rate(place, approach) - world.true_rate(place, {})) / len(PLACES)
    return {
        "sufficient": result.sufficient,
        "conclusive": result.conclusive,
        "covered": result.ci_low <= truth <= result.ci_high,
        "truth": truth,
        "error": result.uplift - truth,
        "normalised_error": result.self_normalised_uplift - truth,
        "size": result.effective_sample_size,
    }


def share(flags: pd.Series) -> str:
    """Return a share with Wilson's interval as text."""
    if not len(flags):
        return "-"
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return f"{flags.mean():.3f} [{low:.3f}, {high:.3f}]"


def margin(values: pd.Series) -> str:
    """Return a mean with its 95% margin as text."""
    return f"{values.mean():+.3f} ± {1.96 * values.std() / np.sqrt(max(len(values), 1)):.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=500, help="worlds of each kind and size")
    parser.add_argument("--only", nargs="*", default=list(KINDS), help="kinds of worlds")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES, help="attempts in each half")
    arguments = parser.parse_args()
    print(f"Replays of {arguments.worlds} worlds of each kind\n")
    columns = (
        "world",
        "n",
        "sufficient",
        "coverage",
        "true uplift",
        "error",
        "shown",
        "shown if >= 5",
        "size",
    )
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for kind in arguments.only:
        for n in arguments.sizes:
            table = pd.DataFrame([one_world(kind, n, seed) for seed in range(arguments.worlds)])
            able = table[table["sufficient"]]
            worthwhile = able[able["truth"] >= _WORTHWHILE]
            errors = f"{margin(able['error'])} \\| {margin(able['normalised_error'])}"
            cells = [kind, n, share(table["sufficient"]), share(able["covered"])]
            cells += [f"{able['truth'].mean():+.3f}", errors, share(able["conclusive"])]
            cells += [share(worthwhile["conclusive"]), f"{able['size'].median():.0f}"]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
