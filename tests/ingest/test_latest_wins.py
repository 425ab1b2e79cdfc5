"""Of several rows of one attempt the latest counts, in one file and when files are read again."""

from __future__ import annotations

import json

import pytest

from memory_pipeline.ingest import MappingError, ingest_records
from memory_pipeline.ingest.mapping import OutcomeMapping, load_mapping
from memory_pipeline.ingest.quarantine import retry_quarantined

MAPPING = {
    "name": "growing_log",
    "description": "A log that only grows.",
    "kind": "outcomes",
    "source": "log",
    "timezone": "UTC",
    "record_id": "job",
    "latest_wins": True,
    "renames": {"application_name": "tool", "occurred_at": "when", "outcome_status": "end"},
}


@pytest.fixture
def ingest(store):
    def ingest(*rows, **changes):
        mapping = OutcomeMapping.model_validate({**MAPPING, **changes})
        names = ("job", "when", "end")
        records = [{"tool": "Ledger", **dict(zip(names, row, strict=True))} for row in rows]
        return ingest_records(store, "outcomes", records, mapping=mapping)

    return ingest


EARLY = ("j1", "2026-02-03 08:00", "failure")
LATE = ("j1", "2026-02-03 09:00", "success")


@pytest.mark.parametrize("latest_wins", [True, None])
@pytest.mark.parametrize("order", [(EARLY, LATE), (LATE, EARLY)])
def test_the_latest_row_of_a_file_counts(ingest, rows, order, latest_wins):
    report = ingest(*order, ("j2", "2026-02-03 08:00", "success"), latest_wins=latest_wins)

    assert (report.read, report.new, report.changed, report.unchanged, report.quarantined) == (3, 2, 0, 1, 0)
    assert [row["outcome_status"] for row in rows("packaging_outcomes")] == ["success", "success"]
    assert report.notes[0].startswith("1 of the records are older than another of the same attempt")


@pytest.mark.parametrize("latest_wins", [True, None])
def test_an_older_file_that_is_read_again_changes_nothing(ingest, rows, latest_wins):
    first, second, again = (ingest(one, latest_wins=latest_wins) for one in (EARLY, LATE, EARLY))

    assert [(one.new, one.changed, one.unchanged) for one in (first, second, again)] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]
    assert [row["outcome_status"] for row in rows("packaging_outcomes")] == ["success"]
    assert [len(one.notes) for one in (first, second, again)] == [0, 0, 1]


def test_of_equal_times_the_later_row_counts_and_a_stored_one_is_corrected(ingest, rows):
    ingest(EARLY, (*EARLY[:2], "partial"))
    assert [row["outcome_status"] for row in rows("packaging_outcomes")] == ["partial"]
    assert ingest((*EARLY[:2], "success")).changed == 1


def test_turned_off_rows_of_one_attempt_contradict_each_other(ingest):
    report = ingest(EARLY, LATE, latest_wins=False)

    assert (report.new, report.quarantined, report.notes) == (1, 1, ())
    assert ingest((*EARLY[:2], "partial"), latest_wins=False).changed == 1


def test_unless_told_rows_of_equal_times_contradict_each_other(ingest, rows):
    report = ingest(LATE, (*LATE[:2], "partial"), EARLY, latest_wins=None)

    assert (report.new, report.unchanged, report.quarantined) == (1, 1, 1)
    assert report.problems[0].row_number == 2
    assert [row["outcome_status"] for row in rows("packaging_outcomes")] == ["success"]
    assert ingest((*LATE[:2], "failure"), latest_wins=None).changed == 1


def test_unless_told_rows_of_other_applications_contradict_each_other(store, rows):
    mapping = OutcomeMapping.model_validate(MAPPING | {"latest_wins": None})
    records = [
        {"tool": tool, "job": "j1", "when": when, "end": "success"}
        for tool, when in (("Ledger", "2026-02-03 08:00"), ("Viewer", "2026-02-03 09:00"))
    ]
    report = ingest_records(store, "outcomes", records, mapping=mapping)
    assert (report.new, report.quarantined, report.notes) == (1, 1, ())
    again = ingest_records(store, "outcomes", records[1:], mapping=mapping)
    assert (again.changed, again.notes) == (1, ())
    older = ingest_records(store, "outcomes", records[:1], mapping=mapping)
    assert (older.changed, older.notes) == (1, ())


@pytest.mark.parametrize("rows_of_a_file", [[EARLY, EARLY, LATE], [EARLY, LATE, LATE], [LATE, EARLY, LATE]])
def test_identical_rows_among_them_are_one(ingest, rows, rows_of_a_file):
    report = ingest(*rows_of_a_file, latest_wins=None)
    assert (report.new, report.unchanged, report.quarantined) == (1, 2, 0)
    assert [row["outcome_status"] for row in rows("packaging_outcomes")] == ["success"]


def test_an_older_row_from_quarantine_replaces_nothing(store, ingest, rows):
    ingest(EARLY, LATE, latest_wins=False)
    ingest((*LATE[:1], "2026-02-03 10:00", "partial"))
    (report,) = retry_quarantined(store)

    assert report.new == report.changed == 0
    assert [row["outcome_status"] for row in rows("packaging_outcomes")] == ["partial"]


def test_the_key_needs_an_identity(tmp_path):
    path = tmp_path / "m.yaml"
    content = {key: value for key, value in MAPPING.items() if key != "record_id"}
    path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    with pytest.raises(MappingError, match="latest_wins needs a record_id"):
        load_mapping(path)
