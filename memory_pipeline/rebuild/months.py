"""Which months of the stored outcomes are what they were: one fingerprint each, made by the database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from memory_pipeline.store import Store

MONTH = "to_char(occurred_at at time zone 'UTC', 'YYYY-MM')"
"""SQL: the month of an outcome, in UTC."""

# `xmin` is the transaction that wrote the row: it changes with every update, also one made by hand that
# forgets `content_hash` and `updated_at`. Hashes are summed, so the order of the rows does not matter.
_FINGERPRINTS = f"""
select {MONTH} as month, count(*),
    sum(hashtextextended(row(id, content_hash, extract(epoch from updated_at), xmin)::text, 0)::numeric)::text
from packaging_outcomes group by 1 order by 1
"""  # noqa: S608 - constant


@dataclass(frozen=True)
class MonthState:
    """How many outcomes a month has, and a fingerprint of them."""

    rows: int
    fingerprint: str


@contextmanager
def snapshot(store: Store) -> Iterator[Connection]:
    """Open a connection on which every query sees the same outcomes."""
    engine = store.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        connection.execute(text("set transaction read only"))
        yield connection


def month_states(connection: Connection) -> dict[str, MonthState]:
    """Read the state of each month (`YYYY-MM`) that has outcomes, in order."""
    rows = connection.execute(text(_FINGERPRINTS))
    return {month: MonthState(count, fingerprint) for month, count, fingerprint in rows}


def month_limits(month: str) -> tuple[datetime, datetime]:
    """Return the first moment of a month and that of the next."""
    year, number = (int(part) for part in month.split("-"))
    after = (year + 1, 1) if number == 12 else (year, number + 1)  # noqa: PLR2004 - December
    return datetime(year, number, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)
