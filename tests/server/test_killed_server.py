"""A server that is killed under load loses nothing that it acknowledged, and stores nothing twice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import httpx
from mcp_processes import start_http
from sqlalchemy import text

from memory_pipeline.store.served_journal import journal_folder

CLIENTS = 8
ACKNOWLEDGED = 200
"""Outcomes, and answers, after which the server is killed."""


class Load:
    """Clients that ask and report at once until the server is gone."""

    def __init__(self, address):
        self.address = address
        self.is_enough = Event()
        self.lock = Lock()
        self.outcomes: list[tuple[str, str]] = []
        self.answers: list[str] = []
        self.tried: set[str] = set()

    def run(self, number):
        with httpx.Client(base_url=self.address, timeout=60) as client:
            for turn in range(10_000):
                try:
                    self.turn(client, f"{number}-{turn}")
                except httpx.TransportError:
                    return

    def turn(self, client, name):
        asked = client.post("/api/memory/recommendations", json={"context": {"installer_type": "msi"}})
        assert asked.status_code == 200, asked.text
        answer = asked.json()["recommendation_id"]
        with self.lock:
            self.answers.append(answer)
            self.tried.add(name)
        outcome = {
            "application_name": "Ledger",
            "occurred_at": "2026-03-01T12:00:00Z",
            "outcome_status": "success",
            "approach_details": {},
            "recommendation_id": answer,
            "source": "load",
            "source_record_id": name,
        }
        reported = client.post("/api/memory/outcomes", json=outcome, headers={"Idempotency-Key": name})
        assert reported.status_code == 201, reported.text
        with self.lock:
            self.outcomes.append((name, reported.json()["items"][0]["id"]))
            if len(self.outcomes) >= ACKNOWLEDGED:
                self.is_enough.set()


def read(store, statement):
    with store.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_nothing_acknowledged_is_lost_or_doubled(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "home") as (settings, store):
        process, address = start_http(settings, tmp_path)
        load = Load(address)
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                clients = [pool.submit(load.run, number) for number in range(CLIENTS)]
                enough = load.is_enough.wait(180)
                process.kill()
        finally:
            process.kill()
            process.wait()
        assert enough, [one.exception() for one in clients]
        for one in clients:
            one.result()

        again, _ = start_http(settings, tmp_path)
        again.terminate()
        assert again.wait(60) is not None

        stored = read(
            store, "select source_record_id, id::text from packaging_outcomes where source = 'load'"
        )
        assert max(Counter(name for name, _ in stored).values()) == 1
        assert set(load.outcomes) <= set(stored)
        assert {name for name, _ in stored} <= load.tried
        assert len(stored) <= len(load.outcomes) + CLIENTS  # stored, and the answer did not arrive any more
        served = [one for (one,) in read(store, "select id::text from served_recommendations")]
        assert len(load.answers) == len(set(load.answers)) >= ACKNOWLEDGED
        assert len(served) == len(set(served))
        assert set(load.answers) <= set(served)
        assert len(served) <= len(load.answers) + CLIENTS
        assert not list(journal_folder(settings.home).glob("*.jsonl"))
