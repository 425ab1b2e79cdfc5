"""The page docs/mappings.md: its example works as it says, and no key of the language is missing there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from memory_pipeline.ingest import ingest_file
from memory_pipeline.ingest.column_rules import ColumnRule, Effect, ReasonColumns, ValueMap
from memory_pipeline.ingest.file_rules import LogRule, RecordsRule
from memory_pipeline.ingest.mapping import MemberMapping, OutcomeMapping, available_mappings
from memory_pipeline.ingest.member_contract import MEMBER_FIELDS
from memory_pipeline.ingest.outcome_contract import OUTCOME_FIELDS
from memory_pipeline.ingest.outcome_rules import CommandColumn, InterventionRule

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mappings.md"


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def test_the_example(store, rows, page, tmp_path):
    table = re.search(r"```\n(run;.*?)```", page, re.DOTALL)[1]
    mapping = re.search(r"```yaml\n(name: build_server.*?)```", page, re.DOTALL)[1]
    (tmp_path / "runs.csv").write_text(table, encoding="utf-8")
    (tmp_path / "build_server.yaml").write_text(mapping, encoding="utf-8")
    report = ingest_file(store, "outcomes", tmp_path / "runs.csv", mapping=tmp_path / "build_server.yaml")

    assert (report.new, report.quarantined) == (3, 0)
    found = {row["source_record_id"]: row for row in rows("packaging_outcomes")}
    assert [found[key]["outcome_status"] for key in ("881", "882", "883")] == [
        "success",
        "failure",
        "success",
    ]
    assert found["882"]["failure_reasons"] == [
        {
            "code": "1618",
            "reason": "another_installation_running",
            "detail": "another installation is running",
        }
    ]
    assert found["883"]["performance_metrics"] == {"duration_minutes": 3, "reboot_required": 1}
    assert found["881"]["approach_details"] == {"silent_switch": "/qn"}
    assert found["881"]["context"] == {"team": "Berlin"}
    assert found["881"]["occurred_at"].isoformat() == "2026-03-01T07:15:00+00:00"


def test_the_example_of_command_lines(store, rows, page, tmp_path):
    table = re.search(r"```\n(app;.*?)```", page, re.DOTALL)[1]
    mapping = re.search(r"```yaml\n(name: deployments.*?)```", page, re.DOTALL)[1]
    (tmp_path / "deployments.csv").write_text(table, encoding="utf-8")
    (tmp_path / "deployments.yaml").write_text(mapping, encoding="utf-8")
    path = tmp_path / "deployments.csv"
    report = ingest_file(store, "outcomes", path, mapping=tmp_path / "deployments.yaml")

    assert (report.new, report.quarantined) == (3, 0)
    found = {row["application_name"]: row for row in rows("packaging_outcomes")}
    assert found["VLC"]["application_version"] == "3.0.20"
    assert found["VLC"]["installer_type"] == "nullsoft"
    ledger = found["Ledger"]
    assert (ledger["application_version"], ledger["installer_type"]) == ("7.1", "msi")
    for name, value in ledger["approach_details"].items():
        assert name in page
        assert str(value) in page or all(one in page for one in value)
    assert ledger["approach_details"] == {
        "silent_switch": "/qn /norestart",
        "transform": "yes",
        "transforms": ["corp.mst"],
        "properties": ["DBPASSWORD=***"],
        "reboot_handling": "suppress",
        "wrapper": "none",
    }
    assert found["Scanner"]["context"] == {"has_readable_command": False}
    assert found["Scanner"]["approach_details"] == {}


@pytest.mark.parametrize(
    "model",
    [
        OutcomeMapping,
        MemberMapping,
        ColumnRule,
        CommandColumn,
        ValueMap,
        Effect,
        InterventionRule,
        ReasonColumns,
        RecordsRule,
        LogRule,
    ],
)
def test_every_key_is_documented(page, model):
    keys = {field.alias or name for name, field in model.model_fields.items()}

    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()


def test_every_field_and_mapping_is_documented(page):
    names = OUTCOME_FIELDS | MEMBER_FIELDS | set(available_mappings())

    assert {name for name in names if f"`{name}`" not in page} == set()
