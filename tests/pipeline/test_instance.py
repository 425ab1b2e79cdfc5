"""Dagster's home and storage: no secret on disk, a storage that mends itself, runs that are really over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import yaml
from dagster import DagsterRunStatus
from sqlalchemy import text

from memory_pipeline.pipeline.instance import (
    LOCK_HOLDER_TAG,
    URL_VARIABLE,
    complete_storage,
    dagster_environment,
    dagster_home,
    fail_abandoned_runs,
    fail_abandoned_runs_if_idle,
    holder_name,
    lock_holder,
    open_instance,
)
from memory_pipeline.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_pipeline.settings import Settings


@pytest.fixture
def instance(settings: Settings, store: Store) -> Iterator[dg.DagsterInstance]:
    with open_instance(settings, store) as one:
        yield one


@dg.job(name="sample")
def _job() -> None:
    pass


def started_run(instance: dg.DagsterInstance, **tags: str) -> str:
    run = instance.create_run_for_job(_job, tags=tags)
    start = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name="sample")
    instance.report_dagster_event(start, run.run_id)
    return run.run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_no_address_or_password_lands_in_the_file(settings: Settings, store: Store) -> None:
    secret = "hunter2"
    url = store.url.set(password=secret)
    environment = dagster_environment(settings, store)
    content = (dagster_home(settings) / "dagster.yaml").read_text()
    assert yaml.safe_load(content)["storage"]["postgres"]["postgres_url"] == {"env": URL_VARIABLE}
    assert yaml.safe_load(content)["telemetry"] == {"enabled": False}
    assert "postgresql" not in content
    assert environment["DAGSTER_HOME"] == str(dagster_home(settings))
    assert environment[URL_VARIABLE].startswith("postgresql+psycopg2://")
    assert secret in Store(url).dagster_url  # the variable is the one place that has it


def test_runs_and_events_are_kept_in_the_memory_s_postgresql(
    settings: Settings, store: Store, instance: dg.DagsterInstance
) -> None:
    assert type(instance.run_storage).__name__ == "PostgresRunStorage"
    assert type(instance.event_log_storage).__name__ == "PostgresEventLogStorage"
    assert not instance.telemetry_enabled
    run_id = started_run(instance)
    with open_instance(settings, store) as another:
        assert status_of(another, run_id) == DagsterRunStatus.STARTED


@pytest.mark.parametrize("lost", ["event_logs", "runs", "instigators", "alembic_version"])
def test_a_storage_that_was_killed_while_being_made_is_completed(
    settings: Settings, store: Store, lost: str
) -> None:
    complete_storage(store.dagster_url)
    with store.transaction() as connection:
        connection.execute(text(f"drop table {lost} cascade"))
    with open_instance(settings, store) as instance:
        run_id = started_run(instance)
        assert status_of(instance, run_id) == DagsterRunStatus.STARTED
        assert instance.all_instigator_state() == []
        assert len(instance.all_logs(run_id)) == 1
    with store.transaction() as connection:
        assert connection.scalar(text("select count(*) from alembic_version")) == 1


@pytest.fixture
def ended_process() -> str:
    """The name of a process of this machine that is over."""
    code = "from memory_pipeline.pipeline.instance import lock_holder; print(lock_holder())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_runs_of_killed_processes_are_marked_as_failed(
    instance: dg.DagsterInstance, store: Store, ended_process: str
) -> None:
    dead = started_run(instance, **{LOCK_HOLDER_TAG: ended_process})
    own = started_run(instance, **{LOCK_HOLDER_TAG: lock_holder()})
    elsewhere = started_run(instance, **{LOCK_HOLDER_TAG: "0123456789abcdef"})
    with store.rebuild_lock():
        assert set(fail_abandoned_runs(instance)) == {dead, own, elsewhere}
        assert fail_abandoned_runs(instance) == []
    assert status_of(instance, dead) == DagsterRunStatus.FAILURE


def test_the_tag_shows_neither_machine_nor_process() -> None:
    shown = lock_holder()
    assert len(shown) == 16
    assert socket.gethostname() not in shown
    assert shown != holder_name(os.getpid(), 0)


def test_runs_of_living_processes_and_runs_without_lock_are_left_alone(
    instance: dg.DagsterInstance, store: Store
) -> None:
    code = (
        "import sys\nfrom memory_pipeline.pipeline.instance import lock_holder\n"
        "print(lock_holder(), flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        living = started_run(instance, **{LOCK_HOLDER_TAG: process.stdout.readline().strip()})
        without = started_run(instance)
        with store.rebuild_lock():
            assert fail_abandoned_runs(instance) == []
        process.kill()
    with store.rebuild_lock():
        assert fail_abandoned_runs(instance) == [living]
    assert status_of(instance, without) == DagsterRunStatus.STARTED


def test_a_process_number_that_was_given_again_is_another_process(
    instance: dg.DagsterInstance, store: Store
) -> None:
    again = started_run(instance, **{LOCK_HOLDER_TAG: holder_name(os.getppid(), 1_700_000_000)})
    with store.rebuild_lock():
        assert fail_abandoned_runs(instance) == [again]


def test_while_a_rebuild_runs_nothing_is_marked(instance: dg.DagsterInstance, store: Store) -> None:
    run_id = started_run(instance, **{LOCK_HOLDER_TAG: "0123456789abcdef"})
    with store.rebuild_lock():
        assert fail_abandoned_runs_if_idle(instance, store) == []
    assert fail_abandoned_runs_if_idle(instance, store) == [run_id]


def test_before_the_ui_starts_abandoned_runs_are_marked(
    settings: Settings, instance: dg.DagsterInstance, store: Store
) -> None:
    run_id = started_run(instance, **{LOCK_HOLDER_TAG: "0123456789abcdef"})
    dagster_environment(settings, store)
    assert status_of(instance, run_id) == DagsterRunStatus.FAILURE


def test_the_file_is_rewritten_only_where_it_differs(settings: Settings, store: Store) -> None:
    dagster_environment(settings, store)
    file = dagster_home(settings) / "dagster.yaml"
    before = file.stat().st_mtime_ns
    dagster_environment(settings, store)
    assert file.stat().st_mtime_ns == before
    file.write_text("telemetry: {enabled: true}")
    dagster_environment(settings, store)
    assert "enabled: false" in file.read_text()
    assert [one.name for one in Path(file.parent).iterdir()] == ["dagster.yaml"]
