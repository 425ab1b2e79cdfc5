"""Every field of an outcome or a member survives, in each format that can hold it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memory_pipeline.ingest import ingest_file, ingest_records
from memory_pipeline.ingest.canonical_json import RECORDS

FULL = {
    "source": "intune",
    "source_record_id": "run-17",
    "task_id": "ticket-4711",
    "application_name": "Änderungs-Manager \\ 2",
    "application_version": "1.2.3-beta",
    "application_vendor": 'Vendor "Ä" & Söhne',
    "application_type": "utility",
    "installer_type": "msi",
    "context": {
        "department": "finance",
        "is_laptop": True,
        "build": 22631,
        "size_gb": 1.5,
        "tags": ["a", "b"],
    },
    "approach_details": {
        "silent_switch": '/qn /l*v "C:\\temp\\log.txt"',
        "has_wrapper": False,
        "retries": 2,
        "timeout_hours": 0.5,
        "prerequisites": ["vcredist", ".NET 8"],
    },
    "success_factors": ["tested on a pilot group", "new detection rule\twith a tab"],
    "failure_reasons": [
        {"code": "1603", "reason": "fatal_error", "detail": "line one\nline two"},
        {"code": None, "reason": "file_in_use", "detail": None},
    ],
    "manual_interventions": [
        {"kind": "recipe_edit", "description": "edited", "minutes": 12.5},
        {"kind": "retry", "description": None, "minutes": None},
    ],
    "performance_metrics": {"duration_seconds": 93.25, "package_size_mb": 210, "reboot_required": 1},
    "feedback": {"rating": 4, "comment": "took long — but worked"},
    "recommendation_id": "rec-1",
    "recommendation_followed": False,
    "occurred_at": "2026-03-01T12:30:15.123456+01:00",
}
STRUCTURED = {key for key, value in FULL.items() if isinstance(value, dict | list)}
IDENTITY = {"source", "source_record_id", "occurred_at"}


@pytest.fixture(params=["success", "failure", "partial"])
def full(request):
    return {**FULL, "outcome_status": request.param}


def check(stored, full):
    (row,) = stored
    assert {key: row[key] for key in full if key != "occurred_at"} == {
        key: value for key, value in full.items() if key != "occurred_at"
    }
    assert row["occurred_at"] == datetime(2026, 3, 1, 11, 30, 15, 123456, tzinfo=UTC)
    assert row["id"] == str(uuid5(RECORDS, "intune\x1frun-17"))
    assert row["created_at"] == row["updated_at"]


def test_records(store, rows, full):
    report = ingest_records(store, "outcomes", [full])

    assert (report.read, report.new, report.quarantined) == (1, 1, 0)
    check(rows("packaging_outcomes"), full)
    assert report.stored_ids == (rows("packaging_outcomes")[0]["id"],)
    UUID(report.stored_ids[0])


@pytest.mark.parametrize("name", ["one.jsonl", "one.json", "one.csv", "one.parquet"])
def test_files(store, rows, full, tmp_path, name):
    path = tmp_path / name
    if name.endswith("jsonl"):
        path.write_text(json.dumps(full) + "\n", encoding="utf-8")
    elif name.endswith("json"):
        path.write_text(json.dumps([full], indent=1), encoding="utf-8")
    elif name.endswith("csv"):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, full)
            writer.writeheader()
            writer.writerow(
                {
                    k: json.dumps(v) if k in STRUCTURED | {"recommendation_followed"} else v
                    for k, v in full.items()
                }
            )
    else:
        moment = datetime.fromisoformat(full["occurred_at"])
        pq.write_table(pa.Table.from_pylist([{**full, "occurred_at": moment}]), path)

    ingest_file(store, "outcomes", path)

    check(rows("packaging_outcomes"), full)


def test_what_is_left_out_is_null_or_default(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome(approach_details={})])

    (row,) = rows("packaging_outcomes")
    assert row["task_id"] == row["source_record_id"] == "1"
    assert row["context"] == row["approach_details"] == {}
    empty = ("application_version", "success_factors", "failure_reasons", "manual_interventions", "feedback")
    more = ("performance_metrics", "recommendation_id", "recommendation_followed", "installer_type")
    assert [row[key] for key in empty + more] == [None] * 9


def test_settings_without_a_value_are_left_out(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome(approach_details={"a": None, "b": 1}, context={"c": None})])

    (row,) = rows("packaging_outcomes")
    assert (row["approach_details"], row["context"]) == ({"b": 1}, {})


def test_member(store, rows):
    member = {
        "source": "survey",
        "source_record_id": "m1",
        "name": "Åsa",
        "skills": ["Python", "C++", "Python "],
        "interests": ["maps"],
        "other_sets": {"tools": ["vim", "Excel"], "events": []},
        "attributes": {"country": "Sweden", "wave": 2019, "is_remote": True},
        "profile_text": "Likes\n\tmaps \\ trees",
        "is_visible": False,
    }
    report = ingest_records(store, "members", [member])

    (row,) = rows("members")
    assert report.stored_ids == (str(row["id"]),)
    assert row["skills"] == ["C++", "Python"]
    assert row["other_sets"] == {"tools": ["Excel", "vim"]}
    same = ("source", "source_record_id", "name", "interests", "attributes", "profile_text", "is_visible")
    assert {key: row[key] for key in same} == {key: member[key] for key in same}
