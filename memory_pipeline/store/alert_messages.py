"""The outbox of alerts: each message is sent once, and again later where that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update

from memory_pipeline.store.models import Alert, AlertMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=7)
_MOST_AT_ONCE = 100
_LONGEST_ERROR = 500


@dataclass(frozen=True)
class Sent:
    """How many messages were sent, and how many could not be."""

    sent: int
    failed: int


def send_waiting(
    store: Store, send: Callable[[str, str, str], str | None], *, now: datetime | None = None
) -> Sent:
    """Send the messages that are due, one after the other; two processes never send the same one.

    A message that fails is tried again after a minute, two, four and so on up to six hours, for seven days.
    None is sent about an alert that somebody acknowledged, or as long as it is silenced.

    Parameters
    ----------
    send
        Sends to an address (as `alerts.address_key`) a title and a text; returns why it could not, None where
        it could.
    now
        The time; by default the database's.
    """
    counts = [0, 0]
    for _ in range(_MOST_AT_ONCE):
        with store.transaction() as connection:
            moment = now or connection.scalar(select(func.now()))
            row = _next(connection, moment)
            if row is None:
                break
            error = send(row["address"], row["title"], row["body"])
            pause = min(FIRST_PAUSE * 2 ** min(row["attempts"], 20), LONGEST_PAUSE)
            values: dict[str, Any] = {"attempts": row["attempts"] + 1}
            values |= (
                {"sent_at": moment, "error": None}
                if error is None
                else {"error": error[:_LONGEST_ERROR], "next_try_at": moment + pause}
            )
            connection.execute(update(AlertMessage).where(AlertMessage.id == row["id"]).values(**values))
            counts[error is not None] += 1
    return Sent(*counts)


def _next(connection: Connection, now: Any) -> Any:
    """Return the oldest message that is due, and lock its row; others skip it."""
    message = AlertMessage
    query = (
        select(message.id, message.address, message.title, message.body, message.attempts)
        .join(Alert, Alert.id == message.alert_id)
        .where(
            message.sent_at.is_(None),
            message.next_try_at <= now,
            message.created_at > now - GIVEN_UP_AFTER,
            Alert.acknowledged_at.is_(None),
            or_(Alert.silenced_until.is_(None), Alert.silenced_until <= now),
        )
        .order_by(message.id)
        .limit(1)
        .with_for_update(of=message, skip_locked=True)
    )
    return connection.execute(query).mappings().first()


def sending_problem(store: Store) -> dict[str, Any] | None:
    """Return what could not be sent; None where nothing waits after a failure.

    Returns
    -------
    dict or None
        `waiting`: how many messages; `first_at`: since when; `error`: why the newest of them was not sent.
    """
    message = AlertMessage
    failing = (message.sent_at.is_(None), message.error.is_not(None), Alert.acknowledged_at.is_(None))
    joined = select(func.count(), func.min(message.created_at)).join(Alert, Alert.id == message.alert_id)
    newest = (
        select(message.error)
        .join(Alert, Alert.id == message.alert_id)
        .where(*failing)
        .order_by(message.id.desc())
        .limit(1)
    )
    with store.transaction() as connection:
        count, first = connection.execute(joined.where(*failing)).one()
        if not count:
            return None
        return {"waiting": int(count), "first_at": first, "error": connection.scalar(newest)}


def read_messages(store: Store, alert_id: int) -> list[dict[str, Any]]:
    """Read the messages about an alert, the oldest first, without their text."""
    message = AlertMessage
    columns = (
        message.id,
        message.address,
        message.created_at,
        message.attempts,
        message.next_try_at,
        message.sent_at,
        message.error,
    )
    query = select(*columns).where(message.alert_id == alert_id).order_by(message.id)
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
