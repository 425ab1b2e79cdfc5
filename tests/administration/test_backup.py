"""A backup brings back what was there; where it is damaged, the memory stays as it is."""

from __future__ import annotations

import json
import resource
import shutil
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from kept_memories import settings_of
from quick_rebuilds import leave_out_looks
from sqlalchemy import make_url, text

from memory_pipeline.administration.backup import MANIFEST, prune_backups, write_backup
from memory_pipeline.administration.postgres_programs import _without_password, find_program
from memory_pipeline.administration.restore import drop_kept, kept_databases, read_manifest, restore_backup
from memory_pipeline.ingest import ingest_records
from memory_pipeline.pipeline.run import rebuild
from memory_pipeline.settings import Settings
from memory_pipeline.store import Store, open_store
from memory_pipeline.store.columns import count_rows
from memory_pipeline.store.models import Base
from memory_pipeline.store.opening import connect_store
from memory_pipeline.store.server import start_embedded_server
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOUND = (
    "pattern_identifications",
    "success_factors",
    "approach_recommendations",
    "learning_measures",
    "patterns",
    "question_prompts",
    "label_merges",
)
"""Tables whose rows follow from the records."""
OUTCOME = {
    "task_id": "t",
    "application_name": "7-Zip",
    "approach_details": {"tool": "psadt"},
    "outcome_status": "success",
    "occurred_at": datetime(2026, 5, 1, tzinfo=UTC).isoformat(),
}


def findings(store: Store) -> dict[str, list[str]]:
    """Return the rows of each table of findings, without running numbers and moments of writing, sorted."""
    found = {}
    with store.transaction() as connection:
        for name in FOUND:
            frame = pd.DataFrame(connection.execute(text(f"select * from {name}")).mappings().all())  # noqa: S608 - names above
            left_out = ["created_at", "updated_at", "retired_at", "related_member_ids"]
            if frame.columns.isin(["id"]).any() and frame["id"].dtype.kind == "i":
                left_out.append("id")
            frame = frame.drop(columns=left_out, errors="ignore")
            found[name] = sorted(
                json.dumps(one, sort_keys=True, default=str) for one in frame.to_dict("records")
            )
    return found


@pytest.fixture
def own(server_store: Store, tmp_path: Path) -> Iterator[tuple[Settings, Store]]:
    """Return a memory with two outcomes in a database of its own, whose relatives go afterwards."""
    name = f"own_{tmp_path.name[-40:]}".lower()
    with server_store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'create database "{name}"'))
        store = Store(server_store.url.set(database=name))
        store.migrate()
        records = [OUTCOME | {"source_record_id": str(one)} for one in range(2)]
        ingest_records(store, "outcomes", records, source="test")
        yield settings_of(store, tmp_path / "home"), store
        store.close()
        for one in connection.scalars(text("select datname from pg_database where datname like 'own\\_%'")):
            connection.execute(text(f'drop database "{one}" with (force)'))


def backup_of(settings: Settings, store: Store, folder: Path) -> Path:
    with store.rebuild_lock():
        return write_backup(open_session(settings, store), folder)[0]


def test_a_restored_memory_rebuilds_to_the_same_findings(kept_sample, tmp_path, monkeypatch):
    leave_out_looks(monkeypatch)
    with kept_sample.copy(tmp_path / "home") as (settings, store):
        before = findings(store)
        file = backup_of(settings, store, tmp_path / "backups")
        tables = ", ".join(Base.metadata.tables)
        with store.transaction() as connection:
            connection.execute(text(f"drop table {tables} cascade"))
        shutil.rmtree(settings.home)

        done = restore_backup(settings, store, file)
        try:
            assert done.has_storage
            assert done.other_settings == {}
            assert findings(store) == before
            assert open_session(settings, store).frames.exists("outcome_evidence")
            rebuild(settings, store)
            assert findings(store) == before
            assert all(before.values())
        finally:
            store.close()
            drop_kept(settings, store, done.kept_database)
        assert kept_databases(store) == []


def test_what_was_there_is_kept_and_what_came_later_is_gone(own, tmp_path):
    settings, store = own
    file = backup_of(settings, store, tmp_path / "one.zip")
    assert file == tmp_path / "one.zip"
    assert file.stat().st_mode & 0o777 == 0o600
    ingest_records(store, "outcomes", [OUTCOME | {"source_record_id": "later"}], source="test")
    done = restore_backup(settings, store, file)
    assert count_rows(store, "packaging_outcomes") == 2
    kept = Store(store.url.set(database=done.kept_database))
    assert count_rows(kept, "packaging_outcomes") == 3
    kept.close()
    assert kept_databases(store) == [done.kept_database]
    with pytest.raises(KeyError, match="no restore kept a database 'template1'"):
        drop_kept(settings, store, "template1")
    drop_kept(settings, store, done.kept_database)
    assert kept_databases(store) == []


def test_after_a_lost_disk_an_empty_home_is_restored_into(own, tmp_path):
    settings, store = own
    file = backup_of(settings, store, tmp_path / "one.zip")
    empty = Settings(home=tmp_path / "new")
    server = start_embedded_server(empty.home)
    try:
        fresh = connect_store(empty)
        assert fresh.url.database == "postgres"
        done = restore_backup(empty, fresh, file)
        again = open_store(empty)
        assert count_rows(again, "packaging_outcomes") == 2
        assert kept_databases(again) == [done.kept_database]
        drop_kept(empty, again, done.kept_database)
        fresh.close()
        again.close()
    finally:
        server.cleanup()


def test_nobody_is_cut_off_unless_asked(own, tmp_path):
    settings, store = own
    file = backup_of(settings, store, tmp_path / "one.zip")
    other = Store(store.url)
    with other.engine.connect() as connection:
        connection.execute(text("select 1"))
        with pytest.raises(RuntimeError, match="1 other connections use the memory: stop"):
            restore_backup(settings, store, file)
        assert kept_databases(store) == []
        assert len(kept_after_restore(settings, store, file)) == 1
        connection.invalidate()
    other.close()


def kept_after_restore(settings: Settings, store: Store, file: Path) -> list[str]:
    restore_backup(settings, store, file, disconnects=True)
    return kept_databases(store)


def test_a_damaged_or_foreign_file_is_refused_and_nothing_changes(own, tmp_path):
    settings, store = own
    file = backup_of(settings, store, tmp_path / "one.zip")
    whole = file.read_bytes()
    middle = len(whole) // 2
    flipped = tmp_path / "flipped.zip"
    flipped.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: middle * 3 // 2])
    for path, message in ((flipped, "is damaged"), (cut, "is not a backup, or it is cut off")):
        with pytest.raises(ValueError, match=message):
            restore_backup(settings, store, path)
    newer = changed_manifest(file, tmp_path / "newer.zip", format=2, version="9.9")
    with pytest.raises(ValueError, match=r"install memory-pipeline 9\.9 or newer"):
        read_manifest(newer)
    later = changed_manifest(file, tmp_path / "later.zip", revision="9999")
    with pytest.raises(ValueError, match="schema of revision 9999"):
        read_manifest(later)
    tables = read_manifest(file).tables | {"public.packaging_outcomes": 7}
    fewer = changed_manifest(file, tmp_path / "fewer.zip", tables=tables)
    with pytest.raises(RuntimeError, match=r"packaging_outcomes: 7 in the backup, 2 restored\); nothing"):
        restore_backup(settings, store, fewer)
    assert count_rows(store, "packaging_outcomes") == 2
    with store.transaction() as connection:
        names = connection.scalars(text("select datname from pg_database where datname like 'own\\_%'")).all()
    assert names == [store.url.database]


def changed_manifest(file: Path, target: Path, **changes: object) -> Path:
    """Write a backup again with other words in its manifest."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == MANIFEST:
                content = json.dumps(json.loads(content) | changes).encode()
            new.writestr(name, content)
    return target


def test_a_full_disk_leaves_nothing_half_written(own, tmp_path):
    settings, store = own
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match=r"could not be written .* nothing is left of it: free some space"):
            backup_of(settings, store, tmp_path / "backups")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "backups").iterdir()) == []
    assert backup_of(settings, store, tmp_path / "backups").exists()


def test_a_file_that_is_there_is_not_overwritten(own, tmp_path):
    settings, store = own
    (tmp_path / "one.zip").write_text("mine")
    with pytest.raises(FileExistsError, match="is not overwritten"):
        backup_of(settings, store, tmp_path / "one.zip")
    assert (tmp_path / "one.zip").read_text() == "mine"


def test_other_settings_are_named(own, tmp_path):
    settings, store = own
    file = backup_of(settings.model_copy(update={"min_units": 9}), store, tmp_path / "one.zip")
    done = restore_backup(settings, store, file)
    assert done.other_settings == {"MEMORY_MIN_UNITS": ("9", None)}


def test_the_newest_backups_stay(tmp_path):
    names = [f"memory-2026010{day}T000000Z.zip" for day in (1, 2, 3)]
    for name in [*names, "mine.zip"]:
        (tmp_path / name).touch()
    assert [path.name for path in prune_backups(tmp_path, 2)] == names[:1]
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:], "mine.zip"}


def test_no_password_is_among_the_arguments_of_a_program():
    url = make_url("postgresql+psycopg://ana:hidden-word@db:5433/memory?sslmode=require")
    address, environment = _without_password(url)
    assert address == "postgresql://ana@db:5433/memory?sslmode=require"
    assert environment == {"PGPASSWORD": "hidden-word"}


def test_a_missing_program_is_named_with_what_to_install():
    with pytest.raises(RuntimeError, match=r"pg_dump of PostgreSQL 99 or newer is needed, .* PostgreSQL 99"):
        find_program("pg_dump", 99)
