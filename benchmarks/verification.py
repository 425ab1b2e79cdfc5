"""The verification of advice in organisations where what follows depends on how easy an attempt is.

    python benchmarks/verification.py [--worlds 200] [--first 0] [--looks]

The chain is the one of a rebuild: the context is encoded, and the prognostic score learned, from the history
before the first advice (`analysis.learning.advised`), then `verify_advice` decides how to compare. The worlds
are in `benchmarks/verification_worlds.py`.

Printed per world: the true effect, the bias with its 95% margin, the share of 95% intervals that hold the
truth, and of verdicts that say `helped`, or `consistent with helping` (all with Wilson's intervals); and the
bias of comparing all that followed with all that did not.

With `--looks`: the control-share design looked at after every 100 attempts, where advice does nothing or
something. Printed: how often any of the looks said that it changed something, by the 95% interval and by the
interval that holds at every look, and how many attempts it took to show a true gain.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from verification_worlds import AFTER, Organisation, organisation, with_advice

from memory_pipeline.analysis.learning.verdict import HARMED, HELPED, MAY_HAVE_HELPED
from memory_pipeline.analysis.learning.verification import INTENTION_TO_TREAT, verify_advice
from memory_pipeline.analysis.stats.intervals import wilson_interval

if TYPE_CHECKING:
    from memory_pipeline.analysis.learning.advised import AdvisedAttempts

BATCH = 100
CONTROL = 0.2


@dataclass
class Row:
    """One kind of world, and what was found in its worlds."""

    name: str
    slope: float
    gain: float
    control_share: float = 0.0
    world: dict[str, Any] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    helped: list[bool] = field(default_factory=list)
    consistent: list[bool] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)
    sufficient: list[bool] = field(default_factory=list)

    def add(self, asked: Organisation, seed: int) -> None:
        """Draw what happens in one world, and verify it."""
        drawn, of_following, of_serving = with_advice(
            asked, seed, slope=self.slope, gain=self.gain, control_share=self.control_share
        )
        found = verify_advice(drawn)
        truth = of_serving if found.method == INTENTION_TO_TREAT else of_following
        self.truths.append(truth)
        self.sufficient.append(found.sufficient)
        self.errors.append(found.gain - truth)
        self.naive.append(naive(drawn) - of_following)
        self.covered.append(found.ci_low <= truth <= found.ci_high)
        self.helped.append(found.verdict == HELPED)
        self.consistent.append(found.verdict == MAY_HAVE_HELPED)

    def __str__(self) -> str:
        margin = 196 * np.std(self.errors) / np.sqrt(len(self.errors))
        return (
            f"| {self.name} | {self.slope:g} | {100 * np.mean(self.truths):+.1f} "
            f"| {100 * np.mean(self.errors):+.1f} ± {margin:.1f} | {share(self.covered)} "
            f"| {share(self.helped)} | {share(self.consistent)} | {100 * np.mean(self.naive):+.1f} |"
        )


def naive(drawn: AdvisedAttempts) -> float:
    """Compare all that followed with all that did not."""
    served = drawn.frame[~drawn.frame["is_control"]]
    wins, followed = served["outcome_status"] == "success", served["followed"].astype(bool)
    return float(wins[followed].mean() - wins[~followed].mean())


def share(flags: list[bool]) -> str:
    """Return a share with Wilson's interval as text."""
    low, high = wilson_interval(sum(flags), len(flags))
    return f"{np.mean(flags):.3f} [{low:.3f}, {high:.3f}]"


def rows() -> list[Row]:
    """List the kinds of worlds, each without an effect and with one of 5 points."""
    kinds: list[tuple[str, float, float, dict[str, Any]]] = [
        ("a fifth withheld at random", 1.5, CONTROL, {}),
        ("a fifth withheld at random, spells", 1.5, CONTROL, {"spells": True}),
        ("followers pick by what is recorded", 0.0, 0.0, {}),
        ("followers pick by what is recorded", 0.75, 0.0, {}),
        ("followers pick by what is recorded", 1.5, 0.0, {}),
        ("the same, by combinations of it", 1.5, 0.0, {"cells": True}),
        ("the same, spells", 1.5, 0.0, {"spells": True}),
        ("half unrecorded, of applications", 1.5, 0.0, {"unrecorded": "of applications"}),
        ("half unrecorded, of attempts", 1.5, 0.0, {"unrecorded": "of attempts"}),
    ]
    return [
        Row(name, slope, gain, control, world)
        for name, slope, control, world in kinds
        for gain in (0.0, 0.05)
    ]


def verify(seeds: range) -> None:
    """Print the table of single looks."""
    table = rows()
    for seed in seeds:
        kept = cache(lambda key, seed=seed: organisation(seed, **dict(key)))
        for row in table:
            row.add(kept(tuple(row.world.items())), seed)
    print("| world | slope | truth, points | bias, points | coverage | helped | consistent | naive bias |")
    print("|---" * 8 + "|")
    print(*table, sep="\n")


def look(seeds: range) -> None:
    """Print the table of looks after every batch."""
    kinds: list[tuple[str, float, float, dict[str, Any]]] = [
        ("followers pick", 0.0, 0.5, {}),
        ("followers pick", 0.0, 0.1, {}),
        ("followers pick, spells", 0.0, 0.2, {"spells": True}),
        ("followers pick", 0.1, 0.5, {}),
        ("followers pick", 0.2, 0.5, {}),
    ]
    print(
        "| world | gain of following | withheld | ever, by 95% intervals | ever, at every look | attempts |"
    )
    print("|---" * 6 + "|")
    found: list[list[tuple[bool, bool, int | None]]] = [[] for _ in kinds]
    for seed in seeds:
        kept = cache(lambda key, seed=seed: organisation(seed, **dict(key)))
        for results, (_, gain, control, world) in zip(found, kinds, strict=True):
            drawn = with_advice(
                kept(tuple(world.items())), seed, slope=1.5, gain=gain, control_share=control
            )[0]
            results.append(_looks(drawn))
    for results, (name, gain, control, _) in zip(found, kinds, strict=True):
        taken = [attempts for *_, attempts in results if attempts is not None]
        median = f"{np.median(taken):.0f}" if taken else ""
        print(
            f"| {name} | {gain:+.2f} | {control} | {share([one[0] for one in results])} "
            f"| {share([one[1] for one in results])} | {median} |"
        )


def _looks(drawn: AdvisedAttempts) -> tuple[bool, bool, int | None]:
    """Return whether any look excluded 0, by either interval, and at how many attempts the second did."""
    once, first = False, None
    for size in range(BATCH, AFTER + 1, BATCH):
        seen = np.arange(AFTER) < size
        result = verify_advice(drawn.take(seen))
        if result.method != INTENTION_TO_TREAT:
            continue
        once = once or result.ci_low > 0 or result.ci_high < 0
        if result.verdict in {HELPED, HARMED} and first is None:
            first = size
    return once, first is not None, first


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--looks", action="store_true")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.worlds)
    (look if options.looks else verify)(seeds)


if __name__ == "__main__":
    main()
