"""Alerts: opened by what a rule notices, seen again, acknowledged, silenced, closed when it is over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from memory_pipeline.store.models import Alert, AlertMessage
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

SAME_WITHIN = timedelta(days=1)
"""What comes back so soon after it was closed is the same alert, and nobody is told again."""
STATES = ("open", "closed", "all")
_MOST_TITLE = 200


@dataclass(frozen=True)
class Finding:
    """What a rule notices now.

    Attributes
    ----------
    subject
        What it is about, such as `installer_type=msi`; empty for the memory as a whole. A rule has one open
        alert about a subject.
    message
        One sentence for a person.
    details
        The numbers behind it; JSON-able.
    """

    subject: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


def record_findings(
    store: Store, rule_name: str, findings: Sequence[Finding], *, now: datetime, addresses: Sequence[str] = ()
) -> list[int]:
    """Open an alert for each new finding, update those that are open, and close those that are over.

    Parameters
    ----------
    rule_name
        The rule that was evaluated.
    findings
        Everything that it notices now, at most one for each subject.
    now
        The time of the evaluation.
    addresses
        Where a new alert is to be sent, as the settings name it; only a hash is stored.

    Returns
    -------
    list of int
        Ids of the alerts that were opened.
    """
    opened = []
    with store.transaction() as connection:
        for one in findings:
            seen = {"message": one.message, "details": plain_value(one.details), "seen_at": now}
            of_subject = (Alert.rule_name == rule_name, Alert.subject == one.subject)
            if _see_again(connection, of_subject, seen, now):
                continue
            silenced = select(func.max(Alert.silenced_until)).where(*of_subject).scalar_subquery()
            created = connection.scalar(
                insert_or_skip(Alert)
                .values(
                    rule_name=rule_name,
                    subject=one.subject,
                    opened_at=now,
                    silenced_until=silenced,
                    **seen,
                )
                .on_conflict_do_nothing()
                .returning(Alert.id)
            )
            if created is not None:
                opened.append(int(created))
                _queue(connection, int(created), rule_name, one, addresses)
        over = update(Alert).where(Alert.rule_name == rule_name, Alert.closed_at.is_(None))
        connection.execute(
            over.where(Alert.subject.not_in([one.subject for one in findings])).values(closed_at=now)
        )
    return opened


def _see_again(connection: Connection, of_subject: Any, seen: dict[str, Any], now: datetime) -> bool:
    """Update the alert about a subject that is open, or was closed lately; return whether there is one."""
    is_recent = Alert.closed_at.is_(None) | (Alert.closed_at > now - SAME_WITHIN)
    found = connection.scalar(
        select(Alert.id).where(*of_subject, is_recent).order_by(Alert.id.desc()).limit(1).with_for_update()
    )
    if found is None:
        return False
    connection.execute(update(Alert).where(Alert.id == found).values(**seen, closed_at=None))
    return True


def _queue(
    connection: Connection, identity: int, rule_name: str, finding: Finding, addresses: Sequence[str]
) -> None:
    title = f"{rule_name}: {finding.subject}" if finding.subject else rule_name
    rows = [
        {
            "alert_id": identity,
            "address": address_key(one),
            "title": title[:_MOST_TITLE],
            "body": finding.message,
        }
        for one in dict.fromkeys(addresses)
    ]
    if rows:
        connection.execute(insert(AlertMessage), rows)


def address_key(address: str) -> str:
    """Return what is stored of an address: its scheme and a hash, which holds no secret.

    >>> address_key("json://user:secret@host/path")
    'json://…e296abaa'
    """
    return f"{address.partition('://')[0]}://…{hashlib.sha256(address.encode()).hexdigest()[:8]}"


def read_alerts(
    store: Store,
    *,
    state: str = "open",
    rule_name: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Read alerts, the newest first, and count all.

    Parameters
    ----------
    state
        One of `STATES`.
    rule_name
        Only those of this rule.
    limit
        Most alerts.
    before
        Only those with a smaller id, to page on.

    Raises
    ------
    ValueError
        When there is no such state.
    """
    if state not in STATES:
        raise ValueError(f"state is {state!r}; use one of {', '.join(STATES)}")
    query = select(*Alert.__table__.columns)
    if state != "all":
        query = query.where(Alert.closed_at.is_(None) == (state == "open"))
    if rule_name is not None:
        query = query.where(Alert.rule_name == rule_name)
    page = query.order_by(Alert.id.desc()).limit(limit)
    if before is not None:
        page = page.where(Alert.id < before)
    with store.transaction() as connection:
        total = connection.scalar(select(func.count()).select_from(query.subquery()))
        return [dict(row) for row in connection.execute(page).mappings()], int(total or 0)


def count_open(store: Store) -> dict[str, int]:
    """Count the alerts that are open, by rule."""
    query = select(Alert.rule_name, func.count()).where(Alert.closed_at.is_(None)).group_by(Alert.rule_name)
    with store.transaction() as connection:
        return {name: int(count) for name, count in connection.execute(query.order_by(Alert.rule_name))}


def acknowledge(store: Store, identity: int, *, by: str) -> dict[str, Any]:
    """Record that somebody knows of an alert, and return it; messages about it that wait are not sent.

    Raises
    ------
    KeyError
        When there is no such alert.
    """
    first = func.coalesce(Alert.acknowledged_at, func.now())
    return _change(store, identity, acknowledged_at=first, acknowledged_by=by)


def silence(store: Store, identity: int, *, until: datetime | None) -> dict[str, Any]:
    """Silence an alert, and what follows about the same subject, until a time, and return it.

    Parameters
    ----------
    identity
        Of the alert.
    until
        The end of the silence; None ends it now.

    Raises
    ------
    KeyError
        When there is no such alert.
    """
    return _change(store, identity, silenced_until=until)


def close_alerts(store: Store, rule_name: str) -> None:
    """Close the alerts of a rule that is not evaluated any more."""
    with store.transaction() as connection:
        connection.execute(
            update(Alert)
            .where(Alert.rule_name == rule_name, Alert.closed_at.is_(None))
            .values(closed_at=func.now())
        )


def _change(store: Store, identity: int, **values: Any) -> dict[str, Any]:
    with store.transaction() as connection:
        changed = update(Alert).where(Alert.id == identity).values(**values)
        row = connection.execute(changed.returning(*Alert.__table__.columns)).mappings().first()
    if row is None:
        raise KeyError(f"no alert has the id {identity}; `memory-pipeline alerts list --all` lists them")
    return dict(row)
