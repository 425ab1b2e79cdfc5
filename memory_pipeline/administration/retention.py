"""Remove what is older than the settings keep: served answers, quarantine, records of runs, the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store


@dataclass(frozen=True)
class Rule:
    """What one setting removes.

    Attributes
    ----------
    setting
        Its name; its value is a number of days, or None for ever.
    table
        The table.
    where
        SQL of the rows that may go, of which those older than `:before` do.
    """

    setting: str
    table: str
    where: str


_FINISHED_RUN = (
    "status in ('SUCCESS', 'FAILURE', 'CANCELED') and update_timestamp < :before at time zone 'utc'"
)
_NEWEST_REBUILD = (
    "run_id is distinct from (select run_id from runs where pipeline_name = 'rebuild' and status = 'SUCCESS' "
    "order by id desc limit 1)"
)
_OLD_RUNS = f"run_id in (select run_id from runs where {_FINISHED_RUN} and {_NEWEST_REBUILD})"  # noqa: S608
RULES = (
    # Whether advice helped is measured from the answers that outcomes name, so these stay. So do lists of
    # candidates: a running server writes a list once, and later answers rely on it.
    Rule(
        "keep_served_days",
        "served_recommendations",
        "served_at < :before and not exists (select from packaging_outcomes as o "
        "where o.recommendation_id = served_recommendations.id)",
    ),
    Rule("keep_quarantine_days", "quarantined_records", "created_at < :before"),
    Rule("keep_run_days", "server_jobs", "finished_at < :before"),
    Rule("keep_run_days", "discovery_runs", "finished_at < :before"),
    Rule(
        "keep_run_days",
        "ingests",
        "finished_at < :before "
        "and not exists (select from packaging_outcomes as o where o.ingest_id = ingests.id) "
        "and not exists (select from members as m where m.ingest_id = ingests.id)",
    ),
    Rule("keep_run_days", "rebuilds", "ended_at < :before and id <> (select max(id) from rebuilds)"),
    Rule("keep_run_days", "analysis_runs", "ended_at < :before"),
    Rule("keep_run_days", "alert_messages", "sent_at < :before"),
    Rule("keep_run_days", "alerts", "closed_at < :before"),
    Rule("keep_run_days", "event_logs", _OLD_RUNS),
    Rule("keep_run_days", "run_tags", _OLD_RUNS),
    Rule("keep_run_days", "runs", f"{_FINISHED_RUN} and {_NEWEST_REBUILD}"),
    Rule("keep_audit_days", "audit_log", "at < :before"),
)
"""In their order: runs go last, since what belongs to them is found by them."""


def apply_retention(store: Store, settings: Settings, *, is_dry_run: bool = False) -> dict[str, int]:
    """Remove what is older than the settings keep, in one transaction.

    Parameters
    ----------
    store, settings
        The memory.
    is_dry_run
        Whether nothing is removed: the result is what would be.

    Returns
    -------
    dict
        Rows that were removed, by table; a table that no setting limits is left out.
    """
    removed: dict[str, int] = {}
    with store.engine.connect() as connection:
        for rule in RULES:
            days = getattr(settings, rule.setting)
            there = connection.scalar(text("select to_regclass(:table)"), {"table": rule.table})
            if days is None or there is None:
                continue
            before = connection.scalar(text("select now() - make_interval(days => :days)"), {"days": days})
            statement = text(f"delete from {rule.table} where {rule.where}")  # noqa: S608 - constants above
            removed[rule.table] = connection.execute(statement, {"before": before}).rowcount
        if not is_dry_run:
            connection.commit()
    return removed
