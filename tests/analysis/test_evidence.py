"""Counts that add up: against a plain group-by, over any split of the rows, and through Parquet."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.store.files import FrameStore

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


def frame_of(rows):
    return pd.DataFrame(rows, columns=COLUMNS).astype(object)


def evidence_of(frame):
    return count_evidence(frame, conditions=CONDITIONS, outcome="outcome", unit="app", period="month")


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
    pieces = [evidence_of(frame) for frame in data.draw(st.permutations(parts)) if len(frame)]
    merged = pieces[0]
    for piece in pieces[1:]:
        merged = merged.merge(piece)

    pd.testing.assert_frame_equal(merged.rows, evidence_of(frame_of(rows)).rows)
    assert merged.n.sum() == len(rows)


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


def test_rows_survive_parquet(tmp_path):
    evidence = evidence_of(frame_of([("u1", "2026-01", None, "/qn", True, "success")] * 3))
    frames = FrameStore(str(tmp_path))
    frames.write("evidence", evidence.rows, {"conditions": list(evidence.conditions)})
    rows, info = frames.read("evidence")

    pd.testing.assert_frame_equal(rows.astype(evidence.rows.dtypes.to_dict()), evidence.rows)
    assert info == {"conditions": CONDITIONS}


def test_rows_without_an_outcome_are_not_counted():
    frame = pd.DataFrame({"x": ["1", "1"], "outcome": ["success", None]})
    assert count_evidence(frame, conditions=["x"], outcome="outcome").n.sum() == 1


def test_no_conditions_still_count_the_outcomes():
    evidence = count_evidence(pd.DataFrame({"outcome": ["a", "b", "a"]}), conditions=[], outcome="outcome")
    assert evidence.counts.tolist() == [[2, 1]]
    assert evidence.to_frame().empty


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"conditions": ["nope"], "outcome": "outcome"}, KeyError, "nope"),
        ({"conditions": ["x"], "outcome": "outcome", "max_conditions": 0}, ValueError, "max_conditions is 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        count_evidence(pd.DataFrame({"x": ["1"], "outcome": ["a"]}), **arguments)
