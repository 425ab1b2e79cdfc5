"""Differences by context: the counts against pandas, the intervals against statsmodels and by coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from memory_pipeline.analysis.evidence.grouped_counts import group_attempts
from memory_pipeline.analysis.factors.by_context import differences_by_context


def made(rng, *, units=400, each=1, effects=(0.3, 0.0)):
    """Make counted attempts: the setting helps at the first level by the first effect, and so on."""
    frame = pd.DataFrame({"unit": np.repeat(np.arange(units), each).astype(str)})
    frame["level"] = np.repeat(rng.choice(["a", "b"], units), each)
    frame["setting"] = rng.choice(["yes", "no"], len(frame))
    own = np.repeat(rng.uniform(-0.15, 0.15, units), each) if each > 1 else 0.0
    effect = np.where(frame["level"] == "a", effects[0], effects[1]) * (frame["setting"] == "yes")
    frame["k"] = (rng.random(len(frame)) < 0.5 + effect + own).astype(int)
    return frame.assign(n=1)


def compared(frame):
    counts = group_attempts(frame[["level", "setting"]].astype("category"), frame["unit"], frame["k"] == 1)
    return differences_by_context(
        counts, {"setting": "yes"}, {"setting": "no"}, context=["level", "absent"]
    ).set_index("level")


def test_counts_and_intervals_are_those_of_the_attempts_at_each_level():
    frame = made(np.random.default_rng(1))
    found = compared(frame)
    for level in ("a", "b"):
        sides = {
            side: frame[(frame["level"] == level) & (frame["setting"] == side)] for side in ("yes", "no")
        }
        k, n = ({side: int(one[name].sum()) for side, one in sides.items()} for name in ("k", "n"))
        row = found.loc[level]
        assert (row["attempts_with_value"], row["attempts_with_reference"]) == (n["yes"], n["no"])
        assert row["difference"] == pytest.approx(k["yes"] / n["yes"] - k["no"] / n["no"])
        expected = confint_proportions_2indep(
            k["yes"], n["yes"], k["no"], n["no"], method="newcomb", compare="diff"
        )
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(expected)


def test_intervals_cover_where_attempts_at_one_unit_are_alike():
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(60):
        found = compared(made(rng, units=40, each=10))
        covered += [
            found.loc[level, "ci_low"] <= truth <= found.loc[level, "ci_high"]
            for level, truth in (("a", 0.3), ("b", 0.0))
        ]
    assert np.mean(covered) >= 0.9


def test_levels_with_few_attempts_on_a_side_are_left_out():
    frame = made(np.random.default_rng(3))
    rare = frame.head(9).assign(level="rare")
    assert "rare" not in compared(pd.concat([frame, rare])).index
    assert compared(frame[frame["setting"] == "yes"]).empty
