"""A rebuild without Dagster: what it tells, what it counts as, and what it does when something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from quick_rebuilds import leave_out
from sqlalchemy import text

from memory_pipeline.contracts.contract import Contract, Expectation, load_contract
from memory_pipeline.memory import Memory
from memory_pipeline.rebuild import RebuildError, rebuild
from memory_pipeline.rebuild.steps import SOURCES, STEPS
from memory_pipeline.store.database import RebuildInProgressError
from memory_pipeline.store.reads import last_rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.rebuild import StepEvent
    from memory_pipeline.store.session import Session

NAMES = [*SOURCES, *(one.name for one in STEPS)]


@pytest.fixture(autouse=True)
def _without_slow_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out(monkeypatch)


def test_a_rebuild_tells_every_step_and_counts_as_the_last_one(
    memory: Session, add_outcomes: Callable[..., None], add_members: Callable[[int], None]
) -> None:
    add_outcomes(400)
    add_members(60)
    face = Memory(memory.settings, memory.store)
    assert last_rebuild(memory.store) is None
    assert not face.is_rebuilt()

    events: list[StepEvent] = []
    report = rebuild(memory, on_step=events.append, contracts=())
    assert [one.step for one in report.steps] == NAMES
    assert {one.state for one in report.steps} == {"succeeded"}
    assert [one.state for one in events] == ["started", "succeeded"] * len(NAMES)
    assert [one.number for one in report.steps] == list(range(1, len(NAMES) + 1))
    assert {one.total for one in events} == {len(NAMES)}
    assert (report.rows["packaging_outcomes"], report.rows["outcome_features"]) == (400, 400)
    assert set(report.rows) == set(NAMES) - {"advice_verification"}  # a verdict, not rows
    assert (report.run_id, report.warnings, report.abandoned_runs) == (None, (), ())

    assert face.is_rebuilt()
    rebuilt = last_rebuild(memory.store)
    assert rebuilt is not None
    assert rebuilt[0] < rebuilt[1]
    assert face.status()["last_rebuild"] == rebuilt[1]
    add_outcomes(1, first=400)
    assert not face.is_rebuilt()


def test_a_violated_critical_contract_stops_what_is_downstream_and_nothing_else(
    memory: Session, add_outcomes: Callable[..., None], add_members: Callable[[int], None]
) -> None:
    add_outcomes(50)
    add_outcomes(3, first=50, application_name=" ")
    add_members(60)
    contracts = [load_contract("packaging_outcomes"), load_contract("outcome_features")]
    with pytest.raises(RebuildError) as caught:
        rebuild(memory, contracts=contracts)
    message = str(caught.value)
    assert "packaging_outcomes.application_is_named violated: 3 of 53 rows break the rule" in message
    assert (
        "not done because of it: outcome_features, name_merges, outcome_evidence, pattern_identifications"
        in message
    )
    [violation] = caught.value.violations
    assert (violation.contract, violation.is_blocking) == ("packaging_outcomes", True)
    states = {(one.step, one.kind): one.state for one in caught.value.report.steps}
    assert len(states) == len(NAMES) + len(contracts)
    assert states["packaging_outcomes", "asset"] == "succeeded"
    assert states["packaging_outcomes", "contract"] == "failed"
    assert states["outcome_features", "asset"] == states["outcome_features", "contract"] == "skipped"
    # Advice rests on the features by way of the patterns too; the members are another branch.
    assert states["approach_recommendations", "asset"] == states["learning_measures", "asset"] == "skipped"
    assert states["question_prompts", "asset"] == "succeeded"
    assert last_rebuild(memory.store) is None

    with memory.store.transaction() as connection:
        connection.execute(text("delete from packaging_outcomes where application_name = ' '"))
    assert rebuild(memory, contracts=()).rows["outcome_features"] == 50
    assert last_rebuild(memory.store) is not None


def test_a_violated_warning_is_reported_and_lets_everything_go_on(memory: Session) -> None:
    rule = Expectation(
        "has_rows", "expect_table_row_count_to_be_between", {"min_value": 1}, "warning", "It is empty."
    )
    contract = Contract("members", "Members.", {}, (rule,), table="members")
    report = rebuild(memory, contracts=[contract])
    [warning] = report.warnings
    assert (warning.contract, warning.expectation, warning.is_blocking) == ("members", "has_rows", False)
    assert {one.state for one in report.steps} == {"succeeded"}
    assert set(report.rows.values()) == {0}


def test_a_step_that_fails_is_named_with_its_reason_and_is_the_cause(
    memory: Session, add_members: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_members(60)
    failure = OSError("no space left on device")

    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr("memory_pipeline.rebuild.features.read_flat", fail)
    with pytest.raises(RebuildError, match="outcome_features failed: OSError: no space left") as caught:
        rebuild(memory, contracts=())
    assert caught.value.__cause__ is failure
    assert caught.value.report.rows["members"] == 60
    assert "member_patterns" in caught.value.report.rows
    with memory.store.rebuild_lock():
        pass  # free again


def test_two_rebuilds_at_once_are_refused(memory: Session) -> None:
    with (
        memory.store.rebuild_lock(),
        pytest.raises(RebuildInProgressError, match="another rebuild of this memory is running"),
    ):
        rebuild(memory, contracts=())


def test_what_a_killed_process_began_to_write_is_removed(memory: Session) -> None:
    rebuild(memory, contracts=())
    half = f"{memory.frames.root}/outcome_features.parquet.0.part"
    memory.frames.filesystem.pipe_file(half, b"half")
    rebuild(memory, contracts=())
    assert not memory.frames.filesystem.exists(half)
