"""Forget a person or an application everywhere in a memory (the right to erasure).

What is stored goes in one transaction, with an entry in the audit log that does not have the name. What is
computed goes as a whole: features, evidence and the policy are made again by a rebuild, which the caller runs
next. What is outside of the memory (backups, exports, the files that were read) is not reached.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import insert, text

from memory_pipeline.administration.traces import (
    APPLICATION,
    PERSON,
    pattern_of,
    quoted_pattern_of,
)
from memory_pipeline.store.decisions import apply_decisions
from memory_pipeline.store.models import DECISIONS, AuditEntry
from memory_pipeline.store.served_journal import refused_answers

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from memory_pipeline.administration.traces import Trace
    from memory_pipeline.store.session import Session

KINDS = {"application": APPLICATION, "person": PERSON}
"""What can be forgotten, and where it can stand."""
_NAMES = {"application": ("packaging_outcomes", "application_name"), "person": ("members", "name")}
_SHORTEST = 2


@dataclass(frozen=True)
class Forgotten:
    """What forgetting does, or would do.

    Attributes
    ----------
    rows
        Rows that are removed or changed, by table; tables without any are left out.
    spellings
        The names that are taken for the one that was asked for: they differ in case alone.
    files
        Files of this memory that are removed, since they may hold the name; those of Dagster's log.
    """

    rows: dict[str, int]
    spellings: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Return whether the name stands anywhere."""
        return bool(self.rows or self.files)


def forget(
    session: Session, kind: str, name: str, *, member_id: int | None = None, is_dry_run: bool = False
) -> Forgotten:
    """Forget a person or an application.

    Parameters
    ----------
    session
        The memory.
    kind
        `application`, whose outcomes are removed; or `person`, who is removed from the members, and whose
        name is replaced wherever it stands.
    name
        The whole name; case does not matter.
    member_id
        Of a person: the member's id, for members without a name or with one that several have. Only this
        member is removed then, beside what has the name.
    is_dry_run
        Whether nothing is changed: the result is what would be.

    Raises
    ------
    ValueError
        When the name is too short to be searched for, or the kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; use one of {', '.join(KINDS)}")
    if len(name.strip()) < _SHORTEST:
        raise ValueError(f"the name {name!r} is too short to be searched for; write the whole name")
    name = name.strip()
    with session.store.engine.connect() as connection:
        members = [member_id] if member_id is not None else _members_named(connection, name)
        bound = bound_names(name, members)
        spellings = _spellings(connection, kind, name)
        rows: Counter[str] = Counter()
        for trace in KINDS[kind]:
            if connection.scalar(text("select to_regclass(:table)"), {"table": trace.table}) is not None:
                rows[trace.table] += connection.execute(text(trace.statement), _used(trace, bound)).rowcount
        found = {table: count for table, count in rows.items() if count}
        for finding in DECISIONS:
            apply_decisions(connection, finding)
        files = _files_with(session, name)
        if not is_dry_run:
            connection.execute(insert(AuditEntry).values(_audit_entry(kind, found)))
            connection.commit()
    if not is_dry_run:
        for path in files:
            path.unlink(missing_ok=True)
        session.frames.remove_all()
        _vacuum(session, found)
    return Forgotten(found, spellings, tuple(str(path) for path in files))


def bound_names(name: str, members: list[int]) -> dict[str, Any]:
    """Return what the SQL of the traces is given: members, and the name in the forms in which it stands."""
    return {
        "name": name,
        "escaped": json.dumps(name)[1:-1],
        "pattern": pattern_of(name),
        "quoted": quoted_pattern_of(name),
        "members": members,
    }


def _members_named(connection: Connection, name: str) -> list[int]:
    query = text("select id from members where lower(name) = lower(:name) order by id")
    return list(connection.scalars(query, {"name": name}))


def _spellings(connection: Connection, kind: str, name: str) -> tuple[str, ...]:
    table, column = {
        "application": ("packaging_outcomes", "application_name"),
        "person": ("members", "name"),
    }[kind]
    query = text(f"select distinct {column} from {table} where lower({column}) = lower(:name) order by 1")  # noqa: S608
    return tuple(connection.scalars(query, {"name": name}))


def _used(trace: Trace, bound: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in bound.items() if f":{key}" in trace.statement}


def _audit_entry(kind: str, rows: dict[str, int]) -> dict[str, Any]:
    return {
        "actor": "command line",
        "door": "cli",
        "action": f"forget {kind}",
        "target": None,
        "status": 200,
        "request_id": str(uuid4()),
        "details": {"rows": rows},
    }


def _files_with(session: Session, name: str) -> list[Path]:
    """Return the logs of Dagster's steps, and answers that the database refused, that hold the name."""
    home = session.settings.home.absolute()
    candidates = [
        path
        for folder in (home / "dagster" / "storage", home / "dagster" / "history")
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file()
    ]
    refused = refused_answers(home)
    if refused.is_file():
        candidates.append(refused)
    wanted = {name.lower().encode(), json.dumps(name.lower())[1:-1].encode()}
    return [path for path in candidates if any(one in path.read_bytes().lower() for one in wanted)]


def _vacuum(session: Session, tables: dict[str, int]) -> None:
    """Free the room of the removed rows, so that the server writes over it."""
    with session.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"vacuum {table}"))
