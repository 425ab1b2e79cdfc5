"""How often does an alert fire in a year without a change, and how soon does it see a fall?

    python benchmarks/alerts.py [--worlds 200] [--delays 100]

Each world has two years of attempts, 20 a day, of 120 units, and is looked at on each day of the second year.
In the null worlds nothing changes: attempts are independent; units have rates of their own (beta, intraclass
correlation 0.45) and heavy-tailed sizes (Pareto 1: the largest often has a third of all attempts); units have
spells (60 days at 90% in turn with 20 days at 20%, on average; and the reverse, so that good spells are
rare); the mix of three installer types with rates of 95%, 80% and 60% goes through a season; failed attempts
are repeated on the same day with probability 0.7.

Printed, with Wilson's 95% interval: the share of worlds with an alarm that success fell, and that it changed,
at an error rate of 5% a year; beside them what a test of fixed size does that is looked at every day (the
last 28 days against the year before, one-sided at 5%: the two-sample z test over attempts, and the t test
over units).

Then the delay of a planted fall of 10 and 20 points on day 100 of the second year, in worlds with units of
different rates: the share of worlds in which it was seen by the end of the year, and the median days until
then.
"""

from __future__ import annotations

import argparse

import numpy as np
from alert_worlds import A_DAY, CHANGE_DAY, DAYS, FIRST_DAY, TYPE_RATES, UNITS, YEAR, spells
from scipy import stats

from memory_pipeline.analysis.alerts.looks import LOOKED_BACK_DAYS
from memory_pipeline.analysis.alerts.unit_bets import unit_differences
from memory_pipeline.analysis.alerts.watch import DailyCounts, watch_success
from memory_pipeline.analysis.stats.intervals import wilson_interval

LEVEL, RECENT = 0.05, 28
NULL_KINDS = ("independent", "rates and heavy tails", "bad spells", "good spells", "seasonal mix", "retries")


def history(kind: str, seed: int, *, fall: float = 0.0) -> DailyCounts:
    """Generate the attempts of a world as counts by day, unit and stratum, a row an attempt."""
    rng = np.random.default_rng([seed, NULL_KINDS.index(kind)])
    kinds = rng.choice(3, UNITS)
    sizes = rng.pareto(1.0, UNITS) + 0.2 if "heavy" in kind else np.ones(UNITS)
    day = np.repeat(np.arange(DAYS), A_DAY)
    unit = rng.choice(UNITS, len(day), p=sizes / sizes.sum())
    rate = np.full((DAYS, UNITS), 0.8)
    if kind == "rates and heavy tails":
        scale = (1 - 0.45) / 0.45
        rate = np.tile(rng.beta(0.75 * scale, 0.25 * scale, UNITS), (DAYS, 1))
    elif "spells" in kind:
        rate = np.where(spells(rng, UNITS, is_bad="bad" in kind), 0.2, 0.9)
    elif kind == "seasonal mix":
        rate = np.tile(TYPE_RATES[kinds], (DAYS, 1))
        season = 1 + 0.9 * np.sin(2 * np.pi * np.arange(DAYS) / YEAR)
        weight = np.where(kinds == 2, season[:, None], np.where(kinds == 0, 2 - season[:, None], 1.0))  # noqa: PLR2004
        unit = np.concatenate([rng.choice(UNITS, A_DAY, p=one / one.sum()) for one in weight])
    if fall:
        rate = rate.copy()
        rate[CHANGE_DAY:] = np.clip(rate[CHANGE_DAY:] - fall, 0, 1)
    success = rng.random(len(day)) < rate[day, unit]
    if kind == "retries":
        again = ~success & (rng.random(len(day)) < 0.7)  # noqa: PLR2004 - as the docstring says
        second = rng.random(len(day)) < rate[day, unit]
        day, unit = np.concatenate([day, day[again]]), np.concatenate([unit, unit[again]])
        success = np.concatenate([success, second[again]])
    return DailyCounts(FIRST_DAY + day, unit, kinds[unit], np.ones(len(day)), success.astype(float))


def first_alarm(counts: DailyCounts, direction: str) -> int | None:
    """Return the first day of the second year with an alarm."""
    for today in range(FIRST_DAY + YEAR + 1, FIRST_DAY + DAYS + 1):
        seen = watch_success(counts, today=today, direction=direction, error_rate=LEVEL, remembered=1)
        if any(one.is_alarm for one in seen):
            return today - FIRST_DAY
    return None


def fixed_tests(counts: DailyCounts) -> tuple[bool, bool]:
    """Return whether the tests of fixed size reject on some day: over attempts, and over units."""
    found = [False, False]
    for today in range(FIRST_DAY + YEAR + 1, FIRST_DAY + DAYS + 1):
        begins = today - RECENT
        before = counts.of((counts.day >= begins - LOOKED_BACK_DAYS) & (counts.day < begins))
        within = counts.of((counts.day >= begins) & (counts.day < today))
        n1, n2 = before.attempts.sum(), within.attempts.sum()
        pooled = (before.successes.sum() + within.successes.sum()) / (n1 + n2)
        z = (within.successes.sum() / n2 - before.successes.sum() / n1) / np.sqrt(
            pooled * (1 - pooled) * (1 / n1 + 1 / n2)
        )
        found[0] |= bool(stats.norm.cdf(z) < LEVEL)
        said = unit_differences(before, within).difference
        found[1] |= bool(stats.ttest_1samp(said, 0, alternative="less").pvalue < LEVEL)
        if all(found):
            break
    return found[0], found[1]


def _share(hits: list[bool]) -> str:
    low, high = wilson_interval(sum(hits), len(hits))
    return f"{np.mean(hits):6.1%} [{float(low):.1%}, {float(high):.1%}]"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--delays", type=int, default=100)
    chosen = parser.parse_args()
    print(f"{'world':<24}{'fell':>24}{'changed':>24}{'daily z test':>26}{'daily t test':>26}")
    for kind in NULL_KINDS if chosen.worlds else ():
        rows = []
        for seed in range(chosen.worlds):
            counts = history(kind, seed)
            rows.append(
                (
                    first_alarm(counts, "fell") is not None,
                    first_alarm(counts, "changed") is not None,
                    *fixed_tests(counts),
                )
            )
        texts = [_share(list(one)) for one in zip(*rows, strict=True)]
        print(f"{kind:<24}{texts[0]:>24}{texts[1]:>24}{texts[2]:>26}{texts[3]:>26}", flush=True)
    print(f"\n{'planted fall':<40}{'seen':>24}{'median delay':>16}{'90% within':>14}")
    for kind in ("independent", "rates and heavy tails", "bad spells") if chosen.delays else ():
        for fall in (0.1, 0.2):
            days = [first_alarm(history(kind, seed, fall=fall), "fell") for seed in range(chosen.delays)]
            # An alarm before the fall is a false one: it does not count as seen.
            delays = [one - CHANGE_DAY if one and one > CHANGE_DAY else np.inf for one in days]
            middle, most = np.quantile(delays, [0.5, 0.9], method="lower")
            said = f"{kind}, {fall:.0%} points".replace("%", "")
            print(
                f"{said:<40}{_share([d < np.inf for d in delays]):>24}{middle:>11.0f} days{most:>9.0f} days",
                flush=True,
            )


if __name__ == "__main__":
    main()
