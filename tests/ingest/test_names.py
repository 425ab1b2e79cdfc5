"""Names that differ in what nobody sees are one; those that look alike are noted."""

from __future__ import annotations

import pytest

from memory_pipeline.ingest import ingest_records
from memory_pipeline.ingest.field_rules import name_of


@pytest.mark.parametrize(
    "spelling",
    [
        "Caf\u00e9 Tool",
        "Cafe\u0301 Tool",
        "Caf\u00e9  Tool",
        "Caf\u00e9\u00a0Tool",
        "\ufeffCaf\u00e9 \u202fTool\u200b",
        "Ca\u00adf\u00e9\u3000Tool ",
        "Caf\u2060\u00e9 Tool",
    ],
)
def test_what_nobody_sees_does_not_count(spelling):
    assert name_of("application_name", spelling) == "Caf\u00e9 Tool"


def test_a_name_of_nothing_visible_is_missing():
    assert name_of("application_vendor", "\u200b \u00a0") is None


def test_joiners_within_letters_stay():
    assert name_of("application_name", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") is not None
    assert "\u200c" in name_of("application_name", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")


def test_names_that_look_alike_are_noted_once_each_and_spellings_of_one_are_not(store, outcome):
    names = ["Ledger", "LEDGER", "Led-ger", "Ledger", "led ger", "Ledger Pro", "Led-ger"]
    vendors = ["Acme", "ACME Inc.", "Acme Ltd", *["acme"] * 4]
    records = [
        outcome(source_record_id=str(n), application_name=name, application_vendor=vendor)
        for n, (name, vendor) in enumerate(zip(names, vendors, strict=True))
    ]
    report = ingest_records(store, "outcomes", records)

    assert report.new == 7
    application, vendor = sorted(report.notes)
    assert application.startswith("application_name: 2 cells, the first in row 3 ('Led-ger'): looks like")
    assert vendor.startswith("application_vendor: 2 cells, the first in row 2 ('ACME Inc.'): looks like")
    assert "'Acme'" in vendor
    assert "memory-pipeline decide name" in vendor
