"""`mapping check`: what an ingest would do is shown, and nothing is stored; typos name the nearest key."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from memory_pipeline.cli.ingest import ingest
from memory_pipeline.cli.mapping import mapping
from memory_pipeline.ingest import IngestError, MappingError, ingest_file
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.trial import MAX_DISTINCT, try_mapping

RUNS = {
    "name": "runs",
    "description": "Runs.",
    "kind": "outcomes",
    "record_id": "n",
    "renames": {"application_name": "app", "occurred_at": "at"},
    "context": ["team"],
    "columns": {"team": {"pseudonymise": True}},
    "value_maps": [
        {"column": "state", "values": {"ok": {"outcome_status": "success"}, "off": "skip"}},
    ],
}
LINES = """n,app,at,team,state
1,A,2026-03-01T00:00:00Z,Kim,ok
2,B,2026-03-01T00:00:00Z,Kim,off
3,C,soon,Kim,ok
4,D,2026-03-01T00:00:00Z,Kim,lost
"""


@pytest.fixture
def files(tmp_path):
    rule, data = tmp_path / "m.yaml", tmp_path / "runs.csv"
    rule.write_text(yaml.safe_dump(RUNS), encoding="utf-8")
    data.write_text(LINES, encoding="utf-8")
    return rule, data


def run(*arguments):
    return CliRunner().invoke(mapping, [str(one) for one in ("check", *arguments)])


def test_it_shows_rows_refusals_and_values(files):
    answer = run(*files)

    assert answer.exit_code == 0
    assert "read 4 records: 1 would be stored, 1 skipped, 2 refused" in answer.stdout
    assert "application_name: A" in answer.stdout
    assert "1 times state: state is not one of off, ok" in answer.stdout
    assert "1 times at: at is not a time" in answer.stdout
    assert "  state: ok (2), off (1), lost (1)" in answer.stdout
    assert "Kim" not in answer.stdout


def test_it_counts_as_an_ingest_does(files, store):
    rule, data = files
    found = json.loads(run(*files, "--json").stdout)
    report = ingest_file(store, "outcomes", data, mapping=rule)

    counts = (found["accepted"], found["skipped"], found["refused"])
    assert counts == (report.new, report.skipped, report.quarantined)
    assert [one["reason"] for one in found["problems"]] == [one.reason for one in report.problems]


def test_what_costs_only_a_cell_is_noted_as_by_an_ingest(files, store):
    rule, data = files
    rule.write_text(yaml.safe_dump({**RUNS, "renames": {**RUNS["renames"], "application_vendor": "maker"}}))
    rows = LINES.splitlines()
    data.write_text("\n".join([f"{rows[0]},maker", f"{rows[1]},{'x' * 301}"]), encoding="utf-8")
    trial = try_mapping(data, rule)
    report = ingest_file(store, "outcomes", data, mapping=rule)

    assert (trial.accepted, report.new) == (1, 1)
    assert tuple(trial.notes) == report.notes
    assert trial.notes[0].startswith("application_vendor: 1 cell left out (success 1), the first in row 1")


def test_its_exit_code_says_whether_anything_would_be_stored(files):
    rule, data = files
    data.write_text(LINES.replace(",ok", ",lost"), encoding="utf-8")
    answer = run(rule, data)

    assert answer.exit_code == 1
    assert "no record of runs.csv would be stored" in answer.stderr
    assert "there is no mapping 'none'" in run("none", data).stderr


def test_values_are_kept_up_to_a_number(files):
    rule, data = files
    rows = [f"{n},A{n},2026-03-01T00:00:00Z,Kim,ok\n" for n in range(100)]
    data.write_text(LINES.splitlines(keepends=True)[0] + "".join(rows), encoding="utf-8")
    trial = try_mapping(data, rule)

    assert len(trial.values["app"]) == MAX_DISTINCT
    assert trial.values["state"] == {"ok": 100}
    assert len(trial.records) == 5


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"rename": {}}, "did you mean `renames`"),
        ({"columns": {"team": {"pseudonymize": True}}}, "did you mean `pseudonymise`"),
        (
            {"value_maps": [{"column": "state", "values": {}, "otherwize": "skip"}]},
            "did you mean `otherwise`",
        ),
    ],
)
def test_typos_name_the_nearest_key(tmp_path, changes, hint):
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump({**RUNS, **changes}), encoding="utf-8")
    with pytest.raises(MappingError, match=hint):
        load_mapping(path)


def test_a_missing_column_names_the_nearest(files):
    rule, data = files
    data.write_text(LINES.replace("state", "State"), encoding="utf-8")
    with pytest.raises(IngestError, match="missing: 'state'; did you mean 'State'"):
        try_mapping(data, rule)


@pytest.mark.parametrize("pair", ["AppName", "=x", "AppName= "])
def test_a_value_for_a_file_has_a_column(pair):
    answer = CliRunner().invoke(ingest, ["outcomes", "a.csv", "--set", pair])

    assert answer.exit_code == 2
    assert "is not COLUMN=VALUE; write for example AppName=7-Zip" in answer.stderr
