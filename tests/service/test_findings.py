"""Patterns and factors: filtered, sorted, and with what is behind them."""

from __future__ import annotations

import pandas as pd
import pytest


def test_patterns_are_filtered_and_sorted(memory):
    by_confidence = memory.patterns()
    by_impact = memory.patterns(sort="impact")
    effects = by_impact["impact"].map(lambda impact: abs(impact["risk_difference"]))
    assert by_confidence["confidence"].is_monotonic_decreasing
    assert effects.is_monotonic_decreasing
    assert set(memory.patterns(pattern_type="failure")["pattern_type"]) == {"failure"}
    assert memory.patterns(min_confidence=0.9)["confidence"].min() >= 0.9
    with pytest.raises(ValueError, match="sort is 'size'"):
        memory.patterns(sort="size")


def test_a_pattern_names_attempts_that_have_its_conditions(memory):
    pattern = memory.patterns().iloc[0]
    outcomes = memory.outcomes().set_index("id")
    assert 0 < len(pattern["related_outcomes"]) <= 50
    assert set(pattern["related_outcomes"]) <= set(outcomes.index)


def test_factors_come_with_the_surest_gain_or_harm_first(memory):
    factors = memory.factors()
    assert len(factors) > 1
    sure = factors["ci_low"].clip(lower=0) - factors["ci_high"].clip(upper=0)
    assert sure.is_monotonic_decreasing


def test_factors_of_an_application_type_are_those_that_apply_to_it(memory):
    every, some = memory.factors(), memory.factors(application_type="browser")
    assert set(some["id"]) <= set(every["id"])
    free = every[every["applicability_conditions"].map(lambda where: "application_type" not in where)]
    assert len(free) > 0
    assert set(free["id"]) <= set(some["id"])
    assert isinstance(some, pd.DataFrame)
