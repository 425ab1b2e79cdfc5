"""Association of conditions: Bergsma's V, allowance for repetition, groups and overlaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.patterns.associations import (
    ASSOCIATION_COLUMNS,
    associated_groups,
    condition_associations,
    pattern_overlaps,
)
from memory_pipeline.analysis.stats.cramers_v import association


def test_v_is_bergsmas_and_the_test_is_pearsons_where_attempts_are_independent():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 200)
    b = np.where(rng.random(200) < 0.4, a, rng.integers(0, 4, 200))
    table = pd.crosstab(a, b).to_numpy()
    chi_square = stats.chi2_contingency(table, correction=False)
    n, (r, c) = table.sum(), table.shape
    corrected = chi_square.statistic / n - (r - 1) * (c - 1) / (n - 1)
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))

    found = association(a, b, np.ones(200))

    assert found.cramers_v == pytest.approx(np.sqrt(corrected / (smaller - 1)))
    assert found.p_value == pytest.approx(chi_square.pvalue)
    assert found.effective_attempts == pytest.approx(200)


def test_units_of_one_attempt_each_change_next_to_nothing():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 3, 3000), rng.integers(0, 3, 3000)
    found = association(a, b, np.ones(3000), np.arange(3000))
    assert found.effective_attempts == pytest.approx(3000, rel=0.1)


def test_the_effective_attempts_are_what_the_units_say_directly():
    """Against the definition: squared norms of the units' cross products of centred indicators."""
    rng = np.random.default_rng(2)
    unit = rng.integers(0, 15, 400)
    level = rng.integers(0, 12, 15)[unit]
    a, b = (level + rng.integers(0, 2, 400)) % 4, (level // 4 + rng.integers(0, 2, 400)) % 3
    n = rng.integers(1, 5, 400)
    x, y = (np.eye(size)[codes] for codes, size in ((a, 4), (b, 3)))
    x, y = (
        (z - np.average(z, axis=0, weights=n)) / np.sqrt(np.average(z, axis=0, weights=n)) for z in (x, y)
    )
    parts = np.array([(x[unit == u] * n[unit == u, None]).T @ y[unit == u] for u in range(15)])
    share = np.bincount(unit, weights=n) / n.sum()
    scatter = ((parts - share[:, None, None] * parts.sum(axis=0)) ** 2).sum()
    square, cube = (share**2).sum(), (share**3).sum()
    expected = 6 / (scatter / n.sum() ** 2 * square / (square - 2 * cube + square**2))

    assert association(a, b, n, unit).effective_attempts == pytest.approx(expected)


@pytest.mark.statistics
@pytest.mark.parametrize("heavy_tail", [True, False])
@pytest.mark.parametrize("constant", [True, False])
def test_independent_columns_of_few_units_are_rarely_called_associated(constant, heavy_tail):
    """40 units, 2,000 attempts, 300 worlds; a test of single attempts is wrong nearly always."""
    wrong, blind = 0, 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        size = rng.pareto(1.2, 40) + 0.2 if heavy_tail else np.ones(40)
        unit = rng.choice(40, 2000, p=size / size.sum())
        stays = constant | (rng.random(2000) < 0.6)
        a, b = (
            np.where(stays, rng.integers(0, size, 40)[unit], rng.integers(0, size, 2000)) for size in (4, 3)
        )
        wrong += association(a, b, np.ones(2000), unit).p_value <= 0.05
        blind += association(a, b, np.ones(2000)).p_value <= 0.05
    assert wrong <= 25  # of 300 at 5%, 26 or more have a probability of 0.6%
    assert blind >= 200


def world(seed=0, attempts=3000, units=200):
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, units, attempts)
    vendor = rng.integers(0, 5, units)[unit]
    installer = np.where(rng.random(attempts) < 0.9, vendor, rng.integers(0, 5, attempts))
    team = np.where(rng.random(attempts) < 0.9, installer, rng.integers(0, 5, attempts))
    frame = pd.DataFrame(
        {
            "vendor": vendor,
            "free": rng.integers(0, 3, attempts),
            "installer": installer,
            "team": team,
            "always": 1,
            "month": rng.integers(0, 4, attempts),
            "application": unit,
            "outcome": rng.random(attempts) < 0.5,
        }
    )
    conditions = ["vendor", "free", "installer", "team", "always", "month"]
    return count_evidence(frame, conditions=conditions, outcome="outcome", unit="application")


def test_what_travels_together_is_grouped_and_stands_side_by_side():
    found = condition_associations(world())

    assert list(found.columns) == list(ASSOCIATION_COLUMNS)
    assert len(found) == 10  # pairs of the five columns that are not constant
    assert found.attrs["left_out"] == ["always"]
    assert associated_groups(found) == [["installer", "team", "vendor"]]
    assert found["is_sure"].tolist() == [True] * 3 + [False] * 7
    assert found["cramers_v"].iloc[:3].between(0.75, 0.95).all()
    grouped = found[found["group"] == 1]
    places = sorted({*grouped["position_a"], *grouped["position_b"]})
    assert places == list(range(places[0], places[0] + 3))


def test_only_the_most_varied_columns_are_compared_where_there_are_many():
    found = condition_associations(world(), max_columns=3)
    assert set(found.attrs["left_out"]) == {"always", "free", "month"}


def test_histories_without_anything_to_compare_give_no_rows():
    frame = pd.DataFrame({"a": ["x", "x"], "outcome": ["success", "failure"]})
    found = condition_associations(count_evidence(frame, conditions=["a"], outcome="outcome"))
    assert found.empty
    assert associated_groups(found) == []
    empty = count_evidence(frame.iloc[:0], conditions=["a"], outcome="outcome")
    assert condition_associations(empty).empty
    assert pattern_overlaps(empty, {"one": {"a": "x"}, "two": {"a": "x"}}).empty


def test_patterns_that_cover_the_same_attempts_are_named():
    rows = [("x", "1", 6), ("x", "2", 2), ("y", "1", 1), ("y", "2", 11)]
    frame = pd.DataFrame([(a, b, "success") for a, b, n in rows for _ in range(n)], columns=["a", "b", "o"])
    evidence = count_evidence(frame, conditions=["a", "b"], outcome="o")
    patterns = {
        "a is x": {"a": "x"},
        "b is 1": {"b": "1"},
        "both": {"a": "x", "b": "1"},
        "gone": {"a": "z"},
        "unknown": {"c": "1"},
    }

    found = pattern_overlaps(evidence, patterns, min_jaccard=0.1)

    assert found.to_numpy().tolist() == [
        ["b is 1", "both", 7, 6, 6, 6 / 7, 1.0],
        ["a is x", "both", 8, 6, 6, 0.75, 1.0],
        ["a is x", "b is 1", 8, 7, 6, 6 / 9, 6 / 7],
    ]
