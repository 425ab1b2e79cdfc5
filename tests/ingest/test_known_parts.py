"""What parts of earlier records became is reused: nothing that is stored or said may differ by it."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_pipeline.ingest import staging
from memory_pipeline.ingest.errors import IngestError
from memory_pipeline.ingest.known_parts import KnownParts, lone_fields
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import OutcomeMapping, load_mapping

RICH = {
    "name": "rich",
    "description": "Uses every part of the language of mappings.",
    "kind": "outcomes",
    "source": "tests",
    "timezone": "Europe/Zurich",
    "record_id": ["number", "machine"],
    "renames": {
        "application_name": "app",
        "application_version": "version",
        "application_vendor": "vendor",
        "occurred_at": "begun",
        "task_id": "task",
    },
    "columns": {
        "begun": {"as": "time", "formats": ["iso", "%d/%m/%Y %H:%M"]},
        "vendor": {"missing": ["unknown"], "values": {"MS": "Microsoft"}, "optional": True},
        "seconds": {"as": "number", "optional": True},
        "took": {"as": "duration", "optional": True},
        "user": {"pseudonymise": True, "optional": True},
        "site": {"else": "place", "optional": True},
        "place": {"optional": True},
    },
    "value_maps": [
        {
            "column": "result",
            "values": {
                "ok": {"outcome_status": "success"},
                "bad": {"outcome_status": "failure", "reason": "broken"},
                "planned": "skip",
            },
        },
        {"column": "team", "values": {"core": {"context": {"is_core": True}}}, "otherwise": {}},
    ],
    "approach": {"switch": "switch"},
    "context": {"team": "team", "user": "user", "site": "site"},
    "metrics": {"seconds": "seconds", "took": "took"},
    "reasons": {"code": "code", "detail": "detail"},
    "unmapped": "context",
}
CELLS = {
    "number": [1, 2, "3", "a|b", ""],
    "machine": ["m1", "m2", None],
    "app": ["7-Zip", "7 Zip", " 7-Zip ", "Żółć", "a\tb", "a\\b", '"quoted"', "\x1b[1m", None, 5, "x" * 301],
    "version": ["1.10", "1.1", 1.1, Decimal("1.10"), 1, True, None],
    "vendor": ["MS", "unknown", "Igor", "igor", None],
    "begun": ["2026-03-01T12:00:00Z", "2025-10-26 02:30:00", "2026-03-29 02:30:00", "13/05/2026 09:00",
              dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "2099-01-01T00:00:00Z", "soon", None],
    "task": ["t1", "t2", None],
    "result": ["ok", "OK ", "bad", "planned", "odd"],
    "team": ["core", "edge", ["core", "edge"], 1, 1.0, True, 0.0, -0.0, None],
    "switch": ["/S", "/qn\u2028", "\ud800", "\x00", None],
    "user": ["anna", "Anna", None],
    "site": ["north", None],
    "place": ["south", None],
    "seconds": ["12", "1,234", "1,5", 3.5, 3, float("nan"), float("inf"), "many", True, None],
    "took": ["3m 25s", "0:02:31", 12, None],
    "code": ["1603", 1603, 1603.0, None],
    "detail": ["failed\nagain", "x" * 10, None],
    "extra": ["e1", {"deep": 1}, None],
}  # fmt: skip
RECORDS = st.lists(
    st.fixed_dictionaries(
        {key: st.sampled_from(values[:1] * 3 + values) for key, values in CELLS.items() if key != "extra"},
        optional={"extra": st.sampled_from(CELLS["extra"])},
    ),
    max_size=12,
)
OWN = {
    "application_name": CELLS["app"],
    "application_version": CELLS["version"],
    "occurred_at": [*CELLS["begun"], dt.datetime(2026, 3, 1)],  # noqa: DTZ001 - one that is refused
    "outcome_status": ["success", "failure", "odd"],
    "approach_details": [{"a": 1}, {"a": True}, {"a": 1.0}, '{"a": 1}', {}, None, "odd"],
    "context": [{"team": "core"}, {"a": 1}, {"month": [1]}, None],
    "performance_metrics": [{"seconds": 1.5}, {"seconds": 1, "b\\c": 2.0}, {}, "{}", {"x": "y"}, None],
    "failure_reasons": [[{"reason": "broken"}], None],
    "recommendation_id": ["r1", None],
    "recommendation_followed": [True, "false", None],
    "source": ["ours", None, "x" * 101],
    "source_record_id": [1, "1", "2", None, 1.5],
    "_quarantine": [{"id": None, "source": "before"}],
}
OWN_RECORDS = st.lists(
    st.fixed_dictionaries(
        {}, optional={key: st.sampled_from(values[:1] * 3 + values) for key, values in OWN.items()}
    ),
    max_size=12,
)


def staged(records, mapping, parts_of):
    """Return the lines, problems, notes and counts of records, with one way to remember parts."""
    translator = build_translator("outcomes", mapping)
    job = staging.Job("outcomes", "file", translator, None)
    lines: list[str] = []
    kept, staging.known_parts = staging.known_parts, parts_of
    try:
        staging.stage(job, iter(copy.deepcopy(records)), lines.append)
    except IngestError as error:
        return str(error)
    finally:
        staging.known_parts = kept
    said = list(translator.notes.sentences())
    return "".join(lines), job.problems, said, job.read, job.skipped


def check_same(records, mapping=None):
    """Check that records become the same with their parts remembered, and return how often they were."""
    made: list[KnownParts] = []

    def remembering(translator):
        made.append(KnownParts(translator, lone_fields(translator)))
        return made[0]

    assert staged(records, mapping, remembering) == staged(records, mapping, lambda _: None)
    return made[0]._hits  # a test that never hits would show nothing


@given(RECORDS)
def test_mapped_records_become_the_same(records):
    check_same(records * 3, OutcomeMapping.model_validate(RICH))


@given(RECORDS, st.sampled_from(["metrics", "a command", "an effect", "no time"]))
def test_columns_that_several_fields_use_are_not_taken_for_lone_ones(records, used_by):
    changes = {
        "metrics": {"metrics": {"v": "version", "s": "seconds", "t": "took", "n": "team"}},
        "a command": {"from_command": {"column": "app", "settings": ["silent_switch"]}},
        "an effect": {
            "value_maps": [
                *RICH["value_maps"],
                {"column": "code", "values": {"1603": {"metrics": {"seconds": 0}}}, "otherwise": {}},
            ]
        },
        "no time": {
            "renames": {key: value for key, value in RICH["renames"].items() if key != "occurred_at"},
            "constants": {"occurred_at": "2026-03-01T12:00:00Z"},
            "context": {"begun": "begun", **RICH["context"]},
        },
    }
    check_same(records * 3, OutcomeMapping.model_validate({**RICH, **changes[used_by]}))


@given(OWN_RECORDS)
def test_records_in_the_own_form_become_the_same(records):
    check_same(records * 3)


def test_a_name_that_is_a_metric_beside_a_shared_one_is_read_anew():
    mapping = OutcomeMapping.model_validate(
        {
            "name": "scores",
            "description": "A version that is a metric too.",
            "kind": "outcomes",
            "record_id": ["number"],
            "renames": {"application_name": "app", "application_version": "version", "occurred_at": "begun"},
            "constants": {"outcome_status": "success"},
            "columns": {"version": {"as": "number"}, "size": {"as": "number"}},
            "context": {"size": "size"},
            "metrics": {"version": "version", "size": "size"},
        }
    )
    begun = "2026-03-01T12:00:00Z"
    rows = [{"number": n, "app": "a", "version": str(n % 3), "size": "7", "begun": begun} for n in range(30)]
    assert check_same(rows, mapping) > 20


def test_a_history_that_repeats_itself_is_recalled():
    good = {key: values[0] for key, values in CELLS.items()}
    records = [{**good, "number": n, "begun": f"2026-03-01T12:00:{n:02}Z"} for n in range(50)]
    assert check_same(records, OutcomeMapping.model_validate(RICH)) == 49
    assert check_same([{**one, "result": "planned"} for one in records], OutcomeMapping.model_validate(RICH))


def test_parts_that_never_come_again_are_given_up(monkeypatch):
    monkeypatch.setattr("memory_pipeline.ingest.known_parts._TRIED", 20)
    own = {"application_name": "a", "occurred_at": "2026-03-01T12:00:00Z", "outcome_status": "success"}
    records = [{**own, "approach_details": {"a": n}} for n in range(60)]
    translator = build_translator("outcomes", None)
    parts = KnownParts(translator, lone_fields(translator))
    staged([*records, *records], None, lambda _: parts)
    assert not parts.is_useful
    check_same([*records, *records])


@pytest.mark.parametrize(
    ("file", "mapping"),
    [
        ("dataverse_r/runs.parquet", "dataverse_r_runs"),
        ("choco_unibas/package_days.parquet", "chocolatey_au_package_days"),
    ],
)
def test_real_histories_become_the_same(file, mapping, shared_data):
    records = pq.read_table(shared_data / file).slice(0, 3_000).to_pylist()
    assert check_same(records, load_mapping(mapping)) > 0
