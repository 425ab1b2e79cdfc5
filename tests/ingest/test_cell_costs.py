"""A cell that cannot be read costs the cell, not the attempt; what was left out is counted by status."""

from __future__ import annotations

import copy
import json

import pytest

from memory_pipeline.ingest import IngestError, ingest_records
from memory_pipeline.ingest.mapping import OutcomeMapping

BASE = {
    "name": "made",
    "description": "Made for a test.",
    "kind": "outcomes",
    "source": "made",
    "timezone": "Europe/Berlin",
    "record_id": "id",
    "renames": {"application_name": "tool", "occurred_at": "when", "outcome_status": "end"},
}
ROW = {"tool": "Ledger", "when": "2026-02-03 04:05", "end": "success"}


@pytest.fixture
def ingest(store):
    def ingest(rows, **changes):
        mapping = OutcomeMapping.model_validate({**BASE, **changes})
        records = [{**ROW, "id": str(number), **row} for number, row in enumerate(rows, start=1)]
        return ingest_records(store, "outcomes", records, mapping=mapping)

    return ingest


def test_unreadable_cells_are_left_out_and_counted_by_status(ingest, rows):
    cells = [("4", "success"), ("many", "failure"), ("lots", "failure"), ("few", "partial")]
    report = ingest(
        [{"tries": cell, "end": end} for cell, end in cells],
        metrics=["tries"],
        columns={"tries": {"as": "number"}},
    )

    assert (report.new, report.quarantined) == (4, 0)
    assert [row["performance_metrics"] for row in rows("packaging_outcomes")].count({"tries": 4}) == 1
    (note,) = report.notes
    assert note.startswith("tries: 3 cells left out (failure 2, partial 1), the first in row 2 ('many'): ")
    assert note.endswith("write digits with a point, without a unit; the rest of the record was stored")


@pytest.mark.parametrize("column", ["id", "tool", "when", "end"])
def test_what_a_record_cannot_do_without_is_refused(ingest, rows, column):
    report = ingest(
        [{column: "x", "tries": "many"}],
        metrics=["tries"],
        columns={"tries": {"as": "number"}, column: {"as": "time" if column == "when" else "integer"}},
    )

    assert (report.new, report.quarantined, report.problems[0].field) == (0, 1, column)
    assert report.notes == ()
    assert rows("packaging_outcomes") == []


def test_what_breaks_the_contract_is_left_out(ingest, rows):
    report = ingest(
        [
            {
                "maker": "x" * 301,
                "log": "y" * 20_001,
                "code": "z" * 400,
                "size": float("inf"),
                "end": "failure",
            }
        ],
        renames={**BASE["renames"], "application_vendor": "maker"},
        metrics=["size"],
        reasons={"detail": "log", "code": "code"},
        value_maps=[{"column": "end", "values": {"failure": {"reason": "stopped"}}}],
    )

    (stored,) = rows("packaging_outcomes")
    assert stored["application_vendor"] is None
    assert stored["performance_metrics"] == {}
    assert stored["outcome_status"] == "failure"
    assert [note.partition(":")[0] for note in report.notes] == [
        "application_vendor",
        "failure_reasons.code",
        "performance_metrics.size",
        "failure_reasons.detail",
    ]
    assert report.notes[-1].endswith(": the text was cut after 20,000 characters")
    assert stored["failure_reasons"] == [{"code": None, "reason": "stopped", "detail": "y" * 20_000}]


LONG = {"reason": "stopped", "detail": "y" * 25_000}


@pytest.mark.parametrize("write", [lambda value: value, json.dumps])
def test_a_long_text_of_the_own_form_is_cut_and_the_attempt_stored(store, outcome, rows, write):
    record = outcome(
        failure_reasons=write([{"reason": "slow", "detail": "short"}, LONG]),
        feedback=write({"rating": 3, "comment": "z" * 20_001}),
    )
    report = ingest_records(store, "outcomes", [record])

    (stored,) = rows("packaging_outcomes")
    assert [one["detail"] for one in stored["failure_reasons"]] == ["short", "y" * 20_000]
    assert stored["feedback"] == {"rating": 3, "comment": "z" * 20_000}
    assert report.quarantined == 0
    assert [note.partition(":")[0] for note in report.notes] == ["failure_reasons.detail", "feedback.comment"]


def test_what_a_caller_hands_over_is_not_changed(store, outcome):
    record = outcome(failure_reasons=[LONG], performance_metrics={"tries": "many"})
    kept = copy.deepcopy(record)
    report = ingest_records(store, "outcomes", [record])

    assert record == kept
    assert (report.new, report.quarantined) == (0, 1)


def test_a_code_that_cannot_be_read_keeps_the_failure(ingest, rows):
    report = ingest(
        [{"end": "failure", "code": "80070643"}],
        reasons={"code": "code"},
        value_maps=[
            {"column": "end", "values": {"failure": {"reason": "stopped"}}},
            {"column": "code", "values": {1603: {"reason": "fatal"}}, "otherwise": {"reason": "other"}},
        ],
        columns={"code": {"as": "code"}},
    )

    assert report.new == 1
    assert "may be the hex digits 0x80070643 or a decimal number" in report.notes[0]
    assert rows("packaging_outcomes")[0]["failure_reasons"][0]["reason"] == "other"


def test_a_code_that_decides_the_status_decides_over_the_record(ingest):
    report = ingest(
        [{"code": "80070643"}],
        renames={"application_name": "tool", "occurred_at": "when"},
        value_maps=[{"column": "code", "values": {0: {"outcome_status": "success"}}}],
        columns={"code": {"as": "code"}},
        ignore=["end"],
    )

    assert (report.new, report.quarantined) == (0, 1)


def test_a_program_that_writes_the_own_form_is_told(store, outcome):
    report = ingest_records(store, "outcomes", [outcome(performance_metrics={"tries": "many"})])

    assert (report.new, report.quarantined) == (0, 1)


def test_hours_that_clocks_skip_or_repeat_are_said(ingest, rows):
    times = ["2025-10-26 02:30", "2025-10-26 02:45", "2026-03-29 02:30", "2025-10-26 02:30+01:00"]
    report = ingest([{"when": moment} for moment in times])

    # Europe/Berlin: clocks went from 3:00 to 2:00 on 2025-10-26 and from 2:00 to 3:00 on 2026-03-29.
    assert sorted(row["occurred_at"].strftime("%m-%d %H:%M") for row in rows("packaging_outcomes")) == [
        "03-29 01:30",
        "10-26 00:30",
        "10-26 00:45",
        "10-26 01:30",
    ]
    twice, never = report.notes
    assert twice.startswith("when: 2 cells, the first in row 1 ('2025-10-26 02:30'): this hour came twice")
    assert never.startswith("when: 1 cell, the first in row 3 ('2026-03-29 02:30'): this hour did not exist")


DATES = {"when": {"formats": ["%m/%d/%Y", "%d/%m/%Y"]}}


@pytest.mark.parametrize(
    ("cells", "day", "month"),
    [
        (("05/06/2026", "25/06/2026"), 2, 1),
        (("25/06/2026", "05/06/2026"), 1, 2),
        (("25/06/2026", "06/25/2026"), 1, 2),
    ],
)
def test_a_file_with_both_orders_is_refused_with_both_rows(ingest, rows, cells, day, month):
    with pytest.raises(
        IngestError, match=rf"row {day} \(.* has the day first and row {month} \(.*nothing was"
    ):
        ingest([{"when": cell} for cell in cells], columns=DATES)

    assert rows("packaging_outcomes") == []


def test_an_order_that_the_mapping_lacks_contradicts_it(ingest):
    columns = {"when": {"formats": ["iso", "%m/%d/%Y %H:%M"]}}
    with pytest.raises(IngestError, match=r"row 2 \('25/06/2026 10:00'\) has the day first and row 1"):
        ingest([{"when": "05/06/2026 10:00"}, {"when": "25/06/2026 10:00"}], columns=columns)
    report = ingest([{"when": "25/06/2026 10:00"}, {"when": "2026-01-02"}], columns=columns)

    assert (report.new, report.quarantined) == (1, 1)
    assert "has the day first, and '%m/%d/%Y %H:%M' the month; correct `formats`" in report.problems[0].reason


def test_one_order_is_read(ingest):
    cells = ["25/06/2026", "06/06/2026", "05/06/2026", "2026-06-05"]
    report = ingest([{"when": one} for one in cells], columns={"when": {"formats": ["%d/%m/%Y", "iso"]}})

    assert (report.new, report.notes) == (4, ())


def test_a_version_that_came_as_a_number_is_said(ingest, rows):
    renames = {**BASE["renames"], "application_version": "version"}
    report = ingest([{"version": 2.10}, {"version": "2.10"}, {"version": 2}], renames=renames)

    assert sorted(row["application_version"] for row in rows("packaging_outcomes")) == ["2", "2.1", "2.10"]
    (note,) = report.notes
    assert note.startswith("version: 1 cell, the first in row 1 ('2.1'): a version came as a number")
