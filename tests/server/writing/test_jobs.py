"""Rebuilds and discoveries as jobs: a process of their own, followed, cancelled, and never lost silently."""

from __future__ import annotations

import json
import os
import signal
import time
from threading import Thread, Timer
from threading import enumerate as enumerate_threads

import pytest
from pydantic import SecretStr
from server_tools import outcome
from sleeping_jobs import jobs_that_sleep
from sqlalchemy import text

from memory_pipeline.ingest import ingest_records
from memory_pipeline.server.api import jobs as following
from memory_pipeline.server.job_process import JobFailedError, run_job
from memory_pipeline.server.jobs import environment_of
from memory_pipeline.settings import Settings
from memory_pipeline.store import jobs


def until(check, seconds=60):
    """Return what a check returns as soon as that is true."""
    for _ in range(int(seconds / 0.05)):
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


@pytest.fixture
def started(monkeypatch):
    """The processes of jobs, which sleep instead of working; stopped at the end."""
    yield from jobs_that_sleep(monkeypatch)
    for thread in enumerate_threads():
        if thread.name == "job":
            thread.join()


@pytest.fixture
def state_of(client):
    def read(identity):
        return client.get(f"/api/memory/jobs/{identity}").json()["state"]

    return read


def events_of(lines):
    """Return (event, data) of server-sent events."""
    found, name = [], None
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((name, json.loads(line.removeprefix("data: "))))
    return found


def test_a_rebuild_is_followed_to_its_end(serving, store):
    import httpx  # noqa: PLC0415

    records = [outcome(source_record_id=str(one), application_name=f"app {one % 9}") for one in range(60)]
    ingest_records(store, "outcomes", records)
    with serving() as server, httpx.Client(base_url=server.url, timeout=300) as client:
        # Dagster's record of other tests is in the same database.
        before = client.get("/api/memory/runs").json()["total"]
        reply = client.post("/api/memory/rebuild", headers={"Idempotency-Key": "nightly"})
        assert reply.status_code == 202
        again = client.post("/api/memory/rebuild", headers={"Idempotency-Key": "nightly"})
        assert (again.json()["id"], again.headers["Location"]) == (
            reply.json()["id"],
            reply.headers["Location"],
        )
        second = client.post("/api/memory/rebuild")
        assert (second.status_code, second.json()["job"]) == (409, reply.json()["id"])
        with client.stream("GET", f"{reply.headers['Location']}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in stream.headers
            events = events_of(stream.iter_lines())
        assert {name for name, _ in events[:-1]} == {"progress"}
        name, job = events[-1]
        assert (name, job["state"]) == ("end", "succeeded"), job
        assert job["result"]["rows"]["outcome_features"] == 60
        numbers = [one["progress"]["number"] for _, one in events[:-1] if one["progress"]]
        assert numbers == sorted(numbers)
        assert len(numbers) > 3
        runs = client.get("/api/memory/runs").json()
        assert (runs["total"], runs["items"][0]["status"]) == (before + 1, "success")
        assert runs["items"][0]["run_id"] == job["result"]["run_id"]
        assert "memory_pipeline_rebuild_age_seconds " in client.get("/metrics").text


def test_a_follower_is_kept_with_comments_until_the_job_ends(client, started, state_of, monkeypatch):
    monkeypatch.setattr(following, "POLL", 0.05)
    monkeypatch.setattr(following, "HEARTBEAT", 0.2)
    identity = client.post("/api/memory/rebuild").json()["id"]
    until(lambda: state_of(identity) == "running")
    ending = Timer(2.0, started[0].kill)
    ending.start()
    reply = client.get(f"/api/memory/jobs/{identity}/events", headers={"Accept-Encoding": "gzip"})
    ending.join()
    assert "content-encoding" not in reply.headers
    lines = reply.text.splitlines()
    assert lines.count(": the job is alive") >= 2
    events = events_of(lines)
    assert events[0][0] == "progress"
    assert (events[-1][0], events[-1][1]["state"]) == ("end", "failed")
    assert [name for name, _ in events].count("end") == 1


def test_a_job_is_cancelled_by_an_interrupt(client, started, state_of):
    identity = client.post("/api/memory/rebuild").json()["id"]
    until(lambda: state_of(identity) == "running")
    reply = client.delete(f"/api/memory/jobs/{identity}")
    assert (reply.status_code, reply.json()["cancel_asked"]) == (202, True)
    until(lambda: state_of(identity) == "cancelled")
    assert started[0].wait(30) == 0
    over = client.delete(f"/api/memory/jobs/{identity}")
    assert over.status_code == 409
    assert "is over: cancelled" in over.json()["detail"]


def test_a_job_whose_process_is_killed_is_marked_with_the_reason(client, started, state_of):
    identity = client.post("/api/memory/rebuild").json()["id"]
    until(lambda: state_of(identity) == "running")
    os.kill(started[0].pid, signal.SIGKILL)
    until(lambda: state_of(identity) == "failed")
    error = until(lambda: "SIGKILL" in client.get(f"/api/memory/jobs/{identity}").json()["error"])
    assert error
    assert client.post("/api/memory/rebuild").status_code == 202


def test_a_job_outlives_its_server_and_a_dead_one_is_found_out_by_another(make_client, started, store):
    with make_client() as one:
        identity = one.post("/api/memory/rebuild").json()["id"]
        until(lambda: one.get(f"/api/memory/jobs/{identity}").json()["state"] == "running")
    # Another server did not start it, and sees by its lock that it lives.
    assert jobs.read_job(store, identity)["state"] == "running"
    assert started[0].poll() is None
    with store.transaction() as connection:
        connection.execute(
            text(
                "insert into server_jobs (id, kind, state, asked_by) "
                "values ('gone', 'discover', 'running', 'x')"
            )
        )
    gone = jobs.read_job(store, "gone")
    assert gone["state"] == "failed"
    assert "its process is gone" in gone["error"]
    assert jobs.read_job(store, identity)["state"] == "running"


def test_a_job_that_never_began_is_over_after_a_minute(store):
    job = jobs.create_job(store, "rebuild", asked_by="x", arguments={})
    assert jobs.read_job(store, job["id"])["state"] == "queued"
    with store.transaction() as connection:
        connection.execute(text("update server_jobs set created_at = now() - interval '61 seconds'"))
    assert "never began" in jobs.read_job(store, job["id"])["error"]


def test_a_waiting_job_that_is_cancelled_does_not_begin(store, memory):
    job = jobs.create_job(store, "rebuild", asked_by="x", arguments={})
    assert jobs.ask_to_cancel(store, job["id"])["state"] == "cancelled"
    run_job(memory, job["id"])
    assert jobs.read_job(store, job["id"])["state"] == "cancelled"


def test_a_rebuild_that_was_started_elsewhere_is_not_disturbed(client, store):
    with store.rebuild_lock():
        reply = client.post("/api/memory/rebuild")
    assert reply.status_code == 409
    assert "started elsewhere" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (JobFailedError("half of it", {"patterns": 3}), ("failed", "half of it", {"patterns": 3})),
        (KeyboardInterrupt(), ("cancelled", "it was cancelled", None)),
        (None, ("succeeded", "", {"done": True})),
    ],
)
def test_how_the_work_ends_is_how_the_job_ends(store, memory, monkeypatch, error, ending):
    state, said, result = ending

    def work(_memory, arguments, note):
        note({"step": arguments["focus_areas"][0]})
        if error is not None:
            raise error
        return {"done": True}

    monkeypatch.setitem(
        __import__("memory_pipeline.server.job_process", fromlist=["WORK"]).WORK, "discover", work
    )
    monkeypatch.setattr("memory_pipeline.server.job_process._watch", lambda *_: None)
    job = jobs.create_job(store, "discover", asked_by="x", arguments={"focus_areas": ["data"]})
    run_job(memory, job["id"])
    over = jobs.read_job(store, job["id"])
    assert (over["state"], over["result"], over["progress"]) == (state, result, {"step": "data"})
    assert (over["error"] or "").startswith(said)
    assert over["finished_at"] >= over["started_at"]


def test_of_rebuilds_asked_for_at_once_one_begins(store):
    made, refused = [], []

    def create():
        try:
            made.append(jobs.create_job(store, "rebuild", asked_by="x", arguments={}))
        except jobs.JobRunningError as error:
            refused.append(error.identity)

    threads = [Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert refused == [made[0]["id"]] * 7


def test_a_discovery_that_costs_is_confirmed_first(started, make_client, memory):
    memory.settings = memory.settings.model_copy(
        update={"anthropic_api_key": SecretStr("sk-ant-very-secret")}
    )
    with make_client() as client:
        reply = client.post("/api/v1/patterns/discover", json={"focus_areas": ["data"]})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["field"] == "body.confirm_cost"
        assert "US$ 1.00" in reply.json()["detail"]
        assert "very-secret" not in reply.text
        assert client.get("/api/memory/jobs").json()["total"] == 0
        free = client.post("/api/v1/patterns/discover", json={"statistics_only": True})
        assert free.status_code == 202
        started[0].kill()
        until(lambda: client.get(f"/api/memory/jobs/{free.json()['id']}").json()["state"] == "failed")
        sure = client.post(
            "/api/v1/patterns/discover", json={"focus_areas": ["a ", "a"], "confirm_cost": True}
        )
        assert sure.status_code == 202
        assert sure.json()["arguments"] == {"focus_areas": ["a"], "statistics_only": False}


@pytest.mark.parametrize(
    "body", [{"focus_areas": ["x"] * 11}, {"focus_areas": ["x" * 101]}, {"focus": ["x"]}]
)
def test_a_discovery_of_too_much_is_refused(client, body):
    assert client.post("/api/v1/patterns/discover", json=body).status_code == 422


def test_jobs_are_listed_page_by_page_the_newest_first(client, store):
    made = []
    for kind in ("rebuild", "discover", "rebuild"):
        made.append(jobs.create_job(store, kind, asked_by="x", arguments={})["id"])
        jobs.finish_job(store, made[-1], "succeeded")
    first = client.get("/api/memory/jobs", params={"limit": 2}).json()
    second = client.get("/api/memory/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert (first["total"], second["next_cursor"]) == (3, None)
    assert client.get("/api/memory/jobs", params={"kind": "discover"}).json()["total"] == 1


def test_a_job_that_is_not_there_is_not_found(client):
    for call in (
        client.get("/api/memory/jobs/nothing"),
        client.delete("/api/memory/jobs/nothing"),
        client.get("/api/memory/jobs/nothing/events"),
    ):
        assert (call.status_code, "no job has the id" in call.json()["detail"]) == (404, True)


def test_a_job_gets_the_settings_of_its_server(settings, monkeypatch):
    monkeypatch.setenv("MEMORY_MIN_UNITS", "9")
    monkeypatch.setenv("MEMORY_STORAGE_URL", "/elsewhere")
    own = settings.model_copy(update={"min_units": 3, "storage_url": None, "discovery_streaming": False})
    environment = environment_of(own)
    with monkeypatch.context() as patch:
        for name in [one for one in os.environ if one.startswith("MEMORY_")]:
            patch.delenv(name)
        for name, value in environment.items():
            if name.startswith("MEMORY_"):
                patch.setenv(name, value)
        read = Settings()
    assert read.model_copy(update={"home": own.home}) == own
    assert read.home == own.home.absolute()
