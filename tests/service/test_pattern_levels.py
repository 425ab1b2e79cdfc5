"""A pattern by month and by context: the numbers are those of the recorded attempts."""

from __future__ import annotations

import pytest

from memory_pipeline.memory import Memory
from memory_pipeline.service.contexts import MONTH


@pytest.fixture
def memory(rebuilt):
    with Memory.open(rebuilt) as opened:
        yield opened


def test_months_and_contexts_of_a_pattern_are_those_of_the_attempts(memory):
    patterns = memory.patterns()
    about_success = patterns[patterns["target"] == "success"]
    single = about_success[about_success["conditions"].map(len) == 1].iloc[0]
    ((column, level),) = single["conditions"].items()
    found = memory.pattern_by_level(memory.pattern(single["id"]))
    outcomes = memory.outcomes()
    context = {one["name"] for one in memory.vocabulary()["context"]}
    read = (
        (lambda row: row["context"].get(column))
        if column in context
        else (lambda row: row["approach_details"].get(column))
    )
    value = outcomes.apply(
        lambda row: row[column] if column in outcomes.columns else read(row), axis=1
    ).astype(str)
    inside = value == level
    month = outcomes["occurred_at"].dt.strftime("%Y-%m")
    months = found[found["column"] == MONTH].set_index("level")
    assert len(months) >= 12
    assert list(months.index) == sorted(months.index)
    for name, row in months.iterrows():
        these = inside & (month == name)
        assert row["attempts_with_value"] == these.sum()
        assert row["rate"] == pytest.approx((outcomes["outcome_status"][these] == "success").mean())
        assert row["ci_low"] <= row["difference"] <= row["ci_high"]
    assert column not in set(found["column"])
    assert set(found["column"]) - {MONTH} <= context


def test_factors_of_a_pattern_link_back_to_it(memory):
    linked = [
        (pattern, factor)
        for pattern in memory.patterns()["id"]
        for factor in memory.factors_of_pattern(pattern)["id"]
    ]
    assert linked
    for pattern, factor in linked:
        assert pattern in set(memory.factor(factor)["implementation_details"]["patterns"])
