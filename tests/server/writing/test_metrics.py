"""What the server counts, under stable names and without anything that somebody sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from server_tools import outcome

from memory_pipeline import __version__
from memory_pipeline.server.metrics import count_answer, count_cache

DOCS = Path(__file__).resolve().parents[3] / "docs" / "api.md"
OUTCOMES = "/api/memory/outcomes"


def read(client):
    """Return the value of each sample by its name and labels."""
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def grown(before, after, name, **labels):
    key = (name, tuple(sorted(labels.items())))
    return after.get(key, 0) - before.get(key, 0)


def test_requests_are_counted_by_route_method_and_status(client):
    before = read(client)
    client.post(OUTCOMES, json=outcome())
    client.get("/api/memory/quarantine/17")
    client.get("/api/memory/quarantine/18")
    client.get("/made-up-by-somebody")
    client.request("BREW", "/healthz")
    after = read(client)
    name = "memory_pipeline_http_requests_total"
    assert grown(before, after, name, route=OUTCOMES, method="POST", status="201") == 1
    route = "/api/memory/quarantine/{identity}"
    assert grown(before, after, name, route=route, method="GET", status="404") == 2
    assert grown(before, after, name, route="(none)", method="GET", status="404") == 1
    count = "memory_pipeline_http_request_seconds_count"
    assert grown(before, after, count, route=route, method="GET") == 2
    assert not any("made-up" in str(key) or "BREW" in str(key) for key in after)


def test_outcomes_are_counted_by_what_became_of_them(client):
    before = read(client)
    good, bad = outcome(), outcome(outcome_status="x")
    client.post(OUTCOMES, json={"outcomes": [good, bad, good]})
    after = read(client)
    name = "memory_pipeline_outcomes_total"
    assert [
        grown(before, after, name, status=one) for one in ("stored", "unchanged", "quarantined", "changed")
    ] == [1, 1, 1, 0]


def test_answers_and_the_cache_are_counted(client):
    before = read(client)
    count_answer(is_withheld=True)
    count_answer(is_withheld=False)
    count_cache(is_hit=True)
    after = read(client)
    assert grown(before, after, "memory_pipeline_answers_total", result="withheld") == 1
    assert grown(before, after, "memory_pipeline_answers_total", result="served") == 1
    assert grown(before, after, "memory_pipeline_advice_cache_total", result="hit") == 1


def test_the_version_is_told_and_no_age_where_nothing_was_rebuilt(client, monkeypatch):
    # Dagster's record of an earlier test is in the same database.
    monkeypatch.setattr("memory_pipeline.store.reads.last_rebuild", lambda _: None)
    samples = read(client)
    build = next(dict(labels) for name, labels in samples if name == "memory_pipeline_build_info")
    assert build["version"] == __version__
    assert not any(name == "memory_pipeline_rebuild_age_seconds" for name, _ in samples)


def test_metrics_need_a_token_where_there_is_one(client, bearer):
    token = bearer("read")
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=token).status_code == 200


def test_the_docs_name_every_metric(client):
    documented = set(
        re.findall(r"^\| `(memory_pipeline_\w+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    exposed = {
        line.split()[2]
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("# TYPE") and "_created" not in line
    }
    assert documented == exposed | {
        "memory_pipeline_rebuild_age_seconds",
        "memory_pipeline_last_rebuild_seconds",
        "memory_pipeline_last_rebuild_failed",
    }


def test_the_grafana_dashboard_asks_for_documented_metrics():
    text = (DOCS.parents[1] / "deploy" / "grafana" / "memory.json").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(memory_pipeline_\w+)`", DOCS.read_text(encoding="utf-8")))
    asked = {
        re.sub("_bucket$", "", name)
        for panel in json.loads(text)["panels"]
        for target in panel["targets"]
        for name in re.findall(r"memory_pipeline_\w+", target["expr"])
    }
    assert asked <= documented
    assert "memory_pipeline_open_alerts" in asked


def test_workers_count_together(serving):
    with serving(workers=2) as server:
        for _ in range(30):
            # A connection each, so that both workers get some.
            assert httpx.get(f"{server.url}/healthz").status_code == 200
        text = httpx.get(f"{server.url}/metrics").text
    families = text_string_to_metric_families(text)
    found = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "memory_pipeline_http_requests_total" and sample.labels["route"] == "/healthz"
    ]
    assert found == [30]
    lines = [json.loads(one) for one in server.log.read_text().splitlines() if one.startswith("{")]
    assert len([one for one in lines if one["route"] == "/healthz"]) == 30
