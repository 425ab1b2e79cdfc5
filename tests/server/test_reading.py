"""What is read over HTTP: the same rows as from the service, with filters, pages, tags and problems."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from memory_pipeline.cli import cli
from memory_pipeline.memory import Memory
from memory_pipeline.server.api import findings, learning, members
from memory_pipeline.server.pictures import KINDS
from memory_pipeline.server.schemas import monitoring
from memory_pipeline.server.schemas.change import Change
from memory_pipeline.service.findings import FACTOR_ORDERS, PATTERN_ORDERS
from memory_pipeline.service.records import to_json, to_records
from memory_pipeline.store.members import read_visibility
from memory_pipeline.store.rebuilds import clock, record_rebuild

TABLES = {
    "/api/memory/patterns": lambda memory: memory.patterns(),
    "/api/memory/patterns?sort=impact&include_retired=true": lambda memory: memory.patterns(
        sort="impact", include_retired=True
    ),
    "/api/memory/factors?include_all=true": lambda memory: memory.factors(include_all=True),
    "/api/memory/associations?include_all=true": lambda memory: memory.associations(include_all=True),
    "/api/memory/pattern-overlaps": lambda memory: memory.pattern_overlaps(),
    "/api/memory/predictability": lambda memory: memory.predictability(),
    "/api/memory/learning": lambda memory: memory.learning(),
    "/api/memory/learning?history=true&measure=success_rate": lambda memory: memory.learning(
        "success_rate", history=True
    ),
    "/api/memory/verification": lambda memory: memory.advice_verifications(),
    "/api/memory/advice-changes": lambda memory: memory.advice_changes(),
    "/api/memory/outcomes": lambda memory: memory.outcomes(),
    "/api/v1/patterns": lambda memory: memory.member_patterns(),
    "/api/v1/questions": lambda memory: memory.questions(),
    "/api/memory/names": lambda memory: memory.name_merges(),
    "/api/v1/members/labels": lambda memory: memory.label_merges(),
    "/api/v1/discovery-runs": lambda memory: memory.discovery_runs(),
}


MODELS = {
    "effectiveness": monitoring.Effectiveness,
    "learning-rate": monitoring.LearningRate,
    "performance": monitoring.Performance,
    "quality": monitoring.Quality,
    "usage": monitoring.Usage,
}


def all_rows(server, address):
    rows, cursor = [], None
    while True:
        more = urlencode({**({"cursor": cursor} if cursor else {}), "limit": 300})
        page = server.get(f"{address}{'&' if '?' in address else '?'}{more}").json()
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            assert page["total"] == len(rows)
            return rows


@pytest.mark.parametrize("address", TABLES)
def test_every_table_has_the_rows_of_the_service(server, memory, address):
    wanted = json.loads(to_json(to_records(TABLES[address](memory))))
    got = all_rows(server, address)
    assert [{name: row[name] for name in one} for row, one in zip(got, wanted, strict=True)] == wanted


@pytest.mark.parametrize("topic", MODELS)
def test_what_is_monitored_is_that_of_the_service(server, memory, topic):
    answer = server.get(f"/api/memory/monitoring/{topic}")
    assert answer.json() == json.loads(to_json(memory.monitored(topic).to_dict()))
    MODELS[topic].model_validate(answer.json())
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert server.get(f"/api/memory/monitoring/{topic}", headers=tag).status_code == 304


def test_the_command_line_shows_the_same_patterns(server, rebuilt, monkeypatch):
    monkeypatch.setenv("MEMORY_HOME", str(rebuilt.home))
    monkeypatch.setenv("MEMORY_DATABASE_URL", rebuilt.database_url.get_secret_value())
    shown = CliRunner().invoke(cli, ["show", "patterns", "--json", "--limit", "500"])
    assert shown.exit_code == 0, shown.output
    items = server.get("/api/memory/patterns", params={"limit": 500}).json()["items"]
    assert len(items) > 3
    assert json.loads(shown.stdout) == [
        {name: row[name] for name in json.loads(shown.stdout)[0]} for row in items
    ]


def test_keys_follow_the_order_of_the_service(memory):
    tables = [
        *(
            (memory.patterns(sort=one, include_retired=True), findings.PATTERN_KEYS[one])
            for one in PATTERN_ORDERS
        ),
        *((memory.factors(include_all=True, sort=one), findings.FACTOR_KEYS[one]) for one in FACTOR_ORDERS),
        (memory.learning(), learning.LEARNING.key),
        (memory.learning(history=True), learning.LEARNING.key),
        (memory.member_patterns(include_retired=True), members.PATTERNS.key),
        (memory.questions(), members.QUESTIONS.key),
        (memory.label_merges(), members.LABELS.key),
    ]
    for frame, key in tables:
        keys = [key(row) for row in to_records(frame)]
        assert len(keys) > 2
        assert all(one < other for one, other in pairwise(keys))


@pytest.mark.parametrize("address", [one for one in TABLES if "?" not in one])
def test_tables_come_as_csv_and_parquet_too(server, address):
    items = server.get(address, params={"limit": 5}).json()["items"]
    text = server.get(address, params={"limit": 5}, headers={"Accept": "text/csv"})
    assert text.headers["content-type"].startswith("text/csv")
    assert len(list(csv.DictReader(io.StringIO(text.text, newline="")))) == len(items)
    binary = server.get(address, params={"limit": 5, "format": "parquet"})
    assert binary.headers["content-type"] == "application/vnd.apache.parquet"
    table = pq.read_table(io.BytesIO(binary.content))
    assert len(table) == len(items)
    if items:
        assert table.column_names == list(items[0])


@pytest.mark.parametrize(
    "address", [*TABLES, "/api/memory/vocabulary", "/api/memory/learning/summary", "/api/memory/change"]
)
def test_what_a_client_has_is_not_sent_again(server, address):
    first = server.get(address)
    again = server.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert server.get(address, headers={"If-None-Match": 'W/"another"'}).status_code == 200


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"status": "failure"}, lambda row: row["outcome_status"] == "failure"),
        ({"installer_type": "MSI"}, lambda row: row["installer_type"] == "msi"),
        ({"context.team": "Field_Services"}, lambda row: row["context"].get("team") == "field_services"),
        ({"context.installer_type": "msi"}, lambda row: row["installer_type"] == "msi"),
        ({"approach.wrapper": "PSADT"}, lambda row: row["approach_details"]["wrapper"] == "psadt"),
        (
            {"approach.prerequisites": "VCREDIST"},
            lambda row: "vcredist" in row["approach_details"]["prerequisites"],
        ),
        (
            {"approach.package_icon_size": "64"},
            lambda row: row["approach_details"]["package_icon_size"] == 64,
        ),
        ({"intervention": "any"}, lambda row: len(row["manual_interventions"] or []) > 0),
        (
            {"failure_reason": "Missing_Prerequisite"},
            lambda row: "missing_prerequisite" in [one["reason"] for one in row["failure_reasons"] or []],
        ),
        (
            {"since": "2026-01-01", "until": "2026-02-01T00:00:00Z"},
            lambda row: "2026-01-01" <= row["occurred_at"] < "2026-02-01",
        ),
    ],
)
def test_outcomes_are_filtered_without_regard_to_case(server, memory, filters, holds):
    every = json.loads(to_json(to_records(memory.outcomes())))
    wanted = [row["id"] for row in every if holds(row)]
    page = server.get("/api/memory/outcomes", params={**filters, "limit": 500, "fields": "id"}).json()
    assert 0 < len(wanted) < len(every)
    assert page["total"] == len(wanted)
    assert [row["id"] for row in page["items"]] == wanted[:500]
    assert page["notes"] == []


def test_an_unknown_value_is_named_with_the_nearest(server):
    page = server.get(
        "/api/memory/outcomes", params={"installer_type": "msii", "approach.wrapper": "psadtt"}
    ).json()
    assert page["total"] == 0
    assert {note["field"]: note["nearest"] for note in page["notes"]} == {
        "query.installer_type": "msi",
        "query.approach.wrapper": "psadt",
    }


@pytest.mark.parametrize(
    ("address", "field", "nearest"),
    [
        ("/api/memory/outcomes?instaler_type=msi", "query.instaler_type", "installer_type"),
        ("/api/memory/outcomes?context.taem=x", "query.context.taem", "context.team"),
        ("/api/memory/outcomes?fields=id,application_nam", "query.fields", "application_name"),
        ("/api/memory/outcomes?cursor=abcd", "query.cursor", None),
        ("/api/memory/outcomes?since=1700000000", "query.since", None),
        ("/api/memory/outcomes?until=-0.5e3", "query.until", None),
        ("/api/memory/outcomes?limit=501", "query.limit", None),
        ("/api/memory/outcomes?status=failed", "query.status", None),
        ("/api/memory/outcomes?status=failure&status=success", "query.status", None),
        ("/api/memory/patterns?sort=size", "query.sort", None),
        ("/api/memory/visualizations/pattern_effects?segment_column=team", "query.segment_column", None),
        ("/api/memory/visualizations/success_over_time?segment_column=taem", "query.segment_column", "team"),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_names_it(server, address, field, nearest):
    answer = server.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    errors = {one["field"]: one for one in answer.json()["errors"]}
    assert errors[field]["nearest"] == nearest
    assert errors[field]["remedy"]


@pytest.mark.parametrize(
    "address",
    [
        "/api/memory/outcomes/none",
        "/api/memory/patterns/none",
        "/api/memory/factors/none",
        "/api/v1/patterns/99999",
    ],
)
def test_what_is_not_there_is_a_problem(server, address):
    answer = server.get(address)
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"


def test_one_outcome_comes_with_the_patterns_that_it_belongs_to(server, memory):
    pattern = memory.patterns().iloc[0]
    for identity in pattern["related_outcomes"][:3]:
        found = server.get(f"/api/memory/outcomes/{identity}").json()
        assert found["id"] == identity
        assert pattern["id"] in [one["id"] for one in found["patterns"]]
        assert found["advice"] is None
    stranger = memory.outcomes()
    meets = stranger["approach_details"].map(
        lambda settings: all(settings.get(name) == value for name, value in pattern["conditions"].items())
    )
    other = stranger.loc[~meets, "id"].iloc[0]
    assert pattern["id"] not in [
        one["id"] for one in server.get(f"/api/memory/outcomes/{other}").json()["patterns"]
    ]


def test_one_pattern_comes_with_the_outcomes_behind_it_in_pages(server, memory):
    pattern = memory.patterns().iloc[0]
    address, seen, cursor = f"/api/memory/patterns/{pattern['id'][:8]}", [], None
    while True:
        found = server.get(address, params={"limit": 20, **({"cursor": cursor} if cursor else {})}).json()
        assert found["history"]
        seen += [row["id"] for row in found["outcomes"]["items"]]
        cursor = found["outcomes"]["next_cursor"]
        if cursor is None:
            break
    assert seen == pattern["related_outcomes"]


def test_patterns_are_filtered_by_target_and_condition(server, memory):
    first = memory.patterns().iloc[0]
    column, value = next(iter(first["conditions"].items()))
    page = server.get(
        "/api/memory/patterns",
        params={
            "target": first["target"].upper(),
            "condition_column": column.upper(),
            "condition_value": value,
        },
    ).json()
    assert first["id"] in [row["id"] for row in page["items"]]
    assert {row["target"] for row in page["items"]} == {first["target"]}
    assert all(row["conditions"][column] == value for row in page["items"])
    assert server.get("/api/memory/patterns?condition_value=none_such").json()["total"] == 0


def test_every_chart_of_the_index_is_drawn(server):
    index = server.get("/api/memory/visualizations").json()
    assert [one["kind"] for one in index["items"]] == list(KINDS)
    for one in index["items"]:
        chart = server.get(one["address"])
        assert chart.status_code == 200, chart.text
        assert chart.json()["$schema"].startswith("https://vega.github.io/schema/vega-lite/v6")
        assert server.get(one["address"], headers={"If-None-Match": chart.headers["etag"]}).status_code == 304


def test_a_chart_is_a_picture_for_who_accepts_one(server):
    address = "/api/memory/visualizations/calibration"
    png = server.get(address, headers={"Accept": "image/png"})
    assert png.content.startswith(b"\x89PNG")
    svg = server.get(f"{address}?format=svg")
    assert (svg.headers["content-type"].partition(";")[0], svg.text[:4]) == ("image/svg+xml", "<svg")
    assert server.get(address, headers={"Accept": "text/csv"}).status_code == 406
    assert (
        server.get("/api/memory/visualizations/calibratoin").json()["errors"][0]["nearest"] == "calibration"
    )


def test_a_chart_that_cannot_be_drawn_is_a_problem(server, monkeypatch):
    monkeypatch.setattr("memory_pipeline.server.pictures._draw", _refuse)
    answer = server.get("/api/memory/visualizations/calibration?format=png")
    assert answer.status_code == 422
    assert "too large" in answer.json()["detail"]


def _refuse(*_):
    raise ValueError("too large")


def test_the_vocabulary_counts_what_attempts_have(server, memory):
    words = server.get("/api/memory/vocabulary").json()
    outcomes = memory.outcomes()
    installers = next(one for one in words["context"] if one["name"] == "installer_type")
    counted = outcomes["installer_type"].value_counts()
    assert {one["value"]: one["attempts"] for one in installers["values"]} == counted.to_dict()
    wanted = next(one for one in words["approach"] if one["name"] == "prerequisites")
    assert wanted["is_list"]
    has = outcomes["approach_details"].map(lambda settings: "vcredist" in settings["prerequisites"]).sum()
    assert {one["value"]: one["attempts"] for one in wanted["values"]}["vcredist"] == has
    statuses = outcomes["outcome_status"].value_counts()
    assert {one["value"]: one["attempts"] for one in words["statuses"]} == statuses.to_dict()
    assert words["sources"] == [{"value": "sample", "attempts": None}]


def test_nobody_who_may_not_be_seen_is_named(server, memory, monkeypatch):
    pattern = memory.member_patterns().iloc[0]
    hidden = pattern["related_member_ids"][0]
    seen = read_visibility(memory.store)
    seen.loc[seen["id"] == hidden, "is_visible"] = False
    monkeypatch.setattr("memory_pipeline.rebuild.member_patterns.read_visibility", lambda _: seen)
    one = server.get(f"/api/v1/patterns/{pattern['id']}").json()
    assert one["member_count"] == pattern["member_count"] - 1
    for row in [one, *all_rows(server, "/api/v1/patterns?include_retired=true")]:
        assert hidden not in row["related_member_ids"]
        assert all(hidden not in pair["members"] for pair in (row["evidence"] or {}).get("pairs", ()))


def test_a_memory_that_never_was_rebuilt_has_no_factors_and_lists_runs(server_of, settings, store):
    with Memory(settings, store) as memory, server_of(memory) as empty:
        reply = empty.get("/api/memory/factors?application_type=erp")
        assert (reply.status_code, reply.json()["items"]) == (200, []), reply.text
        # Dagster's record of other tests is in the same database.
        runs = empty.get("/api/memory/runs")
        assert runs.status_code == 200, runs.text
        assert not any(one["run_id"].startswith("rebuild-") for one in runs.json()["items"])


def test_rebuilds_without_dagster_are_runs(server_of, settings, store):
    record_rebuild(store, clock(store))
    with Memory(settings, store) as memory, server_of(memory) as opened:
        runs = opened.get("/api/memory/runs").json()["items"]
    (run,) = [one for one in runs if one["run_id"].startswith("rebuild-")]
    assert run["status"] == "success"
    assert run["started_at"] < run["finished_at"]


def test_a_change_is_explained_as_the_memory_does(server, memory):
    answer = server.get("/api/memory/change").json()
    assert Change.model_validate(answer, strict=False).sentences == answer["sentences"]
    assert answer == json.loads(to_json(memory.explain_change().to_dict()))
    asked = {
        "from": "2026-01",
        "to": "2026-02",
        "before_from": "2025-01",
        "columns": "wrapper,installer_type",
    }
    spans = server.get("/api/memory/change", params=asked).json()
    assert (spans["after"]["first"], spans["after"]["last"]) == ("2026-01", "2026-02")
    assert (spans["before"]["first"], spans["before"]["last"]) == ("2025-01", "2025-01")
    assert {one["column"] for one in spans["columns"]} == {"wrapper", "installer_type"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "2026-1"}, "after has the month '2026-1'; write it as YYYY-MM"),
        ({"to": "2026-01"}, "the later span has the last month 2026-01 and no first"),
        ({"from": "2026-01", "before_from": "2026-01"}, "name spans that have no month in common"),
        ({"columns": "colour"}, "columns has 'colour'; use some of "),
        ({"form": "2026-01"}, "did you mean 'from'?"),
    ],
)
def test_a_change_that_cannot_be_explained_is_refused_with_the_remedy(server, asked, said):
    answer = server.get("/api/memory/change", params=asked)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
