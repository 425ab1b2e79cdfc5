"""What runs the graph: the job `rebuild` with its schedule and sensor, and the discovery with its schedule.

Both automations of the rebuild are on as soon as a Dagster daemon runs on the memory (`memory-pipeline dev`
starts one): `MEMORY_UPDATE_INTERVAL` and `MEMORY_UPDATE_AFTER_OUTCOMES` are their switches, and a rebuild
only replaces findings by the ones that follow from the same outcomes. Each can be turned off in the UI. The
discovery costs money: a rebuild leaves it out, and its schedule is off until somebody turns it on.
Concept: https://docs.dagster.io/guides/automate
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from memory_pipeline.pipeline.triggers import BECAUSE_TAG
from memory_pipeline.settings import parse_schedule

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store.session import Session

JOB_NAME = "rebuild"
SCHEDULE_NAME = "rebuild_schedule"
SENSOR_NAME = "new_outcomes_sensor"
DISCOVERY_JOB_NAME = "discover_member_patterns"
DISCOVERY_SCHEDULE_NAME = "discovery_schedule"
SENSOR_SECONDS = 60

_HOUR, _DAY, _WEEK = 60, 24 * 60, 7 * 24 * 60
_IN_PROGRESS = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
]


def rebuild_job() -> Any:
    """Define the job that materializes every asset that costs nothing, and evaluates their contracts."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.all() - _paid(),
        description="Works out all findings anew from the stored outcomes and members, and checks every "
        "contract. A violated critical contract stops what depends on it, and the run fails.",
    )


def discovery_job() -> Any:
    """Define the job that has Claude look for member patterns."""
    return dg.define_asset_job(
        DISCOVERY_JOB_NAME,
        selection=_paid(),
        description="Has Claude look for patterns among the members as they are stored; each is verified by "
        "code. Needs ANTHROPIC_API_KEY and costs money, up to MEMORY_DISCOVERY_MAX_COST.",
    )


def _paid() -> dg.AssetSelection:
    return dg.AssetSelection.assets("discovery_runs")


@dataclass(frozen=True)
class Ticks:
    """When a schedule looks whether it is due (a cron string), and every how many minutes it is.

    Cron counts within the hour, the day and the week. An interval that does not divide those (45 minutes,
    5 hours, 10 days) is looked at more often, and acted on where the minutes since 1970 are a multiple of
    it: exact, and with nothing to remember. `minutes` is None where a cron string was given: every tick
    counts.
    """

    cron: str
    minutes: int | None

    @property
    def acts_always(self) -> bool:
        """Whether every tick is one to act on."""
        return self.minutes is None or _cron(self.minutes)[1] == self.minutes

    def acts_at(self, moment: datetime) -> bool:
        """Return whether a tick is one to act on."""
        return self.minutes is None or int(moment.timestamp() // 60) % self.minutes == 0 or self.acts_always


def ticks(every: timedelta | str) -> Ticks:
    """Turn an interval of whole minutes, or a cron string, into ticks in UTC.

    `30m`, `24h` and `7d` are plain cron: a day's tick is at midnight, a week's on Sunday.
    """
    if isinstance(every, str):
        return Ticks(every, None)
    minutes = int(every.total_seconds() // 60)
    return Ticks(_cron(minutes)[0], minutes)


def _cron(minutes: int) -> tuple[str, int]:
    """Return the sparsest cron whose ticks include every multiple of an interval, and its own interval."""
    if minutes == _WEEK:
        return "0 0 * * 0", _WEEK
    if minutes % _DAY == 0:
        return "0 0 * * *", _DAY
    if minutes % _HOUR == 0:
        hours = gcd(minutes // _HOUR, 24)
        return f"0 */{hours} * * *" if hours > 1 else "0 * * * *", hours * _HOUR
    step = gcd(minutes, _HOUR)
    return f"*/{step} * * * *" if step > 1 else "* * * * *", step


def rebuild_schedule(job: Any, settings: Settings) -> dg.ScheduleDefinition:
    """Define the schedule that rebuilds as `settings.update_interval` says."""
    return interval_schedule(
        SCHEDULE_NAME,
        job,
        settings.update_every,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Rebuilds {due_when(settings.update_interval)} (MEMORY_UPDATE_INTERVAL), "
        "counted in UTC.",
    )


def discovery_schedule(job: Any, settings: Settings) -> dg.ScheduleDefinition:
    """Define the schedule that has Claude look as `settings.discovery_interval` says; off at first."""
    return interval_schedule(
        DISCOVERY_SCHEDULE_NAME,
        job,
        settings.discover_every,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Has Claude look for member patterns {due_when(settings.discovery_interval)} "
        "(MEMORY_DISCOVERY_INTERVAL), counted in UTC. Costs money, so it is off until it is turned on here.",
    )


def due_when(schedule: str) -> str:
    """Return when something is due, in words: `every 24h`."""
    return f"every {schedule}" if isinstance(parse_schedule(schedule), timedelta) else f"at {schedule}"


def interval_schedule(
    name: str, job: Any, every: timedelta | str, *, default_status: dg.DefaultScheduleStatus, description: str
) -> dg.ScheduleDefinition:
    """Define a schedule that is due every so often, or at the moments of a cron string, in UTC."""
    plan = ticks(every)

    def is_due(context: dg.ScheduleEvaluationContext) -> bool:
        return plan.acts_at(context.scheduled_execution_time)

    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=plan.cron,
        execution_timezone="UTC",
        should_execute=None if plan.acts_always else is_due,
        default_status=default_status,
        description=description,
    )


def new_outcomes_sensor(job: Any, settings: Settings) -> dg.SensorDefinition:
    """Define the sensor that asks for a rebuild once enough outcomes are new or corrected.

    It counts what changed since the last successful rebuild began, also one without Dagster, or since its
    own last request: each outcome counts towards one request only, also when the requested run fails (the
    schedule and the next outcomes try again). While a rebuild is waiting or running it waits.
    """

    @dg.sensor(
        name=SENSOR_NAME,
        job=job,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"memory"},
        description=f"Rebuilds when {settings.update_after_outcomes} outcomes "
        "(MEMORY_UPDATE_AFTER_OUTCOMES) are new or corrected since the last rebuild.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if context.instance.get_runs(RunsFilter(job_name=JOB_NAME, statuses=_IN_PROGRESS), limit=1):
            return dg.SkipReason("a rebuild is waiting or running")
        memory: Session = context.resources.memory
        since = max(_last_rebuild(context.instance, memory), _requested_until(context.cursor))
        changed, newest = _outcomes_changed(memory, since)
        enough = memory.settings.update_after_outcomes
        if changed < enough or newest is None:
            return dg.SkipReason(f"{changed:,} outcomes are new or corrected; a rebuild starts at {enough:,}")
        until = newest.isoformat()
        request = dg.RunRequest(run_key=f"outcomes until {until}", tags={BECAUSE_TAG: SENSOR_NAME})
        return dg.SensorResult(run_requests=[request], cursor=json.dumps({"requested_until": until}))

    return sensor


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _last_rebuild(instance: dg.DagsterInstance, memory: Session) -> datetime:
    """Return when the last rebuild that succeeded began, of the instance or as the database has it."""
    from memory_pipeline.store.reads import last_rebuild  # noqa: PLC0415 - needs SQLAlchemy

    records = instance.get_run_records(
        RunsFilter(job_name=JOB_NAME, statuses=[DagsterRunStatus.SUCCESS]), limit=1
    )
    started = records[0].start_time if records else None
    recorded = last_rebuild(memory.store)
    return max(
        _NEVER if started is None else datetime.fromtimestamp(started, UTC),
        _NEVER if recorded is None else recorded[0],
    )


def _requested_until(cursor: str | None) -> datetime:
    return datetime.fromisoformat(json.loads(cursor)["requested_until"]) if cursor else _NEVER


def _outcomes_changed(memory: Session, since: datetime) -> tuple[int, datetime | None]:
    """Count the outcomes stored or corrected after a moment, and name the newest such change."""
    from sqlalchemy import func, select  # noqa: PLC0415 - takes a third of a second

    from memory_pipeline.store.models import PackagingOutcome  # noqa: PLC0415

    changed = PackagingOutcome.updated_at
    with memory.store.transaction() as connection:
        row = connection.execute(select(func.count(), func.max(changed)).where(changed > since)).one()
    return int(row[0]), row[1]
