"""The commands `ingest` and `quarantine`: what they print where, and their exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from memory_pipeline.cli.ingest import ingest, quarantine


@pytest.fixture
def run(settings, monkeypatch):
    monkeypatch.setenv("MEMORY_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("MEMORY_HOME", str(settings.home))

    def run(group, *arguments):
        return CliRunner().invoke(group, [str(one) for one in arguments])

    return run


def test_ingest_says_what_happened(run, outcome, jsonl):
    path = jsonl(outcome(), outcome(source_record_id="2", outcome_status="ok [bold]"))
    first, second = run(ingest, "outcomes", path), run(ingest, "outcomes", path)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "outcomes from records.jsonl, read as own_format: 2 records" in first.stdout
    assert "row 2, outcome_status = ok [bold]: outcome_status is not success" in first.stdout
    assert "storing 2 records" in first.stderr
    assert "(1 of them waited in quarantine before)" in second.stdout


def test_a_second_time_it_says_that_nothing_is_new(run, outcome, jsonl):
    path = jsonl(outcome())
    run(ingest, "outcomes", path)

    assert "Nothing is new: every record was stored before." in run(ingest, "outcomes", path).stdout


def test_json_alone_goes_to_stdout(run, outcome, jsonl):
    result = run(ingest, "outcomes", jsonl(outcome()), "--json", "--source", "x", "--format", "jsonl")

    report = json.loads(result.stdout)
    assert (report["read"], report["new"], report["problems"]) == (1, 1, [])
    assert result.stderr != ""


def test_members_and_mapping(run, jsonl):
    result = run(ingest, "members", jsonl({"name": "Ann"}), "--json")
    wrong = run(ingest, "members", jsonl({"name": "Ann"}), "--mapping", "intune_device_install_status")

    assert json.loads(result.stdout)["kind"] == "members"
    assert wrong.exit_code == 1
    assert "reads outcomes, not members" in wrong.stderr


@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_a_file_of_which_every_row_is_refused(run, outcome, jsonl, rows, json_option):
    path = jsonl(outcome(outcome_status="ok"), outcome(occurred_at="soon"))
    result = run(ingest, "outcomes", path, *json_option)

    assert result.exit_code == 1
    assert (
        "all 2 records were refused and none stored; the first: row 1, outcome_status is not success"
        in result.stderr
    )
    assert len(rows("quarantined_records")) == 2


def test_errors_go_to_stderr(run, tmp_path):
    result = run(ingest, "outcomes", tmp_path, "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "is a folder; name one file in it" in result.stderr


def test_quarantine_list_export_and_retry(run, outcome, jsonl, tmp_path):
    assert "Nothing waits" in run(quarantine, "list").stdout
    assert "Nothing waits" in run(quarantine, "retry").stdout
    run(ingest, "outcomes", jsonl(outcome(outcome_status="ok"), outcome(outcome_status="[/]")))

    shown = run(quarantine, "list", "--limit", 1)
    assert "2 records wait in quarantine" in shown.stdout
    assert "row 1: outcome_status = ok" in shown.stdout
    assert "1 more; raise --limit" in shown.stdout
    listed = json.loads(run(quarantine, "list", "--json", "--file-name", "records.jsonl").stdout)
    assert (listed["waiting"], listed["records"][1]["value"]) == (2, "[/]")

    retried = run(quarantine, "retry", "--kind", "outcomes")
    assert retried.exit_code == 1
    assert "every record was refused again; the first: outcome_status" in retried.stderr
    assert json.loads(run(quarantine, "retry", "--json").stdout)[0]["quarantined"] == 2

    written = run(quarantine, "export", tmp_path / "bad.jsonl", "--json")
    assert json.loads(written.stdout) == {"file": str(tmp_path / "bad.jsonl"), "written": 2}
    again = run(quarantine, "export", tmp_path / "bad.jsonl")
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    assert (
        "1 records written"
        not in run(quarantine, "export", tmp_path / "b.jsonl", "--mapping", "own_format").stdout
    )
