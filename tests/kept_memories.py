"""Memories that are rebuilt once and copied for each test that changes them: databases and files."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy import text

from memory_pipeline.settings import Settings
from memory_pipeline.store import Store
from memory_pipeline.store.server import start_embedded_server
from memory_pipeline.worlds import Organisation, sample_organisation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NUMBERS = count()


@contextmanager
def running_server(folder: Path) -> Iterator[Store]:
    """Run an embedded PostgreSQL under a folder, or join the one that another worker runs there."""
    server = start_embedded_server(folder)
    store = Store(server.get_uri())
    # Nothing of it outlives the run: do not wait for the disk.
    _execute(
        store,
        *(f"alter system set {one} = off" for one in ("fsync", "synchronous_commit", "full_page_writes")),
    )
    _execute(store, "select pg_reload_conf()")
    try:
        yield store
    finally:
        store.close()
        server.cleanup()


@dataclass(frozen=True)
class KeptMemory:
    """A memory that was filled once and is copied for each test that changes it.

    Parameters
    ----------
    server
        A connection to the server that holds it.
    name
        The name of its database, to which nothing is connected.
    home
        The folder of its files.
    """

    server: Store
    name: str
    home: Path

    @contextmanager
    def copy(self, home: Path) -> Iterator[tuple[Settings, Store]]:
        """Copy the database and the files; the database goes afterwards."""
        copied = f"{self.name}_{os.getpid()}_{next(_NUMBERS)}"
        _execute(self.server, f"create database {copied} template {self.name}")
        shutil.copytree(self.home, home)
        store = Store(self.server.url.set(database=copied))
        try:
            yield settings_of(store, home), store
        finally:
            store.close()
            _execute(self.server, f"drop database {copied} with (force)")


def keep_memory(
    server: Store, name: str, home: Path, fill: Callable[[Settings, Store], object]
) -> KeptMemory:
    """Make a memory in a database of its own, have it filled, and keep it."""
    _execute(server, f"create database {name}")
    store = Store(server.url.set(database=name))
    store.migrate()
    before = dict(os.environ)
    fill(settings_of(store, home), store)
    os.environ.clear()  # an open Dagster instance sets variables
    os.environ.update(before)
    store.close()
    return KeptMemory(server, name, home)


def small_sample() -> Organisation:
    """Return the organisation of the rebuilt memory that tests share."""
    return sample_organisation(attempts=2500, applications=80, members=200)


def settings_of(store: Store, home: Path) -> Settings:
    """Return settings that point at a database and a home."""
    return Settings(home=home, database_url=SecretStr(store.url.render_as_string(hide_password=False)))


def _execute(server: Store, *statements: str) -> None:
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
