"""Rules about facts: old data, refused records, runs that failed or took long, broken contracts, costs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from memory_pipeline.store import reads
from memory_pipeline.store.alerts import Finding
from memory_pipeline.store.analysis_log import read_runs
from memory_pipeline.store.models import DiscoveryRun, PackagingOutcome, QuarantinedRecord

if TYPE_CHECKING:
    from datetime import datetime

    from memory_pipeline.store.alert_rules import Rule
    from memory_pipeline.store.session import Session

_WEEK, _MONTH = timedelta(days=7), timedelta(days=30)
_RUNS = 50


def find_old_data(session: Session, rule: Rule, now: datetime) -> list[Finding]:
    """Check whether the newest attempt is older than the threshold, in days."""
    newest = reads.latest(session.store, PackagingOutcome, "occurred_at")
    if newest is None:
        return []
    days = (now - newest).total_seconds() / 86_400
    if days <= rule.threshold:
        return []
    return [
        Finding(
            "",
            f"No attempt is newer than {newest:%Y-%m-%d}, {days:.0f} days ago; findings and advice know "
            "nothing of what happened since. Check what delivers outcomes.",
            {"days": round(days, 2), "newest": newest.isoformat()},
        )
    ]


def find_refused_records(session: Session, rule: Rule, now: datetime) -> list[Finding]:
    """Check whether more records than the threshold were refused in the last seven days and still wait."""
    waiting = (QuarantinedRecord.resolved_at.is_(None), QuarantinedRecord.created_at > now - _WEEK)
    with session.store.transaction() as connection:
        count = int(
            connection.scalar(select(func.count()).select_from(QuarantinedRecord).where(*waiting)) or 0
        )
        reason = connection.execute(
            select(QuarantinedRecord.reason, func.count())
            .where(*waiting)
            .group_by(QuarantinedRecord.reason)
            .order_by(func.count().desc(), QuarantinedRecord.reason)
            .limit(1)
        ).first()
    if count <= rule.threshold or reason is None:
        return []
    return [
        Finding(
            "",
            f"{count:,} records were refused in the last seven days and wait in quarantine, most often "
            f"({reason[1]:,}) because: {reason[0]}. See `memory-pipeline quarantine list`.",
            {"records": count},
        )
    ]


def find_failed_rebuilds(session: Session, rule: Rule, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Check whether more rebuilds than the threshold failed since the last one that succeeded."""
    runs, _ = read_runs(session.store, kind="rebuild", limit=_RUNS)
    failed = 0
    while failed < len(runs) and runs[failed]["state"] == "failed":
        failed += 1
    if failed <= rule.threshold:
        return []
    times = "once" if failed == 1 else f"{failed} times in a row"
    newest = runs[0]
    return [
        Finding(
            "",
            f"The rebuild failed {times}, last {newest['ended_at']:%Y-%m-%d %H:%M} UTC: "
            f"{_first_line(newest['error'])}",
            {"failed": failed, "run": newest["id"]},
        )
    ]


def find_slow_rebuild(session: Session, rule: Rule, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Check whether the last rebuild took longer than the threshold, in seconds."""
    runs, _ = read_runs(session.store, kind="rebuild", limit=1)
    if not runs:
        return []
    seconds = (runs[0]["ended_at"] - runs[0]["began_at"]).total_seconds()
    if seconds <= rule.threshold:
        return []
    timed = [one for one in runs[0]["steps"] if one.get("seconds")]
    longest = max(timed, key=lambda one: one["seconds"], default=None)
    part = f"; {longest['step']} took {longest['seconds']:,.0f} of them" if longest else ""
    return [
        Finding(
            "",
            f"The last rebuild took {seconds:,.0f} seconds, and {rule.threshold:,.0f} are expected{part}.",
            {"seconds": round(seconds, 1), "run": runs[0]["id"]},
        )
    ]


def find_violations(session: Session, rule: Rule, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Check whether more contracts than the threshold were violated in the last rebuild: one finding each."""
    runs, _ = read_runs(session.store, kind="rebuild", limit=1)
    violated = runs[0]["violations"] if runs else []
    if len(violated) <= rule.threshold:
        return []
    return [
        Finding(
            f"{one['contract']}.{one['expectation']}",
            f"The contract of {one['contract']} is violated ({one['expectation']}): "
            f"{one['observed']}. {one['why']}",
            {"run": runs[0]["id"]},
        )
        for one in violated
    ]


def find_cost(session: Session, rule: Rule, now: datetime) -> list[Finding]:
    """Check whether discoveries of the last thirty days cost more than the threshold, in US dollars."""
    run = DiscoveryRun
    with session.store.transaction() as connection:
        cost = connection.scalar(select(func.sum(run.cost_usd)).where(run.started_at > now - _MONTH))
    if cost is None or cost <= rule.threshold:
        return []
    return [
        Finding(
            "",
            f"Discoveries cost {cost:,.2f} US dollars in the last thirty days, and {rule.threshold:,.2f} are "
            "allowed. MEMORY_DISCOVERY_MAX_COST and MEMORY_DISCOVERY_INTERVAL limit them.",
            {"cost_usd": round(float(cost), 4)},
        )
    ]


def _first_line(text: str | None) -> str:
    lines = [one.strip() for one in (text or "").splitlines() if one.strip()]
    chosen = (
        lines[1] if len(lines) > 1 and lines[0].endswith(":") else (lines or ["no reason was recorded"])[0]
    )
    return chosen[:300]
