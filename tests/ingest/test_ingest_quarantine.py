"""The way out of quarantine: once in, exported and mended, or tried again with a corrected mapping."""

from __future__ import annotations

import json

import pytest
import yaml

from memory_pipeline.ingest import IngestError, ingest_file, ingest_records
from memory_pipeline.ingest.quarantine import (
    count_quarantined,
    export_quarantined,
    list_quarantined,
    retry_quarantined,
)
from memory_pipeline.store.bulk_writes import QuarantineFilter

MAPPING = {
    "name": "shop",
    "description": "Installs of a shop.",
    "kind": "outcomes",
    "source": "shop",
    "timezone": "UTC",
    "record_id": ["id"],
    "renames": {"application_name": "app", "occurred_at": "at"},
    "value_maps": [{"column": "code", "values": {0: {"outcome_status": "success"}}}],
    "columns": {"code": {"as": "code"}},
    "ignore": ["user"],
}
ROWS = [
    {"id": "1", "app": "A", "at": "2026-01-01", "code": 0, "user": "somebody"},
    {"id": "2", "app": "A", "at": "2026-01-02", "code": 1603, "user": "somebody"},
    {"id": "3", "app": "A", "at": "never", "code": 0, "user": "somebody"},
]


@pytest.fixture
def mapping(tmp_path):
    def write(**changes):
        path = tmp_path / "shop.yaml"
        path.write_text(yaml.safe_dump({**MAPPING, **changes}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def knows_1603(mapping):
    def write():
        effects = {
            0: {"outcome_status": "success"},
            1603: {"outcome_status": "failure", "reason": "fatal_error"},
        }
        return mapping(value_maps=[{"column": "code", "values": effects}])

    return write


def open_ids(store):
    return [one["id"] for one in list_quarantined(store)]


def test_list_and_filters(store, outcome, jsonl, mapping):
    ingest_records(store, "members", [{"skills": "R"}])
    bad = outcome(outcome_status="bad")
    report = ingest_file(store, "outcomes", jsonl(bad, name="a.jsonl"))
    ingest_file(store, "outcomes", jsonl(*ROWS, name="b.jsonl"), mapping=mapping())

    assert [one["field"] for one in list_quarantined(store)] == ["skills", "outcome_status", "code", "at"]
    filters = {
        "kind": ("members", 1),
        "file_name": ("b.jsonl", 2),
        "ingest_id": (report.ingest_id, 1),
        "mapping_name": ("own_format", 2),
    }
    assert {
        key: count_quarantined(store, QuarantineFilter(**{key: value})) for key, (value, _) in filters.items()
    } == {key: expected for key, (_, expected) in filters.items()}
    assert len(list_quarantined(store, limit=2)) == 2


def test_the_same_bad_rows_again_are_not_kept_twice(store, outcome, jsonl):
    bad = outcome(outcome_status="bad", source_record_id=None)
    path = jsonl(bad, bad, outcome())
    first = ingest_file(store, "outcomes", path)
    second = ingest_file(store, "outcomes", path)

    # Two identical rows without an id are two attempts, so both wait.
    assert (first.quarantined, first.already_quarantined) == (2, 0)
    assert (second.quarantined, second.already_quarantined) == (2, 2)
    assert len(list_quarantined(store)) == 2


def test_a_corrected_mapping_gets_records_back(store, rows, jsonl, mapping, knows_1603):
    first = ingest_file(store, "outcomes", jsonl(*ROWS), mapping=mapping())
    (report,) = retry_quarantined(store, mapping=knows_1603())

    assert (first.new, first.quarantined) == (1, 2)
    assert (report.read, report.new, report.quarantined, report.already_quarantined) == (2, 1, 1, 1)
    (waiting,) = list_quarantined(store)
    assert (waiting["field"], waiting["value"], waiting["row_number"]) == ("at", "never", 3)
    resolved = [one for one in rows("quarantined_records") if one["resolved_at"] is not None]
    assert [one["field"] for one in resolved] == ["code"]
    assert {row["source_record_id"]: row["failure_reasons"] for row in rows("packaging_outcomes")} == {
        "1": None,
        "2": [{"code": None, "reason": "fatal_error", "detail": None}],
    }


def test_what_the_mapping_ignores_is_not_in_quarantine(store, jsonl, mapping):
    ingest_file(store, "outcomes", jsonl(*ROWS), mapping=mapping())

    assert "somebody" not in json.dumps([one["record"] for one in list_quarantined(store)])


def test_what_a_corrected_mapping_skips_leaves_quarantine(store, rows, jsonl, mapping):
    ingest_file(store, "outcomes", jsonl(*ROWS), mapping=mapping())
    effects = {0: {"outcome_status": "success"}, 1603: "skip"}
    (report,) = retry_quarantined(store, mapping=mapping(value_maps=[{"column": "code", "values": effects}]))

    assert (report.skipped, report.quarantined) == (1, 1)
    assert [one["field"] for one in list_quarantined(store)] == ["at"]


def test_retry_without_a_mapping_takes_the_one_of_before(store, outcome, jsonl, mapping):
    ingest_file(store, "outcomes", jsonl(*ROWS), mapping=mapping())
    with pytest.raises(IngestError, match="there is no mapping 'shop'; give the path"):
        retry_quarantined(store)

    row = {"AppName": "A", "InstallState": "odd", "DeviceName": "d", "LastModifiedDateTime": "2026-01-01"}
    ingest_records(store, "outcomes", [row], mapping="intune_device_install_status")
    ingest_records(store, "outcomes", [outcome(outcome_status="bad")])
    chosen = [QuarantineFilter(mapping_name=name) for name in ("intune_device_install_status", "own_format")]
    reports = [retry_quarantined(store, one)[0] for one in chosen]

    assert [one.mapping_name for one in reports] == ["intune_device_install_status", "own_format"]
    assert [(one.quarantined, one.already_quarantined) for one in reports] == [(1, 1), (1, 1)]
    assert count_quarantined(store) == 4


def test_retry_of_nothing(store, mapping):
    assert retry_quarantined(store) == []
    assert retry_quarantined(store, mapping=mapping()) == []


def test_retry_keeps_the_source_that_was_given(store, rows, jsonl, mapping, knows_1603):
    ingest_file(store, "outcomes", jsonl(*ROWS), mapping=mapping(), source="branch office")
    retry_quarantined(store, mapping=knows_1603())

    assert {row["source"] for row in rows("packaging_outcomes")} == {"branch office"}


def test_retry_never_overwrites_what_was_stored_since(store, rows, jsonl, mapping, knows_1603):
    ingest_file(store, "outcomes", jsonl(*ROWS), mapping=mapping())
    corrected = {**ROWS[1], "code": 0}
    ingest_file(store, "outcomes", jsonl(corrected, name="new.jsonl"), mapping=mapping())
    (report,) = retry_quarantined(store, mapping=knows_1603())

    assert (report.new, report.changed, report.quarantined) == (0, 0, 2)
    assert {row["source_record_id"]: row["outcome_status"] for row in rows("packaging_outcomes")}[
        "2"
    ] == "success"
    (waiting,) = (one for one in list_quarantined(store) if one["field"] == "source_record_id")
    assert "another record with the source_record_id 2 was stored since" in waiting["reason"]
    assert waiting["record"]["code"] == 1603


def test_contradictions_stay_where_they_are(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome(), outcome(outcome_status="failure")])
    before = open_ids(store)
    (report,) = retry_quarantined(store)

    assert (report.changed, report.quarantined) == (0, 1)
    assert rows("packaging_outcomes")[0]["outcome_status"] == "success"
    assert open_ids(store) == before


def test_contradictions_of_a_mapped_file_wait_in_the_own_form(store, rows, jsonl, mapping, tmp_path):
    ingest_file(store, "outcomes", jsonl(ROWS[0], {**ROWS[0], "app": "B"}), mapping=mapping())
    (waiting,) = list_quarantined(store)
    assert (waiting["mapping_name"], waiting["record"]["application_name"]) == ("own_format", "B")

    # The way back that the message names: here the second row was right.
    path = tmp_path / "second.jsonl"
    export_quarantined(store, path)
    assert ingest_file(store, "outcomes", path).changed == 1
    (row,) = rows("packaging_outcomes")
    assert (row["application_name"], row["source"], row["source_record_id"]) == ("B", "shop", "1")
    assert count_quarantined(store) == 0


def test_a_retry_with_a_mapping_for_others_changes_no_reason(store, outcome, mapping):
    ingest_records(store, "outcomes", [outcome(outcome_status="ok")])
    before = list_quarantined(store)
    (report,) = retry_quarantined(store, mapping=mapping())

    assert (report.quarantined, report.already_quarantined) == (1, 1)
    assert list_quarantined(store) == before


def test_export_mend_and_ingest(store, rows, outcome, tmp_path):
    bad = [outcome(source_record_id=str(n), outcome_status="ok", source=None) for n in range(3)]
    ingest_records(store, "outcomes", bad, source="lab")
    path = tmp_path / "bad.jsonl"
    assert export_quarantined(store, path) == 3

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    note = lines[0]["_quarantine"]
    assert (note["field"], note["value"], note["row_number"]) == ("outcome_status", "ok", 1)
    assert "write one of them" in note["reason"]
    # The first two are mended, of the second not everything; the third stays as it was.
    lines[0]["outcome_status"] = lines[1]["outcome_status"] = "success"
    lines[1]["occurred_at"] = "soon"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = ingest_file(store, "outcomes", path)

    assert (report.new, report.quarantined, report.already_quarantined) == (1, 2, 1)
    assert [row["source"] for row in rows("packaging_outcomes")] == ["lab"]
    waiting = list_quarantined(store)
    assert [(one["field"], one["value"]) for one in waiting] == [
        ("outcome_status", "ok"),
        ("occurred_at", "soon"),
    ]
    # The mended but not yet good one waits in its mended form, with the source still known.
    assert waiting[1]["record"]["_quarantine"] == {"source": "lab"}
    again = ingest_file(store, "outcomes", path)
    assert (again.new, again.unchanged, again.quarantined, again.already_quarantined) == (0, 1, 2, 2)
    assert count_quarantined(store) == 2


def test_identical_records_all_leave_quarantine(store, outcome, tmp_path):
    ingest_records(store, "outcomes", [outcome(outcome_status="ok")] * 2)
    path = tmp_path / "bad.jsonl"
    export_quarantined(store, path)
    path.write_text(
        path.read_text(encoding="utf-8").replace('"outcome_status": "ok"', '"outcome_status": "success"')
    )
    report = ingest_file(store, "outcomes", path)

    assert (report.new, report.unchanged) == (1, 1)
    assert count_quarantined(store) == 0


def test_a_resolved_record_that_comes_back_waits_again(store, outcome, tmp_path):
    bad = outcome(outcome_status="ok")
    ingest_records(store, "outcomes", [bad])
    path = tmp_path / "bad.jsonl"
    export_quarantined(store, path)
    path.write_text(
        path.read_text(encoding="utf-8").replace('"outcome_status": "ok"', '"outcome_status": "success"')
    )
    ingest_file(store, "outcomes", path)
    assert count_quarantined(store) == 0

    ingest_records(store, "outcomes", [bad])
    assert count_quarantined(store) == 1


def test_export_refuses_what_it_cannot_do(store, outcome, tmp_path):
    with pytest.raises(IngestError, match="no record in quarantine matches"):
        export_quarantined(store, tmp_path / "bad.jsonl")

    ingest_records(store, "outcomes", [outcome(outcome_status="ok")])
    ingest_records(store, "members", [{"skills": "R"}])
    with pytest.raises(IngestError, match=r"members by own_format \(1\), outcomes by own_format \(1\)"):
        export_quarantined(store, tmp_path / "bad.jsonl")
    with pytest.raises(IngestError, match="does not exist; make it"):
        export_quarantined(store, tmp_path / "no folder" / "bad.jsonl")
    (tmp_path / "mended.jsonl").write_text("mended", encoding="utf-8")
    with pytest.raises(IngestError, match="exists already, perhaps with corrected records"):
        export_quarantined(store, tmp_path / "mended.jsonl")

    assert [path.name for path in tmp_path.iterdir()] == ["mended.jsonl"]
    assert export_quarantined(store, tmp_path / "bad.jsonl", QuarantineFilter(kind="members")) == 1
