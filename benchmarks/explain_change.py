"""How well the explanation of a change separates mix from rates, where the truth is known.

    python benchmarks/explain_change.py [--worlds 400] [--speed]

Worlds (`worlds.two_spans`): 13 months, six vendors, three installer types, two wrappers; the last month is
compared with the twelve before it. Applications deviate from what their conditions let expect (intraclass
correlation 0.2), their numbers of attempts have heavy tails (Pareto), they come and go, and have months in
which they behave like another one. Planted: nothing; applications of the two worst vendors three times as
active (mix); one vendor succeeding 35 points less often (rate); both. The small worlds have 120 applications
and 3,000 attempts, the large ones 400 and 10,000 with lighter tails.

Printed per world: share with anything called a change, and by what; share in which the intervals of the
difference, mix and rates hold together, and each alone; mean error. With --speed: processor time for an
evidence of a million attempts in which no two rows are equal.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.learning.explain_change import explain_change
from memory_pipeline.analysis.stats.intervals import wilson_interval
from memory_pipeline.worlds.two_spans import CHANGED_VENDOR, CONDITIONS, two_spans

if TYPE_CHECKING:
    from memory_pipeline.analysis.evidence import Evidence

LARGE = {"applications": 400, "attempts": 10_000, "tail": 2.5}
WORLDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "nothing, correlation 0.5, heavier tails": {"correlation": 0.5, "tail": 1.1},
    "nothing, independent attempts": {"correlation": 0.0, "has_spells": False},
    "nothing, 30 applications, 800 attempts": {"applications": 30, "attempts": 800},
    "nothing, large": LARGE,
    "mix, large": {**LARGE, "shift": 3.0},
    "rate, large": {**LARGE, "fall": 0.35},
    "both, large": {**LARGE, "shift": 3.0, "fall": 0.35},
    "both": {"shift": 3.0, "fall": 0.35},
}
VALUES = (6, 8, 4, 3, 3, 2, 2, 2, 2, 2)
"""Values of the ten columns of the history that is timed."""


def evidence_of(outcomes: pd.DataFrame, conditions: tuple[str, ...]) -> Evidence:
    """Count a history by month, application and conditions."""
    counted = outcomes.assign(
        month=outcomes["occurred_at"].dt.strftime("%Y-%m"), outcome=outcome_labels(outcomes, "success")
    )
    return count_evidence(
        counted, conditions=conditions, outcome="outcome", unit="application_name", period="month"
    )


def measure(planted: dict[str, Any], worlds: int) -> str:
    """Explain many worlds and return a row of the table."""
    found, errors = [], []
    for seed in range(worlds):
        world = two_spans(seed, **planted)
        evidence = evidence_of(world.outcomes, CONDITIONS)
        result = explain_change(evidence, before=world.before, after=world.after)
        pairs = [(result.total, world.total), (result.mix, world.mix), (result.rate, world.rate)]
        holds = [part.ci_low <= truth <= part.ci_high for part, truth in pairs]
        named = [one.value == CHANGED_VENDOR for one in result.clear_contributors("rate")]
        is_clear = [result.total.is_clear, result.mix.is_clear, result.rate.is_clear]
        found.append([result.has_changed, *is_clear, any(named), all(holds), *holds])
        errors.append([part.change - truth for part, truth in pairs])
    shares = np.mean(found, axis=0)
    counts = [int(sum(one[place] for one in found)) for place in (0, 5)]
    low, high = zip(*(wilson_interval(count, worlds) for count in counts), strict=True)
    truths = " / ".join(f"{100 * truth:+.1f}" for _, truth in pairs)
    means = " / ".join(f"{100 * error:+.1f}" for error in np.mean(errors, axis=0))
    clear = " / ".join(f"{one:.2f}" for one in shares[1:4])
    alone = " / ".join(f"{one:.3f}" for one in shares[6:])
    return (
        f"{truths} | {shares[0]:.3f} [{low[0]:.3f}, {high[0]:.3f}] | {clear} | {shares[4]:.2f} | "
        f"{shares[5]:.3f} [{low[1]:.3f}, {high[1]:.3f}] | {alone} | {means}"
    )


def time_a_million() -> None:
    """Print how long a history of a million attempts of 20,000 applications takes."""
    random = np.random.default_rng(0)
    attempts, columns = 1_000_000, tuple(f"column_{place}" for place in range(len(VALUES)))
    outcomes = pd.DataFrame(
        {
            name: pd.Categorical.from_codes(
                random.integers(0, size, attempts), [f"v{v}" for v in range(size)]
            )
            for name, size in zip(columns, VALUES, strict=True)
        }
    )
    outcomes["application_name"] = (random.pareto(1.5, attempts) * 500).astype(int).clip(max=19_999)
    outcomes["occurred_at"] = pd.to_datetime("2025-06-01", utc=True) + pd.to_timedelta(
        random.integers(0, 390, attempts), unit="D"
    )
    outcomes["outcome_status"] = np.where(random.random(attempts) < 0.7, "success", "failure")  # noqa: PLR2004
    evidence = evidence_of(outcomes, columns)
    start = time.process_time()
    result = explain_change(evidence)
    seconds = time.process_time() - start
    compared = result.before.attempts + result.after.attempts
    print(f"{compared:,} attempts in {len(evidence):,} collapsed rows: {seconds:.1f} s of processor time")
    print(f"something changed: {result.has_changed}")


def main() -> None:
    """Print the table, or the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        time_a_million()
        return
    print(
        "| world | truth: difference / mix / rates, points | anything changed | clear: "
        "difference / mix / rates | names the vendor | intervals hold together | each alone "
        "| mean error, points |"
    )
    print("|---" * 8 + "|")
    for name, planted in WORLDS.items():
        print(f"| {name} | {measure(planted, arguments.worlds)} |", flush=True)


if __name__ == "__main__":
    main()
