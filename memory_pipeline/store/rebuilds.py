"""Rebuilds without Dagster are recorded here; `reads.last_rebuild` reads them and Dagster's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from memory_pipeline.store.models import Rebuild

if TYPE_CHECKING:
    from datetime import datetime

    from memory_pipeline.store.database import Store


def clock(store: Store) -> datetime:
    """Read the database's clock, which stamps outcomes and members too."""
    with store.transaction() as connection:
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def record_rebuild(store: Store, began_at: datetime) -> None:
    """Record that a rebuild which began at `began_at` (of `clock`) has succeeded now."""
    with store.transaction() as connection:
        connection.execute(insert(Rebuild).values(began_at=began_at, ended_at=func.clock_timestamp()))
