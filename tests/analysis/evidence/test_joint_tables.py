"""Counting: every way gives the counts of a plain loop, on whatever input, and says what it cannot count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_pipeline.analysis.compute.compiled import compiled
from memory_pipeline.analysis.evidence.counting import cubes, index, items
from memory_pipeline.analysis.evidence.counting.entries import split_by_outcome
from memory_pipeline.analysis.evidence.counting.joint_tables import WAYS, joint_tables
from memory_pipeline.analysis.evidence.counting.plan import Shape, plan_by_cost


def by_plain_loop(codes, outcome, weight, *, outcomes, max_conditions, min_count, usable):
    """Count in the most obvious way: combination -> (attempts by outcome, entries covered)."""
    expected = {}
    for length in range(1, max_conditions + 1):
        for columns in combinations(range(len(codes)), length):
            counts, covered = defaultdict(Counter), defaultdict(list)
            for entry, end in enumerate(outcome):
                levels = tuple(int(codes[column][entry]) for column in columns)
                counts[levels][int(end)] += 1 if weight is None else int(weight[entry])
                covered[levels].append(entry)
            for levels, by_outcome in counts.items():
                is_usable = all(usable[c][level] for c, level in zip(columns, levels, strict=True))
                if is_usable and by_outcome.total() >= min_count:
                    row = tuple(by_outcome[one] for one in range(outcomes))
                    expected[columns, levels] = row, tuple(covered[levels])
    return expected


def as_dict(tables, sizes):
    """Read joint tables as combination -> (attempts by outcome, fingerprint)."""
    found = {}
    for table in tables:
        levels = np.unravel_index(table.cells, [sizes[column] for column in table.columns])
        marks = np.zeros(len(table.cells)) if table.marks is None else table.marks
        for i, cell in enumerate(zip(*levels, strict=True)):
            assert table.n[i] == table.counts[i].sum()
            found[table.columns, tuple(int(one) for one in cell)] = tuple(table.counts[i].tolist()), marks[i]
    return found


@st.composite
def problems(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    outcomes = draw(st.integers(1, 3))
    entries = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from([np.uint8, np.uint16, np.int64]))
    heaviest = draw(st.sampled_from([None, 3, 2**33]))
    return {
        "codes": [rng.integers(0, size, entries).astype(kind) for size in sizes],
        "sizes": sizes,
        "outcome": rng.integers(0, outcomes, entries),
        "weight": None if heaviest is None else rng.integers(1, heaviest, entries),
        "outcomes": outcomes,
        "max_conditions": draw(st.integers(1, 4)),
        "min_count": draw(st.sampled_from([1, 2, 5])),
        "usable": [rng.random(size) < 0.8 for size in sizes],
    }


@pytest.mark.parametrize("way", [*WAYS, None])
@settings(max_examples=40, deadline=None)
@given(problem=problems())
def test_every_way_counts_like_a_plain_loop(way, problem):
    tables = list(joint_tables(**problem, way=way, with_marks=True))
    found = as_dict(tables, problem["sizes"])
    expected = by_plain_loop(**{name: value for name, value in problem.items() if name != "sizes"})

    assert {key: counts for key, (counts, _) in found.items()} == {
        key: counts for key, (counts, _) in expected.items()
    }
    # Fingerprints are equal exactly where the entries covered are.
    covered = {key: entries for key, (_, entries) in expected.items()}
    assert len({mark for _, mark in found.values()}) == len(set(covered.values()))
    assert len({(found[key][1], covered[key]) for key in found}) == len(set(covered.values()))


def made(seed, entries, sizes, *, outcomes=3, heaviest=None, skew=2.0):
    rng = np.random.default_rng(seed)
    codes = [(rng.random(entries) ** skew * size).astype(np.uint16) for size in sizes]
    return {
        "codes": codes,
        "sizes": sizes,
        "outcome": rng.integers(0, outcomes, entries),
        "outcomes": outcomes,
        "weight": None if heaviest is None else rng.integers(1, heaviest, entries),
    }


def assert_same(tables, others):
    tables, others = list(tables), list(others)
    assert [one.columns for one in tables] == [one.columns for one in others]
    assert [len(one.n) for one in tables] == [len(one.n) for one in others]
    for part in ("cells", "counts", "n"):
        left, right = (np.concatenate([getattr(one, part) for one in side]) for side in (tables, others))
        np.testing.assert_array_equal(left, right)
    marks = [np.concatenate([one.marks for one in side]) for side in (tables, others)]
    # Fingerprints differ between ways; which cells share one does not.
    firsts = [np.unique(one, return_index=True)[1] for one in marks]
    np.testing.assert_array_equal(np.sort(firsts[0]), np.sort(firsts[1]))
    return len(marks[0])


@pytest.mark.parametrize("heaviest", [None, 50])
def test_ways_agree_on_a_wide_history_with_rare_levels(heaviest):
    problem = made(1, 6000, [3, 700, 40, 2, 5, 12, 2, 2, 2], heaviest=heaviest)
    problem |= {"min_count": 8, "with_marks": True, "max_conditions": 4}
    problem["usable"] = [
        np.arange(size) > 0 if size == 2 else np.ones(size, bool) for size in problem["sizes"]
    ]
    plain = list(joint_tables(**problem, way="bincount"))
    assert assert_same(plain, joint_tables(**problem, way="items")) > 5_000
    assert_same(plain, joint_tables(**problem))


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (items, "_WORDS_PER_ITEM", 1e-9),  # every prefix is read entry by entry
        (items, "_WORDS_PER_ITEM", 1e9),  # none is
        (index, "_MOST_ROW_ITEMS", 0),  # none can be
        (index, "_RARE", 1),  # nearly every item is a list of entries
        (index, "_RARE", 10**9),  # none is
        (index, "_PIECE", 1),
        (items, "_MOST_CANDIDATES", 1),
        (cubes, "MOST_CELLS", 400),  # many passes
    ],
)
def test_each_path_gives_the_same_counts(monkeypatch, module, name, value):
    problem = made(2, 1500, [3, 30, 2, 5, 4, 2, 2], heaviest=9)
    problem |= {"min_count": 4, "with_marks": True}
    expected = list(joint_tables(**problem, way="bincount"))
    monkeypatch.setattr(module, name, value)
    for way in ("items", "cubes"):
        if not (way == "cubes" and name == "MOST_CELLS"):
            assert_same(expected, joint_tables(**problem, way=way))
    if name == "MOST_CELLS":
        small = {**problem, "codes": problem["codes"][2:], "sizes": problem["sizes"][2:]}
        expected = list(joint_tables(**small, way="bincount"))
        assert_same(expected, joint_tables(**small, way="cubes"))
        with pytest.raises(ValueError, match="too large; leave way at None"):
            list(joint_tables(**problem, way="cubes"))
        assert_same(joint_tables(**problem, way="bincount"), joint_tables(**problem))


def test_forty_columns_and_two_hundred_list_elements():
    rng = np.random.default_rng(3)
    problem = made(3, 3000, [3] * 40)
    elements = [(rng.random(3000) < 0.05).astype(np.uint8) for _ in range(200)]
    usable = [np.ones(3, bool)] * 40 + [np.array([False, True])] * 200
    wide = {**problem, "codes": problem["codes"] + elements, "sizes": [3] * 40 + [2] * 200, "usable": usable}

    narrow = list(joint_tables(**problem, min_count=60, with_marks=True, way="items"))
    assert_same(narrow, joint_tables(**problem, min_count=60, with_marks=True, way="cubes"))
    both = list(joint_tables(**wide, min_count=60, with_marks=True))
    assert_same(both, joint_tables(**wide, min_count=60, with_marks=True, way="items"))
    # What is counted by cubes inside of it is what is counted without the lists.
    assert_same(narrow, [table for table in both if max(table.columns) < 40])
    # Any element with any level, against a plain product.
    at_hand = {table.columns: table for table in both}
    for column, element in ((0, 40), (39, 239), (17, 100)):
        counts = np.bincount(problem["codes"][column][elements[element - 40] == 1], minlength=3)
        table = at_hand.get((column, element))
        expected = {2 * level + 1: n for level, n in enumerate(counts) if n >= 60}
        assert ({} if table is None else dict(zip(table.cells, table.n, strict=True))) == expected


def test_wide_columns_are_told_from_narrow_ones():
    rng = np.random.default_rng(4)
    shares = [np.full(5, 0.2) for _ in range(20)] + [np.full(2000, 1 / 2000)] + [rng.random(1) / 20] * 200
    shape = Shape(
        tuple(shares), (*[5] * 20, 2001, *[2] * 200), 10**6, 10**6, outcomes=3, max_conditions=3, min_count=30
    )
    plan, _ = plan_by_cost(shape)
    assert plan.narrow == tuple(range(20))
    assert set(plan.wide) == set(range(20, 221))


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("columns", [1, 2, 5, 7, 8, 9, 13, 20])
def test_cubes_cover_every_combination(columns, length):
    for groups, number, power in cubes._designs(columns, length):
        if power:
            design = cubes._quadruples(power, groups)
        else:
            design = cubes._combinations(groups, min(groups, length))
        assert len(design) == number
        covered = {
            chosen
            for cube in design
            for chosen in combinations([int(one) for one in cube if one < groups], min(length, groups))
        }
        assert covered == set(combinations(range(groups), min(length, groups)))


@pytest.mark.parametrize("way", WAYS)
def test_counts_beyond_32_bits_are_exact(way):
    weight = np.array([2**31 - 1, 5, 2**60, 3], dtype=np.int64)
    codes = [np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0])]
    tables = joint_tables(codes, [2, 2], np.zeros(4, int), outcomes=1, weight=weight, way=way)
    found = {key: counts for key, (counts, _) in as_dict(tables, [2, 2]).items()}
    assert found[(0,), (0,)] == (2**31 + 4,)
    assert found[(0,), (1,)] == (2**60 + 3,)
    assert found[(1,), (1,)] == (2**60 + 2**31 + 4,)
    assert found[(0, 1), (1, 0)] == (3,)


@pytest.mark.parametrize("total", [2**31 - 1, 2**31])
def test_totals_at_the_border_of_32_bits(total):
    weight = np.array([total - 1, 1], dtype=np.int64)
    (table,) = joint_tables([np.zeros(2, int)], [1], np.zeros(2, int), outcomes=1, weight=weight, way="cubes")
    assert table.n.tolist() == [total]


def test_the_number_of_threads_changes_nothing():
    problem = made(5, 220_000, [3, 40, 5, 2], heaviest=4)
    for way in ("cubes", "items"):
        one, four = (list(joint_tables(**problem, way=way, with_marks=True, threads=t)) for t in (1, 4))
        assert_same(one, four)
        assert one[0].n.sum() == problem["weight"].sum()


def test_several_threads_may_count_at_once():
    problem = made(6, 60_000, [3, 8, 5, 2])
    expected = [table.n.tolist() for table in joint_tables(**problem, way="bincount")]
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(lambda w: list(joint_tables(**problem, way=w)), w) for w in ("cubes", "items") * 4
        ]
        for job in jobs:
            assert [table.n.tolist() for table in job.result()] == expected


def test_rows_with_several_outcomes_become_entries():
    row, outcome, weight = split_by_outcome(np.array([[2, 0, 1], [0, 0, 0], [0, 5, 0]]))
    assert row.tolist() == [0, 0, 2]
    assert outcome.tolist() == [0, 2, 1]
    assert weight.tolist() == [2, 1, 5]


def test_tables_come_by_length_and_columns_and_cells_ascend():
    tables = list(joint_tables(**made(7, 500, [4, 2, 3, 6]), way="items"))
    order = [(len(table.columns), table.columns) for table in tables]
    assert len(order) == 4 + 6 + 4
    assert order == sorted(order)
    assert all((np.diff(table.cells) > 0).all() for table in tables)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"min_count": 0}, ValueError, "min_count is 0"),
        ({"max_conditions": 0}, ValueError, "max_conditions is 0"),
        ({"way": "guess"}, ValueError, "way is 'guess'; use one of bincount, cubes, items"),
        ({"sizes": [3]}, ValueError, "2 columns of codes and 1 sizes"),
        ({"sizes": [2, 2]}, ValueError, "codes of column 0 lie between 0 and 2; with a size of 2"),
        ({"codes": [np.array([0, -1, 1]), np.zeros(3, int)]}, ValueError, "between -1 and 1"),
        ({"codes": [np.zeros(3), np.zeros(3, int)]}, ValueError, "of type float64; give whole numbers"),
        ({"codes": [np.zeros(2, int), np.zeros(3, int)]}, ValueError, "column 0 has 2 codes"),
        ({"outcome": np.array([0, 1, 2])}, ValueError, "outcomes lie between 0 and 2"),
        ({"weight": np.array([1, 0, 2])}, ValueError, "a weight is 0"),
        ({"weight": np.array([1, 2])}, ValueError, "2 weights for 3 entries"),
        ({"weight": np.array([1, 2**62, 2**62])}, OverflowError, "more than 2\\*\\*62 attempts"),
        ({"sizes": [2**40, 2**40]}, ValueError, "more than 2\\*\\*63 cells"),
    ],
)
def test_what_cannot_be_counted_is_named(change, error, message):
    problem = {
        "codes": [np.array([0, 2, 1]), np.zeros(3, dtype=int)],
        "sizes": [3, 2],
        "outcome": np.array([0, 1, 1]),
        "outcomes": 2,
    }
    with pytest.raises(error, match=message):
        joint_tables(**{**problem, **change})


COUNT_IN_A_PROCESS = """
import json, sys
import numpy as np
from memory_pipeline.analysis.evidence.counting.joint_tables import joint_tables
assert "numba" not in sys.modules
rng = np.random.default_rng(0)
codes = [rng.integers(0, size, 5000).astype(np.uint8) for size in (3, 4, 5)]
list(joint_tables(codes, [3, 4, 5], rng.integers(0, 2, 5000), outcomes=2))
assert "numba" not in sys.modules, "a small input was compiled for"
tables = joint_tables(codes, [3, 4, 5], rng.integers(0, 2, 5000), outcomes=2, way="cubes")
n = [table.n.tolist() for table in tables]
from memory_pipeline.analysis.evidence.counting.kernels import fill_cubes
print(json.dumps({"n": n, "hits": sum(fill_cubes.stats.cache_hits.values())}))
"""


def test_processes_share_what_is_compiled(tmp_path):
    """Two processes that compile at once get along, and a third finds what they kept."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def start():
        command = [sys.executable, "-c", COUNT_IN_A_PROCESS]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    first, second = start(), start()
    results = [json.loads(process.communicate()[0]) for process in (first, second)]
    third = json.loads(start().communicate()[0])
    assert results[0]["n"] == results[1]["n"] == third["n"]
    assert third["hits"] == 1


def test_without_a_folder_for_the_cache_it_is_compiled_all_the_same(monkeypatch):
    njit = numba.njit

    def nowhere_to_write(function, *, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    monkeypatch.setattr(numba, "njit", nowhere_to_write)
    assert compiled(lambda x: x + 1)(2) == 3
