"""How often is something found where there is no effect: the share of empty worlds with a finding.

    python benchmarks/error_rates.py [--worlds 500] [--histories 200] [--processes 2]

Each world has 6,000 attempts of 80 units and 8 condition columns of 4 values that have no effect; all
combinations of up to three are searched. Worlds differ in how attempts repeat: independent; units with
very different success rates (beta, intraclass correlation 0.45, mean 0.7, `skewed`: 0.93), of equal size
or heavy-tailed (Pareto 1: the largest often holds a third of all attempts), with conditions constant
within the unit, mixed (constant for 70% of the attempts), or varying freely; one where the condition
has effects of random sign per unit that cancel on average; only 20 units; and one unit with half of all
attempts.

Printed, with Wilson's 95% interval: the share of worlds with a finding at 5% by the unit-blind Fisher
test with Benjamini-Hochberg, by this project's test with Benjamini-Hochberg (BH), Benjamini-Yekutieli
(BY) and Holm, by this project's test with resampling of whole units (min-p), and by `find_patterns`
(resampling, then without redundant findings).

A second table has the histories of `memory_pipeline.worlds.empty_histories`: 3,000 attempts over 540 days
with 8 conditions, of the kinds that packaging really has (outcomes in spells, settings kept for long, roll-
outs, drift). There: Fisher's test per attempt with Benjamini-Hochberg over single conditions alone,
`find_patterns`, and the share with an alarm of drift at 1% (`models.change_points.find_changes`).
"""

from __future__ import annotations

import argparse
from multiprocessing import Pool
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.combinations import count_combinations
from memory_pipeline.analysis.models.change_points import find_changes
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.patterns.max_statistic import search_with_resampling
from memory_pipeline.analysis.patterns.search import Limits, TargetSearch
from memory_pipeline.analysis.stats.exact_tests import fisher_p_values
from memory_pipeline.analysis.stats.grouped_sample import Sample
from memory_pipeline.analysis.stats.intervals import wilson_interval
from memory_pipeline.worlds.empty_histories import EMPTY_HISTORIES, LEVELS, empty_history

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.pool import Pool as PoolOfProcesses

ATTEMPTS, UNITS, COLUMNS, VALUES = 6000, 80, 8, 4
FEW_UNITS = 20
CORRELATION = 0.45
WORLDS = (
    "independent",
    "equal sizes, constant",
    "equal sizes, mixed",
    "equal sizes, varying",
    "equal sizes, constant, skewed",
    "equal sizes, mixed, skewed",
    "heavy-tailed, constant",
    "heavy-tailed, mixed",
    "heavy-tailed, varying",
    "heavy-tailed, constant, skewed",
    "effects that cancel",
    "20 units, constant",
    "20 units, mixed",
    "one unit with half, constant",
    "one unit with half, mixed",
)
PROCEDURES = ("Fisher, unit-blind + BH", "BH", "BY", "Holm", "resampled min-p", "find_patterns")
MIN_ATTEMPTS, MIN_UNITS, LEVEL = 30, 5, 0.05


def empty_world(kind: str, seed: int) -> pd.DataFrame:
    """Generate one world without effects, shape (attempts, columns + 2)."""
    rng = np.random.default_rng([seed, WORLDS.index(kind)])
    units = FEW_UNITS if "20 units" in kind else UNITS
    weights = rng.pareto(1.0, units) + 0.2 if "heavy" in kind else np.ones(units)
    if "half" in kind:
        weights[0] = units - 1
    unit = rng.choice(units, ATTEMPTS, p=weights / weights.sum())
    mean, scale = 0.93 if "skewed" in kind else 0.7, (1 - CORRELATION) / CORRELATION
    rate = rng.beta(mean * scale, (1 - mean) * scale, units)[unit] if kind != "independent" else 0.7
    free = rng.integers(0, VALUES, (ATTEMPTS, COLUMNS))
    of_unit = rng.integers(0, VALUES, (units, COLUMNS))[unit]
    stays = 1.0 if "constant" in kind else 0.7 if "mixed" in kind else 0.0
    values = np.where(rng.random((ATTEMPTS, COLUMNS)) < stays, of_unit, free)
    if kind == "effects that cancel":
        effects = rng.normal(0, 0.1, (units, VALUES))
        rate = np.clip(0.2 + 0.6 * rate + effects[unit, values[:, 0]], 0, 1)
    frame = pd.DataFrame(values.astype(str), columns=[f"c{i}" for i in range(COLUMNS)])
    frame["application_name"] = unit.astype(str)
    frame["outcome_status"] = np.where(rng.random(ATTEMPTS) < rate, "success", "failure")
    return frame


def procedures_with_a_finding(task: tuple[str, int]) -> tuple[str, dict[str, bool]]:
    """Return whether each procedure finds something in one empty world."""
    kind, seed = task
    frame = empty_world(kind, seed)
    columns = [f"c{i}" for i in range(COLUMNS)]
    evidence = count_evidence(frame, conditions=columns, outcome="outcome_status", unit="application_name")
    belongs = np.array([outcome == "success" for outcome in evidence.outcomes])
    tally = count_combinations(evidence, {"success": belongs}, min_sample_size=MIN_ATTEMPTS)
    sample = Sample(evidence.n, evidence.attempts("success"), evidence.codes("application_name")[0])
    searched = search_with_resampling(
        tally,
        {"success": sample},
        np.flatnonzero(tally.first_of_equals),
        icc={"success": sample.intraclass_correlation()},
        min_units=MIN_UNITS,
        min_effect=0.02,
    )["success"]
    search = TargetSearch(tally, "success", sample, Limits(MIN_ATTEMPTS, MIN_UNITS, 0.02, LEVEL))
    tested = search.tested(searched)
    tests = tested.tests
    blind = fisher_p_values(tests.n, tests.k, sample.total, int(sample.k.sum()))
    p_values = np.where(tests.units >= MIN_UNITS, tests.p_value, 1.0)

    def finds(values: np.ndarray, method: str) -> bool:
        return bool((multipletests(values, method=method)[1] <= LEVEL).any())

    resampled = bool((tested.family_wise <= LEVEL).any())
    return kind, {
        "Fisher, unit-blind + BH": finds(blind, "fdr_bh"),
        "BH": finds(p_values, "fdr_bh"),
        "BY": finds(p_values, "fdr_by"),
        "Holm": finds(p_values, "holm"),
        "resampled min-p": resampled,
        # Without that it finds nothing.
        "find_patterns": resampled and len(find_patterns(frame, min_sample_size=MIN_ATTEMPTS)) > 0,
    }


def finds_in_history(task: tuple[str, int]) -> dict[str, bool]:
    """Return whether each procedure finds something in one empty history."""
    kind, seed = task
    frame = empty_history(kind, seed)
    columns = list(LEVELS)
    counts = count_evidence(frame, conditions=columns, outcome="outcome_status", max_conditions=1).to_frame(
        min_count=MIN_ATTEMPTS
    )
    hits = int((frame["outcome_status"] == "success").sum())
    blind = fisher_p_values(counts["n"].to_numpy(), counts["success"].to_numpy(), len(frame), hits)
    expected = pd.Series(hits / len(frame), index=frame.index)
    return {
        "Fisher, unit-blind + BH": bool((multipletests(blind, method="fdr_bh")[1] <= LEVEL).any()),
        "find_patterns": not find_patterns(frame, min_sample_size=MIN_ATTEMPTS).empty,
        "drift": bool(find_changes(frame, expected, columns=columns, unit="application_name")),
    }


def print_histories(pool: PoolOfProcesses, kinds: Sequence[str], seeds: range) -> None:
    """Print the table of empty histories."""
    names = ("Fisher, unit-blind + BH", "find_patterns", "drift")
    print("\n| history | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for kind in kinds:
        results = pool.map(finds_in_history, [(kind, seed) for seed in seeds], 4)
        cells = []
        for name in names:
            count = sum(found[name] for found in results)
            low, high = wilson_interval(count, len(results))
            cells.append(f"{count / len(results):.3f} [{low:.3f}, {high:.3f}]")
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=500, help="worlds of each kind")
    parser.add_argument("--histories", type=int, default=200, help="histories of each kind")
    parser.add_argument("--first", type=int, default=0, help="first seed of the histories")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[*WORLDS, *EMPTY_HISTORIES], help="kinds of worlds")
    arguments = parser.parse_args()
    print(f"Share of {arguments.worlds} empty worlds with a finding at 5% [95% interval]\n")
    print("| world | " + " | ".join(PROCEDURES) + " |")
    print("|---" * (len(PROCEDURES) + 1) + "|")
    with Pool(arguments.processes) as pool:
        for kind in [one for one in arguments.only if one in WORLDS]:
            tasks = [(kind, seed) for seed in range(arguments.worlds)]
            results = [found for _, found in pool.imap_unordered(procedures_with_a_finding, tasks, 4)]
            cells = []
            for procedure in PROCEDURES:
                count = sum(found[procedure] for found in results)
                low, high = wilson_interval(count, len(results))
                cells.append(f"{count / len(results):.3f} [{low:.3f}, {high:.3f}]")
            print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)
        seeds = range(arguments.first, arguments.first + arguments.histories)
        print_histories(pool, [one for one in arguments.only if one in EMPTY_HISTORIES], seeds)


if __name__ == "__main__":
    main()
