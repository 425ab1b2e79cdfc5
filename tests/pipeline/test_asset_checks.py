"""A violated critical contract stops what is downstream; a warning does not; unevaluated is told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
import pytest

from memory_pipeline.contracts.contract import Contract, Expectation
from memory_pipeline.pipeline.asset_checks import build_contract_checks
from memory_pipeline.pipeline.resources import given_resources

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session

NOT_NULL = "column_values_to_not_be_null"


def rule(severity: str, *, name: str = "rule", column: str = "status", kind: str = NOT_NULL) -> Expectation:
    return Expectation(name, f"expect_{kind}", {"column": column}, severity, "It matters.")


class Run:
    """One run of `sample` and `downstream` with a contract on `sample`."""

    def __init__(self, memory: Session, *rules: Expectation) -> None:
        contract = Contract("sample", "A sample.", {}, rules, frame="sample")

        @dg.asset
        def sample() -> None:
            pass

        @dg.asset(deps=[sample])
        def downstream() -> None:
            pass

        definitions = dg.Definitions(
            assets=[sample, downstream],
            asset_checks=build_contract_checks([contract]),
            resources=given_resources(memory),
            jobs=[dg.define_asset_job("all", dg.AssetSelection.all())],
        )
        self.result = definitions.resolve_job_def("all").execute_in_process(raise_on_error=False)
        self.checks = {one.check_name: one for one in self.result.get_asset_check_evaluations()}
        self.materialized = {
            one.asset_key.to_user_string() for one in self.result.get_asset_materialization_events()
        }

    def said(self, check: str, key: str) -> Any:
        return self.checks[check].metadata[key].value


@pytest.fixture
def holed(memory: Session) -> Session:
    """A frame in which one status of three is missing."""
    frame = pd.DataFrame({"status": ["success", None, "failure"], "comment": ["a secret", None, "b"]})
    memory.frames.write("sample", frame.astype("str"), {})
    return memory


def test_a_violated_critical_contract_blocks_what_is_downstream(holed: Session) -> None:
    run = Run(holed, rule("critical"), rule("critical", name="other", column="comment"))
    assert not run.result.success
    assert run.materialized == {"sample"}
    assert run.checks["rule"].severity == dg.AssetCheckSeverity.ERROR
    assert run.said("rule", "outcome") == "violated"
    assert run.said("rule", "observed") == "1 of 3 rows break the rule (33.3%)"
    assert run.said("rule", "expected") == "expect_column_values_to_not_be_null(column = status)"
    assert run.said("rule", "why") == "It matters."
    assert (run.said("rule", "rows"), run.said("rule", "violations")) == (3, 1)
    assert set(run.checks) == {"rule", "other"}  # one violation does not hide the next


def test_a_violated_warning_lets_everything_go_on(holed: Session) -> None:
    run = Run(holed, rule("warning"))
    assert run.result.success
    assert run.materialized == {"sample", "downstream"}
    assert not run.checks["rule"].passed
    assert run.checks["rule"].severity == dg.AssetCheckSeverity.WARN


def test_what_could_not_be_evaluated_is_an_error_and_blocks_where_critical(holed: Session) -> None:
    run = Run(holed, rule("critical", column="absent"))
    assert run.materialized == {"sample"}
    assert run.said("rule", "outcome") == "could not evaluate"
    assert "absent" in run.said("rule", "observed")
    assert "violations" not in run.checks["rule"].metadata


def test_what_could_not_be_evaluated_is_an_error_but_no_barrier_where_it_only_warns(
    holed: Session,
) -> None:
    run = Run(holed, rule("warning", column="absent"), rule("warning", name="violated"))
    assert run.materialized == {"sample", "downstream"}
    assert run.said("rule", "outcome") == "could not evaluate"
    assert run.checks["rule"].severity == dg.AssetCheckSeverity.ERROR
    assert run.checks["violated"].severity == dg.AssetCheckSeverity.WARN


def test_data_that_cannot_be_read_is_could_not_evaluate(memory: Session) -> None:
    run = Run(memory, rule("critical"))
    assert run.said("rule", "outcome") == "could not evaluate"
    assert "FileNotFoundError" in run.said("rule", "observed")
    assert run.materialized == {"sample"}


def test_one_expectation_can_be_evaluated_alone(memory: Session) -> None:
    memory.frames.write("sample", pd.DataFrame({"status": [None]}), {})
    rules = (rule("warning"), rule("warning", name="other"))
    [checks] = build_contract_checks([Contract("sample", "A sample.", {}, rules, frame="sample")])
    only = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("sample"), "other"))
    definitions = dg.Definitions(
        assets=[dg.AssetSpec("sample")],
        asset_checks=[checks],
        resources=given_resources(memory),
        jobs=[dg.define_asset_job("one", only)],
    )
    result = definitions.resolve_job_def("one").execute_in_process()
    assert [one.check_name for one in result.get_asset_check_evaluations()] == ["other"]


def test_values_do_not_reach_the_event_log(holed: Session) -> None:
    unequal = Expectation(
        "rule", "expect_column_values_to_match_regex", {"column": "comment", "regex": "^x"}, "warning", "Why."
    )
    run = Run(holed, unequal)
    assert run.said("rule", "outcome") == "violated"
    assert "secret" not in str([event.logging_tags for event in run.result.all_events])
    assert "secret" not in str(run.checks["rule"])
