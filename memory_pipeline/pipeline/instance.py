"""Dagster's own home and storage: `dagster.yaml`, its tables in the memory's PostgreSQL, abandoned runs.

Concept: https://docs.dagster.io/deployment/oss/oss-instance-configuration
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil

from memory_pipeline.store.database import RebuildInProgressError

if TYPE_CHECKING:
    from pathlib import Path

    import dagster as dg

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

URL_VARIABLE = "MEMORY_DAGSTER_URL"
"""Variable through which `dagster.yaml` finds the database, so that no password lands in the file."""
LOCK_HOLDER_TAG = "memory_pipeline/lock_holder"
"""Tag of the runs that hold the rebuild lock: a hash of the process that does (`lock_holder`)."""

_DAGSTER_YAML = f"""\
# Written by memory_pipeline; changes to it are overwritten.
telemetry:
  enabled: false
nux:
  enabled: false
storage:
  postgres:
    postgres_url:
      env: {URL_VARIABLE}
# One run at a time: they write the same tables, and a second one waits instead of failing on the lock.
concurrency:
  runs:
    max_concurrent_runs: 1
retention:
  sensor:
    purge_after_days: 7
  schedule:
    purge_after_days: 90
"""
DEFINITIONS = "memory_pipeline.pipeline.definitions"
"""Module with everything that Dagster knows of the project."""
LOCATION_NAME = "memory_pipeline"
"""Name of the code location, as in `workspace.yaml`."""
_STORAGE_LOCK = 0x6D656D05


def dagster_home(settings: Settings) -> Path:
    """Name the folder that is `DAGSTER_HOME`."""
    return settings.home.absolute() / "dagster"


def dagster_environment(settings: Settings, store: Store) -> dict[str, str]:
    """Prepare for Dagster processes of their own (the UI, the daemon), and say what they need to know.

    Runs that a killed process left in progress are marked as failed: they would block the queue for good.

    Returns
    -------
    dict
        `DAGSTER_HOME` and the variable with the storage's address; the latter holds the password.
    """
    with open_instance(settings, store) as instance:
        fail_abandoned_runs_if_idle(instance, store)
    return _environment(settings, store)


def _environment(settings: Settings, store: Store) -> dict[str, str]:
    return {"DAGSTER_HOME": str(dagster_home(settings)), URL_VARIABLE: store.dagster_url}


def open_instance(settings: Settings, store: Store) -> dg.DagsterInstance:
    """Open the memory's Dagster instance for a run in this process; use it as a context manager.

    It differs from the one that `dagster.yaml` describes in one point: what a run prints stays on this
    process's own stdout and stderr instead of being captured into files.
    """
    from dagster import DagsterInstance  # noqa: PLC0415 - takes a second
    from dagster._core.instance.ref import InstanceRef  # noqa: PLC0415

    _write_home(settings)
    complete_storage(store.dagster_url)
    os.environ.update(_environment(settings, store))
    no_capture = {
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    }
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(dagster_home(settings)), overrides=no_capture))


def show_with_jobs(instance: dg.DagsterInstance) -> None:
    """Make the runs of this process appear with the jobs of Dagster's UI, as those that the UI starts.

    A run names the code location that its job is from; one in a process of one's own has none, and the first
    screen leaves it out.
    """
    from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME  # noqa: PLC0415
    from dagster._core.remote_origin import (  # noqa: PLC0415 - takes a second
        RegisteredCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )

    create, where = instance.create_run_for_job, RegisteredCodeLocationOrigin(LOCATION_NAME)

    def create_with_origin(job_def: dg.JobDefinition, **values: Any) -> dg.DagsterRun:
        repository = RemoteRepositoryOrigin(where, SINGLETON_REPOSITORY_NAME)
        return create(job_def, remote_job_origin=RemoteJobOrigin(repository, job_def.name), **values)

    instance.create_run_for_job = create_with_origin  # type: ignore[assignment,method-assign]


def _write_home(settings: Settings) -> None:
    _write(dagster_home(settings) / "dagster.yaml", _DAGSTER_YAML)


def write_workspace(settings: Settings, code_server: tuple[str, str] | None = None) -> Path:
    """Write the file that tells processes of Dagster where the definitions are; return its path.

    Parameters
    ----------
    settings
        Of the memory.
    code_server
        (host, port) of the code server that has them; None: each process loads them itself.
    """
    name = "workspace.yaml"
    where: dict[str, dict[str, Any]] = {"python_module": {"module_name": DEFINITIONS}}
    if code_server is not None:
        name = "workspace-code-server.yaml"
        where = {"grpc_server": {"host": code_server[0], "port": int(code_server[1])}}
    for place in where.values():
        place["location_name"] = LOCATION_NAME
    file = dagster_home(settings) / name
    # JSON is YAML.
    _write(file, json.dumps({"load_from": [where]}, indent=2) + "\n")
    return file


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(file)


def complete_storage(url: str) -> None:
    """Create those of Dagster's tables that are missing.

    Dagster creates them one by one, outside a transaction, and afterwards looks for one of them only: a
    process that is killed in between would leave a storage that no later one mends. Here it is one
    transaction.
    """
    import dagster_postgres  # noqa: PLC0415 - takes a second
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata  # noqa: PLC0415
    from dagster._core.storage.runs.schema import RunStorageSqlMetadata  # noqa: PLC0415
    from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata  # noqa: PLC0415
    from dagster._core.storage.sql import stamp_alembic_rev  # noqa: PLC0415
    from dagster_postgres.utils import pg_alembic_config  # noqa: PLC0415
    from sqlalchemy import NullPool, create_engine, inspect, text  # noqa: PLC0415

    families = (RunStorageSqlMetadata, SqlEventLogStorageMetadata, ScheduleStorageSqlMetadata)
    wanted = {table for family in families for table in family.tables} | {"alembic_version"}
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _STORAGE_LOCK})
        if wanted <= set(inspect(connection).get_table_names()):
            return
        for family in families:
            family.create_all(connection)
        if MigrationContext.configure(connection).get_current_revision() is None:
            config = pg_alembic_config(dagster_postgres.__file__)
            stamp_alembic_rev(config, connection)
    _mark_as_new(url)


def _mark_as_new(url: str) -> None:
    """Record in Dagster that its tables have their newest indexes and no old data to convert."""
    from dagster_postgres import (  # noqa: PLC0415
        PostgresEventLogStorage,
        PostgresRunStorage,
        PostgresScheduleStorage,
    )

    runs = PostgresRunStorage(url, should_autocreate_tables=False)
    runs.migrate()
    runs.optimize()
    events = PostgresEventLogStorage(url, should_autocreate_tables=False)
    events.reindex_events()
    events.reindex_assets()
    schedules = PostgresScheduleStorage(url, should_autocreate_tables=False)
    schedules.migrate()
    schedules.optimize()


def lock_holder() -> str:
    """Return a name of this process that tells another one whether it still lives, and nobody where it is."""
    process = psutil.Process()
    return holder_name(process.pid, process.create_time())


def holder_name(pid: int, started: float) -> str:
    """Return the name of a process of this machine: a hash, since tags of runs are shown to everybody."""
    named = f"{socket.gethostname()}:{pid}:{started:.0f}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def fail_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed the runs that a killed process left in progress; returns their ids.

    Call it while holding the rebuild lock. A run with `LOCK_HOLDER_TAG` held that lock, so it is over,
    unless its process is alive on this machine and has only not yet written its last event.
    """
    from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES, RunsFilter  # noqa: PLC0415

    abandoned = []
    for run in instance.get_runs(filters=RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        holder = run.tags.get(LOCK_HOLDER_TAG)
        if holder is not None and not _is_other_living_process(holder):
            instance.report_run_failed(run, "The process that executed this run was killed.")
            abandoned.append(run.run_id)
    return abandoned


def fail_abandoned_runs_if_idle(instance: dg.DagsterInstance, store: Store) -> list[str]:
    """Do the same where no rebuild is running, else nothing."""
    try:
        with store.rebuild_lock():
            return fail_abandoned_runs(instance)
    except RebuildInProgressError:
        return []


def _is_other_living_process(holder: str) -> bool:
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.pid != os.getpid() and holder_name(process.pid, process.create_time()) == holder:
                return True
    return False
