"""Jobs that keep a memory: scheduled backups, and the removal of what is old."""

from typing import TYPE_CHECKING

import dagster as dg

from memory_pipeline.pipeline.jobs import due_when, interval_schedule
from memory_pipeline.settings import Settings

if TYPE_CHECKING:
    from memory_pipeline.store.session import Session

BACKUP_SCHEDULE_NAME = "backup_schedule"
RETENTION_SCHEDULE_NAME = "retention_schedule"


@dg.op(
    required_resource_keys={"memory", "rebuild_lock"},
    description="Writes a backup into MEMORY_BACKUP_FOLDER and removes the oldest.",
)
def write_scheduled_backup(context: dg.OpExecutionContext) -> None:
    """Write a backup into the folder that the settings name, then remove the oldest."""
    # Copying takes seconds, and loading what copies would slow down every load of the definitions.
    from memory_pipeline.administration.backup import prune_backups, write_backup  # noqa: PLC0415

    memory: Session = context.resources.memory
    folder = memory.settings.backup_folder
    if folder is None:
        raise dg.Failure(
            description="MEMORY_BACKUP_FOLDER is not set: name the folder of the backups there",
            allow_retries=False,
        )
    path, manifest = write_backup(memory, folder)
    removed = prune_backups(folder, memory.settings.keep_backups)
    context.add_output_metadata(
        {
            "file": dg.MetadataValue.path(str(path)),
            "bytes": path.stat().st_size,
            "tables": len(manifest.tables),
            "rows": sum(manifest.tables.values()),
            "removed": [one.name for one in removed],
        }
    )


@dg.job(
    name="backup",
    description="Writes a backup of the database, the features and the evidence into MEMORY_BACKUP_FOLDER, "
    "and keeps the newest MEMORY_KEEP_BACKUPS.",
)
def backup_job() -> None:
    """Write a backup, keep the newest."""
    write_scheduled_backup()


def backup_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Define the schedule of backups; off where no folder is named."""
    is_wanted = settings.backup_folder is not None
    return interval_schedule(
        BACKUP_SCHEDULE_NAME,
        backup_job,
        settings.back_up_every,
        default_status=dg.DefaultScheduleStatus.RUNNING if is_wanted else dg.DefaultScheduleStatus.STOPPED,
        description=f"Writes a backup {due_when(settings.backup_interval)} (MEMORY_BACKUP_INTERVAL), "
        "counted in UTC, once MEMORY_BACKUP_FOLDER is set.",
    )


@dg.op(required_resource_keys={"memory"}, description="Removes what is older than the settings keep.")
def remove_what_is_old(context: dg.OpExecutionContext) -> None:
    """Remove what is older than the settings keep, and report the rows by table."""
    from memory_pipeline.administration.retention import apply_retention  # noqa: PLC0415

    memory: Session = context.resources.memory
    removed = apply_retention(memory.store, memory.settings)
    context.add_output_metadata({"removed": removed})


@dg.job(
    name="retention",
    description="Removes served answers, records in quarantine, records of runs and entries of the audit log "
    "that are older than MEMORY_KEEP_SERVED_DAYS, _QUARANTINE_DAYS, _RUN_DAYS and _AUDIT_DAYS.",
)
def retention_job() -> None:
    """Remove what is old."""
    remove_what_is_old()


def retention_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Define the daily schedule of the retention; off where no setting limits anything."""
    limits = (
        settings.keep_served_days,
        settings.keep_quarantine_days,
        settings.keep_run_days,
        settings.keep_audit_days,
    )
    is_wanted = any(one is not None for one in limits)
    return dg.ScheduleDefinition(
        name=RETENTION_SCHEDULE_NAME,
        job=retention_job,
        cron_schedule="30 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if is_wanted else dg.DefaultScheduleStatus.STOPPED,
        description="Removes what is older than MEMORY_KEEP_..._DAYS, every day, once one of them is set.",
    )
