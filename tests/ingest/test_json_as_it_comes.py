"""JSON as exporters write it: where the records are, nested names, broken numbers and keys, all streamed."""

from __future__ import annotations

import io
import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_pipeline.ingest import IngestError, ingest_file, json_files
from memory_pipeline.ingest.errors import MappingError
from memory_pipeline.ingest.file_formats import CELLS_KEY
from memory_pipeline.ingest.json_files import open_json, open_jsonl
from memory_pipeline.ingest.json_text import JsonStream, WithoutNan
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import OutcomeMapping, load_mapping
from memory_pipeline.ingest.quarantine import retry_quarantined
from memory_pipeline.ingest.record_paths import (
    Reading,
    RecordPlace,
    column_steps,
    find,
    parse_path,
)
from memory_pipeline.ingest.trial import try_mapping

BUILDS = {
    "name": "builds",
    "description": "One build.",
    "kind": "outcomes",
    "timezone": "UTC",
    "constants": {"occurred_at": "2026-02-01T00:00:00Z"},
    "unmapped": "ignore",
}
STATES = {"ok": {"outcome_status": "success"}, "bad": {"outcome_status": "failure", "reason": "broken"}}


def mapping_of(**keys):
    return OutcomeMapping.model_validate({**BUILDS, **keys})


def records(content, *paths, columns=(), opener=open_json, tmp_path=None):
    path = tmp_path / "a.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    places = tuple(RecordPlace(parse_path(one)) for one in paths)
    with opener(path, Reading(places, frozenset(columns))) as file:
        return list(file.read(None))


@pytest.fixture
def read(tmp_path):
    def read(content, *paths, **options):
        return records(content, *paths, tmp_path=tmp_path, **options)

    return read


def test_where_records_usually_are(read):
    rows = [{"a": 1}, {"a": 2}]
    wrapped = ({"records": rows}, {"@odata.count": 2, "value": rows}, {"n": {"value": 1}, "value": rows})
    for content in (rows, *wrapped):
        assert read(content) == rows
    assert read({"a": 1, "value": [3]}) == [{"a": 1, "value": [3]}]
    assert read({"a": 1}, columns=["a"]) == [{"a": 1}]
    assert read(json.dumps({"a": 1}, indent=4) + "\n" + json.dumps({"a": 2}, indent=4)) == rows
    assert read(json.dumps(rows, indent=2), opener=open_jsonl) == rows


def test_paths_to_records(read):
    content = {"data": {"page": 1, "items": [{"a": 1}, {"a": 2}]}}
    for path in ("data.items", "data.items[*]", '"data".items'):
        assert read(content, path) == [{"a": 1}, {"a": 2}]
    assert read(content, "data.items[1]") == [{"a": 2}]
    assert read({"run": {"a": 1}}, "run") == [{"a": 1}]
    assert read([{"jobs": [{"a": 1}]}, {"jobs": [{"a": 2}]}], "jobs", "[*].jobs[*]") == [{"a": 1}, {"a": 2}]
    assert read({"jobs": [{"a": 1}]}, "jobs", "[*].jobs[*]") == [{"a": 1}]
    assert read([{"a": 1}], "jobs") == [{"a": 1}]


def test_keys_and_arrays_become_rows(read):
    arm, amd = {"good": ["x"], "bad": ["y", "z"]}, {"good": [], "bad": ["x"], "note": "n"}
    content = {"hosts": {"arm": arm, "amd": amd}}
    found = read(content, "hosts.{host}.{state}[*]", columns=["host", "state", "value"])
    assert found == [
        {"host": "arm", "state": "good", "value": "x"},
        {"host": "arm", "state": "bad", "value": "y"},
        {"host": "arm", "state": "bad", "value": "z"},
        {"host": "amd", "state": "bad", "value": "x"},
    ]
    parts = {"crates": [{"name": "p", "runs": [{"res": "ok"}, None]}, {"name": "q", "runs": []}]}
    found = read(parts, "crates[*].runs[*]", columns=["crates.name", "res"])
    assert [(one["crates"]["name"], one.get("res")) for one in found] == [("p", "ok"), ("p", None)]
    assert read(parts, "crates[*].runs[*]", columns=["res"])[0] == {"res": "ok"}
    wide = [{"name": "p", "state": {"arm": "ok", "amd": "bad"}}]
    found = read(wide, "[*].state.{host}", columns=["item.name", "host", "value"])
    assert [(one["item"]["name"], one["host"], one["value"]) for one in found] == [
        ("p", "arm", "ok"),
        ("p", "amd", "bad"),
    ]


def test_a_value_that_stands_once_in_a_file(read):
    found = read({"result": [{"a": 1}], "meta": {"pr": 7}}, "result", columns=["$.meta.pr", "a"])
    assert found == [{"$.meta.pr": 7, "a": 1}]


def test_reports_of_graph(read):
    content = {"TotalRowCount": 2, "Schema": [{"Column": "A"}, {"Column": "B"}], "Values": [["x", 1], ["y"]]}
    assert read(content) == [{"A": "x", "B": 1}, {CELLS_KEY: ["y"]}]
    backwards = {"Values": [["x", 1]], "Schema": [{"Column": "A"}, {"Column": "B"}]}
    assert read(backwards) == [{"A": "x", "B": 1}]


def test_columns_of_a_table_by_path(tmp_path):
    content = {"tables": [{"columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, 2], [3, 4]]}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    place = RecordPlace(parse_path("tables[0].rows"), parse_path("tables[0].columns[*].name"))
    with open_json(path, Reading((place,))) as file:
        assert list(file.read(None)) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_no_records_at_the_path(read):
    with pytest.raises(IngestError, match=r"its keys are: data, n\. Say in the mapping"):
        read({"data": {"rows": []}, "n": 1}, "data.items[*]")
    with pytest.raises(IngestError, match=r"its keys are: results\."):
        read({"results": [{"a": 1}]}, columns=["a"])


@pytest.mark.parametrize("path", ["a..b", ".a", "a[x]", "a.[1]", "a{b", "", "a.{}", 'a"b"'])
def test_wrong_paths_are_refused(path, tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(
        json.dumps({**BUILDS, "renames": {"application_name": "a", "outcome_status": "b"}, "records": path})
    )
    with pytest.raises(MappingError, match=r"key `records.*path"):
        load_mapping(file)


def test_nested_columns():
    record = {"a": {"b": [{"c": 1}, {"c": 2}], "@odata.id": "i"}, "one": {"c": 3}}
    for column, value in (
        ("a.b[1].c", 2),
        ("a.b[*].c", [1, 2]),
        ('a."@odata.id"', "i"),
        ("one[*].c", [3]),
    ):
        assert find(record, column_steps(column)) == value
    assert column_steps("Version") is None
    assert column_steps("ends with.") is None


def test_nested_names_in_a_mapping(tmp_path):
    mapping = mapping_of(
        unmapped="error",
        renames={"application_name": "app.names[0]", "application_version": "app.version"},
        context={"who": "actor.login", "tags": "labels[*].name"},
        value_maps=[{"column": "result.state", "values": STATES}],
        columns={"actor.login": {"pseudonymise": True}},
        ignore=["actor.mail"],
    )
    path = tmp_path / "a.json"
    good = {
        "app": {"names": ["Viewer"], "version": "1"},
        "actor": {"login": "kim", "mail": "kim@example.org"},
        "labels": [{"name": "x"}, {"name": "y"}],
        "result": {"state": "ok"},
    }
    bad = {**good, "result": {"state": "lost"}}
    path.write_text(json.dumps([good, bad, {**good, "other": 1}]), encoding="utf-8")
    trial = try_mapping(path, mapping)

    (stored,) = trial.records
    assert stored["application_name"] == "Viewer"
    assert stored["context"]["tags"] == ["x", "y"]
    assert stored["context"]["who"].startswith("pseudonym:")
    assert [(one.field, one.value) for one in trial.problems] == [("result.state", "lost"), ("other", "1")]
    assert "kim" not in str(trial)


def test_quarantine_keeps_only_what_is_read_and_can_be_tried_again(store, rows, tmp_path):
    keys = {"renames": {"application_name": "app.name"}, "columns": {"by.login": {"pseudonymise": True}}}
    keys |= {"context": {"by": "by.login"}}
    early = mapping_of(**keys, value_maps=[{"column": "run.state", "values": STATES}])
    late = mapping_of(**keys, value_maps=[{"column": "run.state", "values": {**STATES, "new": STATES["ok"]}}])
    record = {"app": {"name": "A", "key": "hidden"}, "by": {"login": "kim"}, "run": {"state": "new"}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([record]), encoding="utf-8")
    assert ingest_file(store, "outcomes", path, mapping=early).quarantined == 1
    (kept,) = rows("quarantined_records")
    assert kept["record"]["run.state"] == "new"
    assert "hidden" not in str(kept)
    assert "kim" not in str(kept)

    (report,) = retry_quarantined(store, mapping=late)
    assert report.new == 1
    assert rows("packaging_outcomes")[0]["application_name"] == "A"


VERSIONS = mapping_of(
    renames={"application_name": "n", "application_version": "v", "outcome_status": "s"},
    metrics=["m"],
    approach={"x": "x"},
)


ODD = r"NaN \\ \" NaN"


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_versions_missing_numbers_and_keys_that_stand_twice(tmp_path, ending):
    one = '{"n": "t", "s": "success", "v": %s, "m": %s, "x": "%s"}'
    lines = [one % ("1.10", "NaN", ODD), one % ("130.0", "2.50", "b"), one % ("7", "1e2", "c")]
    lines.append('{"n": "t", "s": "success", "s": "failure", "v": "1"}')
    lines.append('{"n": "t", "s": "success", "m": Infinity}')
    path = tmp_path / f"a.{ending}"
    path.write_text(
        "[" + ",".join(lines) + "]" if ending == "json" else "\n".join(lines) + "\n", encoding="utf-8"
    )
    trial = try_mapping(path, VERSIONS)

    assert [one.get("application_version") for one in trial.records] == ["1.10", "130.0", "7", None]
    metrics = [one.get("performance_metrics") for one in trial.records]
    assert metrics == [None, {"m": 2.5}, {"m": 100}, {}]
    assert trial.records[0]["approach_details"] == {"x": 'NaN \\ " NaN'}
    (twice,) = trial.problems
    assert (twice.row_number, twice.field) == (4, "s")
    assert "stands twice in one object" in twice.reason
    assert trial.notes[0].startswith("performance_metrics.m: 1 cell left out (success 1), the first in row 5")


@given(
    st.lists(st.sampled_from(['"', "\\", "NaN", "-Infinity", "N", "aN", "x", " ", "é"]), max_size=12),
    st.integers(1, 12),
)
def test_constants_are_replaced_outside_texts_whatever_the_parts_are(pieces, size):
    inside = json.dumps("".join(pieces), ensure_ascii=False)
    content = f'[NaN, {inside}, {{"NaN": -Infinity, {inside}: NaN}}, Infinity]'
    stream = WithoutNan(io.StringIO(content))
    made = b"".join(iter(lambda: stream.read(size), b"")).decode()

    assert made == f'[null, {inside}, {{"NaN": "-Infinity", {inside}: null}}, "Infinity"]'


def test_a_file_without_constants_is_not_rewritten():
    assert JsonStream(io.StringIO('{"a": 1}')).has_constants is False
    assert JsonStream(io.StringIO(" " * 65_534 + "NaN")).has_constants is True


def test_a_huge_object_that_is_no_list_of_records_is_refused_before_it_is_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_files, "_MAX_OBJECT", 100_000)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"a": 1, "logs": ["line"] * 200_000}), encoding="utf-8")
    with pytest.raises(IngestError, match=r"its keys are: a, logs\."), open_json(path) as file:
        list(file.read(None))


@pytest.mark.parametrize(
    ("written", "stored"),
    [("2026-03-01 10:00", "2026-03-01T09:00:00"), ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00")],
)
def test_a_constant_time_is_in_the_zone_of_the_mapping(written, stored):
    mapping = OutcomeMapping.model_validate(
        {
            "name": "constant_time",
            "description": "A report without times.",
            "kind": "outcomes",
            "source": "report",
            "timezone": "Europe/Berlin",
            "constants": {"occurred_at": written, "outcome_status": "success"},
            "renames": {"application_name": "name"},
        }
    )
    own = build_translator("outcomes", mapping).translate({"name": "Ledger"})
    assert own["occurred_at"].astimezone(UTC).isoformat() == f"{stored}+00:00"


def test_a_constant_time_that_is_none_is_said():
    mapping = {"name": "m", "description": "d", "kind": "outcomes", "source": "s", "timezone": "UTC"}
    mapping |= {"constants": {"occurred_at": "yesterday", "outcome_status": "success"}}
    read = OutcomeMapping.model_validate(mapping | {"renames": {"application_name": "name"}})
    with pytest.raises(MappingError, match=r"constants.occurred_at is not a time"):
        build_translator("outcomes", read)
