"""Columns filled from a second file by a key, and from the name of the file."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from memory_pipeline.cli.mapping import mapping
from memory_pipeline.ingest import (
    IngestError,
    MappingError,
    ingest_file,
    ingest_records,
    ingest_rows,
    lookups,
)
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.trial import try_mapping

RUNS = {
    "name": "runs",
    "description": "Runs.",
    "kind": "outcomes",
    "source": "runs",
    "record_id": "n",
    "renames": {"application_name": "app", "application_vendor": "publisher", "occurred_at": "at"},
    "lookups": {
        "apps": {
            "file": "lists/apps.csv",
            "by": "app_id",
            "key": "Id",
            "columns": {"app": "Name", "publisher": "Publisher", "command": "Command"},
        }
    },
    "from_command": {"column": "command"},
    "value_maps": [{"column": "state", "values": {"ok": {"outcome_status": "success"}}}],
}
APPS = 'Id;Name;Publisher;Command\nA1;Viewer;Contoso;"setup.exe /S"\nB2;Ledger;;\n;Nobody;;\n'
LINES = (
    "n,app_id,at,state\n1,a1,2026-03-01T00:00:00Z,ok\n2,B2,2026-03-01T00:00:00Z,ok\n"
    "3,C3,2026-03-01T00:00:00Z,ok\n4,,2026-03-01T00:00:00Z,ok\n"
)


@pytest.fixture
def files(tmp_path):
    """A function that writes mapping, data and lookup, with changes of the lookup's rule."""

    def write(apps=APPS, data=LINES, name="runs.csv", **changes):
        rule = {**RUNS, "lookups": {"apps": {**RUNS["lookups"]["apps"], **changes}}}
        (tmp_path / "lists").mkdir(exist_ok=True)
        (tmp_path / "lists" / "apps.csv").write_text(apps, encoding="utf-8")
        (tmp_path / "m.yaml").write_text(yaml.safe_dump(rule), encoding="utf-8")
        (tmp_path / name).write_text(data, encoding="utf-8")
        return tmp_path / "m.yaml", tmp_path / name

    return write


def test_records_take_what_the_second_file_says(files, store, rows):
    rule, data = files()
    report = ingest_file(store, "outcomes", data, mapping=rule)
    stored = {row["source_record_id"]: row for row in rows("packaging_outcomes")}

    assert (report.new, report.quarantined) == (2, 2)
    assert stored["1"]["application_name"] == "Viewer"
    assert stored["1"]["application_vendor"] == "Contoso"
    assert stored["1"]["approach_details"]["silent_switch"] == "/S"
    assert stored["2"]["application_vendor"] is None
    assert (
        "lookup apps: 1 record has a value of app_id that apps.csv does not have, the first in row 3 ('C3'); "
        "'app', 'command', 'publisher' stay as the file has them" in report.notes
    )
    assert "lookup apps: 1 record has no app_id" in " ".join(report.notes)


def test_what_a_record_says_itself_counts(files):
    rule, data = files(data="n,app_id,app,at,state\n1,A1,Mine,2026-03-01T00:00:00Z,ok\n")
    record = try_mapping(data, rule).records[0]
    assert (record["application_name"], record["application_vendor"]) == ("Mine", "Contoso")


def test_a_key_with_two_meanings_is_refused_with_both_rows(files):
    rule, data = files(apps=APPS + "A1;Viewer;Contoso;setup.exe /S\n")
    assert try_mapping(data, rule).accepted == 2

    rule, data = files(apps=APPS + "a1;Other;Contoso;setup.exe /S\n")
    with pytest.raises(
        IngestError, match=r"Id 'a1' in row 1 and row 4 with different values .'Viewer', .*'Other'"
    ):
        try_mapping(data, rule)


def test_another_file_can_be_given(files, tmp_path):
    rule, data = files()
    other = tmp_path / "apps.json"
    apps = [{"Id": "C3", "Name": "Scanner", "Publisher": "X", "Command": None}]
    other.write_text(json.dumps({"value": apps}), encoding="utf-8")
    answer = CliRunner().invoke(mapping, ["check", str(rule), str(data), "--lookup", f"apps={other}"])

    assert "read 4 records: 1 would be stored, 0 skipped, 3 refused" in answer.stdout
    assert "application_name: Scanner" in answer.stdout
    assert "lookup apps: 2 records have a value of app_id that apps.json does not have" in answer.stdout
    with pytest.raises(MappingError, match="no lookup 'apps2'; it has: 'apps'"):
        try_mapping(data, rule, lookups={"apps2": str(other)})


def test_a_key_and_values_within_nested_data(files, tmp_path):
    rule, _ = files(
        by="app.id", key="meta.id", columns={"app": "meta.name", "publisher": "by", "command": "run"}
    )
    data = tmp_path / "runs.json"
    run = {"n": 1, "app": {"id": "Z9"}, "at": "2026-03-01T00:00:00Z", "state": "ok"}
    data.write_text(json.dumps([run]), encoding="utf-8")
    other = tmp_path / "apps.jsonl"
    other.write_text(
        json.dumps({"meta": {"id": "z9", "name": "Deep"}, "by": "V", "run": "x.exe /S"}), encoding="utf-8"
    )
    # The name goes into a column of its own: `app` is an object here.
    content = yaml.safe_load(rule.read_text(encoding="utf-8"))
    content["renames"]["application_name"] = "name"
    content["lookups"]["apps"]["columns"] = {"name": "meta.name", "publisher": "by", "command": "run"}
    rule.write_text(yaml.safe_dump(content), encoding="utf-8")
    trial = try_mapping(data, rule, lookups={"apps": str(other)})
    assert [one["application_name"] for one in trial.records] == ["Deep"]


def test_records_that_a_program_holds_are_joined_too(files, store):
    rule, _ = files()
    record = {"n": "7", "app_id": "A1", "at": "2026-03-01T00:00:00Z", "state": "ok"}
    assert ingest_records(store, "outcomes", [record], mapping=rule).new == 1
    assert ingest_rows(store, "outcomes", [{**record, "n": "8"}], mapping=rule).new == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": None}, "joins with 'apps' by app_id; name its file (`--lookup apps=FILE`"),
        ({"file": "lists/none.csv"}, "none.csv does not exist"),
        ({"key": "Ident"}, "apps.csv has no column 'Ident'; there are: 'Id', 'Name'"),
    ],
)
def test_a_file_that_does_not_fit_stops_the_ingest(files, changes, said):
    rule, data = files(**changes)
    with pytest.raises(IngestError) as caught:
        try_mapping(data, rule)
    assert said in str(caught.value)


def test_a_lookup_may_be_optional_and_has_a_limit(files, monkeypatch):
    rule, data = files(
        data="n,app_id,app,publisher,command,at,state\n1,A1,Own,,,2026-03-01T00:00:00Z,ok\n",
        file=None,
        optional=True,
    )
    assert try_mapping(data, rule).records[0]["application_name"] == "Own"

    monkeypatch.setattr(lookups, "MOST_KEYS", 1)
    rule, data = files()
    with pytest.raises(IngestError, match="more than 1 keys"):
        try_mapping(data, rule)


def test_a_rule_that_cannot_work_is_refused(files):
    rule, _ = files(columns={"nobody": "Name"})
    with pytest.raises(MappingError, match=r"lookups\.apps fills the column 'nobody', which nothing reads"):
        load_mapping(rule)
    rule, _ = files(columns={"app_id": "Name"})
    with pytest.raises(MappingError, match="'app_id' is the column that is looked up"):
        load_mapping(rule)
    rule, _ = files(keys="Id")
    with pytest.raises(MappingError, match="did you mean `key`"):
        load_mapping(rule)


def test_intune_takes_the_names_of_its_applications_from_their_list(tmp_path):
    report = tmp_path / "DeviceInstallStatusByApp.csv"
    report.write_text(
        "DeviceName,UserPrincipalName,Platform,AppVersion,LastModifiedDateTime,AppInstallState,ErrorCode,"
        "AppInstallStateDetails,ApplicationId\n"
        "PC1,a@example.org,Windows,1.0,2026-03-01T08:00:00Z,2,-2147023293,0,6F1C\n"
        "PC2,b@example.org,Windows,1.0,2026-03-01T09:00:00Z,1,0,0,6f1c\n",
        encoding="utf-8",
    )
    apps = tmp_path / "apps.json"
    app = {"@odata.type": "#x", "id": "6f1c", "displayName": "7-Zip", "publisher": "Igor Pavlov"}
    apps.write_text(json.dumps({"@odata.context": "c", "value": [app]}), encoding="utf-8")
    trial = try_mapping(report, "intune_device_install_status", lookups={"apps": str(apps)})

    assert trial.accepted == 2
    assert {(one["application_name"], one["application_vendor"]) for one in trial.records} == {
        ("7-Zip", "Igor Pavlov")
    }
    with pytest.raises(IngestError, match="missing: 'AppName'"):
        try_mapping(report, "intune_device_install_status")


NAMED = {
    "name": "named",
    "description": "Runs.",
    "kind": "outcomes",
    "file_name": r"^(?P<app>.+)_(?P<day>\d{4}-\d\d-\d\d)(?:_(?P<site>\w+))?\.csv$",
    "timezone": "UTC",
    "renames": {"application_name": "app", "occurred_at": "day"},
    "context": ["site"],
    "constants": {"outcome_status": "success"},
    "approach": ["switch"],
}


@pytest.fixture
def named(tmp_path):
    """A function that writes a mapping that reads the name of the file, and a file of a name."""

    def write(name, **changes):
        (tmp_path / "named.yaml").write_text(yaml.safe_dump({**NAMED, **changes}), encoding="utf-8")
        (tmp_path / name).write_text("switch\n/S\n/qn\n", encoding="utf-8")
        return tmp_path / "named.yaml", tmp_path / name

    return write


def test_the_name_of_a_file_fills_columns(named, store, rows):
    rule, data = named("7-Zip_2026-03-01_Basel.csv")
    assert ingest_file(store, "outcomes", data, mapping=rule).new == 2
    row = rows("packaging_outcomes")[0]
    assert (row["application_name"], row["context"]) == ("7-Zip", {"site": "Basel"})

    record = try_mapping(data, rule, given={"site": "Bern"}).records[0]
    assert record["context"] == {"site": "Bern"}
    rule, data = named("7-Zip_2026-03-01.csv", columns={"site": {"optional": True}})
    assert "context" not in try_mapping(data, rule).records[0]


def test_a_name_that_does_not_fit_is_refused(named):
    rule, data = named("runs.csv")
    with pytest.raises(
        IngestError, match=r"the name 'runs\.csv' does not fit .* from which 'app', 'day', 'site'"
    ):
        try_mapping(data, rule)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("runs", "has no named group"),
        ("(?P<app>a)(?P<other>b)", "file_name fills the column 'other', which nothing reads"),
        ("(?P<app>a)\\1", "is not a pattern that can be searched in bounded time"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(named, pattern, said):
    rule, _ = named("runs.csv", file_name=pattern)
    with pytest.raises(MappingError) as caught:
        load_mapping(rule)
    assert said in str(caught.value)
