"""Columns that are filled from others: a date and a time joined, and named groups of patterns."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from memory_pipeline.ingest import MappingError, ingest_file, ingest_records, ingest_rows
from memory_pipeline.ingest.mapping import OutcomeMapping, load_mapping
from memory_pipeline.ingest.quarantine import retry_quarantined
from memory_pipeline.ingest.trial import try_mapping

BASE = {
    "name": "made",
    "description": "Made for a test.",
    "kind": "outcomes",
    "source": "made",
    "timezone": "UTC",
    "renames": {"application_name": "tool", "occurred_at": "When", "outcome_status": "end"},
    "join": {"When": ["day", "hour"]},
    "columns": {"When": {"formats": ["%d.%m.%Y %H:%M", "%d.%m.%Y", "iso"]}, "hour": {"optional": True}},
}
ROW = {"tool": "Ledger", "end": "success"}


@pytest.mark.parametrize(
    ("day", "hour", "moment"),
    [
        ("03.02.2026", "14:05", "2026-02-03 14:05"),
        (" 03.02.2026 ", None, "2026-02-03 00:00"),
        ("2026-02-03", "14:05:06", "2026-02-03 14:05"),
        (date(2026, 2, 3), time(14, 5), "2026-02-03 14:05"),
        (datetime(2026, 2, 3), time(14, 5), "2026-02-03 14:05"),  # noqa: DTZ001 - as Excel has dates
        (datetime(2026, 2, 3), "14:05", "2026-02-03 14:05"),  # noqa: DTZ001
    ],
)
def test_a_date_and_a_time_are_one_time(store, rows, day, hour, moment):
    mapping = OutcomeMapping.model_validate(BASE)
    report = ingest_records(store, "outcomes", [{**ROW, "day": day, "hour": hour}], mapping=mapping)

    assert report.problems == ()
    (stored,) = rows("packaging_outcomes")
    assert stored["occurred_at"].strftime("%Y-%m-%d %H:%M") == moment


def test_a_table_needs_the_parts_and_not_the_whole(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("day;hour;tool;end\n03.02.2026;14:05;Ledger;success\n", encoding="utf-8")
    mapping = OutcomeMapping.model_validate(BASE)

    assert ingest_file(store, "outcomes", path, mapping=mapping).new == 1
    assert (
        try_mapping(path, mapping).records[0]["occurred_at"]
        == datetime(2026, 2, 3, 14, 5, tzinfo=UTC).isoformat()
    )


TITLES = {
    **{key: value for key, value in BASE.items() if key not in {"join", "columns"}},
    "renames": {"application_name": "name", "application_version": "version", "occurred_at": "when"},
    "constants": {"outcome_status": "success"},
    "extract": {
        "event.title": [r"^Build (?P<name>\w+) (?P<version>[\d.]+)$", r"^Nightly (?P<name>\w+)"],
    },
    "columns": {"name": {"else": "event.title"}},
}


def titled(*titles):
    return [{"event": {"title": one}, "when": "2026-02-03"} for one in titles]


def test_groups_of_the_first_pattern_that_fits_are_columns(store, rows):
    records = titled("Build Ledger 1.10", "Nightly Ledger 7", "By hand", None)
    report = ingest_records(store, "outcomes", records, mapping=OutcomeMapping.model_validate(TITLES))

    names = [(row["application_name"], row["application_version"]) for row in rows("packaging_outcomes")]
    assert sorted(names, key=str) == [("By hand", None), ("Ledger", "1.10"), ("Ledger", None)]
    assert report.quarantined == 1  # the record without a title has no name
    (note,) = report.notes
    assert note == (
        "event.title: 1 cell, the first in row 3 ('By hand'): no pattern of `extract` fits, so name, version "
        "stay empty"
    )


def test_the_row_of_a_note_is_counted_over_the_whole_file(store):
    records = titled(*["Build Ledger 1"] * 2_500, "By hand")
    report = ingest_rows(store, "outcomes", records, mapping=OutcomeMapping.model_validate(TITLES))

    assert report.read == 2_501
    assert "the first in row 2501" in report.notes[0]


def test_a_pseudonymised_text_is_not_shown(store):
    mapping = {**TITLES, "columns": {**TITLES["columns"], "event.title": {"pseudonymise": True}}}
    report = ingest_records(
        store, "outcomes", titled("Kim's build"), mapping=OutcomeMapping.model_validate(mapping)
    )

    assert "Kim" not in report.notes[0]


def test_a_retry_reads_again_with_the_corrected_pattern(store, rows):
    strict = {**TITLES, "columns": {}}
    ingest_records(store, "outcomes", titled("Run Ledger"), mapping=OutcomeMapping.model_validate(strict))
    better = OutcomeMapping.model_validate(
        {**strict, "extract": {"event.title": r"^Run (?P<name>\w+)(?P<version>)"}}
    )
    (report,) = retry_quarantined(store, mapping=better)

    assert (report.new, rows("packaging_outcomes")[0]["application_name"]) == (1, "Ledger")


@pytest.mark.parametrize(
    ("extract", "what"),
    [
        (r"(?P<name>a)\1", "bounded time"),
        (r"(a)(?P<name>b)", "has a group without a name"),
        (r"abc", "has no named group"),
        (r"(?P<name>a)(?P<version>b)(?P<other>c)", "fills the column 'other', which nothing reads"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused(tmp_path, extract, what):
    path = tmp_path / "m.yaml"
    path.write_text(
        "name: m\ndescription: m\nkind: outcomes\nconstants: { outcome_status: success }\n"
        "renames: { application_name: name, application_version: version, occurred_at: at }\n"
        f"extract: {{ title: '{extract}' }}\n",
        encoding="utf-8",
    )
    with pytest.raises(MappingError, match=what):
        load_mapping(path)


def test_a_pattern_that_would_take_long_elsewhere_does_not(store):
    mapping = {**TITLES, "extract": {"event.title": r"^(?P<name>(?:a+)+)(?P<version>b)$"}}
    report = ingest_records(
        store,
        "outcomes",
        titled("a" * 30_000),
        mapping=OutcomeMapping.model_validate({**mapping, "columns": {}}),
    )

    assert (report.new, report.quarantined) == (0, 1)
