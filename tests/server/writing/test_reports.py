"""Outcomes that programs report: each stored once, each refused one in quarantine with the same reasons."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from server_tools import outcome
from sqlalchemy import text

from memory_pipeline.ingest import ingest_records

URL = "/api/memory/outcomes"


@pytest.fixture
def count(store):
    def read(table="packaging_outcomes"):
        with store.transaction() as connection:
            return connection.scalar(text(f"select count(*) from {table}"))  # noqa: S608

    return read


def test_one_outcome_is_stored_once(client, count):
    first, again = (client.post(URL, json=outcome()) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["items"][0]["status"] == "stored"
    assert again.json()["items"][0]["status"] == "unchanged"
    assert first.json()["items"][0]["id"] == again.json()["items"][0]["id"]
    assert count() == 1


def test_a_report_with_other_content_corrects_the_outcome(client, store):
    client.post(URL, json=outcome())
    reply = client.post(URL, json=outcome(outcome_status="failure"))
    assert (reply.status_code, reply.json()["items"][0]["status"]) == (200, "changed")
    with store.transaction() as connection:
        assert connection.scalars(text("select outcome_status from packaging_outcomes")).all() == ["failure"]


def test_a_refused_outcome_is_told_with_field_value_and_remedy_and_waits(client, count, store):
    reply = client.post(URL, json=outcome(outcome_status="great"))
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    error = problem["errors"][0]
    assert (error["field"], error["value"]) == ("outcome_status", "great")
    # The same reason as from the ingest of a file.
    report = ingest_records(store, "outcomes", [outcome(outcome_status="great")])
    assert error["remedy"] == report.problems[0].reason
    assert report.already_quarantined == 1
    assert f"/api/memory/quarantine/{problem['quarantine_id']}" in problem["detail"]
    assert count() == 0
    assert client.get(f"/api/memory/quarantine/{problem['quarantine_id']}").json()["value"] == "great"


def test_a_batch_says_of_each_outcome_what_became_of_it(client, count):
    client.post(URL, json=outcome(source_record_id="old"))
    client.post(URL, json=outcome(source_record_id="other"))
    batch = [
        outcome(source_record_id="new"),
        outcome(source_record_id="bad", occurred_at="yesterday"),
        outcome(source_record_id="old"),
        outcome(source_record_id="other", outcome_status="partial"),
        "not an object",
        outcome(source_record_id="new"),
        outcome(source_record_id="new", outcome_status="failure"),
    ]
    reply = client.post(URL, json={"outcomes": batch, "source": "tests"})
    assert reply.status_code == 200
    found = reply.json()
    statuses = [one["status"] for one in found["items"]]
    assert statuses == [
        "stored",
        "quarantined",
        "unchanged",
        "changed",
        "quarantined",
        "unchanged",
        "quarantined",
    ]
    assert [one["index"] for one in found["items"]] == list(range(7))
    counts = {
        name: found[name] for name in ("read", "stored", "changed", "unchanged", "quarantined", "skipped")
    }
    assert counts == {"read": 7, "stored": 1, "changed": 1, "unchanged": 2, "quarantined": 3, "skipped": 0}
    fields = [one["errors"][0]["field"] for one in found["items"] if one["errors"]]
    assert fields == ["occurred_at", "(record)", "source_record_id"]
    waiting = client.get("/api/memory/quarantine").json()
    assert [one["id"] for one in waiting["items"]] == [
        one["quarantine_id"] for one in found["items"] if one["quarantine_id"]
    ]
    assert count() == 3


def test_the_same_batch_twice_names_the_same_quarantined_records(client):
    batch = {"outcomes": [outcome(outcome_status="great"), outcome(outcome_status="great"), outcome()]}
    first, again = (client.post(URL, json=batch).json()["items"] for _ in range(2))
    assert [one["quarantine_id"] for one in first] == [one["quarantine_id"] for one in again]
    assert len({one["quarantine_id"] for one in first}) == 3  # two that are equal wait as two


def test_a_batch_is_read_by_a_shipped_mapping_and_by_no_file_of_the_server(client, tmp_path):
    secret = tmp_path / "mapping.yaml"
    secret.write_text("kind: outcomes")
    reply = client.post(URL, json={"outcomes": [{"a": 1}], "mapping": str(secret)})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "body.mapping"
    reply = client.post(URL, json={"outcomes": [{"a": 1}], "mapping": "intune-app-install-statu"})
    assert "nearest" in reply.json()["errors"][0]


def test_json_lines_are_a_batch(client, count):
    lines = "\n\n".join(json.dumps(outcome(source=None, source_record_id=str(i))) for i in range(3)) + "\n"
    reply = client.post(
        URL, params={"source": "lines"}, content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    assert (reply.status_code, reply.json()["stored"], count()) == (200, 3, 3)
    broken = client.post(URL, content='{"a": 1}\n{', headers={"Content-Type": "application/x-ndjson"})
    assert (broken.status_code, broken.json()["errors"][0]["field"]) == (422, "body.2")
    assert count() == 3


def test_a_recommendation_that_is_not_known_is_noted(client):
    item = client.post(URL, json=outcome(recommendation_id="made-up")).json()["items"][0]
    assert item["status"] == "stored"
    assert "'made-up'" in item["notes"][0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"", "body"),
        (b"\xff", "body"),
        (b"[]", "body"),
        (b"7", "body"),
        (b'{"outcomes": []}', "body.outcomes"),
        (b'{"outcomes": 7}', "body.outcomes"),
        (b'{"outcomes": [{}], "sauce": "x"}', "body.sauce"),
        (b'{"outcomes": [{}], "source": 7}', "body.source"),
        (b'{"outcomes": ' + b"[{}" + b",{}" * 10_000 + b"]}", "body.outcomes"),
    ],
)
def test_a_body_that_is_not_a_report_is_refused(client, count, body, field):
    reply = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == field
    assert reply.json()["errors"][0]["remedy"]
    assert count() == 0
    assert count("quarantined_records") == 0


@pytest.mark.parametrize(
    "record",
    [
        outcome(performance_metrics={"seconds": float("inf")}),
        outcome(application_name="a\x00b"),
        outcome(source_record_id=10**5000),
        outcome(approach_details={"deep": {"er": {"and": {"deeper": 1}}}}),
        {"\ud800": 1},
        {},
    ],
)
def test_what_cannot_be_stored_is_a_problem_and_never_a_failure(client, record):
    text_of_it = (
        json.dumps(record)
        if "source_record_id" not in record or isinstance(record["source_record_id"], str)
        else json.dumps(outcome()).replace('"1"', "1" * 5_000)
    )
    reply = client.post(URL, content=text_of_it, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert reply.json()["errors"]


def test_a_thousand_concurrent_reports_are_each_stored_once(serving, store, count):
    with serving() as server, httpx.Client(base_url=server.url, timeout=120) as client:

        def report(number):
            return client.post(URL, json=outcome(source_record_id=str(number % 500))).status_code

        with ThreadPoolExecutor(32) as pool:
            statuses = list(pool.map(report, range(1_000)))
    assert set(statuses) == {200, 201}
    assert statuses.count(201) == 500
    assert count() == 500
    assert count("quarantined_records") == 0
    assert count("audit_log") == 1_000
