"""The testability floor, counting and exact tests, against LAMP's own results and brute force."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from itemset_reference import (
    distinct_sets,
    frequent_sets,
    item_bits,
    lamp,
    least_p_value,
    two_sided,
    upper_tail,
)
from scipy import stats

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.significance import fisher_p_values
from memory_pipeline.analysis.testability import minimum_p_values, tarone_level

ALPHA = Fraction(1, 20)


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@pytest.mark.parametrize("hits", [0, 1, 5, 12, 16, 17])
def test_minimum_p_values_are_those_of_the_most_extreme_table(hits, alternative):
    total = 17
    p_value = two_sided if alternative == "two-sided" else upper_tail
    expected = [float(least_p_value(p_value, n, total, hits)) for n in range(total + 1)]

    least = minimum_p_values(np.arange(total + 1), total, hits, alternative=alternative)

    np.testing.assert_allclose(least, expected, rtol=1e-12)


def test_no_table_with_the_same_margins_has_a_smaller_p_value():
    total, hits = 60, 23
    for n, least in enumerate(minimum_p_values(np.arange(61), total, hits)):
        k = np.arange(max(0, n - (total - hits)), min(n, hits) + 1)
        p_values = fisher_p_values(np.full(len(k), n), k, total, hits)
        assert p_values.min() == pytest.approx(least, rel=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_tarone_level_follows_its_definition(seed):
    rng = np.random.default_rng(seed)
    total = int(rng.integers(10, 80))
    hits = int(rng.integers(1, total))
    sizes = rng.integers(1, total, rng.integers(1, 300)).tolist()

    tests, level = tarone_level(sizes, total, hits, 0.05)

    least = {n: least_p_value(two_sided, n, total, hits) for n in set(sizes)}
    assert tests == lamp(sizes, least, ALPHA)[0]
    assert level == 0.05 / tests


def test_where_nothing_is_testable_the_whole_level_is_left():
    assert tarone_level([1, 1, 2], 50, 25) == (1, 0.05)
    assert tarone_level([], 50, 25) == (1, 0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([3], 10, 11), "hits is 11"),
        (([3, 12], 10, 5), "n lies between 3 and 12"),
        (([3], 10, 5, 0.0), "alpha is 0.0"),
    ],
)
def test_impossible_tables_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tarone_level(*arguments)


@pytest.mark.parametrize(
    ("most_items", "tests", "significant"),
    # LAMP's own test results for these data, alternative "greater": correction factor, significant sets.
    [(4, 5, [(0, 1, 2)]), (2, 7, [(0, 1), (0, 2), (1, 2)])],
)
def test_the_lamp_toy(shared_data, most_items, tests, significant):
    folder = shared_data / "lamp_toy"
    rows = pd.read_csv(folder / "items.csv").iloc[:, 1:].to_numpy()
    labels = pd.read_csv(folder / "labels.csv").iloc[:, 1].to_numpy()
    bits, total, hits = item_bits(rows), len(rows), int(labels.sum())
    label_bits = item_bits(labels[:, None])[0]
    found = list(frequent_sets(bits, label_bits, most_items=most_items, least=1))
    sets = distinct_sets(found) if most_items == len(bits) else [one for *one, _ in found]
    sizes = [n for _, n, _ in sets]

    least = {n: least_p_value(upper_tail, n, total, hits) for n in set(sizes)}
    assert lamp(sizes, least, ALPHA) == (tests, 5)  # smallest testable support
    level = tarone_level(sizes, total, hits, 0.05, alternative="greater")
    assert level == (tests, 0.05 / tests)
    p_values = {chosen: float(upper_tail(k, n, total, hits)) for chosen, n, k in sets}
    passed = {chosen: p for chosen, p in p_values.items() if p <= level.level}
    assert sorted(passed) == significant
    assert list(passed.values()) == pytest.approx([0.00699300699301] * len(passed))


class Items:
    """A labelled data set: its frequent items, and by brute force the frequent sets of at most three."""

    def __init__(self, path, *, least):
        values = np.loadtxt(path, dtype=np.uint8)
        self.labels, self.values = values[:, 0], values[:, 1:][:, values[:, 1:].sum(axis=0) >= least]
        self.total, self.hits, self.least = len(values), int(self.labels.sum()), least
        label_bits = item_bits(self.labels[:, None])[0]
        self.sets = list(frequent_sets(item_bits(self.values), label_bits, most_items=3, least=least))
        self.n = np.array([n for _, n, _, _ in self.sets])
        self.k = np.array([k for _, _, k, _ in self.sets])

    def evidence(self):
        frame = pd.DataFrame(self.values.astype(str), columns=self.names).assign(label=self.labels)
        return count_evidence(frame, conditions=self.names, outcome="label")

    @property
    def names(self):
        return [f"i{column}" for column in range(self.values.shape[1])]


@pytest.fixture(scope="module")
def tic_tac_toe(shared_data):
    return Items(shared_data / "cp4im" / "tic-tac-toe.txt", least=1)


@pytest.fixture(scope="module")
def mushroom(shared_data):
    return Items(shared_data / "cp4im" / "mushroom.txt", least=800)


@pytest.fixture(params=["tic_tac_toe", "mushroom"])
def items(request):
    return request.getfixturevalue(request.param)


def test_every_set_of_present_items_is_counted(items):
    table = items.evidence().to_frame(min_count=items.least)
    present = table[table["conditions"].map(lambda one: set(one.values()) == {"1"})]
    names = [tuple(int(name[1:]) for name in one) for one in present["conditions"]]
    counted = dict(zip(names, zip(present["n"], present["1"], strict=True), strict=True))
    assert len(counted) > 2000
    assert counted == {chosen: (n, k) for chosen, n, k, _ in items.sets}


def test_p_values_agree_with_scipy_where_it_is_exact_enough(items):
    ours = fisher_p_values(items.n, items.k, items.total, items.hits)
    upper = stats.hypergeom.sf(items.k - 1, items.total, items.hits, items.n)
    lower = stats.hypergeom.cdf(items.k, items.total, items.hits, items.n)
    theirs = np.minimum(2 * np.minimum(upper, lower), 1)
    exact_enough = theirs > 1e-290
    np.testing.assert_allclose(ours[exact_enough], theirs[exact_enough], rtol=1e-10)
    assert (ours[~exact_enough] < 1e-280).all()


def test_p_values_agree_with_exact_arithmetic(tic_tac_toe):
    items = tic_tac_toe
    chosen = np.random.default_rng(0).choice(len(items.n), 40, replace=False)
    ours = fisher_p_values(items.n[chosen], items.k[chosen], items.total, items.hits)
    exact = [float(two_sided(int(items.k[i]), int(items.n[i]), items.total, items.hits)) for i in chosen]
    np.testing.assert_allclose(ours, exact, rtol=1e-10)


def test_the_floor_of_real_item_sets(items):
    sizes = [n for _, n, _ in distinct_sets(items.sets)]
    distinct = np.unique(sizes)
    most = stats.hypergeom.sf(np.minimum(distinct, items.hits) - 1, items.total, items.hits, distinct)
    fewest = np.maximum(distinct - (items.total - items.hits), 0)
    lower = stats.hypergeom.cdf(fewest, items.total, items.hits, distinct)
    least = dict(zip(distinct.tolist(), np.minimum(2 * np.minimum(most, lower), 1).tolist(), strict=True))

    tests, level = tarone_level(sizes, items.total, items.hits, 0.05)

    assert (tests, level) == (lamp(sizes, least, 0.05)[0], 0.05 / tests)
    assert 1 < tests <= len(sizes)
