"""The database: its engine, its schema and its locks."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from memory_pipeline.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL


MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "memory_alembic_version"
"""Holds the revision of the schema; Dagster keeps its own `alembic_version` in the same database."""
_MIGRATION_LOCK = 0x6D656D01
_REBUILD_LOCK = 0x6D656D02
_DISCOVERY_LOCK = 0x6D656D03
_ADVICE_LOCK = 0x6D656D04
JOB_LOCKS = 0x6D656D06
_ADVICE_PATIENCE = 60.0
_POLL = 0.1
_CONNECT_TIMEOUT = 10


class RebuildInProgressError(RuntimeError):
    """Another process rebuilds the analysis of this database now."""


class DiscoveryInProgressError(RuntimeError):
    """Another process looks for member patterns in this database now."""


class Store:
    """The memory's database: one engine, with the schema at its newest revision.

    Parameters
    ----------
    url
        A PostgreSQL URL. Whatever driver it names, psycopg 3 is used.
    is_embedded
        Whether this process started the server, or joined it, so that nobody else starts it again.
    """

    def __init__(self, url: URL | str, *, is_embedded: bool = False) -> None:
        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self.is_embedded = is_embedded

    @cached_property
    def engine(self) -> Engine:
        """The engine, made at first use."""
        # Errors show no parameters: they may hold what a person or a program sent.
        return create_engine(
            self.url,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT},
        )

    @property
    def dagster_url(self) -> str:
        """The same database for Dagster's storage, which needs the psycopg2 driver; holds the password."""
        return self.url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction: committed at the end, rolled back on any error."""
        with self.engine.begin() as connection:
            yield connection

    def migrate(self, revision: str = "head", *, downgrade: bool = False) -> None:
        """Migrate the schema to `revision`; processes that start together wait for each other.

        Where the newest revision is wanted and there, one query finds that out.

        Raises
        ------
        StoreError
            When the schema is of a revision that this version does not know, or a table of another
            application has the name of one of the memory's.
        """
        present = self.revision()
        if revision == "head" and present == newest_revision():
            return
        self._check_schema(present)
        from alembic import command  # noqa: PLC0415 - a third of a second, and seldom needed
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.engine.connect() as connection:
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            connection.commit()
            try:
                config.attributes["connection"] = connection
                (command.downgrade if downgrade else command.upgrade)(config, revision)
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
                connection.commit()

    def revision(self) -> str | None:
        """Return the revision of the schema; None where nothing was migrated yet."""
        try:
            with self.engine.connect() as connection:
                found: str | None = connection.scalar(text(f"select version_num from {VERSION_TABLE}"))  # noqa: S608
        except ProgrammingError as error:
            if type(error.orig).__name__ != "UndefinedTable":
                raise
            return None
        return found

    def _check_schema(self, revision: str | None) -> None:
        """Raise StoreError for a schema that is not this version's, or older."""
        if revision is not None and revision not in revisions():
            raise StoreError(
                f"the schema of {self.shown_url} is of revision {revision}, and this version knows those "
                f"up to {newest_revision()}: install the version of memory-pipeline that made it, or name "
                "another database in MEMORY_DATABASE_URL"
            )
        if revision is None:
            from memory_pipeline.store.models import Base  # noqa: PLC0415 - seldom needed

            taken = sorted(set(Base.metadata.tables) & set(inspect(self.engine).get_table_names()))
            if taken:
                raise StoreError(
                    f"{self.shown_url} has tables of another application, or of a memory without its table "
                    f"{VERSION_TABLE}: {', '.join(taken)}; name a database of the memory's own in "
                    "MEMORY_DATABASE_URL, or restore this one from a backup"
                )

    @property
    def shown_url(self) -> str:
        """The address without the password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def rebuild_lock(self, *, patience: float = 0.0) -> Iterator[None]:
        """Lock out other rebuilds; the lock ends with the connection, so that of a killed process does too.

        A backup takes it too, so that tables and frames are of one rebuild.

        Parameters
        ----------
        patience
            Seconds that are waited for another holder.

        Raises
        ------
        RebuildInProgressError
            When another process holds the lock.
        """
        taken = RebuildInProgressError(
            "another rebuild of this memory is running, or a backup; wait for it to end and try again"
        )
        with self._lock(_REBUILD_LOCK, taken, patience=patience):
            yield

    @contextmanager
    def discovery_lock(self) -> Iterator[None]:
        """Lock out other discoveries by Claude; otherwise as `rebuild_lock`.

        Raises
        ------
        DiscoveryInProgressError
            When another process holds the lock.
        """
        taken = DiscoveryInProgressError(
            "another discovery in this memory is running; wait for it to end and try again"
        )
        with self._lock(_DISCOVERY_LOCK, taken):
            yield

    def is_rebuilding(self) -> bool:
        """Return whether a process holds the rebuild lock, however it was started."""
        return self._is_held(_REBUILD_LOCK)

    def is_discovering(self) -> bool:
        """Return whether a process holds the discovery lock, however it was started."""
        return self._is_held(_DISCOVERY_LOCK)

    def _is_held(self, key: int) -> bool:
        query = text(
            "select exists (select from pg_locks where locktype = 'advisory' and objid = :key "
            "and objsubid = 1 "
            "and database = (select oid from pg_database where datname = current_database()))"
        )
        with self.transaction() as connection:
            return bool(connection.scalar(query, {"key": key}))

    @contextmanager
    def job_lock(self, identity: str) -> Iterator[None]:
        """Take the lock of a job while its process works on it; `store.jobs` sees whether it is held.

        Raises
        ------
        RuntimeError
            When another process works on the same job.
        """
        with self.engine.connect() as connection:
            keys = {"kind": JOB_LOCKS, "job": identity}
            held = connection.scalar(text("select pg_try_advisory_lock(:kind, hashtext(:job))"), keys)
            connection.commit()
            if not held:
                raise RuntimeError(f"another process works on the job {identity}")
            try:
                yield
            finally:
                connection.execute(text("select pg_advisory_unlock(:kind, hashtext(:job))"), keys)
                connection.commit()

    @contextmanager
    def advice_lock(self) -> Iterator[None]:
        """Wait for other writers of the advice table and its policy, then lock them out.

        Raises
        ------
        RebuildInProgressError
            When the lock is still held after a minute.
        """
        taken = RebuildInProgressError(
            "another process has been writing the advice for a minute; wait for it to end and try again"
        )
        with self._lock(_ADVICE_LOCK, taken, patience=_ADVICE_PATIENCE):
            yield

    @contextmanager
    def _lock(self, key: int, taken: Exception, *, patience: float = 0.0) -> Iterator[None]:
        until = time.monotonic() + patience
        with self.engine.connect() as connection:
            while True:
                held = connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": key})
                connection.commit()
                if held:
                    break
                if time.monotonic() >= until:
                    raise taken
                time.sleep(_POLL)
            try:
                yield
            finally:
                _unlock(connection, key)

    def close(self) -> None:
        """Close the pooled connections; the store opens new ones if it is used again."""
        if "engine" in self.__dict__:
            self.engine.dispose()
            del self.__dict__["engine"]


def _unlock(connection: Connection, key: int) -> None:
    """Release a lock; one whose connection was lost, as where the server was restarted, went with it."""
    try:
        connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})
        connection.commit()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise


def revisions() -> list[str]:
    """Return the revisions of the schema, in order: the files of the revisions are numbered."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def newest_revision() -> str:
    """Return the newest revision of the schema."""
    return revisions()[-1]
