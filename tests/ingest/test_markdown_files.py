"""Tables of Markdown files, as tools write their reports."""

from __future__ import annotations

import pytest

from memory_pipeline.ingest import IngestError
from memory_pipeline.ingest.markdown_files import open_markdown
from memory_pipeline.ingest.trial import try_mapping

REPORT = """# Nightly builds

**Run**: 2026-03-01 08:00 [machine](https://example.org)

## Broken ##

| Tool | State | Note |
|:-----|:-----:|------|
| [Ledger](https://example.org/a_(b)) | **failed** | `a \\| b` ![x](y.png) |
| Viewer | failed |

Nothing | to read

|Other|Table|
|---|---|
|a|b|

## Good

Tool | State
--- | ---
Editor | ok
Reader | ok | more
"""


def read(tmp_path, text, *columns):
    path = tmp_path / "report.md"
    path.write_text(text, encoding="utf-8")
    with open_markdown(path, frozenset(columns)) as file:
        return list(file.read(None))


def test_tables_with_columns_that_are_read(tmp_path):
    records = read(tmp_path, REPORT, "Tool", "State", "$.Run", "heading")
    beside = {"$.Run": "2026-03-01 08:00 machine"}

    assert records == [
        {**beside, "heading": "Broken", "Tool": "Ledger)", "State": "failed", "Note": "a | b"},
        {**beside, "heading": "Broken", "Tool": "Viewer", "State": "failed", "Note": None},
        {**beside, "heading": "Good", "Tool": "Editor", "State": "ok"},
        {"(cells)": ["Reader", "ok", "more"]},
    ]
    assert read(tmp_path, REPORT, "Table") == [{"Other": "a", "Table": "b"}]


def test_a_file_without_such_a_table_is_refused(tmp_path):
    with pytest.raises(IngestError, match=r"report.md has no table with a column that the mapping reads"):
        read(tmp_path, REPORT, "Name")
    with pytest.raises(IngestError, match="the column 'Tool' occurs twice"):
        read(tmp_path, "|Tool|Tool|\n|---|---|\n|a|b|\n", "Tool")


AU = """# Update-AUPackages

**UTC**: 2026-03-01 08:00 [packages](https://example.org)

## Pushed

|Name|Updated|Pushed|RemoteVersion|NuspecVersion|
|---|---|---|---|---|
|[viewer](https://example.org/viewer)|True|True|2.10|2.9|

## Errors

|Name|NuspecVersion|Error|
|---|---|---|
|[editor](https://example.org/editor)|1.0|[The remote server returned an error: (404)](#editor)|

### editor

## Ignored

|Name|NuspecVersion|
|---|---|
|old|0.1|
"""


def test_the_report_of_chocolatey_au(tmp_path):
    path = tmp_path / "Update-AUPackages.md"
    path.write_text(AU, encoding="utf-8")
    trial = try_mapping(path, "chocolatey_au_update_info")

    assert (trial.accepted, trial.skipped, trial.refused) == (2, 1, 0)
    viewer, editor = trial.records
    assert (viewer["application_name"], viewer["application_version"]) == ("viewer", "2.10")
    assert viewer["performance_metrics"] == {"packaged_new_version": 1, "pushed": 1}
    assert viewer["occurred_at"] == editor["occurred_at"] == "2026-03-01T08:00:00+00:00"
    assert (editor["application_name"], editor["outcome_status"]) == ("editor", "failure")
    assert editor["failure_reasons"][0]["detail"] == "The remote server returned an error: (404)"


def test_a_report_without_its_names_is_told_so(tmp_path):
    path = tmp_path / "Update-AUPackages.md"
    path.write_text(AU.replace("|Name|", "|Package|"), encoding="utf-8")
    with pytest.raises(
        IngestError, match="columns that the mapping chocolatey_au_update_info reads are missing: 'Name'"
    ):
        try_mapping(path, "chocolatey_au_update_info")
