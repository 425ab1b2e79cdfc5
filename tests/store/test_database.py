"""Schema, migrations, locks and the embedded server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psutil
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import insert, inspect, text
from sqlalchemy.exc import IntegrityError

from memory_pipeline.settings import Settings
from memory_pipeline.store import Store, models, open_store
from memory_pipeline.store.database import MIGRATIONS, RebuildInProgressError, newest_revision
from memory_pipeline.store.server import _socket_folder, start_embedded_server

VERSION_TABLE = "memory_alembic_version"
REVISIONS = [script.revision for script in reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))]


@pytest.fixture
def empty_database(server_store):
    """A database of its own beside the one of the other tests."""
    with server_store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("drop database if exists migrations with (force)"))
        connection.execute(text("create database migrations"))
    store = Store(server_store.url.set(database="migrations"))
    yield store
    store.close()


def own_tables(store):
    return set(inspect(store.engine).get_table_names()) - {VERSION_TABLE}


def own_relations(store):
    """Return the tables with their columns and indexes."""
    found = inspect(store.engine)
    return {
        table: {one["name"] for one in [*found.get_columns(table), *found.get_indexes(table)]}
        for table in own_tables(store)
    }


def test_from_empty_to_head_the_schema_is_that_of_the_models(empty_database):
    empty_database.migrate()
    with empty_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        differences = compare_metadata(context, models.Base.metadata)

    assert [one for one in differences if VERSION_TABLE not in str(one)] == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_revision_goes_up_and_down_again(empty_database, revision):
    empty_database.migrate(revision)
    at_revision = own_relations(empty_database)
    empty_database.migrate("-1", downgrade=True)
    assert own_relations(empty_database) != at_revision
    empty_database.migrate(revision)
    assert own_relations(empty_database) == at_revision


def test_down_to_nothing_leaves_nothing(empty_database):
    empty_database.migrate()
    empty_database.migrate("base", downgrade=True)
    assert own_tables(empty_database) == set()


def test_migrating_twice_changes_nothing(empty_database):
    empty_database.migrate()
    before = own_tables(empty_database)
    empty_database.migrate()
    assert own_tables(empty_database) == before


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("packaging_outcomes", ["application_name", "installer_type", "outcome_status"]),
        ("pattern_identifications", ["pattern_type", "confidence"]),
        ("success_factors", ["effectiveness", "confidence"]),
        ("approach_recommendations", ["application_type", "installer_type", "success_rate"]),
        ("patterns", ["category"]),
    ],
)
def test_columns_that_are_filtered_by_have_an_index(server_store, table, columns):
    indexed = {index["column_names"][0] for index in inspect(server_store.engine).get_indexes(table)}
    assert set(columns) <= indexed


def outcome(**changes):
    row = {
        "id": "1",
        "task_id": "t",
        "application_name": "a",
        "approach_details": {},
        "outcome_status": "success",
        "occurred_at": "2026-01-01T00:00:00Z",
        "source": "s",
        "source_record_id": "r",
        "content_hash": "h",
        "ingest_id": "i",
    }
    return row | changes


PATTERN = {
    "id": "1",
    "pattern_type": "success",
    "pattern_name": "n",
    "description": "d",
    "target": "success",
    "conditions": {},
    "impact": {},
    "confidence": 0.5,
    "sample_size": 1,
    "units": 1,
    "related_outcomes": [],
}


@pytest.mark.parametrize(
    ("model", "row", "constraint"),
    [
        (models.PackagingOutcome, outcome(outcome_status="maybe"), "ck_packaging_outcomes_status"),
        (
            models.PatternIdentification,
            PATTERN | {"confidence": 1.2},
            "ck_pattern_identifications_confidence",
        ),
        (models.PatternIdentification, PATTERN | {"pattern_type": "x"}, "ck_pattern_identifications_type"),
        (
            models.PatternIdentification,
            PATTERN | {"sample_size": -1},
            "ck_pattern_identifications_sample_size",
        ),
        (
            models.MemberPattern,
            {"name": "n", "description": "d", "category": "hobby", "found_by": "statistics"},
            "ck_patterns_category",
        ),
    ],
)
def test_the_database_refuses_what_breaks_a_rule(store, model, row, constraint):
    with pytest.raises(IntegrityError, match=constraint), store.transaction() as connection:
        connection.execute(insert(model).values(row))


def test_the_same_source_record_cannot_be_there_twice(store):
    with pytest.raises(IntegrityError, match="source_source_record_id"), store.transaction() as connection:
        connection.execute(insert(models.PackagingOutcome).values([outcome(), outcome(id="2")]))


def test_one_rebuild_at_a_time(store):
    other = Store(store.url)
    with store.rebuild_lock(), pytest.raises(RebuildInProgressError, match="another rebuild"):
        other.rebuild_lock().__enter__()
    with other.rebuild_lock():
        pass
    other.close()


def test_a_server_that_does_not_answer_is_named_without_its_password():
    url = SecretStr("postgresql://someone:secret@127.0.0.1:1/nothing")
    with pytest.raises(ConnectionError, match=r"someone:\*\*\*@127\.0\.0\.1:1") as caught:
        open_store(Settings(database_url=url))
    assert "secret" not in str(caught.value)


def test_the_embedded_server_works_in_a_folder_with_spaces_and_a_long_name(tmp_path):
    home = tmp_path / "a folder with spaces" / ("long" * 20)
    server = start_embedded_server(home)
    try:
        store = open_store(Settings(home=home))
        assert own_tables(store) == set(models.Base.metadata.tables)
        store.close()
    finally:
        server.cleanup()


HOLD = """
import os, sys
from pathlib import Path
from memory_pipeline.store.server import start_embedded_server
server = start_embedded_server(Path(sys.argv[1]))
print(server.get_pid(), flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), 9)
"""


def is_running(pid):
    """Whether the process lives; one that is dead and not yet reaped does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_killed_process_does_not_keep_the_embedded_server_for_ever(tmp_path):
    def hold(how):
        command = [sys.executable, "-c", HOLD, str(tmp_path / "home"), how]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, int(done.stdout)

    code, server = hold("killed")
    assert code == -9
    assert is_running(server)
    code, same_server = hold("to the end")
    assert (code, same_server) == (0, server)
    assert not is_running(server)


def test_what_was_left_by_another_program_with_the_same_number_is_no_server(tmp_path):
    home = tmp_path / "home"
    subprocess.run([sys.executable, "-c", HOLD, str(home), "to the end"], check=True, capture_output=True)
    postmaster = Path(home) / "postgres" / "postmaster.pid"
    assert not postmaster.exists()
    lines = [str(psutil.Process().pid), str(home / "postgres"), "1", "5432", str(home), "", "1 1", "ready"]
    postmaster.write_text("\n".join(lines))
    server = start_embedded_server(home)
    assert server.get_pid() != psutil.Process().pid
    server.cleanup()


def test_the_newest_revision_is_known_without_migrating(empty_database, monkeypatch):
    assert newest_revision() == REVISIONS[-1]
    assert empty_database.revision() is None
    empty_database.migrate()
    assert empty_database.revision() == REVISIONS[-1]
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: pytest.fail("it was migrated again"))
    empty_database.migrate()
    empty_database.migrate("-1", downgrade=True)
    assert empty_database.revision() == REVISIONS[-2]


def test_who_has_patience_waits_for_the_rebuild_lock(server_store: Store) -> None:
    other = Store(server_store.url)
    is_there, is_held = Event(), Event()

    def wait_for_it() -> None:
        is_there.set()
        with other.rebuild_lock(patience=60):
            is_held.set()

    with ThreadPoolExecutor(1) as pool:
        with server_store.rebuild_lock():
            waiting = pool.submit(wait_for_it)
            assert is_there.wait(60)
            with (
                pytest.raises(RebuildInProgressError, match="or a backup; wait for it to end"),
                other.rebuild_lock(),
            ):
                pass
            assert not is_held.is_set()
        waiting.result(60)
    assert is_held.is_set()
    other.close()


def test_what_the_embedded_server_keeps_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "private"
    server = start_embedded_server(home)
    try:
        inner = {path.name: path.stat().st_mode & 0o077 for path in home.iterdir() if path.is_dir()}
        assert inner == dict.fromkeys(("postgres", "storage", "dagster", "served"), 0)
    finally:
        server.cleanup()


def test_the_folder_of_a_far_socket_is_private_and_never_a_strangers(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    server = start_embedded_server(home)
    try:
        folder = server.get_postmaster_info().socket_dir
        assert folder.name.startswith("memory-pipeline-")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_uid == (home / "postgres").stat().st_uid
    finally:
        server.cleanup()
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(RuntimeError, match="belongs to somebody else; remove it"):
            _socket_folder(home / "postgres", tmp_path)
    finally:
        folder.unlink()


def test_an_embedded_server_that_does_not_start_is_said_in_one_message(tmp_path: Path, caplog) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(RuntimeError, match="did not start") as raised:
        start_embedded_server(tmp_path)
    assert "\n" not in str(raised.value)
    assert caplog.records == []
