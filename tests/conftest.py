"""What many tests share: a real PostgreSQL, settings on it, and the folder of real data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from quick_rebuilds import leave_out_looks
from sqlalchemy import text

from memory_pipeline.ingest import ingest_records
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.settings import Settings
from memory_pipeline.store import Store
from memory_pipeline.store.models import Base
from memory_pipeline.store.server import start_embedded_server
from memory_pipeline.worlds import sample_organisation

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def server_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One embedded PostgreSQL for the whole run, with the schema at its newest revision."""
    server = start_embedded_server(tmp_path_factory.mktemp("server"))
    store = Store(server.get_uri())
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Nothing of it outlives the run: do not wait for the disk.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))
    store.migrate()
    yield store
    store.close()
    server.cleanup()


@pytest.fixture
def store(server_store: Store) -> Iterator[Store]:
    """An empty memory."""
    yield server_store
    tables = ", ".join(Base.metadata.tables)
    with server_store.transaction() as connection:
        connection.execute(text(f"truncate {tables} restart identity"))


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    """Settings that point at the empty memory, with a home of their own."""
    url = store.url.render_as_string(hide_password=False)
    return Settings(home=tmp_path / "home", database_url=SecretStr(url))


@pytest.fixture(scope="session")
def rebuilt(server_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a memory that holds a small sample organisation and was rebuilt; for reading only."""
    with server_store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("create database rebuilt"))
    store = Store(server_store.url.set(database="rebuilt"))
    store.migrate()
    url = SecretStr(store.url.render_as_string(hide_password=False))
    settings = Settings(home=tmp_path_factory.mktemp("rebuilt"), database_url=url)
    organisation = sample_organisation(attempts=2500, applications=80, members=200)
    ingest_records(store, "outcomes", organisation.outcomes, source="sample")
    ingest_records(store, "members", organisation.members, source="sample")
    before = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        leave_out_looks(patch)
        rebuild(settings, store)
    os.environ.clear()
    os.environ.update(before)
    yield settings
    store.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; tests that need it run only where it is there."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}")
    return folder
