"""A database that goes away for a moment costs one repetition; locks that went with it are not missed."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from memory_pipeline.store import Store
from memory_pipeline.store.retries import do_again_when_away


@pytest.fixture
def cut(server_store):
    """A function that ends all other connections to the database, as a restart of the server does."""
    other = Store(server_store.url)

    def end() -> None:
        with other.transaction() as connection:
            connection.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )
            )

    yield end
    other.close()


def counting(store, disturbances):
    """Return work that asks the database twice and is disturbed in between, and how often it was begun."""
    begun = []

    def work():
        begun.append(1)
        with store.transaction() as connection:
            connection.execute(text("select 1"))
            if len(begun) <= len(disturbances):
                disturbances[len(begun) - 1]()
            return connection.scalar(text("select 42"))

    return work, begun


def test_work_is_done_again_where_its_connection_was_cut(server_store, cut):
    work, begun = counting(server_store, [cut])
    assert do_again_when_away(server_store, work) == 42
    assert len(begun) == 2


def test_with_the_embedded_server_nobody_waits(server_store, cut):
    embedded = Store(server_store.url, is_embedded=True)
    work, begun = counting(embedded, [cut])
    with pytest.raises(DBAPIError):
        do_again_when_away(embedded, work)
    assert len(begun) == 1
    embedded.close()


def test_it_is_done_again_once(server_store, cut):
    work, begun = counting(server_store, [cut, cut, cut])
    with pytest.raises(DBAPIError):
        do_again_when_away(server_store, work)
    assert len(begun) == 2


def test_other_errors_are_not_tried_again(server_store):
    begun = []

    def work():
        begun.append(1)
        with server_store.transaction() as connection:
            connection.execute(text("select nothing from nowhere"))

    with pytest.raises(ProgrammingError):
        do_again_when_away(server_store, work)
    assert len(begun) == 1


def test_a_database_that_stays_away_is_said(server_store):
    away = Store(server_store.url.set(host="127.0.0.1", port=1, query={}))
    begun = []

    def work():
        begun.append(1)
        with away.transaction():
            pass

    with pytest.raises(DBAPIError):
        do_again_when_away(away, work, patience=0.0)
    assert len(begun) == 1
    away.close()


def test_a_lock_whose_connection_was_cut_is_free_and_does_not_fail_what_it_held(server_store, cut):
    with server_store.rebuild_lock():
        assert server_store.is_rebuilding()
        cut()
        assert not server_store.is_rebuilding()
    with server_store.rebuild_lock():
        pass
