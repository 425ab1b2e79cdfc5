"""The rebuild as a whole: what it leaves behind, what it says, and what it does when something is wrong."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from quick_rebuilds import leave_out_looks
from sqlalchemy import text

from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.pipeline.instance import LOCATION_NAME, open_instance
from memory_pipeline.pipeline.run import RebuildError, rebuild
from memory_pipeline.store.database import RebuildInProgressError

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.pipeline.progress import StepEvent
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store
    from memory_pipeline.store.session import Session

ASSETS = 17
CONTRACTS = 13


@pytest.fixture
def organisation(add_outcomes: Callable[..., None], add_members: Callable[[int], None]) -> None:
    """900 attempts and 120 members."""
    add_outcomes(900)
    add_members(120)


@pytest.fixture
def without_contracts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Leave contracts and pictures out from now on, for speed: other tests look at them."""

    def leave_out() -> None:
        leave_out_looks(monkeypatch)

    return leave_out


def findings(store: Store) -> dict[str, list[Any]]:
    """Identities of everything found, by table."""
    with store.transaction() as connection:
        return {
            table: list(connection.scalars(text(f"select id::text from {table} order by id")))  # noqa: S608
            for table in ("pattern_identifications", "success_factors", "approach_recommendations")
        }


def latest_metadata(settings: Settings, store: Store, asset: str) -> dict[str, Any]:
    with open_instance(settings, store) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


@pytest.mark.usefixtures("organisation")
def test_a_rebuild_fills_every_table_says_what_it_does_and_can_be_repeated(
    settings: Settings,
    store: Store,
    capfd: pytest.CaptureFixture[str],
    without_contracts: Callable[[], None],
) -> None:
    events: list[StepEvent] = []
    report = rebuild(settings, store, on_step=events.append)

    assert report.rows["packaging_outcomes"] == report.rows["outcome_features"] == 900
    assert report.rows["members"] == 120
    assert report.rows["member_features"] == sum(4 if n % 3 == 0 else 3 for n in range(120))
    told = {one.step for one in report.steps if one.kind == "asset"}
    assert set(report.rows) == told - {"advice_verification"}  # a verdict, not rows
    # Each name is spelled in one way only.
    assert {name for name, rows in report.rows.items() if not rows} == {"name_merges"}
    assert report.warnings == ()
    assert report.abandoned_runs == ()

    assert [one.number for one in report.steps] == list(range(1, ASSETS + CONTRACTS + 1))
    assert {one.total for one in events} == {ASSETS + CONTRACTS}
    assert {one.state for one in report.steps} == {"succeeded"}
    assert [one.state for one in events] == ["started", "succeeded"] * (ASSETS + CONTRACTS)
    assert capfd.readouterr() == ("", "")  # the display is the caller's

    patterns = latest_metadata(settings, store, "pattern_identifications")
    assert patterns["dagster/row_count"].value == report.rows["pattern_identifications"]
    assert "is quiet is " in patterns["preview"].value
    for asset, pictures in {
        "pattern_identifications": ["effects"],
        "condition_associations": ["association map"],
        "outcome_predictability": ["calibration"],
        "success_factors": ["effects"],
        "approach_recommendations": ["expected success"],
        "learning_measures": ["success over time", "prior knowledge", "coverage of advice"],
    }.items():
        shown = latest_metadata(settings, store, asset)
        assert all("](data:image/png;base64," in shown[name].value for name in pictures), asset
    private = latest_metadata(settings, store, "members") | latest_metadata(
        settings, store, "member_features"
    )
    assert "something private" not in str(private)
    assert "member 1" not in str(private)

    found = findings(store)
    without_contracts()
    again = rebuild(settings, store)
    assert again.rows == report.rows
    assert findings(store) == found


def test_an_empty_memory_rebuilds_to_empty_tables_and_warns(settings: Settings, store: Store) -> None:
    report = rebuild(settings, store)
    assert set(report.rows.values()) == {0}
    assert {one.expectation for one in report.warnings} == {"has_rows"}
    # Nothing was recorded: that is said of each source once, and not of what rests on it alone.
    assert sorted(one.contract for one in report.warnings) == ["members", "packaging_outcomes"]


def test_members_alone_rebuild(settings: Settings, store: Store, add_members: Callable[[int], None]) -> None:
    add_members(120)
    report = rebuild(settings, store)
    assert report.rows["member_patterns"] > 0
    assert report.rows["approach_recommendations"] == 0
    assert {one.contract for one in report.warnings}.isdisjoint({"members", "member_patterns"})


def test_a_violated_critical_contract_names_itself_and_what_was_not_done(
    settings: Settings,
    store: Store,
    add_outcomes: Callable[..., None],
    add_members: Callable[[int], None],
    without_contracts: Callable[[], None],
) -> None:
    add_outcomes(50)
    add_outcomes(3, first=50, application_name=" ")
    add_members(120)
    events: list[StepEvent] = []
    with pytest.raises(RebuildError) as caught:
        rebuild(settings, store, on_step=events.append)
    message = str(caught.value)
    assert "packaging_outcomes.application_is_named violated: 3 of 53 rows break the rule" in message
    assert "one witness" in message  # the contract's own why
    assert "not done because of it: " in message
    assert "memory-pipeline rebuild" in message
    [violation] = caught.value.violations
    assert (violation.outcome, violation.is_blocking) == ("violated", True)
    states = {(one.step, one.kind): one.state for one in caught.value.report.steps}
    assert len(states) == ASSETS + CONTRACTS
    assert states["packaging_outcomes", "contract"] == "failed"
    assert states["outcome_features", "asset"] == states["learning_measures", "asset"] == "skipped"
    assert states["member_patterns", "asset"] == "succeeded"  # the members are another branch
    assert next(one.step for one in events if one.state == "skipped") == "outcome_features"

    with store.transaction() as connection:
        connection.execute(text("delete from packaging_outcomes where application_name = ' '"))
    without_contracts()
    assert rebuild(settings, store).rows["outcome_features"] == 50


def test_an_asset_that_fails_is_named_with_its_reason(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, without_contracts: Callable[[], None]
) -> None:
    without_contracts()

    def fail(*_: Any) -> None:
        raise OSError("no space left on device\nsomewhere")

    monkeypatch.setattr("memory_pipeline.rebuild.features.read_flat", fail)
    with pytest.raises(RebuildError, match="asset outcome_features failed: OSError: no space left on device"):
        rebuild(settings, store)


def test_an_interrupt_ends_the_rebuild_as_an_interrupt_and_frees_the_lock(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, without_contracts: Callable[[], None]
) -> None:
    without_contracts()

    def press_control_c(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("memory_pipeline.rebuild.features.read_flat", press_control_c)
    with pytest.raises(KeyboardInterrupt):
        rebuild(settings, store)
    with store.rebuild_lock(), open_instance(settings, store) as instance:
        assert instance.get_runs(limit=1)[0].status == dg.DagsterRunStatus.FAILURE


def test_an_evidence_unit_that_no_attempt_has_is_named(
    settings: Settings, store: Store, without_contracts: Callable[[], None]
) -> None:
    without_contracts()
    wrong = settings.model_copy(update={"unit": "product"})
    with pytest.raises(RebuildError, match=r"MEMORY_UNIT is 'product'.*'application_name'"):
        rebuild(wrong, store)


def test_two_rebuilds_at_once_are_refused_clearly(
    settings: Settings, store: Store, memory: Session, without_contracts: Callable[[], None]
) -> None:
    without_contracts()
    refused: list[str] = []

    def on_step(event: StepEvent) -> None:
        if (event.step, event.state) != ("outcome_evidence", "started"):
            return
        with pytest.raises(RebuildInProgressError) as caught:
            rebuild(settings, store)
        refused.append(str(caught.value))
        # The same from the UI, which takes the lock with the run's resources.
        definitions = build_definitions({"memory": dg.ResourceDefinition.hardcoded_resource(memory)})
        result = definitions.resolve_job_def("rebuild").execute_in_process(raise_on_error=False)
        assert not result.success
        refused.append(str(result.all_events))

    report = rebuild(settings, store, on_step=on_step)
    assert len(refused) == 2
    assert all("another rebuild of this memory is running" in one for one in refused)
    assert len(report.steps) == ASSETS


def test_runs_of_the_command_line_are_shown_with_the_jobs_of_the_ui(settings: Settings, store: Store) -> None:
    report = rebuild(settings, store, only=["outcome_features"])
    with open_instance(settings, store) as instance:
        run = instance.get_run_by_id(report.run_id)
    origin = run.remote_job_origin
    assert origin.location_name == LOCATION_NAME
    assert origin.job_name == run.job_name
    assert run.tags_for_storage()[".dagster/repository"] == f"__repository__@{LOCATION_NAME}"


def test_a_run_of_the_ui_holds_the_lock_and_says_so(
    settings: Settings, store: Store, memory: Session, without_contracts: Callable[[], None]
) -> None:
    without_contracts()
    definitions = build_definitions({"memory": dg.ResourceDefinition.hardcoded_resource(memory)})
    with open_instance(settings, store) as instance:
        result = definitions.resolve_job_def("rebuild").execute_in_process(instance=instance)
        run = instance.get_run_by_id(result.run_id)
    assert result.success
    assert run is not None
    assert "memory_pipeline/lock_holder" in run.tags
    with store.rebuild_lock():
        pass  # free again
