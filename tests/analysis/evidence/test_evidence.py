"""Counts that add up: against a plain group-by, over any split of the rows, and through Parquet."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.evidence.collapse import Column, group_rows
from memory_pipeline.store.frames import FrameStore

CONDITIONS = ["vendor", "switch", "team"]
ROW = st.tuples(
    st.sampled_from(["u1", "u2", "u3"]),
    st.sampled_from(["2026-01", "2026-02"]),
    st.sampled_from(["acme", "zeta", None]),
    st.sampled_from(["/qn", "/S"]),
    st.sampled_from([True, False]),
    st.sampled_from(["success", "failure", "partial"]),
)
COLUMNS = ["app", "month", *CONDITIONS, "outcome"]
ROWS = [
    ("u1", "2026-01", None, "/qn", True, "success"),
    ("u2", "2026-01", "acme", "/qn", True, "failure"),
    ("u1", "2026-02", "zeta", "/S", False, "success"),
    ("u1", "2026-01", None, "/qn", True, "failure"),
    ("u1", "2026-01", None, "/qn", True, "success"),
]


def frame_of(rows):
    return pd.DataFrame(rows, columns=COLUMNS).astype(object)


def evidence_of(frame):
    return count_evidence(frame, conditions=CONDITIONS, outcome="outcome", unit="app", period="month")


def described(evidence):
    """Say how evidence was counted, in the arguments of `from_rows`."""
    names = ("conditions", "outcomes", "unit", "period", "max_conditions")
    return {name: getattr(evidence, name) for name in names}


def assert_equal(evidence, other):
    assert described(evidence) == described(other)
    pd.testing.assert_frame_equal(evidence.to_rows(), other.to_rows())


def as_counts(frame):
    """Read `to_frame` as a mapping from conditions and outcome to attempts."""
    outcomes = [column for column in frame if column not in {"conditions", "n"}]
    return {
        (frozenset(row["conditions"].items()), outcome): row[outcome]
        for _, row in frame.iterrows()
        for outcome in outcomes
        if row[outcome]
    }


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=60))
def test_every_combination_has_the_count_of_a_plain_group_by(rows):
    frame = frame_of(rows)
    texts = frame.assign(team=frame["team"].map({True: "yes", False: "no"})).fillna("(missing)")
    expected = {}
    for size in (1, 2, 3):
        for columns in combinations(CONDITIONS, size):
            for key, n in texts.groupby([*columns, "outcome"]).size().items():
                expected[frozenset(zip(columns, key[:-1], strict=True)), key[-1]] = n

    assert as_counts(evidence_of(frame).to_frame()) == expected


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=2, max_size=60), data=st.data())
def test_any_split_merged_in_any_order_equals_the_whole(rows, data):
    part = [data.draw(st.integers(0, 2)) for _ in rows]
    parts = [frame_of([r for r, p in zip(rows, part, strict=True) if p == wanted]) for wanted in (0, 1, 2)]
    pieces = [evidence_of(frame) for frame in data.draw(st.permutations(parts))]
    merged = pieces[0]
    for piece in pieces[1:]:
        merged = merged.merge(piece)

    whole = evidence_of(frame_of(rows))
    assert_equal(merged, whole)
    assert merged.n.sum() == len(rows)
    # Rows written one after the other are added up when they are read.
    stacked = pd.concat([piece.to_rows() for piece in pieces], ignore_index=True)
    assert_equal(Evidence.from_rows(stacked, **described(whole)), whole)


def test_parts_counted_by_other_processes_add_up():
    parts = [frame_of(ROWS[:2]), frame_of(ROWS[2:])]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        first, second = pool.map(_count_part, [(part, CONDITIONS) for part in parts])
    assert_equal(second.merge(first), evidence_of(frame_of(ROWS)))


def _count_part(task):
    part, conditions = task
    return count_evidence(part, conditions=conditions, outcome="outcome", unit="app", period="month")


def test_new_values_columns_and_outcomes_in_a_later_part_are_added():
    early = pd.DataFrame({"app": ["a"], "x": ["1"], "outcome": ["success"]})
    late = pd.DataFrame(
        {"app": ["a", "b"], "x": ["2", "1"], "y": ["new", None], "outcome": ["partial", "success"]}
    )
    merged = count_evidence(early, conditions=["x"], outcome="outcome", unit="app").merge(
        count_evidence(late, conditions=["x", "y"], outcome="outcome", unit="app")
    )

    assert merged.conditions == ("x", "y")
    assert merged.outcomes == ("partial", "success")
    counts = as_counts(merged.to_frame())
    assert counts[frozenset({("x", "1"), ("y", "(missing)")}), "success"] == 2
    assert counts[frozenset({("x", "2"), ("y", "new")}), "partial"] == 1


def test_evidence_of_different_kinds_is_not_added():
    frame = pd.DataFrame({"app": ["a"], "x": ["1"], "outcome": ["success"]})
    with_unit = count_evidence(frame, conditions=["x"], outcome="outcome", unit="app")
    without = count_evidence(frame, conditions=["x"], outcome="outcome")
    with pytest.raises(ValueError, match="count both the same way"):
        with_unit.merge(without)


def test_evidence_survives_parquet(tmp_path):
    evidence = evidence_of(frame_of(ROWS))
    frames = FrameStore(str(tmp_path))
    frames.write("evidence", evidence.to_rows(), {"conditions": list(evidence.conditions)})
    rows, info = frames.read("evidence")

    assert isinstance(rows["condition: vendor"].dtype, pd.CategoricalDtype)
    assert_equal(Evidence.from_rows(rows, **described(evidence)), evidence)
    assert info == {"conditions": CONDITIONS}


def test_evidence_survives_pickling():
    evidence = evidence_of(frame_of(ROWS))
    assert_equal(pickle.loads(pickle.dumps(evidence)), evidence)  # noqa: S301 - our own bytes


def test_each_level_is_a_small_code_in_sorted_order():
    frame = pd.DataFrame(
        {
            "x": pd.Categorical(["b", None, "a", "b"], categories=["z", "b", "a"]),
            "number": [1.0, 2.5, np.nan, 1.0],
            "outcome": "success",
        }
    )
    evidence = count_evidence(frame, conditions=["x", "number"], outcome="outcome")
    codes, levels = evidence.codes("x")
    assert levels == ["(missing)", "a", "b"]
    assert (codes.tolist(), codes.dtype) == ([0, 1, 2], np.uint8)
    assert evidence.codes("number")[1] == ["(missing)", "1", "2.5"]
    assert evidence.n.tolist() == [1, 1, 2]
    assert evidence.describe((0, 1), 7) == {"x": "b", "number": "1"}
    many = pd.DataFrame({"x": np.arange(300).astype(str), "outcome": "success"})
    assert count_evidence(many, conditions=["x"], outcome="outcome").codes("x")[0].dtype == np.uint16


def test_values_that_read_the_same_are_one_level():
    frame = pd.DataFrame({"x": np.array([1, "1", 1.0, True], dtype=object)[[1, 2, 1]], "outcome": "s"})
    evidence = count_evidence(frame, conditions=["x"], outcome="outcome")
    assert evidence.codes("x")[1] == ["1"]
    assert evidence.n.tolist() == [3]


def test_more_columns_than_fit_a_word_collapse_like_few():
    """Sixty columns of ten values take 240 bits; they collapse as a group-by of the same texts does."""
    rng = np.random.default_rng(0)
    distinct = rng.integers(0, 10, (40, 60))
    frame = pd.DataFrame(distinct[rng.integers(0, 40, 500)], columns=[f"c{i:02d}" for i in range(60)])
    frame["outcome"] = rng.choice(["success", "failure"], 500)
    frame.loc[7, "outcome"] = None
    conditions = list(frame.columns[:-1])
    evidence = count_evidence(frame, conditions=conditions, outcome="outcome", max_conditions=1)

    texts = frame.dropna().astype(str)
    expected = pd.crosstab([texts[column] for column in conditions], texts["outcome"])
    np.testing.assert_array_equal(evidence.counts, expected.to_numpy())
    np.testing.assert_array_equal(
        evidence.to_rows().iloc[:, : len(conditions)].astype(str).to_numpy(),
        expected.index.to_frame().to_numpy(),
    )
    half = [
        count_evidence(part, conditions=conditions, outcome="outcome", max_conditions=1)
        for part in (frame[:200], frame[200:])
    ]
    assert_equal(half[1].merge(half[0]), evidence)


def test_rows_that_one_word_tells_apart_are_ordered_by_it():
    rng = np.random.default_rng(1)
    levels = tuple(f"{i:05d}" for i in range(2**16))
    columns = [Column(levels, rng.permutation(2**16)[:50].astype(np.uint16)) for _ in range(6)]
    order, starts = group_rows(columns, 50)
    assert order.tolist() == np.argsort(columns[0].codes).tolist()
    assert starts.tolist() == list(range(50))


def test_outcomes_taken_together_are_counted_together():
    evidence = evidence_of(frame_of(ROWS))  # failure, success
    tables = list(evidence.joint_tables(classes=[0, 0], min_count=2))
    assert tables
    assert all(table.counts.shape[1] == 1 and table.n.min() >= 2 for table in tables)
    apart = {table.columns: table for table in evidence.joint_tables()}
    for table in tables:
        kept = apart[table.columns].n >= 2
        np.testing.assert_array_equal(table.cells, apart[table.columns].cells[kept])
        np.testing.assert_array_equal(table.n, apart[table.columns].n[kept])


def test_combinations_of_the_same_rows_have_equal_marks():
    evidence = evidence_of(frame_of(ROWS))
    marks = {
        tuple(evidence.describe(table.columns, cell).items()): mark
        for table in evidence.joint_tables(with_marks=True)
        for cell, mark in zip(table.cells, table.marks, strict=True)
    }
    assert marks[("switch", "/S"),] == marks[("vendor", "zeta"), ("team", "no")]
    assert marks[("switch", "/S"),] != marks[("switch", "/qn"),]


def test_listing_too_much_asks_for_a_least_count():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.integers(0, 9, (2500, 50)), columns=[f"c{i}" for i in range(50)])
    evidence = count_evidence(
        frame.assign(outcome="success"), conditions=list(frame.columns), outcome="outcome"
    )
    with pytest.raises(ValueError, match="combinations of 50 conditions; set min_count"):
        evidence.to_frame()
    listed = evidence.to_frame(min_count=300)
    assert listed["n"].min() >= 300
    assert {len(one) for one in listed["conditions"]} == {1}


def test_rows_without_an_outcome_are_not_counted():
    frame = pd.DataFrame({"x": ["1", "2"], "outcome": ["success", None]})
    evidence = count_evidence(frame, conditions=["x"], outcome="outcome")
    assert evidence.n.sum() == 1
    assert evidence.codes("x")[1] == ["1"]


def test_no_conditions_still_count_the_outcomes():
    evidence = count_evidence(pd.DataFrame({"outcome": ["a", "b", "a"]}), conditions=[], outcome="outcome")
    assert evidence.counts.tolist() == [[2, 1]]
    assert evidence.to_frame().empty


def test_no_attempts_are_no_evidence():
    evidence = evidence_of(frame_of([]))
    assert (len(evidence), evidence.outcomes) == (0, ())
    assert evidence.to_frame().empty
    assert_equal(evidence.merge(evidence_of(frame_of(ROWS))), evidence_of(frame_of(ROWS)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"conditions": ["nope"], "outcome": "outcome"}, KeyError, "nope"),
        ({"conditions": ["x"], "outcome": "outcome", "max_conditions": 0}, ValueError, "max_conditions is 0"),
        ({"conditions": ["x"], "outcome": "outcome", "unit": "x"}, ValueError, r"\['x'\] are named twice"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        count_evidence(pd.DataFrame({"x": ["1"], "outcome": ["a"]}), **arguments)


def test_rows_of_other_columns_are_refused():
    evidence = evidence_of(frame_of(ROWS))
    with pytest.raises(KeyError, match="attempts: success"):
        Evidence.from_rows(evidence.to_rows().drop(columns="attempts: success"), **described(evidence))
