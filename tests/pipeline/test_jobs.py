"""When a rebuild starts by itself: by the clock, and when enough outcomes are new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._utils.schedules import cron_string_iterator
from sqlalchemy import text

from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.pipeline.jobs import DISCOVERY_SCHEDULE_NAME, SCHEDULE_NAME, SENSOR_NAME, ticks
from memory_pipeline.pipeline.resources import given_resources
from memory_pipeline.settings import Settings, parse_interval
from memory_pipeline.store.rebuilds import clock, record_rebuild
from memory_pipeline.store.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUNDAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "cron"),
    [
        ("1m", "* * * * *"),
        ("15m", "*/15 * * * *"),
        ("30m", "*/30 * * * *"),
        ("60m", "0 * * * *"),
        ("1h", "0 * * * *"),
        ("6h", "0 */6 * * *"),
        ("24h", "0 0 * * *"),
        ("1d", "0 0 * * *"),
        ("7d", "0 0 * * 0"),
        ("168h", "0 0 * * 0"),
    ],
)
def test_an_interval_that_cron_can_say_acts_on_every_tick(interval: str, cron: str) -> None:
    plan = ticks(parse_interval(interval))
    assert (plan.cron, plan.acts_always) == (cron, True)


@pytest.mark.parametrize(
    ("interval", "cron"),
    [
        ("45m", "*/15 * * * *"),
        ("90m", "*/30 * * * *"),
        ("7m", "* * * * *"),
        ("5h", "0 * * * *"),
        ("36h", "0 */12 * * *"),
        ("10d", "0 0 * * *"),
    ],
)
def test_other_intervals_act_on_some_ticks_exactly_one_interval_apart(interval: str, cron: str) -> None:
    plan = ticks(parse_interval(interval))
    assert (plan.cron, plan.acts_always) == (cron, False)
    looks = cron_string_iterator(SUNDAY.timestamp(), plan.cron, "UTC")
    moments = list(islice((moment for moment in looks if plan.acts_at(moment)), 5))
    assert {later - earlier for earlier, later in pairwise(moments)} == {parse_interval(interval)}


def test_the_schedule_follows_the_setting() -> None:
    schedule = build_definitions(settings=Settings(update_interval="45m")).resolve_schedule_def(SCHEDULE_NAME)
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert "45m" in (schedule.description or "")
    due = datetime.fromtimestamp(45 * 60 * 1000, UTC)
    requests = []
    for moment in (due, due + timedelta(minutes=15)):
        with dg.build_schedule_context(scheduled_execution_time=moment) as context:
            requests.append(schedule.evaluate_tick(context).run_requests)
    assert [len(one or ()) for one in requests] == [1, 0]


def test_a_cron_string_is_taken_as_it_is() -> None:
    settings = Settings(update_interval=" 0 6 * * 1-5 ", discovery_interval="@monthly")
    definitions = build_definitions(settings=settings)
    schedule = definitions.resolve_schedule_def(SCHEDULE_NAME)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 * * 1-5", "UTC")
    with dg.build_schedule_context(scheduled_execution_time=SUNDAY + timedelta(days=1, hours=6)) as context:
        assert len(schedule.evaluate_tick(context).run_requests or ()) == 1
    assert definitions.resolve_schedule_def(DISCOVERY_SCHEDULE_NAME).cron_schedule == "@monthly"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as one:
        yield one


class Sensor:
    """The sensor as the daemon would run it: the cursor of one evaluation goes into the next."""

    def __init__(self, memory: Session, instance: dg.DagsterInstance) -> None:
        definitions = build_definitions(given_resources(memory), settings=memory.settings)
        self.sensor = definitions.resolve_sensor_def(SENSOR_NAME)
        self.resources = given_resources(memory)
        self.instance = instance
        self.cursor: str | None = None

    def look(self) -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"memory": self.resources["memory"]}
        ) as context:
            result = self.sensor.evaluate_tick(context)
        self.cursor = result.cursor
        self.skipped = result.skip_message
        return list(result.run_requests or [])

    def run(self, status: DagsterRunStatus) -> None:
        """Let a rebuild have begun now and be in a state."""
        job = dg.Definitions(jobs=[_empty_job]).resolve_job_def("rebuild")
        run = self.instance.create_run_for_job(job)
        event_of = {
            DagsterRunStatus.STARTED: (),
            DagsterRunStatus.SUCCESS: (dg.DagsterEventType.RUN_SUCCESS,),
            DagsterRunStatus.FAILURE: (dg.DagsterEventType.RUN_FAILURE,),
        }
        for event in (dg.DagsterEventType.RUN_START, *event_of[status]):
            self.instance.report_dagster_event(
                dg.DagsterEvent(event_type_value=event.value, job_name="rebuild"), run.run_id
            )


@dg.job(name="rebuild")
def _empty_job() -> None:
    pass


@pytest.fixture
def sensor(settings: Settings, memory: Session, instance: dg.DagsterInstance) -> Sensor:
    few = settings.model_copy(update={"update_after_outcomes": 20})
    return Sensor(Session(few, memory.store, memory.frames), instance)


def test_the_sensor_asks_once_per_threshold(sensor: Sensor, add_outcomes: Callable[..., None]) -> None:
    assert sensor.look() == []
    add_outcomes(19)
    assert sensor.look() == []
    assert sensor.skipped == "19 outcomes are new or corrected; a rebuild starts at 20"
    add_outcomes(1, first=19)
    [first] = sensor.look()
    assert sensor.look() == []
    add_outcomes(19, first=20)
    assert sensor.look() == []
    add_outcomes(1, first=39)
    [second] = sensor.look()
    assert first.run_key != second.run_key
    assert sensor.look() == []


def test_corrected_outcomes_count_too(
    sensor: Sensor, memory: Session, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(30)
    assert len(sensor.look()) == 1
    with memory.store.transaction() as connection:
        connection.execute(
            text("update packaging_outcomes set updated_at = now() where id <= 'attempt-27'")
        )  # in the order of text: 0, 1, 10 to 19, 2, 20 to 27
    assert len(sensor.look()) == 1


def test_the_sensor_counts_from_the_last_successful_rebuild(
    sensor: Sensor, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(50)
    sensor.run(DagsterRunStatus.SUCCESS)  # somebody rebuilt by hand
    assert sensor.look() == []
    add_outcomes(20, first=50)
    assert len(sensor.look()) == 1


def test_a_rebuild_without_dagster_counts_for_the_sensor_too(
    sensor: Sensor, memory: Session, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(50)
    record_rebuild(memory.store, clock(memory.store))
    assert sensor.look() == []
    assert sensor.skipped == "0 outcomes are new or corrected; a rebuild starts at 20"


def test_a_failed_rebuild_is_not_asked_for_again_without_new_outcomes(
    sensor: Sensor, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(20)
    assert len(sensor.look()) == 1
    sensor.run(DagsterRunStatus.FAILURE)
    assert sensor.look() == []
    add_outcomes(20, first=20)
    assert len(sensor.look()) == 1


def test_the_sensor_waits_while_a_rebuild_runs(sensor: Sensor, add_outcomes: Callable[..., None]) -> None:
    add_outcomes(20)
    sensor.run(DagsterRunStatus.STARTED)
    assert sensor.look() == []
    assert sensor.skipped == "a rebuild is waiting or running"
