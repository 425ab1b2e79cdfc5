"""Evaluating contracts: met, violated and could not evaluate are three things."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.contracts.contract import Contract, Expectation, load_contracts
from memory_pipeline.contracts.evaluate import MAX_EXAMPLES, Verdict, evaluate, expected, parameters
from memory_pipeline.settings import Settings

FRAME = pd.DataFrame(
    {
        "status": ["success", "failure", "broken", "broken", None],
        "share": [0.1, 0.5, 0.9, 1.2, np.nan],
        "at": pd.to_datetime(["2024-01-01", "2025-01-01", "2199-01-01", None, None], utc=True),
        "comment": ["secret one", "secret two", "", "secret three", None],
        "is_active": [True, True, True, True, False],
    }
)


def rule(kind: str, *, name: str = "rule", show: bool = False, **kwargs: Any) -> Expectation:
    return Expectation(name, f"expect_{kind}", kwargs, "critical", "Because.", show)


def where(column: str, value: Any) -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": column}, "operator": "==", "parameter": value}


def verdicts(*rules: Expectation, frame: pd.DataFrame = FRAME) -> list[Verdict]:
    contract = Contract("sample", "A sample.", {}, tuple(rules), frame="sample")
    return evaluate(contract, frame, parameters(Settings(min_sample_size=30)))


def test_a_rule_that_holds_is_met() -> None:
    [verdict] = verdicts(rule("table_row_count_to_be_between", min_value=5))
    assert (verdict.outcome, verdict.passed, verdict.observed) == ("met", True, "the table has 5")


def test_a_violation_counts_rows_and_shows_counted_examples_where_allowed() -> None:
    [verdict] = verdicts(
        rule("column_values_to_be_in_set", column="status", value_set=["success", "failure"], show=True)
    )
    assert verdict.outcome == "violated"
    assert (verdict.rows, verdict.violations, verdict.examples) == (5, 2, {"broken": 2})
    assert verdict.observed == "2 of 5 rows break the rule (50%)"  # of the four that have a value


def test_values_are_not_shown_unless_the_contract_allows_it() -> None:
    found = verdicts(
        rule("column_values_to_match_regex", name="regex", column="comment", regex="^$"),
        rule("column_distinct_values_to_be_in_set", name="distinct", column="comment", value_set=[""]),
        rule("column_distinct_values_to_contain_set", name="contain", column="comment", value_set=["hidden"]),
    )
    assert [one.outcome for one in found] == ["violated"] * 3
    assert "secret" not in str([(one.observed, one.examples) for one in found])
    assert "hidden" not in str([one.observed for one in found])


def test_examples_are_bounded() -> None:
    frame = pd.DataFrame({"status": [f"{'x' * 500}{number}" for number in range(100)]})
    [verdict] = verdicts(
        rule("column_values_to_be_in_set", column="status", value_set=["a"], show=True), frame=frame
    )
    assert verdict.violations == 100
    assert len(verdict.examples) <= MAX_EXAMPLES
    assert max(map(len, verdict.examples)) == 80


@pytest.mark.parametrize(
    ("faulty", "named"),
    [
        (rule("column_values_to_not_be_null", column="absent"), "absent"),
        (rule("column_values_to_be_between", column="status", min_value=1), ""),
        (rule("no_such_thing_to_be_known", column="status"), "expect_no_such_thing_to_be_known"),
        (rule("column_values_to_be_between", column="share"), ""),
        (rule("column_values_to_be_between", column="at", max_value="2026-01-01T00:00:00"), ""),
        (rule("column_values_to_not_be_null", column="share", row_condition=where("absent", 1)), "absent"),
    ],
    ids=[
        "column absent",
        "type does not fit",
        "unknown rule",
        "arguments missing",
        "naive bound",
        "condition",
    ],
)
def test_what_could_not_be_evaluated_is_told_apart_and_hides_no_other_verdict(
    faulty: Expectation, named: str
) -> None:
    broken, fine, violated = verdicts(
        faulty,
        rule("table_row_count_to_be_between", name="fine", min_value=1),
        rule("column_values_to_be_between", name="violated", column="share", max_value=1),
    )
    assert broken.outcome == "could not evaluate"
    assert not broken.passed
    assert broken.violations is None
    assert named in broken.observed
    assert "\n" not in broken.observed
    assert (fine.outcome, violated.outcome, violated.violations) == ("met", "violated", 1)


def test_what_is_expected_is_written_out() -> None:
    known = rule("column_values_to_not_be_null", column="reason", row_condition=where("status", "failure"))
    assert (
        expected(known, {}) == "expect_column_values_to_not_be_null(column = reason) where status == failure"
    )
    nullity = {"type": "nullity", "column": {"name": "id"}, "is_null": False}
    large = rule(
        "column_values_to_be_between", column="n", min_value={"$PARAMETER": "n"}, row_condition=nullity
    )
    wanted = "expect_column_values_to_be_between(column = n, min_value = 30) where id is not null"
    assert expected(large, {"n": 30}) == wanted


@pytest.mark.parametrize("contract", load_contracts(), ids=lambda one: one.name)
def test_what_every_shipped_rule_expects_can_be_written_out(contract: Contract) -> None:
    for one in contract.expectations:
        said = expected(one, parameters(Settings()))
        assert said.startswith(one.type)
        assert "{" not in said


def test_row_conditions_and_parameters_are_applied() -> None:
    frame = pd.DataFrame({"sample_size": [29, 31, 5], "active": [True, True, False]})
    [verdict] = verdicts(
        rule(
            "column_values_to_be_between",
            column="sample_size",
            min_value={"$PARAMETER": "min_sample_size"},
            row_condition=where("active", True),
        ),
        frame=frame,
    )
    assert (verdict.rows, verdict.violations) == (2, 1)


def test_tomorrow_is_a_bound_in_time() -> None:
    [verdict] = verdicts(
        rule("column_values_to_be_between", column="at", max_value={"$PARAMETER": "tomorrow"}, show=True)
    )
    assert (verdict.outcome, verdict.violations) == ("violated", 1)
    assert "2199" in str(verdict.examples)


def test_an_empty_frame_breaks_the_row_count_alone_and_an_absent_column_still_shows() -> None:
    found = verdicts(
        rule("table_row_count_to_be_between", name="rows", min_value=1),
        rule("column_distinct_values_to_contain_set", name="contain", column="status", value_set=["success"]),
        rule("column_values_to_be_between", name="between", column="share", max_value=1),
        rule("column_values_to_not_be_null", name="absent", column="absent"),
        frame=FRAME.head(0),
    )
    assert [one.outcome for one in found] == [
        "violated",
        "nothing to check",
        "nothing to check",
        "could not evaluate",
    ]


@pytest.mark.parametrize("contract", load_contracts(), ids=lambda one: one.name)
def test_great_expectations_accepts_every_shipped_rule(contract: Contract) -> None:
    empty = pd.DataFrame({column: pd.Series(dtype="str") for column in contract.columns_read})
    found = evaluate(contract, empty, parameters(Settings()))
    assert {one.outcome for one in found} == {"violated", "nothing to check"}
    assert [one.expectation.id for one in found if not one.passed] == ["has_rows"]
