"""Alerts on runs of Dagster: its daemon logs each run that ended, evaluates the rules and sends what waits.

A failed check does not fail its run in open-source Dagster, and what stands behind a failed step is left out,
so neither a run-failure sensor nor an asset would see everything: this sensor reads the store.
Concept: https://docs.dagster.io/guides/automate/sensors
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from memory_pipeline.pipeline.assets.discovery import BY_HAND
from memory_pipeline.pipeline.progress import Watcher
from memory_pipeline.pipeline.triggers import trigger_of
from memory_pipeline.rebuild.report import RebuildError, RebuildReport, warnings_of
from memory_pipeline.rebuild.steps import STEPS

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session

ALERT_SENSOR_NAME = "alerts_sensor"
_REBUILD_JOBS = ("rebuild", BY_HAND)
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_SENSOR_SECONDS = 60
_EVALUATED_EVERY = timedelta(hours=1)
_LOOKED_AT = 20


def alerts_sensor() -> dg.SensorDefinition:
    """Define the sensor that evaluates the rules after each run of Dagster, and each hour."""

    @dg.sensor(
        name=ALERT_SENSOR_NAME,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"memory"},
        description="Logs each run that ended, evaluates the rules of alerts then and each hour, and sends "
        "what is new to MEMORY_ALERT_URLS. Starts no run.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        from memory_pipeline.rebuild.alert_sending import send_alerts  # noqa: PLC0415 - needs SQLAlchemy
        from memory_pipeline.rebuild.alerts import evaluate_after_rebuild  # noqa: PLC0415 - needs pandas

        memory: Session = context.resources.memory
        logged = log_runs(context.instance, memory)
        now = datetime.now(tz=UTC)
        if not logged and now - _evaluated_at(context.cursor) < _EVALUATED_EVERY:
            send_alerts(memory)
            return dg.SensorResult(skip_reason="no run ended and the rules were evaluated within the hour")
        evaluated = evaluate_after_rebuild(memory)
        count = "not known" if evaluated is None else sum(evaluated.still_open.values())
        return dg.SensorResult(
            skip_reason=f"{logged} runs were logged; open alerts: {count}",
            cursor=json.dumps({"evaluated_at": now.isoformat()}),
        )

    return sensor


def _evaluated_at(cursor: str | None) -> datetime:
    if not cursor:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return datetime.fromisoformat(json.loads(cursor)["evaluated_at"])


def log_runs(instance: dg.DagsterInstance, memory: Session) -> int:
    """Record the rebuilds of Dagster that ended and are not in the log of the analysis; return how many.

    What the UI materializes counts where it holds every step.
    """
    from memory_pipeline.store.analysis_log import recorded  # noqa: PLC0415 - needs SQLAlchemy

    found = [
        record
        for job in _REBUILD_JOBS
        for record in instance.get_run_records(RunsFilter(job_name=job, statuses=_ENDED), limit=_LOOKED_AT)
    ]
    known = recorded(memory.store, [one.dagster_run.run_id for one in found])
    fresh = [one for one in found if one.dagster_run.run_id not in known]
    return sum(_log(instance, memory, one) for one in sorted(fresh, key=lambda one: one.create_timestamp))


def _log(instance: dg.DagsterInstance, memory: Session, record: dg.RunRecord) -> bool:
    """Record one run, where it is a rebuild of everything; return whether it is."""
    from memory_pipeline.rebuild.analysis_log import log_rebuild  # noqa: PLC0415 - needs SQLAlchemy

    run = record.dagster_run
    watcher = Watcher(lambda _: None)
    for entry in instance.all_logs(run.run_id):
        watcher.on_event(entry)
    reached = {key.to_user_string() for key in run.asset_selection or ()} | {
        one.step for one in watcher.ended
    }
    if run.job_name == BY_HAND and not {one.name for one in STEPS} <= reached:
        return False
    began = datetime.fromtimestamp(record.start_time or record.create_timestamp.timestamp(), UTC)
    ended = datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
    failures = watcher.failed_checks
    report = RebuildReport(
        run.run_id, (ended - began).total_seconds(), tuple(watcher.ended), warnings_of(failures)
    )
    violations = tuple(one for one in failures if one.is_blocking)
    is_success = run.status == DagsterRunStatus.SUCCESS
    otherwise = f"the run ended as {run.status.value.lower()}"
    error = None if is_success else RebuildError(report, violations, otherwise=otherwise)
    log_rebuild(
        memory,
        report,
        trigger=trigger_of(run.tags),
        began_at=began,
        ended_at=ended,
        violations=violations,
        error=error,
    )
    return True
