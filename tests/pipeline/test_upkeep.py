"""Scheduled backups and retention: off until a setting asks for them; the oldest go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from sqlalchemy import text

from memory_pipeline.pipeline.build import build_definitions
from memory_pipeline.pipeline.resources import given_resources
from memory_pipeline.pipeline.upkeep import BACKUP_SCHEDULE_NAME, backup_schedule, retention_schedule
from memory_pipeline.store.columns import count_rows
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


def run_job(settings: Settings, store: Store, name: str) -> dg.ExecuteInProcessResult:
    memory = open_session(settings, store)
    definitions = build_definitions(given_resources(memory), settings=settings)
    return definitions.resolve_job_def(name).execute_in_process(raise_on_error=False)


def test_backups_are_off_until_a_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    off = backup_schedule(settings)
    on = backup_schedule(settings.model_copy(update={"backup_folder": tmp_path, "backup_interval": "12h"}))
    assert off.name == on.name == BACKUP_SCHEDULE_NAME
    assert off.default_status == dg.DefaultScheduleStatus.STOPPED
    assert (on.default_status, on.cron_schedule) == (dg.DefaultScheduleStatus.RUNNING, "0 */12 * * *")


def test_the_job_writes_a_backup_and_removes_the_oldest(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2):
        (folder / f"memory-2026010{day}T000000Z.zip").touch()
    chosen = settings.model_copy(update={"backup_folder": folder, "keep_backups": 2})
    assert run_job(chosen, store, "backup").success
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "memory-20260102T000000Z.zip"
    assert len(names) == 2
    assert (folder / names[1]).stat().st_size > 0


def test_without_a_folder_the_job_says_what_to_set(settings: Settings, store: Store) -> None:
    done = run_job(settings, store, "backup")
    assert not done.success
    failed = [one for one in done.all_events if one.is_step_failure]
    assert "MEMORY_BACKUP_FOLDER is not set" in str(failed[0].event_specific_data)


def test_retention_is_off_until_a_setting_limits_something(settings: Settings, store: Store) -> None:
    assert retention_schedule(settings).default_status == dg.DefaultScheduleStatus.STOPPED
    limited = settings.model_copy(update={"keep_run_days": 1, "keep_audit_days": 1})
    assert retention_schedule(limited).default_status == dg.DefaultScheduleStatus.RUNNING
    old = "now() - interval '3 days'"
    with store.transaction() as connection:
        connection.execute(
            text(
                "insert into audit_log (at, actor, door, action, status, request_id) "  # noqa: S608 - constant
                f"values ({old}, 'a', 'd', 'x', 200, 'r')"
            )
        )
    assert run_job(limited, store, "retention").success
    assert count_rows(store, "audit_log") == 0
