"""What is said where the database cannot be used: tried on databases that cannot."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from kept_memories import settings_of
from sqlalchemy import create_engine, text

from memory_pipeline.cli import main
from memory_pipeline.memory import Memory
from memory_pipeline.rebuild import RebuildError, rebuild
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.store import Store
from memory_pipeline.store.database import newest_revision
from memory_pipeline.store.errors import StoreError, explain, explain_message
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL

SECRET = "hidden-word"
ROLE = "reader_of_the_tests"
_NUMBERS = count()


def execute(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for one in statements:
            connection.execute(text(one))
    engine.dispose()


@pytest.fixture
def empty(server_store: Store) -> Iterator[Store]:
    """A database of its own, without tables, asked with a password."""
    name = f"trouble_{next(_NUMBERS)}"
    execute(server_store.url, f"create database {name}")
    execute(
        server_store.url,
        f"do $$ begin create role {ROLE} login password '{SECRET}'; "
        "exception when duplicate_object then end $$",
    )
    store = Store(server_store.url.set(database=name, password=SECRET))
    yield store
    store.close()
    execute(server_store.url, f"drop database {name} with (force)")


def without_rights(store: Store) -> Store:
    return Store(store.url.set(username=ROLE))


def without_a_table(store: Store) -> Store:
    store.migrate()
    execute(store.url, "drop table pattern_identifications cascade", "drop table packaging_outcomes cascade")
    return store


def read_only(store: Store) -> Store:
    store.migrate()
    execute(store.url, f"alter database {store.url.database} set default_transaction_read_only = on")
    store.close()
    return store


def newer(store: Store) -> Store:
    store.migrate()
    execute(store.url, "update memory_alembic_version set version_num = '9999'")
    return store


def of_another(store: Store) -> Store:
    execute(store.url, "create table members (id int, colour text)")
    return store


def gone(store: Store) -> Store:
    return Store(store.url.set(query={"host": "/nonexistent"}))


TROUBLES = [
    (
        without_rights,
        "rebuild",
        r"permission denied for schema public.*grant the user of MEMORY_DATABASE_URL",
    ),
    (without_a_table, "status", r'relation "\w+" does not exist.*restore the database from a backup'),
    (
        read_only,
        "rebuild",
        r"read-only transaction.*name the server that takes writes in MEMORY_DATABASE_URL",
    ),
    (newer, "status", rf"of revision 9999, .* up to {newest_revision()}: install the version"),
    (of_another, "status", r"tables of another application.*: members; name a database of the memory's own"),
    (gone, "status", r"which did not answer: .*; check the address"),
]


@pytest.mark.parametrize("case", TROUBLES)
def test_a_command_says_in_a_sentence_what_is_wrong_with_the_database(
    empty: Store,
    tmp_path: Path,
    case: tuple[Callable[[Store], Store], str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    trouble, command, said = case
    url = trouble(empty).url.render_as_string(hide_password=False)
    monkeypatch.setenv("MEMORY_DATABASE_URL", url)
    monkeypatch.setenv("MEMORY_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as ended:
        main([command])
    out, err = capfd.readouterr()
    assert ended.value.code == 1
    assert SECRET not in out + err
    assert "Traceback" not in err
    words = " ".join(err.split())
    assert words.startswith("Error: ")
    assert re.search(said, words), words
    assert len(words) < 500


def test_http_answers_with_the_sentence_and_does_not_promise_that_waiting_helps(
    empty: Store, tmp_path: Path
) -> None:
    store = without_a_table(empty)
    with Memory(settings_of(store, tmp_path / "home"), store) as memory:
        app = create_app(memory, ServerOptions())
        with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
            reply = client.get("/api/memory/patterns")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
    assert "restore the database from a backup" in reply.json()["detail"]
    assert "Retry-After" not in reply.headers
    assert SECRET not in reply.text


def test_a_rebuild_says_it_of_the_step_that_failed(empty: Store, tmp_path: Path) -> None:
    store = without_a_table(empty)
    with pytest.raises(RebuildError, match=r"packaging_outcomes failed: the database refuses this .*restore"):
        rebuild(open_session(settings_of(store, tmp_path / "home"), store), contracts=())


def test_a_table_of_another_application_is_seen_in_a_migration_too(empty: Store) -> None:
    empty.migrate("0001")
    execute(empty.url, "create table discovery_runs (id int)")
    with pytest.raises(Exception, match="already exists") as failed:
        empty.migrate()
    meaning = explain(failed.value)
    assert isinstance(meaning, StoreError)
    assert "another application made it; name a database of the memory's own" in str(meaning)


def test_mistakes_of_the_project_are_not_blamed_on_the_database(store: Store) -> None:
    with pytest.raises(Exception, match="syntax error") as failed, store.transaction() as connection:
        connection.execute(text("selec 1"))
    assert explain(failed.value) is None
    assert explain(ValueError("no database")) is None
    assert explain_message("ValueError: (x) of y") == "ValueError: (x) of y"
    written = '(psycopg.errors.UndefinedTable) relation "x" does not exist\nLINE 1: select secret'
    assert "secret" not in explain_message(written)
    assert 'relation "x" does not exist' in explain_message(written)
