"""A process that is killed during an ingest leaves nothing, and the same command finishes later.

When to kill is never left to luck: a lock that the test holds keeps the process from getting further than
the moment in question, and the database tells when it waits there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from memory_pipeline.cli.ingest import ingest

RECORDS = 12_000
COMMAND = [sys.executable, "-c", "from memory_pipeline.cli.ingest import ingest; ingest()", "outcomes"]
WAITING = """
select pid from pg_stat_activity
where wait_event_type = 'Lock' and state = 'active' and query ilike :query and pid <> pg_backend_pid()
"""
OTHERS = """
select count(*) from pg_stat_activity
where query ilike '%staged%' and pid <> pg_backend_pid() and state <> 'idle'
"""
TABLES = ("packaging_outcomes", "ingests", "quarantined_records")


@pytest.fixture
def environment(settings):
    return {
        **os.environ,
        "MEMORY_DATABASE_URL": settings.database_url.get_secret_value(),
        "MEMORY_HOME": str(settings.home),
    }


@pytest.fixture
def path(outcome, jsonl):
    good = (outcome(source_record_id=str(number)) for number in range(RECORDS))
    return jsonl(*good, outcome(outcome_status="ok"), name="big.jsonl")


def counts(store):
    with store.transaction() as connection:
        return [connection.scalar(text(f"select count(*) from {table}")) for table in TABLES]  # noqa: S608


def poll(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited half a minute for {what}"
        time.sleep(0.01)


@contextmanager
def started(path, environment):
    """Run the command; whatever happens, no process is left."""
    command = [*COMMAND, str(path)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


@contextmanager
def opened_engine(store):
    """Open connections beside those of the store, since one of them holds a lock."""
    engine = create_engine(store.url, isolation_level="AUTOCOMMIT")
    try:
        yield engine
    finally:
        engine.dispose()


# The moment; the table whose lock stops the process there; the statement that waits for it.
MOMENTS = [
    ("while records are copied", "packaging_outcomes", None),
    ("before they move to their table", "packaging_outcomes", "%insert into packaging_outcomes%"),
    ("after they have moved", "quarantined_records", "%update quarantined_records%"),
    ("just before the end", "ingests", "%insert into ingests%"),
]


@pytest.mark.parametrize(("table", "query"), [one[1:] for one in MOMENTS], ids=[one[0] for one in MOMENTS])
def test_a_killed_ingest_leaves_nothing_and_can_be_repeated(store, environment, path, table, query):
    with opened_engine(store) as engine, engine.connect() as watcher:
        with engine.connect().execution_options(isolation_level="READ COMMITTED") as holder:
            # Share mode lets others read and keeps them from writing.
            holder.execute(text(f"lock table {table} in share mode"))
            with started(path, environment) as process:
                if query is None:
                    assert "reading 5,000 records" in process.stderr.readline()
                else:
                    poll(lambda: watcher.scalar(text(WAITING), {"query": query}), f"{query} to wait")
            assert counts(store) == [0, 0, 0]
            holder.rollback()
        # The server drops the killed process's transaction once it notices that nobody is there.
        poll(lambda: watcher.scalar(text(OTHERS)) == 0, "the server to drop the killed transaction")
    assert counts(store) == [0, 0, 0]

    done = CliRunner(env=environment).invoke(ingest, ["outcomes", str(path), "--json"])
    report = json.loads(done.stdout)
    assert (done.exit_code, report["read"], report["new"], report["quarantined"]) == (
        0,
        RECORDS + 1,
        RECORDS,
        1,
    )
    assert counts(store) == [RECORDS, 1, 1]
