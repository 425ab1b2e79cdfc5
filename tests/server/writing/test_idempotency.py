"""A write with an Idempotency-Key is done once, whoever sends it again and however often."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from server_tools import outcome
from sqlalchemy import text

from memory_pipeline.server import idempotency
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.store.replies import KeptWrite, claim_write, keep_reply, release_claim, renew_claim

URL = "/api/memory/outcomes"
KEY = {"Idempotency-Key": "one"}
WRITE = KeptWrite("agent", "key", "mine")
OTHER = KeptWrite("agent", "key", "yours")


@pytest.fixture
def age(store):
    """A function that makes all kept replies older."""

    def make(**columns):
        with store.transaction() as connection:
            for column, value in columns.items():
                connection.execute(text(f"update idempotent_replies set {column} = {value}"))  # noqa: S608

    return make


@pytest.fixture
def ingests(store):
    def read():
        with store.transaction() as connection:
            return connection.scalar(text("select count(*) from ingests"))

    return read


def test_the_same_request_gets_the_same_reply_again(client, ingests):
    first, again = (client.post(URL, json=outcome(), headers=KEY) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert ingests() == 1


def test_a_refusal_is_given_again_too(client, ingests):
    first, again = (client.post(URL, json=outcome(outcome_status="x"), headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert again.json() == first.json()
    assert again.headers["content-type"] == "application/problem+json"
    assert ingests() == 1


def test_another_request_with_the_same_key_is_refused(client, ingests):
    client.post(URL, json=outcome(), headers=KEY)
    for other in (
        client.post(URL, json=outcome(source_record_id="2"), headers=KEY),
        client.post(f"{URL}?source=x", json=outcome(), headers=KEY),
        client.post("/api/memory/quarantine/retry", json=outcome(), headers=KEY),
    ):
        assert other.status_code == 422
        assert other.json()["errors"][0]["field"] == "header.Idempotency-Key"
    assert ingests() == 1


def test_keys_of_different_tokens_have_nothing_to_do_with_each_other(client, bearer, ingests):
    one, two = bearer("report", "one"), bearer("report", "two")
    assert client.post(URL, json=outcome(), headers=KEY | one).status_code == 201
    reply = client.post(URL, json=outcome(source_record_id="2"), headers=KEY | two)
    assert reply.status_code == 201
    assert ingests() == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "é"])
def test_a_key_that_cannot_be_used_is_refused(client, key):
    reply = client.post(URL, json=outcome(), headers={"Idempotency-Key": key.encode("latin-1")})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "header.Idempotency-Key"


def test_of_concurrent_ones_one_is_done(client, ingests):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.post(URL, json=outcome(), headers=KEY), range(8)))
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert sum("Idempotent-Replayed" not in one.headers for one in replies if one.status_code == 201) == 1
    assert ingests() == 1


def test_while_the_first_is_worked_on_the_second_waits(app, client):
    working, go_on = threading.Event(), threading.Event()

    @app.post("/api/memory/slow")
    def slow() -> str:
        working.set()
        assert go_on.wait(30)
        return "done"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/api/memory/slow", headers=KEY)
        assert working.wait(30)
        busy = client.post("/api/memory/slow", headers=KEY)
        go_on.set()
        assert first.result().json() == "done"
    assert (busy.status_code, busy.headers["Retry-After"]) == (409, "1")
    assert client.post("/api/memory/slow", headers=KEY).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("how", ["raises", "answers 503"])
def test_a_write_that_failed_is_done_by_the_next(app, client, how):
    calls = []

    @app.post("/api/memory/flaky")
    def flaky() -> str:
        calls.append(1)
        if len(calls) == 1 and how == "raises":
            raise TypeError
        if len(calls) == 1:
            raise ProblemError(503, "not now")
        return "done"

    first = client.post("/api/memory/flaky", headers=KEY)
    assert first.status_code == (500 if how == "raises" else 503)
    assert client.post("/api/memory/flaky", headers=KEY).json() == "done"


def test_a_claim_is_taken_over_once_nobody_renews_it(store, age):
    assert claim_write(store, WRITE, "hash").state == "ours"
    assert claim_write(store, OTHER, "hash").state == "running"
    assert claim_write(store, OTHER, "other hash").state == "different"
    age(reply="jsonb_set(reply, '{alive_at}', to_jsonb(extract(epoch from clock_timestamp()) - 60))")
    renew_claim(store, WRITE)
    assert claim_write(store, OTHER, "hash").state == "running"
    age(reply="jsonb_set(reply, '{alive_at}', to_jsonb(extract(epoch from clock_timestamp()) - 60))")
    assert claim_write(store, OTHER, "other hash").state == "different"
    assert claim_write(store, OTHER, "hash").state == "ours"
    # The first one, which was taken for dead, can neither end nor take back what is the other's now.
    keep_reply(store, WRITE, 200, {"body": "late"})
    release_claim(store, WRITE)
    assert claim_write(store, WRITE, "hash").state == "running"
    keep_reply(store, OTHER, 201, {"body": "done"})
    known = claim_write(store, WRITE, "hash")
    assert (known.state, known.status, known.reply) == ("done", 201, {"body": "done"})


def test_a_claim_is_renewed_while_the_write_is_worked_on(app, client, store, monkeypatch):
    monkeypatch.setattr(idempotency, "CLAIM_SECONDS", 0.03)

    def alive_at():
        with store.transaction() as connection:
            return connection.scalar(text("select (reply->>'alive_at')::float from idempotent_replies"))

    @app.post("/api/memory/slow")
    def slow() -> str:
        begun = alive_at()
        for _ in range(1_000):
            if alive_at() > begun:
                return "renewed"
            time.sleep(0.01)
        return "never renewed"

    assert client.post("/api/memory/slow", headers=KEY).json() == "renewed"


def test_after_a_day_a_key_is_free_and_its_reply_is_gone(client, store, age, ingests):
    client.post(URL, json=outcome(), headers=KEY)
    age(created_at="now() - interval '23 hours'")
    assert "Idempotent-Replayed" in client.post(URL, json=outcome(), headers=KEY).headers
    age(created_at="now() - interval '25 hours'")
    again = client.post(URL, json=outcome(source_record_id="2"), headers=KEY)
    assert (again.status_code, "Idempotent-Replayed" in again.headers) == (201, False)
    age(created_at="now() - interval '25 hours'")
    client.post(URL, json=outcome(source_record_id="3"), headers={"Idempotency-Key": "two"})
    with store.transaction() as connection:
        assert connection.scalars(text("select key from idempotent_replies")).all() == ["two"]
