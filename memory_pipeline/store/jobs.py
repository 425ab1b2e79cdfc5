"""Read and write the work that was asked for through a server, and tell what is alive from what is gone.

The process of a job holds an advisory lock for as long as it lives (`Store.job_lock`), so that whoever reads
sees at once when it is gone, on whatever machine it ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import func, insert, select, text, tuple_, update

from memory_pipeline.store.database import JOB_LOCKS
from memory_pipeline.store.models import Job
from memory_pipeline.store.plain_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

ALIVE = ("queued", "running")
"""States of a job that is not over."""
_SETTLE = """
update server_jobs as j set
    state = case when cancel_asked then 'cancelled' else 'failed' end,
    error = case
        when cancel_asked then 'its process was ended'
        when state = 'queued' then 'its process never began; ask for it again'
        else 'its process is gone, killed or ended with its machine; what it wrote stands, ask for it again'
    end,
    finished_at = clock_timestamp()
where state in ('queued', 'running')
    and (state = 'running' or created_at < now() - interval '60 seconds')
    and not exists (
        select from pg_locks as l where l.locktype = 'advisory' and l.objsubid = 2 and l.classid = :locks
            and l.objid::bigint = hashtext(j.id)::bigint & 4294967295
            and l.database = (select oid from pg_database where datname = current_database()))
"""


class JobRunningError(RuntimeError):
    """A job of this kind runs already.

    Parameters
    ----------
    identity
        Id of the job that runs.
    """

    def __init__(self, kind: str, identity: str) -> None:
        super().__init__(f"a {kind} runs already as job {identity}; wait for it to end, or cancel it")
        self.identity = identity


def create_job(store: Store, kind: str, *, asked_by: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Add a job that is to begin, and return it; one of each kind at a time.

    Raises
    ------
    JobRunningError
        When a job of the kind is not over.
    """
    identity = str(uuid4())
    values = {"id": identity, "kind": kind, "state": "queued", "asked_by": asked_by}
    with store.transaction() as connection:
        lock = text("select pg_advisory_xact_lock(:kind, hashtext(:job))")
        connection.execute(lock, {"kind": JOB_LOCKS, "job": f"create {kind}"})
        _settle(connection)
        running = connection.scalar(select(Job.id).where(Job.kind == kind, Job.state.in_(ALIVE)).limit(1))
        if running is not None:
            raise JobRunningError(kind, running)
        connection.execute(insert(Job).values(**values, arguments=plain_value(arguments)))
        return _read(connection, identity)


def read_job(store: Store, identity: str) -> dict[str, Any]:
    """Read one job; one whose process is gone is marked as failed first.

    Raises
    ------
    KeyError
        When there is no such job.
    """
    with store.transaction() as connection:
        found = _read(connection, identity)
        if found["state"] in ALIVE:
            _settle(connection)
            found = _read(connection, identity)
        return found


def list_jobs(
    store: Store, *, kind: str | None = None, limit: int = 50, before: tuple[datetime, str] | None = None
) -> tuple[list[dict[str, Any]], int]:
    """Read jobs, the newest first, and count all; those whose process is gone are marked as failed first.

    Parameters
    ----------
    kind
        Only jobs of this kind.
    limit
        Most jobs.
    before
        (`created_at`, `id`) of the last job of the page before.
    """
    chosen = select(*Job.__table__.columns)
    if kind is not None:
        chosen = chosen.where(Job.kind == kind)
    page = chosen.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    if before is not None:
        page = page.where(tuple_(Job.created_at, Job.id) < before)
    with store.transaction() as connection:
        _settle(connection)
        total = connection.scalar(select(func.count()).select_from(chosen.subquery()))
        return [dict(row) for row in connection.execute(page).mappings()], int(total or 0)


def start_job(store: Store, identity: str) -> dict[str, Any] | None:
    """Mark a job as running and return it; None where it is not waiting any more."""
    begun = (
        update(Job)
        .where(Job.id == identity, Job.state == "queued", Job.cancel_asked.is_(False))
        .values(state="running", started_at=func.now(), heartbeat_at=func.now())
    )
    with store.transaction() as connection:
        return _read(connection, identity) if connection.execute(begun).rowcount else None


def note_progress(store: Store, identity: str, progress: Mapping[str, Any]) -> None:
    """Write how far a job is."""
    with store.transaction() as connection:
        connection.execute(update(Job).where(Job.id == identity).values(progress=plain_value(progress)))


def note_alive(store: Store, identity: str) -> bool:
    """Write that the process of a job is alive; returns whether it was asked to end."""
    alive = update(Job).where(Job.id == identity).values(heartbeat_at=func.now()).returning(Job.cancel_asked)
    with store.transaction() as connection:
        return bool(connection.scalar(alive))


def ask_to_cancel(store: Store, identity: str) -> dict[str, Any]:
    """Request that the process of a job ends; a job that waits to begin is over at once.

    Raises
    ------
    KeyError
        When there is no such job.
    RuntimeError
        When the job is over.
    """
    with store.transaction() as connection:
        _settle(connection)
        found = _read(connection, identity)
        if found["state"] not in ALIVE:
            raise RuntimeError(f"the job {identity} is over: {found['state']}")
        connection.execute(update(Job).where(Job.id == identity).values(cancel_asked=True))
        waiting = update(Job).where(Job.id == identity, Job.state == "queued")
        connection.execute(waiting.values(state="cancelled", finished_at=func.now()))
        return _read(connection, identity)


def finish_job(
    store: Store,
    identity: str,
    state: str,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Write how a job ended."""
    values = {"state": state, "result": plain_value(result), "error": error, "finished_at": func.now()}
    with store.transaction() as connection:
        connection.execute(update(Job).where(Job.id == identity).values(values))


def fail_job(store: Store, identity: str, error: str) -> None:
    """Write why a job ended that did not write it itself; one that did keeps its own words."""
    over = "cancelled" if read_job(store, identity)["cancel_asked"] else "failed"
    said = "its process is gone"
    with store.transaction() as connection:
        connection.execute(
            update(Job)
            .where(Job.id == identity, Job.state.in_(ALIVE) | Job.error.startswith(said))
            .values(state=over, error=error, finished_at=func.now())
        )


def _settle(connection: Connection) -> None:
    """Mark the jobs as failed whose process is gone."""
    connection.execute(text(_SETTLE), {"locks": JOB_LOCKS})


def _read(connection: Connection, identity: str) -> dict[str, Any]:
    found = connection.execute(select(*Job.__table__.columns).where(Job.id == identity)).mappings().first()
    if found is None:
        raise KeyError(f"no job has the id {identity!r}; GET /api/memory/jobs lists them")
    return dict(found)
