"""Read and write the runs of the pattern finder, and the patterns whose claims were verified."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from memory_pipeline.store.decisions import apply_decisions
from memory_pipeline.store.models import DiscoveryRun, MemberPattern
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.store.database import Store

FOUND_BY = "claude"
_HISTORY = 20
_REMEMBERED = ("name", "description", "category", "member_count", "question_prompts", "found_by")


class PatternRetiredError(ValueError):
    """A pattern of this name was retired, and stays so."""


def start_run(store: Store, *, model: str, focus_areas: Sequence[str]) -> str:
    """Log the beginning of a discovery and return its id; earlier ones still running were killed.

    Whoever calls this holds the discovery lock, so no other run can be alive.
    """
    identity = str(uuid.uuid4())
    with store.transaction() as connection:
        connection.execute(
            update(DiscoveryRun)
            .where(DiscoveryRun.status == "running")
            .values(status="abandoned", message="the process was killed", finished_at=func.now())
        )
        connection.execute(
            insert(DiscoveryRun).values(
                id=identity, status="running", message="", model=model, focus_areas=list(focus_areas)
            )
        )
    return identity


def finish_run(store: Store, identity: str, result: Mapping[str, Any]) -> None:
    """Log how a discovery ended: columns of `discovery_runs`."""
    with store.transaction() as connection:
        connection.execute(
            update(DiscoveryRun)
            .where(DiscoveryRun.id == identity)
            .values(**plain_value(result), finished_at=func.now())
        )


def stored_patterns(store: Store) -> list[dict[str, Any]]:
    """Read all member patterns, the retired ones too, in the order of their ids."""
    table = MemberPattern.__table__
    with store.transaction() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table).order_by(table.c.id))]  # noqa: SLF001 - SQLAlchemy's name


def save_verified_pattern(
    store: Store, row: Mapping[str, Any], *, improves: str | None = None
) -> tuple[int, bool]:
    """Create a pattern, or update a stored one, which keeps its id and its earlier state.

    Parameters
    ----------
    row
        Columns of `patterns` without id, times and `is_active`.
    improves
        Name of the stored pattern to update; by default the one of the same name, where there is one.

    Returns
    -------
    int
        The pattern's id.
    bool
        Whether it is new.

    Raises
    ------
    PatternRetiredError
        When the stored pattern is retired; it stays as it is.
    """
    table = MemberPattern.__table__
    values = plain_value(row)
    with store.transaction() as connection:
        query = select(table).where(table.c.name == (improves or values["name"])).with_for_update()
        before = connection.execute(query).mappings().one_or_none()
        if before is None:
            identity = connection.scalar(insert(MemberPattern).values(**values).returning(table.c.id))
            return int(identity or 0), True
        if not before["is_active"]:
            raise PatternRetiredError(f"the pattern {before['name']!r} was retired and stays so")
        history = list((before["evidence"] or {}).get("history", ()))
        history.append(
            {"until": before["updated_at"].isoformat(), **{key: before[key] for key in _REMEMBERED}}
        )
        values["evidence"] = {**values["evidence"], "history": history[-_HISTORY:]}
        changed = (
            update(MemberPattern)
            .where(MemberPattern.id == before["id"])
            .values(**values, updated_at=func.now())
        )
        connection.execute(changed)
        apply_decisions(connection, "member_pattern")
        return int(before["id"]), False


def save_checks(store: Store, checks: Sequence[Mapping[str, Any]]) -> None:
    """Write the results of checking stored patterns again: `id` and the changed columns."""
    with store.transaction() as connection:
        for check in checks:
            values = plain_value({key: value for key, value in check.items() if key != "id"})
            connection.execute(
                update(MemberPattern)
                .where(MemberPattern.id == check["id"])
                .values(**values, updated_at=func.now())
            )
        apply_decisions(connection, "member_pattern")
