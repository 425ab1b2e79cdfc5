"""How often do the rules `advice-does-harm` and `pattern-stopped` fire in a year in which nothing changed?

    python benchmarks/alert_rules.py [--worlds 200] [--delays 100] [--only advice patterns]

Worlds are those of `alert_worlds`: two years of attempts, 20 a day, of 120 units. All spans that ended in the
second year are tested, as daily looks would test them, at an error rate of 5% a year.

Advice: in the null worlds following it changes nothing. Answers are withheld at random from one attempt in
ten, or followers are compared with those who did not follow; who follows goes with the installer type, grows
with time, or begins on one day; failed attempts are repeated, with advice or without it. In the last world
following goes with difficulty that nobody recorded, where no comparison of these attempts can be right.
Beside them the delay of a harm of 10 and 20 points from the hundredth day on.

Patterns: `find_patterns` is run on the first year, and the second is watched for all that it finds. Two
patterns are planted, of 20 points (40 where units differ widely, so that they are found). In the world
without any, the ten pairs of settings whose first year looks most striking are watched: what a search that
does not allow for its own size would watch. Beside them the delay where one planted pattern ends on the
hundredth day, there and in organisations with four times as many units and attempts.

Printed, with Wilson's 95% interval: the share of worlds with an alarm, and the days until one.
"""

from __future__ import annotations

import argparse
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from alert_worlds import (
    A_DAY,
    ADVICE_KINDS,
    CHANGE_DAY,
    DAYS,
    FIRST_DAY,
    PATTERN_KINDS,
    SETTINGS,
    UNITS,
    YEAR,
    advised_attempts,
    attempts_of_patterns,
)

from memory_pipeline.analysis.alerts.advice import compared_attempts
from memory_pipeline.analysis.alerts.watch import watch_gain, watch_pattern
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.analysis.stats.intervals import wilson_interval
from memory_pipeline.rebuild.alert_counts import RecentAttempts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.alerts.watch import Sighting
    from memory_pipeline.analysis.arrays import Mask

LEVEL, UNIT = 0.05, "application_name"
STRIKING = 10
CHANCE = "patterns of chance"
HARMED = ("withheld at random: independent", "followed or not: more on easy types")


def first_alarm(seen: Sequence[Sighting]) -> float:
    """Return the day of the first alarm, counted from the planted change; infinite where there is none."""
    return min((one.look.ends - FIRST_DAY - CHANGE_DAY for one in seen if one.is_alarm), default=np.inf)


def advice_alarm(kind: str, seed: int, *, harm: float = 0.0, larger: int = 1) -> float:
    """Return the day of the first alarm that advice does harm, as `first_alarm`."""
    attempts = advised_attempts(kind, seed, harm=harm, larger=larger)
    compared = compared_attempts(attempts, unit=UNIT)
    recent = RecentAttempts(attempts, 0, UNIT)
    strata = ("installer_type", "difficulty")
    seen = watch_gain(
        *(recent.counts(side, strata=strata) for side in (compared.without, compared.advised)),
        today=FIRST_DAY + DAYS,
        direction="fell",
        error_rate=LEVEL,
        remembered=YEAR,
    )
    return first_alarm(seen)


def pattern_alarm(
    kind: str, seed: int, *, size: float = 0.2, is_gone: bool = False, larger: int = 1
) -> tuple[int, float]:
    """Return how many patterns were watched, and the day of the first alarm, as `first_alarm`."""
    size = 0.4 if "heavy" in kind else size
    attempts = attempts_of_patterns(kind, seed, size=size, gone=is_gone, larger=larger)
    first_year = (attempts["occurred_at"] < pd.Timestamp(FIRST_DAY + YEAR, unit="D", tz="UTC")).to_numpy()
    recent = RecentAttempts(attempts, 0, UNIT)
    patterns = striking(attempts, first_year) if kind == CHANCE else found(attempts, first_year)
    days = [np.inf]
    for mask, difference in patterns:
        seen = watch_pattern(
            recent.counts(mask),
            recent.counts(~mask),
            difference=difference,
            today=FIRST_DAY + DAYS,
            error_rate=LEVEL,
            parts=len(patterns),
            remembered=YEAR,
        )
        days.append(first_alarm(seen))
    return len(patterns), min(days)


def found(attempts: pd.DataFrame, before: Mask) -> list[tuple[Mask, float]]:
    """Return the attempts of each pattern that the first year has, and its difference."""
    table = find_patterns(
        attempts[before], min_sample_size=50, max_conditions=2, conditions=("installer_type", *SETTINGS)
    )
    return [
        (_has(attempts, row.conditions), float(row.risk_difference)) for row in table.itertuples(index=False)
    ]


def striking(attempts: pd.DataFrame, before: Mask) -> list[tuple[Mask, float]]:
    """Return the attempts of the ten pairs of settings with the largest differences in the first year."""
    success = attempts["outcome_status"].eq("success").to_numpy()
    pairs = []
    for columns in combinations(SETTINGS, 2):
        for values in product("01", repeat=2):
            mask = _has(attempts, dict(zip(columns, values, strict=True)))
            pairs.append((mask, float(success[mask & before].mean() - success[~mask & before].mean())))
    return sorted(pairs, key=lambda pair: -abs(pair[1]))[:STRIKING]


def _has(attempts: pd.DataFrame, conditions: dict[str, str]) -> Mask:
    columns = [attempts[column].astype(str).eq(value) for column, value in conditions.items()]
    return pd.concat(columns, axis=1).all(axis=1).to_numpy()


def _share(hits: Sequence[bool]) -> str:
    low, high = wilson_interval(sum(hits), len(hits))
    return f"{np.mean(hits):.3f} [{float(low):.3f}, {float(high):.3f}]"


def _delay(days: Sequence[float]) -> str:
    # An alarm before the change is a false one: it does not count as seen.
    after = [day if day > 0 else np.inf for day in days]
    middle, most = np.quantile(after, [0.5, 0.9], method="lower")
    return f"{_share([day < np.inf for day in after])} | {middle:.0f} | {most:.0f}"


def print_advice(worlds: int, delays: int) -> None:
    """Print the rates of false alarms of the rule about advice, and its delays."""
    print("| `advice-does-harm`, nothing changed | worlds with an alarm |\n|---|---|")
    for kind in ADVICE_KINDS:
        hits = [advice_alarm(kind, seed) < np.inf for seed in range(worlds)]
        print(f"| {kind} | {_share(hits)} |", flush=True)
    for kind in ADVICE_KINDS:
        if "retried" in kind:
            hits = [advice_alarm(kind, seed, larger=10) < np.inf for seed in range(worlds)]
            print(f"| {kind}, {10 * UNITS:,} units | {_share(hits)} |", flush=True)
    print("\n| advice begins to do harm | seen in 265 days | median days | 90% within |\n|---|---|---|---|")
    for kind in HARMED:
        for harm in (0.1, 0.2):
            days = [advice_alarm(kind, seed, harm=harm) for seed in range(delays)]
            print(f"| {kind}, {100 * harm:.0f} points | {_delay(days)} |", flush=True)


def print_patterns(worlds: int, delays: int) -> None:
    """Print the rates of false alarms of the rule about patterns, and its delays."""
    print("\n| `pattern-stopped`, nothing changed | patterns watched | worlds with an alarm |\n|---|---|---|")
    for kind in PATTERN_KINDS:
        results = [pattern_alarm(kind, seed) for seed in range(worlds)]
        watched = np.mean([count for count, _ in results])
        print(f"| {kind} | {watched:.1f} | {_share([day < np.inf for _, day in results])} |", flush=True)
    print("\n| a pattern ends | seen in 265 days | median days | 90% within |\n|---|---|---|---|")
    for larger in (1, 4):
        for size in (0.2, 0.4):
            days = [
                pattern_alarm("independent", seed, size=size, is_gone=True, larger=larger)[1]
                for seed in range(delays)
            ]
            said = f"of {100 * size:.0f} points, {larger * UNITS} units, {larger * A_DAY} attempts a day"
            print(f"| {said} | {_delay(days)} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--delays", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=("advice", "patterns"), default=("advice", "patterns"))
    chosen = parser.parse_args()
    for name in chosen.only:
        {"advice": print_advice, "patterns": print_patterns}[name](chosen.worlds, chosen.delays)


if __name__ == "__main__":
    main()
