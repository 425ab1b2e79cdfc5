"""What many tests share: a real PostgreSQL for each worker, settings on it, and the folder of real data."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fasteners import InterProcessLock
from kept_memories import KeptMemory, running_server, settings_of, small_sample
from kept_memories import keep_memory as keep
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from quick_rebuilds import leave_out_looks
from sqlalchemy import text

from memory_pipeline.analysis.compute.threads import thread_count
from memory_pipeline.ingest import ingest_records
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.store.models import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

PROJECT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own, which goes at the end; name one by `--basetemp` to keep it.

    By default pytest puts all runs into one folder, and closes it to others whenever a run begins. Where root
    runs the tests, the servers of the other runs belong to another user, and fail.
    """
    os.environ.pop("COLUMNS", None)  # rich reads it once, and tests set it
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="memory-tests-")
        atexit.register(shutil.rmtree, config.option.basetemp, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the workers of `-n auto`: one for each processor that this process may use."""
    return thread_count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what works on a database: it takes longest, and workers end together on short files."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(
            key=lambda item: {"server_store", "kept_sample"}.isdisjoint(getattr(item, "fixturenames", ()))
        )


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all its workers see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _compile_each_kernel_once(shared_folder: Path) -> Iterator[None]:
    """Make workers that start without compiled kernels wait for each other's, which numba keeps on disk."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    lock = InterProcessLock(shared_folder / "kernels.lock")
    compile_kernel = Dispatcher.compile

    def compile_or_load(dispatcher: Dispatcher, signature: object) -> object:
        with global_compiler_lock:
            if lock.acquired:  # a kernel that the one being compiled calls
                return compile_kernel(dispatcher, signature)
            with lock:
                return compile_kernel(dispatcher, signature)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "compile", compile_or_load)
        yield


@pytest.fixture(scope="session")
def server_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One embedded PostgreSQL for each worker, with the schema at its newest revision."""
    with running_server(tmp_path_factory.mktemp("server")) as store:
        store.migrate()
        yield store


@pytest.fixture
def store(server_store: Store) -> Iterator[Store]:
    """An empty memory."""
    yield server_store
    tables = ", ".join(Base.metadata.tables)
    with server_store.transaction() as connection:
        connection.execute(text(f"truncate {tables} restart identity"))
        if connection.scalar(text("select to_regclass('runs')")) is not None:  # Dagster's record of runs
            connection.execute(text("truncate runs cascade"))


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    """Settings that point at the empty memory, with a home of their own."""
    return settings_of(store, tmp_path / "home")


@pytest.fixture(scope="session")
def keep_memory(
    server_store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Callable[[Settings, Store], object]], KeptMemory]:
    """Fill a memory once, for tests that change copies of it: `keep_memory(name, fill)`."""

    def filled(name: str, fill: Callable[[Settings, Store], object]) -> KeptMemory:
        return keep(server_store, name, tmp_path_factory.mktemp(name), fill)

    return filled


@pytest.fixture(scope="session")
def kept_sample(shared_folder: Path) -> Iterator[KeptMemory]:
    """A memory that holds the organisation of `small_sample` and was rebuilt.

    The first worker that asks rebuilds it, on a server that all workers join.
    """
    folder = shared_folder / "rebuilt"
    is_done = folder / "is_done"
    with running_server(folder) as server:
        with InterProcessLock(shared_folder / "rebuilt.lock"):
            if is_done.exists():
                kept = KeptMemory(server, "rebuilt", folder / "home")
            else:
                kept = keep(server, "rebuilt", folder / "home", _rebuild_sample)
                is_done.touch()
        yield kept


@pytest.fixture(scope="session")
def rebuilt(kept_sample: KeptMemory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a copy of `kept_sample`, for reading only."""
    with kept_sample.copy(tmp_path_factory.mktemp("rebuilt") / "home") as (settings, _):
        yield settings


def _rebuild_sample(settings: Settings, store: Store) -> None:
    organisation = small_sample()
    ingest_records(store, "outcomes", organisation.outcomes, source="sample")
    ingest_records(store, "members", organisation.members, source="sample")
    with pytest.MonkeyPatch.context() as patch:
        leave_out_looks(patch)
        rebuild(settings, store)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; tests that need it run only where it is there."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}")
    return folder
