"""How much of what is found in the first part of a history still holds in the later part?

    python benchmarks/real_history.py [--data FOLDER] [--share 0.7] [--organisations 2]

Two ways of finding are tried on the same attempts, with the same conditions, coded on the first part alone:

- `search_patterns`, with the settings of a rebuild;
- what is usual: frequent itemsets of up to three conditions with 30 attempts or more (mlxtend's `fpgrowth`),
  each against all other attempts by Fisher's exact test, and Benjamini and Hochberg's procedure at 5%.

The histories are real ones where the folder has them, those of `real_advice.HISTORIES`, and generated
organisations, one per seed. Printed per history and way:

- found: how many;
- same sign: the share of those with 30 later attempts or more, both inside and outside, whose difference has
  the same sign later;
- shown again, reversed: the share that is significant later (p < 0.05) with the same and with the opposite
  sign. Later attempts are judged by one test for both ways, the cluster-robust one of this project
  (`stats.clustered_tests`), which takes applications as the witnesses; of more than 2,000 findings, a random
  sample of that size is judged;
- the same by Fisher's test, which takes every attempt as a witness.

Intervals are not given: findings of one history overlap. A history says one thing each.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from real_advice import HISTORIES, read_history
from statsmodels.stats.multitest import multipletests

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.features.encoding import FLOORS, learn_conditions
from memory_pipeline.analysis.features.flatten import condition_columns
from memory_pipeline.analysis.features.outcomes import outcome_labels
from memory_pipeline.analysis.names import OUTCOME, PERIOD
from memory_pipeline.analysis.patterns.find import search_patterns
from memory_pipeline.analysis.stats.clustered_tests import cell_tests
from memory_pipeline.analysis.stats.exact_tests import fisher_p_values
from memory_pipeline.ingest.mapping import OutcomeMapping, load_mapping
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memory_pipeline.analysis.arrays import Ints, Mask

UNIT = "application_name"
MIN_ATTEMPTS, MIN_UNITS, LENGTH, RATE = 30, 5, 3, 0.05
MOST_JUDGED = 2_000


class Halves(NamedTuple):
    """A history in two parts, with conditions coded on the first: flat attempts and coded columns."""

    early: pd.DataFrame
    early_values: pd.DataFrame
    later: pd.DataFrame
    later_values: pd.DataFrame


class Finding(NamedTuple):
    """A combination that was found, and its difference in the first part."""

    conditions: Mapping[str, str]
    difference: float


def cut(outcomes: pd.DataFrame, columns: Sequence[str], share: float) -> Halves:
    """Cut a history, in the order of time, and learn the coding of its conditions on the first part."""
    size = int(share * len(outcomes))
    early, later = outcomes.iloc[:size].reset_index(drop=True), outcomes.iloc[size:].reset_index(drop=True)
    floors = FLOORS.at_most(MIN_ATTEMPTS, MIN_UNITS)
    coding = learn_conditions(early, columns, unit=UNIT, floors=floors)
    return Halves(early, coding.apply(early), later, coding.apply(later))


def count(outcomes: pd.DataFrame, values: pd.DataFrame) -> Evidence:
    """Count coded attempts by month, as a rebuild does."""
    months = pd.to_datetime(outcomes["occurred_at"], utc=True).dt.strftime("%Y-%m")
    frame = values.assign(
        **{OUTCOME: outcome_labels(outcomes, "success"), UNIT: outcomes[UNIT], PERIOD: months}
    )
    return count_evidence(frame, conditions=list(values), outcome=OUTCOME, unit=UNIT, period=PERIOD)


def by_search(halves: Halves) -> list[Finding]:
    """Find patterns as a rebuild does, about success alone."""
    evidence = count(halves.early, halves.early_values)
    found = search_patterns(
        evidence, min_sample_size=MIN_ATTEMPTS, min_units=MIN_UNITS, fdr=RATE, is_adjusted=False
    )
    pairs = zip(found["conditions"], found["risk_difference"], strict=True)
    return [Finding(conditions, float(difference)) for conditions, difference in pairs]


def by_itemsets(halves: Halves) -> list[Finding]:
    """Find itemsets with mlxtend, Fisher's test per attempt, and Benjamini and Hochberg's procedure."""
    from mlxtend.frequent_patterns import fpgrowth  # noqa: PLC0415 - takes time

    masks = item_masks(halves.early_values)
    one_hot = pd.DataFrame(dict(enumerate(masks.values())))
    names, won = list(masks), succeeded(halves.early)
    frequent = fpgrowth(one_hot, min_support=MIN_ATTEMPTS / len(one_hot), max_len=LENGTH, use_colnames=True)
    sets = [[names[item] for item in items] for items in frequent["itemsets"]]
    n, k = count_sets(sets, masks, won)
    usable = n < len(won)
    sets = [one for one, keep in zip(sets, usable, strict=True) if keep]
    n, k = n[usable], k[usable]
    p_values = fisher_p_values(n, k, len(won), int(won.sum()), method="less likely")
    is_found = multipletests(p_values, RATE, method="fdr_bh")[0]
    difference = k / n - (won.sum() - k) / (len(won) - n)
    return [Finding(dict(sets[i]), float(difference[i])) for i in np.flatnonzero(is_found)]


def item_masks(values: pd.DataFrame) -> dict[tuple[str, str], Mask]:
    """Return which attempts have each value of each coded column, shape (attempts,) each."""
    return {
        (str(column), str(value)): (values[column] == value).to_numpy(dtype=bool)
        for column in values
        for value in values[column].dropna().unique()
    }


def count_sets(
    sets: Sequence[Sequence[tuple[str, str]]], masks: Mapping[tuple[str, str], Mask], won: Mask
) -> tuple[Ints, Ints]:
    """Count the attempts, and the successes, that have all items of a set, shape (sets,) each."""
    bits = {item: np.packbits(mask) for item, mask in masks.items()}
    none = np.zeros(-(-len(won) // 8), dtype=np.uint8)
    success = np.packbits(won)
    n, k = np.zeros(len(sets), dtype=np.int64), np.zeros(len(sets), dtype=np.int64)
    for i, items in enumerate(sets):
        inside = np.bitwise_and.reduce([bits.get(item, none) for item in items])
        n[i] = int(np.bitwise_count(inside).sum())
        k[i] = int(np.bitwise_count(inside & success).sum())
    return n, k


def succeeded(outcomes: pd.DataFrame) -> Mask:
    """Return which attempts succeeded, shape (attempts,)."""
    return (outcomes["outcome_status"] == "success").to_numpy(dtype=bool)


def judge(found: Sequence[Finding], halves: Halves) -> list[str]:
    """Return the cells of the table: what became of findings in the later part."""
    if not found:
        return ["0", *["-"] * 5]
    won, masks = succeeded(halves.later), item_masks(halves.later_values)
    sets = [[(str(c), str(v)) for c, v in one.conditions.items()] for one in found]
    n, k = count_sets(sets, masks, won)
    enough = (n >= MIN_ATTEMPTS) & (len(won) - n >= MIN_ATTEMPTS)
    n, k, place = n[enough], k[enough], np.flatnonzero(enough)
    if not len(place):
        return [f"{len(found):,}", *["-"] * 5]
    sign = np.sign([found[i].difference for i in place])
    difference = k / n - (won.sum() - k) / (len(won) - n)
    same = np.sign(difference) == sign
    fisher = fisher_p_values(n, k, len(won), int(won.sum()), method="less likely") < RATE
    judged = np.random.default_rng(0).permutation(len(place))[:MOST_JUDGED]
    evidence = count(halves.later, halves.later_values)
    sample = evidence.sample("success")
    icc = sample.intraclass_correlation()
    inside = (evidence.rows_with(found[place[i]].conditions) for i in judged)
    tests = [cell_tests(sample, rows.astype(np.int64), np.array([1]), icc=icc) for rows in inside]
    shown = np.array([one.p_value[0] < RATE for one in tests])
    turned = np.sign([one.effect[0] for one in tests]) != sign[judged]
    return [
        f"{len(found):,}",
        f"{same.mean():.0%} of {len(place):,}",
        f"{(shown & ~turned).mean():.0%}",
        f"{(shown & turned).mean():.0%}",
        f"{(fisher & same).mean():.0%}",
        f"{(fisher & ~same).mean():.0%}",
    ]


def histories(data: Path | None, organisations: int) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """Yield histories in the order of time: name, flat attempts, and the columns to search."""
    for name, (file, mapping) in HISTORIES.items():
        if data is None or not (data / file).exists():
            continue
        loaded = load_mapping(mapping)
        assert isinstance(loaded, OutcomeMapping)  # noqa: S101 - for mypy
        outcomes, roles = read_history(data / file, loaded)
        yield name, outcomes, [*roles["context"], *roles["approach"]]
    for seed in range(organisations):
        outcomes = sample_organisation(seed=seed).attempts_frame().sort_values("occurred_at")
        columns = [column for column in condition_columns(outcomes, unit=UNIT) if column != UNIT]
        yield f"generated organisation {seed}", outcomes.reset_index(drop=True), columns


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder with real histories")
    parser.add_argument("--share", type=float, default=0.7, help="share of attempts that is searched")
    parser.add_argument("--organisations", type=int, default=2, help="generated organisations")
    arguments = parser.parse_args()
    ways: dict[str, Any] = {"this project": by_search, "mlxtend + Fisher + BH": by_itemsets}
    columns = ("found", "same sign", "shown again", "reversed", "shown again, Fisher", "reversed, Fisher")
    print("| history | way | " + " | ".join(columns) + " | CPU s |")
    print("|---" * (len(columns) + 3) + "|")
    for name, outcomes, searched in histories(arguments.data, arguments.organisations):
        halves = cut(outcomes, searched, arguments.share)
        for way, find in ways.items():
            started = time.process_time()
            found = find(halves)
            seconds = time.process_time() - started
            row = " | ".join([name, way, *judge(found, halves), f"{seconds:.0f}"])
            print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
