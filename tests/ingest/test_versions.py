"""Versions: in a number 1.10 and 1.1 are the same, so what may be one keeps its text, or is noted."""

from __future__ import annotations

import json

import pytest

from memory_pipeline.ingest import MappingError, ingest_file
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.trial import try_mapping

MAPPING = """
name: versions
description: Versions.
kind: outcomes
source: made
renames: {{ application_name: app, application_version: version, occurred_at: at }}
constants: {{ outcome_status: success }}
context: [python]
{more}
"""
AT = "2026-03-01T00:00:00Z"


@pytest.fixture
def contexts(tmp_path):
    """A function that reads versions through a mapping and gives the context of each."""

    def read(more, versions, ending="csv"):
        rule, data = tmp_path / "m.yaml", tmp_path / f"data.{ending}"
        rule.write_text(MAPPING.format(more=more), encoding="utf-8")
        if ending == "csv":
            lines = ["app,version,at,python", *(f"Ledger,{one},{AT}," for one in versions)]
        else:
            row = '{{"app": "Ledger", "at": "{at}", "python": null, "version": {one}}}'
            lines = [row.format(at=AT, one=one) for one in versions]
        data.write_text("\n".join(lines) + "\n", encoding="utf-8")
        trial = try_mapping(data, rule, shown=10)
        return [one.get("context", {}) for one in trial.records]

    return read


MAPS = (
    "value_maps: [{{ column: version, values: {{ {values} }}, otherwise: {{ context: {{ line: other }} }} }}]"
)


def line(name):
    return f"{{ context: {{ line: {name} }} }}"


def test_a_key_with_a_point_is_the_text_that_was_written(contexts):
    more = MAPS.format(values=f"1.10: {line('ten')}, 1.1: {line('one')}, 2: {line('two')}")

    found = contexts(more, ["1.10", "1.1", "1.100", "2"])
    assert [one["line"] for one in found] == ["ten", "one", "other", "two"]


def test_a_key_of_a_whole_number_finds_the_number(contexts):
    more = MAPS.format(values=f"1.0: {line('one')}, 1.5: {line('half')}")

    found = contexts(more, ["1.0", "1.5", '"1.0"', "2.0"], ending="jsonl")
    assert [one["line"] for one in found] == ["one", "half", "one", "other"]


def test_a_condition_is_the_text_that_was_written(contexts):
    more = (
        "value_maps: [{ column: app, when: { version: [1.10] }, "
        "values: { Ledger: { context: { line: ten } } } }]"
    )

    assert contexts(more, ["1.10", "1.1"]) == [{"line": "ten"}, {}]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("value_maps: [{ column: app, values: { a: { context: { line: 3.10 } } } }]", "context.line"),
        ("columns: { python: { default: 3.10 } }", "columns.python.default"),
        ("columns: { python: { values: { old: 3.10 } } }", "columns.python.values.old"),
    ],
)
def test_a_value_that_yaml_would_change_is_refused(tmp_path, more, place):
    path = tmp_path / "m.yaml"
    path.write_text(MAPPING.format(more=more), encoding="utf-8")

    with pytest.raises(MappingError, match=r"3.10 is a number.*the same as 3.1; write it in quotes") as error:
        load_mapping(path)
    assert place in str(error.value)


def test_a_constant_version_is_a_text(tmp_path):
    rule, data = tmp_path / "m.yaml", tmp_path / "data.csv"
    text = MAPPING.format(more="").replace("application_version: version, ", "")
    rule.write_text(text.replace("success }", "success, application_version: 2.5 }"), encoding="utf-8")
    data.write_text(f"app,at,python\nLedger,{AT},3\n", encoding="utf-8")

    assert try_mapping(data, rule).records[0]["application_version"] == "2.5"


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize("is_own", [True, False])
def test_a_setting_that_may_be_a_version_is_noted(tmp_path, store, outcome, ending, is_own):
    rule, data = tmp_path / "m.yaml", tmp_path / f"data.{ending}"
    rule.write_text(MAPPING.format(more=""), encoding="utf-8")
    record = (
        outcome(context={"python": "?"}) if is_own else {"app": "A", "at": AT, "version": "1", "python": "?"}
    )
    lines = [json.dumps(record).replace('"?"', number) for number in ("3.9", "3.10", "3.0", "3.20")]
    text = f"[{','.join(lines)}]" if ending == "json" else "\n".join(lines) + "\n"
    data.write_text(text, encoding="utf-8")
    report = ingest_file(store, "outcomes", data, mapping=None if is_own else rule)

    (note,) = report.notes
    place = "context.python" if is_own else "python"
    assert note.startswith(
        f"{place}: 2 cells, the first in row 2 ('3.10'): it came as a number, in which zeros"
    )


def test_a_setting_that_is_read_as_a_number_needs_no_note(tmp_path):
    rule, data = tmp_path / "m.yaml", tmp_path / "data.jsonl"
    rule.write_text(MAPPING.format(more="columns: { python: { as: number } }"), encoding="utf-8")
    data.write_text(f'{{"app": "A", "version": "1", "at": "{AT}", "python": 3.10}}\n', encoding="utf-8")
    trial = try_mapping(data, rule)

    assert (trial.accepted, trial.notes) == (1, [])


def test_a_version_of_the_own_form_that_is_a_number_is_refused_as_it_was_written(store, outcome, tmp_path):
    path = tmp_path / "own.json"
    text = json.dumps([outcome(application_version="?")]).replace('"?"', "1.10")
    path.write_text(text, encoding="utf-8")
    (problem,) = ingest_file(store, "outcomes", path).problems

    assert (problem.field, problem.value) == ("application_version", "1.10")
