"""Findings on the evidence of two sources: what holds within stays, a difference between them does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.evidence.collapse import Column
from memory_pipeline.analysis.evidence.foreign import recode_foreign
from memory_pipeline.analysis.features.encoding import learn_conditions
from memory_pipeline.analysis.patterns import search_patterns
from memory_pipeline.analysis.patterns.sources import with_foreign_share


def side(seed: int, rate: float, columns: int, effect: float) -> pd.DataFrame:
    """Attempts of 40 units; `c0 = x` changes the rate by an effect, the other columns change nothing.

    `c1` is mostly x where the rate is high, and mostly y where it is low.
    """
    random = np.random.default_rng(seed)
    count, units = 1500, 40
    unit = random.integers(0, units, count)
    frame = pd.DataFrame({f"c{one}": random.choice(list("xy"), count) for one in range(columns)})
    often = "x" if rate > 0.5 else "y"
    frame["c1"] = np.where(random.random(count) < 0.8, often, frame["c1"])
    chance = rate + random.normal(0, 0.02, units)[unit] + effect * (frame["c0"] == "x")
    return frame.assign(
        unit=[f"u{one}" for one in unit],
        month=[f"2025-{1 + one:02d}" for one in random.integers(0, 12, count)],
        outcome=np.where(random.random(count) < chance, "success;;", "failure;;"),
    )


def merged(effect: float, seed: int) -> Evidence:
    """Two sources, of which the second succeeds less often and does not record `c2`."""
    evidence, encodings = [], []
    for one, (rate, columns) in enumerate(((0.7, 3), (0.4, 2))):
        frame = side(2 * seed + one, rate, columns, effect)
        encoding = learn_conditions(frame, [f"c{place}" for place in range(columns)], unit="unit")
        encoded = encoding.apply(frame).assign(**frame[["unit", "month", "outcome"]])
        encodings.append(encoding)
        evidence.append(
            count_evidence(
                encoded, conditions=list(encoding.codes), outcome="outcome", unit="unit", period="month"
            )
        )
    return evidence[0].merge(recode_foreign(evidence[1], encodings[1], encodings[0], source="them"))


def test_a_difference_between_sources_is_not_a_finding() -> None:
    with_sources, without = 0, 0
    for seed in range(4):
        evidence = merged(0.0, seed)
        # As if nobody knew that some of the units are of another source.
        unit = evidence.columns["unit"]
        levels = tuple(level.replace("\x1f", "/") for level in unit.levels)
        pooled = replace(evidence, columns={**evidence.columns, "unit": Column(levels, unit.codes)})
        with_sources += len(search_patterns(evidence, min_sample_size=20, is_adjusted=False))
        without += len(search_patterns(pooled, min_sample_size=20, is_adjusted=False))
    # c1 is mostly x at the source that succeeds more often, and mostly y at the other.
    assert without >= 4
    assert with_sources == 0


def test_a_difference_within_sources_stays_and_says_what_is_foreign() -> None:
    evidence = merged(0.2, 0)
    found = search_patterns(evidence, min_sample_size=20, is_adjusted=False)
    kept = with_foreign_share(found, evidence)
    names = [conditions for conditions in kept["conditions"] if "c0" in conditions]
    assert names
    row = kept[kept["conditions"].map(lambda one: list(one) == ["c0"])].iloc[0]
    inside = evidence.rows_with(row["conditions"])
    foreign = np.array([one.startswith("\x1f") for one in evidence.codes("unit")[1]])[
        evidence.codes("unit")[0]
    ]
    assert row["foreign_attempts"] == evidence.n[inside & foreign].sum()
    assert row["foreign_units"] == 40
    assert f"{row['foreign_attempts']:,} attempts of 40 units were counted elsewhere" in row["sentence"]
