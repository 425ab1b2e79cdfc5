"""How often is a difference between sources of evidence taken for a pattern?

Worlds without effects: two sources of 2,000 attempts and 60 units, which succeed in 80% and 55%; the second
lacks two of six columns. Searched with sources compared within themselves, and as if they were one pool.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.evidence.collapse import Column
from memory_pipeline.analysis.evidence.foreign import recode_foreign
from memory_pipeline.analysis.features.encoding import Encoding, learn_conditions
from memory_pipeline.analysis.names import INTERNAL
from memory_pipeline.analysis.patterns import search_patterns

ATTEMPTS, UNITS = 2_000, 60
USUAL = np.array([0.5, 0.3, 0.2])
WORLDS = {"spread": 0.1, "split": 0.02}
"""By kind of world: the standard deviation of the rates of units."""


def shares(kind: str, column: int, *, is_second: bool) -> np.ndarray:
    """Return how often the values x, y, z of a column occur at a source."""
    if kind == "spread":
        return np.roll(USUAL, 1) if is_second and column % 2 else USUAL
    if column:
        return USUAL
    return np.array([0.1, 0.1, 0.8]) if is_second else np.array([0.8, 0.1, 0.1])


def side(random: np.random.Generator, kind: str, *, is_second: bool) -> tuple[Evidence, Encoding]:
    """Return the evidence of one source, and its encoding."""
    columns = [f"c{one}" for one in range(4 if is_second else 6)]
    unit = random.integers(0, UNITS, ATTEMPTS)
    rate = (0.55 if is_second else 0.8) + random.normal(0, WORLDS[kind], UNITS)
    values = {
        name: random.choice(list("xyz"), ATTEMPTS, p=shares(kind, place, is_second=is_second))
        for place, name in enumerate(columns)
    }
    succeeds = random.random(ATTEMPTS) < np.clip(rate, 0.02, 0.98)[unit]
    months = random.integers(1, 13, ATTEMPTS)
    beside = {
        "unit": [f"u{one}" for one in unit],
        "month": [f"2025-{one:02d}" for one in months],
        "outcome": np.where(succeeds, "success;;", "failure;;"),
    }
    frame = pd.DataFrame(values | beside)
    encoding = learn_conditions(frame, columns, unit="unit")
    counted = encoding.apply(frame).assign(**beside)
    evidence = count_evidence(
        counted, conditions=list(encoding.codes), outcome="outcome", unit="unit", period="month"
    )
    return evidence, encoding


def as_one_pool(evidence: Evidence) -> Evidence:
    """Return the evidence with units whose names do not say that they are of another source."""
    unit = evidence.columns["unit"]
    levels = tuple(level.replace(INTERNAL, "/") for level in unit.levels)
    return replace(evidence, columns={**evidence.columns, "unit": Column(levels, unit.codes)})


def main() -> None:
    """Print in how many worlds there is any pattern."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200)
    worlds = parser.parse_args().worlds
    for kind in WORLDS:
        found = {"within sources": 0, "as one pool": 0}
        for seed in range(worlds):
            random = np.random.default_rng(seed)
            own, mine = side(random, kind, is_second=False)
            other, theirs = side(random, kind, is_second=True)
            merged = own.merge(recode_foreign(other, theirs, mine, source="other"))
            for name, evidence in zip(found, (merged, as_one_pool(merged)), strict=True):
                found[name] += not search_patterns(evidence, min_sample_size=20, is_adjusted=False).empty
        said = ", ".join(f"{name} {count}" for name, count in found.items())
        print(f"{kind}: worlds of {worlds} with a false pattern: {said}")


if __name__ == "__main__":
    main()
