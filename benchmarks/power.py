"""What is found where there are effects: recall, false findings, and exactness.

    python benchmarks/power.py [--worlds 48] [--processes 2]

Each world (`planted.py`) has 6,000 attempts of 150 units, 12 columns of 3 values and three planted
effects (or one of them alone): of one, two and three conditions, each of size 0.05, 0.1, 0.2 or 0.4.
Three columns are decoys
that copy a planted one in 80% of the attempts, three are unrelated. Half of the worlds
have independent attempts, in the others outcomes are correlated within units (intraclass correlation 0.3).

On the same worlds, with at least 50 attempts in a pattern and up to three conditions: `find_patterns`;
the ten best subgroups of pysubgroup (weighted relative accuracy, five for success and five for failure);
the ten mlxtend rules of highest lift (five and five); and every combination that a unit-blind Fisher test
with Bonferroni's correction calls significant at 5%.

A finding is *exact* (a planted effect's own conditions), a *shadow* (a true difference that is there only
because the attempts overlap with a planted effect's) or *false*; see `planted.World.judge`. Intervals are
Wilson's at 95% over worlds; for a mean of shares (false findings, exact names) they are conservative.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections import Counter
from contextlib import redirect_stdout
from multiprocessing import Pool
from typing import TYPE_CHECKING, NamedTuple

from planted import COLUMNS, JUDGEMENTS, PLANTED, SIZES, Finding, World, planted_world

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.patterns.table import rule_metrics
from memory_pipeline.analysis.stats.exact_tests import fisher_p_values
from memory_pipeline.analysis.stats.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

MIN_ATTEMPTS, LENGTH, LEVEL = 50, 3, 0.05
BEST = 5
"""Findings taken per direction from the tools that rank and do not test."""
OUTCOMES = {"success": 1, "failure": -1}
SORTS = {
    "one effect, ICC 0": (True, 0.0),
    "one effect, ICC 0.3": (True, 0.3),
    "three effects, ICC 0": (False, 0.0),
    "three effects, ICC 0.3": (False, 0.3),
}
"""Kinds of worlds: whether an effect is alone, and the intraclass correlation."""


class Scored(NamedTuple):
    """Findings of one tool in one world: each effect's order, size and whether it was found, and the rest."""

    tool: str
    sort: str
    named: tuple[tuple[int, float, bool], ...]
    judged: Counter[str]


def memory_pipeline(frame: pd.DataFrame) -> list[Finding]:
    """Find patterns with this project."""
    found = find_patterns(frame, min_sample_size=MIN_ATTEMPTS, conditions=COLUMNS)
    return [
        Finding(frozenset(row.conditions.items()), 1 if row.risk_difference > 0 else -1)
        for row in found.itertuples()
    ]


def pysubgroup_best(frame: pd.DataFrame) -> list[Finding]:
    """List the subgroups of highest weighted relative accuracy."""
    import pysubgroup  # noqa: PLC0415 - a contender, not a dependency

    data = frame[[*COLUMNS, "outcome_status"]].astype(str)
    space = pysubgroup.create_nominal_selectors(data, ignore=["outcome_status"])
    findings = []
    for outcome, sign in OUTCOMES.items():
        task = pysubgroup.SubgroupDiscoveryTask(
            data,
            pysubgroup.BinaryTarget("outcome_status", outcome),
            space,
            pysubgroup.WRAccQF(),
            result_set_size=BEST,
            depth=LENGTH,
            constraints=[pysubgroup.MinSupportConstraint(MIN_ATTEMPTS)],
        )
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():  # It prints while it runs.
            warnings.simplefilter("ignore", RuntimeWarning)
            best = pysubgroup.Apriori().execute(task).results
        for _, subgroup, _ in best:
            parts = frozenset((one.attribute_name, one.attribute_value) for one in subgroup.selectors)
            findings.append(Finding(parts, sign))
    return findings


def mlxtend_lift(frame: pd.DataFrame) -> list[Finding]:
    """List the rules of highest lift that end in an outcome."""
    table = _combinations(frame)
    findings = []
    for outcome, sign in OUTCOMES.items():
        mine = table[table[outcome] >= MIN_ATTEMPTS].reset_index(drop=True)  # the support of the whole rule
        counts = mine["n"].to_numpy(), mine[outcome].to_numpy()
        lift = rule_metrics(*counts, len(frame), int((frame["outcome_status"] == outcome).sum()))["lift"]
        best = lift.sort_values(ascending=False, kind="stable").index[:BEST]
        findings += [Finding(frozenset(one.items()), sign) for one in mine["conditions"].loc[best]]
    return findings


def fisher_bonferroni(frame: pd.DataFrame) -> list[Finding]:
    """Test every combination as if all attempts were independent."""
    table = _combinations(frame)
    total, hits = len(frame), int((frame["outcome_status"] == "success").sum())
    p_values = fisher_p_values(table["n"].to_numpy(), table["success"].to_numpy(), total, hits)
    kept = table[p_values * len(table) <= LEVEL]
    return [
        Finding(frozenset(row.conditions.items()), 1 if row.success / row.n > hits / total else -1)
        for row in kept.itertuples()
    ]


def _combinations(frame: pd.DataFrame) -> pd.DataFrame:
    evidence = count_evidence(frame, conditions=COLUMNS, outcome="outcome_status", max_conditions=LENGTH)
    return evidence.to_frame(min_count=MIN_ATTEMPTS)


TOOLS: dict[str, Callable[[pd.DataFrame], list[Finding]]] = {
    "find_patterns": memory_pipeline,
    "pysubgroup, top 10": pysubgroup_best,
    "mlxtend, top 10 by lift": mlxtend_lift,
    "Fisher + Bonferroni": fisher_bonferroni,
}


def score(task: tuple[int, str]) -> list[Scored]:
    """Search one world with every tool."""
    seed, sort = task
    alone, intraclass = SORTS[sort]
    world = planted_world(seed, intraclass=intraclass, alone=alone)
    return [_score(tool, world, find(world.outcomes), sort) for tool, find in TOOLS.items()]


def _score(tool: str, world: World, findings: list[Finding], sort: str) -> Scored:
    exact = {(one.conditions, one.sign) for one in findings}
    named = tuple(
        (len(one.conditions), abs(one.difference), (one.conditions, one.sign) in exact)
        for one in world.effects
    )
    return Scored(tool, sort, named, Counter(world.judge(one) for one in findings))


def share(hits: float, total: int) -> str:
    """Return a share with its interval as text."""
    if total == 0:
        return "none"
    low, high = wilson_interval(hits, total)
    return f"{hits / total:.2f} [{low:.2f}, {high:.2f}]"


def overview(scored: list[Scored]) -> Iterable[str]:
    """Return a table of the findings of each tool."""
    yield (
        "| worlds | tool | findings per world | exact | shadows: travelling, part, longer, other | false | "
        "share false | share exact | worlds with a false finding |"
    )
    yield "|---" * 9 + "|"
    for sort in SORTS:
        for tool in TOOLS:
            mine = [one for one in scored if one.tool == tool and one.sort == sort]
            worlds = len(mine)
            counts = sum((one.judged for one in mine), Counter())
            by_kind = [f"{counts[kind] / worlds:.2f}" for kind in JUDGEMENTS]
            some = [one.judged for one in mine if one.judged.total()]
            false = sum(one["false"] / one.total() for one in some)
            exact = sum(one["exact"] / one.total() for one in some)
            yield (
                f"| {sort} | {tool} | {counts.total() / worlds:.2f} | {by_kind[0]} | "
                f"{', '.join(by_kind[1:5])} | {by_kind[5]} | {share(false, worlds)} | "
                f"{share(exact, len(some))} | {share(sum(one['false'] > 0 for one in some), worlds)} |"
            )


def recall(scored: list[Scored]) -> Iterable[str]:
    """Return a table of how often each planted effect is found exactly."""
    yield "| worlds | conditions | size | " + " | ".join(TOOLS) + " |"
    yield "|---" * (len(TOOLS) + 3) + "|"
    for sort in SORTS:
        for order in range(1, len(PLANTED) + 1):
            for size in SIZES:
                cells = []
                for tool in TOOLS:
                    is_named = [
                        named
                        for one in scored
                        if one.tool == tool and one.sort == sort
                        for its_order, its_size, named in one.named
                        if its_order == order and its_size == size
                    ]
                    cells.append(share(sum(is_named), len(is_named)))
                yield f"| {sort} | {order} | {size} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=48, help="worlds of each kind, best a multiple of 48")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    tasks = [(seed, sort) for seed in range(arguments.worlds) for sort in SORTS]
    with Pool(arguments.processes) as pool:
        scored = [one for some in pool.imap_unordered(score, tasks) for one in some]
    print(f"{arguments.worlds} worlds of each kind [95% interval]\n")
    print("What the findings are, per world:\n")
    print("\n".join(overview(scored)))
    print("\nRecall: share of the planted effects that are named exactly:\n")
    print("\n".join(recall(scored)))


if __name__ == "__main__":
    main()
