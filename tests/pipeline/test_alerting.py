"""Alerts on runs of Dagster: its daemon logs what ended, and nothing that costs money starts by the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from memory_pipeline.pipeline.alerting import ALERT_SENSOR_NAME, log_runs
from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.pipeline.resources import given_resources
from memory_pipeline.store.alerts import read_alerts
from memory_pipeline.store.analysis_log import read_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.store.session import Session


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run_rebuild(instance: dg.DagsterInstance, *, fails: bool, tags: dict[str, str]) -> None:
    """Run a job of the rebuild's name, of one step."""

    @dg.op
    def outcome_features() -> None:
        if fails:
            raise ValueError("the disk is full")

    @dg.job(name="rebuild")
    def job() -> None:
        outcome_features()

    job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)


def look(instance: dg.DagsterInstance, memory: Session, cursor: str | None = None) -> Any:
    """Evaluate the sensor as the daemon does; its `cursor` and `skip_message`."""
    definitions = build_definitions(given_resources(memory), contracts=(), settings=memory.settings)
    sensor = definitions.resolve_sensor_def(ALERT_SENSOR_NAME)
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"memory": memory}) as context:
        return sensor.evaluate_tick(context)


def test_a_failed_run_of_the_daemon_is_logged_once_and_is_an_alert(
    instance: dg.DagsterInstance, memory: Session
) -> None:
    run_rebuild(instance, fails=True, tags={"dagster/schedule_name": "rebuild_schedule"})
    first = look(instance, memory)
    [run], _ = read_runs(memory.store)
    assert (run["state"], run["trigger"]) == ("failed", "rebuild_schedule")
    assert [(one["step"], one["state"]) for one in run["steps"]] == [("outcome_features", "failed")]
    [alert], _ = read_alerts(memory.store)
    assert alert["rule_name"] == "rebuild-failed"
    assert "the disk is full" in alert["message"]
    again = look(instance, memory, first.cursor)
    assert "no run ended" in again.skip_message
    run_rebuild(instance, fails=False, tags={})
    assert look(instance, memory, first.cursor).cursor != first.cursor
    assert read_alerts(memory.store) == ([], 0)
    rows, total = read_runs(memory.store, limit=1)
    assert (rows[0]["state"], rows[0]["trigger"], total) == ("succeeded", "Dagster's UI", 2)


def test_what_is_materialized_together_leaves_out_what_costs_money_and_a_part_is_no_rebuild(
    instance: dg.DagsterInstance, memory: Session
) -> None:
    definitions = build_definitions(given_resources(memory), contracts=(), settings=memory.settings)
    chosen = {dg.AssetKey("question_prompts"), dg.AssetKey("discovery_runs")}
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=chosen)
    result = job.execute_in_process(instance=instance)
    [made] = result.asset_materializations_for_node("discovery_runs")
    assert made.metadata["status"].value == "left out"
    assert log_runs(instance, memory) == 0
