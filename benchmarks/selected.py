"""Are the sizes of findings right, although they were picked as large, and do they hold where they should?

    python benchmarks/selected.py [--worlds 550] [--first 6] [--processes 2]

Small and larger histories (`KINDS`) with up to three planted effects among decoys (`planted.py`); what
`find_patterns` reports there is compared with the truth. Printed by the stated confidence:

- findings; stated confidence; the share whose difference has the same sign on as many later attempts of the
  same applications, and of new ones;
- the observed difference, the likely one, and the true one, on average, in points, in the direction claimed;
- how often the 95% interval has the true difference (Wilson's interval).
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import product
from multiprocessing import Pool

import numpy as np
import pandas as pd
from planted import COLUMNS, PLANTED, SIZES, Effect, World, draw_attempts, holds
from power import share

from memory_pipeline.analysis.patterns import find_patterns

KINDS = ((1000, 60, 0.3), (1500, 150, 0.1), (6000, 150, 0.3), (3000, 40, 0.2))
"""Attempts, units, and intraclass correlation."""
EDGES = (0.0, 0.9, 0.95, 0.97, 0.99, 1.0)
_FEW = 10


def measure(task: tuple[int, tuple[int, int, float]]) -> list[dict[str, float]]:
    """Find patterns in one world, and compare each with the truth and with other attempts."""
    seed, (attempts, units, intraclass) = task
    rng = np.random.default_rng([seed, attempts, int(100 * intraclass), 77])
    sizes = rng.choice(SIZES, len(PLANTED)) * rng.choice([0, 1, 1], len(PLANTED))
    effects = tuple(
        Effect(frozenset((name, "0") for name in names), float(size * rng.choice([-1, 1])))
        for names, size in zip(PLANTED, sizes, strict=True)
        if size
    )
    draw = partial(draw_attempts, rng, effects=effects, units=units, intraclass=intraclass)
    both, new = draw(attempts=2 * attempts), draw(attempts=attempts)
    world = World(both.iloc[:attempts].reset_index(drop=True), effects)
    found = find_patterns(world.outcomes, min_sample_size=30, conditions=COLUMNS)
    rows = []
    for _, row in found.iterrows():
        conditions = frozenset(row["conditions"].items())
        sign = np.sign(row["risk_difference"])
        true = world.true_difference(conditions)
        rows.append(
            {
                "confidence": row["confidence"],
                "same": sign * _difference(both.iloc[attempts:], conditions) > 0,
                "new": sign * _difference(new, conditions) > 0,
                "observed": sign * row["risk_difference"],
                "likely": sign * row["likely_difference"],
                "true": sign * true,
                "covered": row["ci_low"] <= true <= row["ci_high"],
            }
        )
    return rows


def _difference(outcomes: pd.DataFrame, conditions: frozenset[tuple[str, str]]) -> float:
    inside = holds(outcomes, conditions)
    won = (outcomes["outcome_status"] == "success").to_numpy()
    if min(inside.sum(), (~inside).sum()) < _FEW:
        return np.nan
    return float(won[inside].mean() - won[~inside].mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=550, help="worlds of each kind")
    parser.add_argument("--first", type=int, default=6, help="first seed")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    tasks = list(product(range(arguments.first, arguments.first + arguments.worlds), KINDS))
    with Pool(arguments.processes) as pool:
        rows = [row for part in pool.imap_unordered(measure, tasks) for row in part]
    table = pd.DataFrame(rows)
    print("| confidence | findings | stated | same units | new units | observed | likely | true | coverage |")
    print("|---" * 9 + "|")
    groups = pd.cut(table["confidence"], EDGES)
    for interval, part in [*table.groupby(groups, observed=True), ("all", table)]:
        mean = part.mean(numeric_only=True)
        points = " | ".join(f"{100 * mean[name]:.1f}" for name in ("observed", "likely", "true"))
        print(
            f"| {interval} | {len(part)} | {mean['confidence']:.3f} | {part['same'].mean():.3f} | "
            f"{part['new'].mean():.3f} | {points} | {share(part['covered'].sum(), len(part))} |"
        )


if __name__ == "__main__":
    main()
