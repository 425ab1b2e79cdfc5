"""Texts by which programs say that there is no value, in fields that may be empty."""

from __future__ import annotations

import pytest

from memory_pipeline.ingest import ingest_records
from memory_pipeline.ingest.field_rules import MEANS_NOTHING
from memory_pipeline.ingest.mapping import OutcomeMapping

MAPPING = {
    "name": "made",
    "description": "Made for a test.",
    "kind": "outcomes",
    "timezone": "UTC",
    "record_id": "id",
    "renames": {"application_name": "tool", "application_vendor": "maker", "occurred_at": "when"},
    "constants": {"outcome_status": "failure"},
    "approach": ["switch"],
    "context": ["team"],
    "reasons": {"code": "code"},
    "value_maps": [
        {"column": "team", "values": {"NULL": {"reason": "no_team"}}, "otherwise": {"reason": "x"}}
    ],
}


@pytest.mark.parametrize("text", sorted(MEANS_NOTHING))
def test_they_are_left_out_of_the_own_form(store, outcome, rows, text):
    record = outcome(
        application_vendor=text,
        application_version=text,
        approach_details={"silent_switch": text, "wrapper": "none"},
        context={"team": text},
        outcome_status="failure",
        failure_reasons=[{"reason": "stopped", "code": text}],
    )
    report = ingest_records(store, "outcomes", [record])

    (stored,) = rows("packaging_outcomes")
    assert (report.new, report.notes) == (1, ())
    assert stored["application_vendor"] is stored["application_version"] is None
    assert (stored["approach_details"], stored["context"]) == ({"wrapper": "none"}, {})
    assert stored["failure_reasons"][0]["code"] is None


def test_they_are_left_out_of_mapped_rows_and_value_maps_still_see_them(store, rows):
    row = {"id": "1", "tool": "Ledger", "maker": "N/A", "when": "2026-02-03", "switch": "nan", "team": "NULL"}
    mapping = OutcomeMapping.model_validate(MAPPING)
    ingest_records(store, "outcomes", [{**row, "code": "n/a"}], mapping=mapping)

    (stored,) = rows("packaging_outcomes")
    assert stored["application_vendor"] is None
    assert (stored["approach_details"], stored["context"]) == ({}, {})
    assert stored["failure_reasons"] == [{"code": None, "reason": "no_team", "detail": None}]


@pytest.mark.parametrize("text", ["none", "None", "NA", "0", "unknown", "false"])
def test_what_may_be_a_value_stays(store, outcome, rows, text):
    ingest_records(store, "outcomes", [outcome(application_vendor=text, context={"team": text})])

    (stored,) = rows("packaging_outcomes")
    assert (stored["application_vendor"], stored["context"]) == (text, {"team": text})
