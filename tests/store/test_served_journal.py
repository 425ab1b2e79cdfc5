"""The journal of served answers: whatever happens to the process, each answer is stored exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid

import pytest
from sqlalchemy.exc import OperationalError

from memory_pipeline.store import reads, served_journal
from memory_pipeline.store.models import ServedCandidates, ServedRecommendation
from memory_pipeline.store.opening import open_store
from memory_pipeline.store.served import read_served
from memory_pipeline.store.served_journal import ServedJournal, journal_folder, replay_journals

PROGRAM = """
import sys, uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from memory_pipeline.store import Store
from memory_pipeline.store.served_journal import ServedJournal
from test_served_journal import line, CANDIDATES

journal = ServedJournal(Store(sys.argv[1]), Path(sys.argv[2]))
journal.start()

def serve(_):
    while True:
        identity = str(uuid.uuid4())
        journal.append(line(identity), "c", lambda: CANDIDATES)
        sys.stdout.write(identity + "\\n")  # it was acknowledged
        sys.stdout.flush()

with ThreadPoolExecutor(4) as threads:
    list(threads.map(serve, range(4)))
"""
REPLAY = """
import sys
from pathlib import Path
from memory_pipeline.store import Store
from memory_pipeline.store.served_journal import replay_journals

print(replay_journals(Store(sys.argv[1]), Path(sys.argv[2])))
"""
CANDIDATES = b'{"candidates":[{"approach":{"mode":"a"}}],"id":"c"}'
MANY = 3_000


def line(identity: str, **more: object) -> bytes:
    """Return an answer as it is written to the journal."""
    row = {
        "id": identity,
        "context": {"team": "r\u00e9d"},
        "candidates_id": "c",
        "recommended_approach": None,
        "propensity": 1.0,
        "policy_version": "v",
        "withheld": False,
        "control_share": 0.0,
        "served_at": "2026-05-01T12:00:00+00:00",
    }
    return json.dumps(row | more).encode()


def append(journal, count=1):
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for identity in ids:
        journal.append(line(identity), "c", lambda: CANDIDATES)
    return ids


def stored(store):
    return sorted(reads.read_table(store, ServedRecommendation)["id"])


def test_what_was_written_is_moved_once(store, tmp_path):
    journal = ServedJournal(store, tmp_path)
    ids = append(journal, 1_200)
    assert (journal.pending, stored(store)) == (1_200, [])
    assert journal.flush() == 1_200
    assert journal.flush() == 0
    assert (journal.pending, stored(store)) == (0, sorted(ids))
    assert read_served(store, ids[0])["candidates"] == [{"approach": {"mode": "a"}}]
    assert read_served(store, ids[0])["context"] == {"team": "r\u00e9d"}
    assert len(reads.read_table(store, ServedCandidates)) == 1
    assert list(journal_folder(tmp_path).iterdir()) == []
    journal.close()


def test_closing_moves_the_rest(store, tmp_path):
    journal = ServedJournal(store, tmp_path)
    journal.start()
    ids = append(journal, 3)
    journal.close()
    assert stored(store) == sorted(ids)


def test_the_answers_of_a_killed_process_are_stored_when_the_memory_is_opened(store, settings):
    url = store.url.render_as_string(hide_password=False)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path]),  # noqa: PTH120
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(settings.home)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        acknowledged = [process.stdout.readline() for _ in range(MANY)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    ids = {one.strip() for one in acknowledged if one.endswith("\n")}
    assert len(ids) >= MANY
    assert list(journal_folder(settings.home).glob("*.jsonl")), "it was killed while answers waited"
    open_store(settings).close()
    # An answer that was written and not acknowledged any more may be there too, one of each thread.
    found = stored(store)
    assert len(found) == len(set(found))
    assert ids <= set(found)
    assert len(found) <= len(ids) + 4
    assert not list(journal_folder(settings.home).glob("*.jsonl"))


def test_the_journal_of_a_living_process_is_left_to_it(store, tmp_path):
    journal = ServedJournal(store, tmp_path)
    ids = append(journal, 2)
    other = subprocess.run(
        [sys.executable, "-c", REPLAY, store.url.render_as_string(hide_password=False), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == "0"
    assert stored(store) == []
    journal.flush()
    assert stored(store) == sorted(ids)


def test_an_answer_that_was_moved_before_the_file_was_removed_is_stored_once(store, tmp_path):
    journal = ServedJournal(store, tmp_path)
    ids = append(journal, 2)
    (path,) = journal_folder(tmp_path).glob("*.jsonl")
    copy = path.read_bytes()
    journal.flush()
    path.write_bytes(copy)
    assert replay_journals(store, tmp_path) == 2
    assert stored(store) == sorted(ids)


def test_a_line_that_was_not_finished_and_one_that_is_refused_hold_up_nothing(store, tmp_path, caplog):
    folder = journal_folder(tmp_path)
    folder.mkdir(parents=True)
    good, bad, torn = (str(uuid.uuid4()) for _ in range(3))
    lines = [CANDIDATES, line(good), line(bad, propensity=7), line(torn)[:40]]
    (folder / "1-old.00000001.jsonl").write_bytes(b"\n".join(lines))
    replay_journals(store, tmp_path)
    assert stored(store) == [good]
    assert (folder / "refused.txt").read_bytes() == line(bad, propensity=7) + b"\n"
    assert "refused a served answer" in caplog.text
    assert "propensity" not in caplog.text


def test_while_the_database_is_away_answers_wait(store, tmp_path, monkeypatch):
    journal = ServedJournal(store, tmp_path)
    first = append(journal, 2)

    def away(*_):
        raise OperationalError("insert", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(served_journal, "store_documents", away)
        with pytest.raises(OperationalError):
            journal.flush()
        second = append(journal, 2)
        with pytest.raises(OperationalError):
            journal.flush()
    assert journal.pending == 4
    assert journal.flush() == 4
    assert stored(store) == sorted(first + second)


def test_a_full_disk_loses_no_other_answer(store, tmp_path, monkeypatch):
    journal = ServedJournal(store, tmp_path)
    ids = append(journal)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(served_journal.os, "write", lambda file, lines: write(file, lines[:10]))
        with pytest.raises(OSError, match="free some space"):
            append(journal)
    ids += append(journal)
    assert journal.flush() == 2
    assert stored(store) == sorted(ids)
