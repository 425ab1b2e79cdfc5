"""What a mapping does to rows, key by key, as documented in docs/mappings.md."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from memory_pipeline.ingest import IngestError, ingest_file, ingest_records
from memory_pipeline.ingest.cell_readers import cell_reader, pseudonym
from memory_pipeline.ingest.column_rules import ColumnRule
from memory_pipeline.ingest.errors import RecordRefusedError
from memory_pipeline.ingest.mapped_records import build_translator
from memory_pipeline.ingest.mapping import MemberMapping, OutcomeMapping

SMALL = {
    "name": "small",
    "description": "A small mapping.",
    "kind": "outcomes",
    "timezone": "UTC",
    "constants": {"outcome_status": "success"},
    "renames": {"application_name": "app", "occurred_at": "at"},
}
ROW = {"app": " 7-Zip ", "at": "2026-01-01"}


def translate(row, **changes):
    mapping = OutcomeMapping.model_validate({**SMALL, **changes})
    return build_translator("outcomes", mapping).translate({**ROW, **row})


def read(cell, timezone=None, **rule):
    return cell_reader("c", ColumnRule.model_validate(rule), timezone)(cell)


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "cell", "value"),
    [
        ({}, " a ", "a"),
        ({}, "  ", None),
        ({}, None, None),
        ({}, float("nan"), None),
        ({}, date(2026, 1, 2), "2026-01-02"),
        ({}, ["a"], ["a"]),
        ({"missing": ["N/A", "-"]}, "n/a", None),
        ({"default": "none"}, "", "none"),
        ({"values": {"y": "yes", 1: "one"}}, "Y", "yes"),
        ({"values": {"y": "yes", 1: "one"}}, 1.0, "one"),
        ({"values": {"y": "yes"}}, "other", "other"),
        ({"as": "text"}, 7, "7"),
        ({"as": "text"}, 7.0, "7"),
        ({"as": "text"}, 7.5, "7.5"),
        ({"as": "text"}, True, "true"),
        ({"as": "number"}, "7", 7),
        ({"as": "number"}, "7.50", 7.5),
        ({"as": "number"}, "1e3", 1000.0),
        ({"as": "number"}, True, 1),
        ({"as": "integer"}, "7.0", 7),
        ({"as": "boolean"}, "Yes", True),
        ({"as": "boolean"}, 0.0, False),
        ({"as": "boolean", "values": {True: "on", False: "off"}}, "1", "on"),
        ({"as": "list"}, "a", ["a"]),
        ({"as": "list"}, '["a", 1]', ["a", "1"]),
        ({"as": "list", "separator": ";"}, " a; b ;;c", ["a", "b", "c"]),
        ({"as": "list", "values": {"b": "B"}}, ["a", None, "b"], ["a", "B"]),
        ({"as": "list"}, ("a", "b"), ["a", "b"]),
        ({"as": "json"}, '{"a": 1}', {"a": 1}),
        ({"as": "json"}, {"a": 1}, {"a": 1}),
        ({"as": "code"}, "3010", "3010"),
        ({"as": "code"}, 1603.0, "1603"),
        # 0x87D1041C as a signed 32-bit number is -2016345060.
        ({"as": "code"}, "-2016345060", "0x87D1041C"),
        ({"as": "code"}, -2016345060, "0x87D1041C"),
        ({"as": "code"}, "0x87d1041c", "0x87D1041C"),
        ({"as": "code"}, 0x87D1041C, "0x87D1041C"),
        ({"as": "code"}, "0x643", "1603"),
        ({"as": "code", "values": {0x87D1041C: "not detected"}}, "-2016345060", "not detected"),
        ({"as": "time", "timezone": "UTC"}, "2026-01-01", NEW_YEAR),
        ({"as": "time", "timezone": "Europe/Zurich"}, "2026-01-01T01:00:00", NEW_YEAR),
        ({"as": "time", "timezone": "Europe/Zurich"}, "2026-01-01T00:00:00Z", NEW_YEAR),
        ({"as": "time"}, "2026-01-01T00:00:00.0000000Z", NEW_YEAR),
        ({"as": "time", "timezone": "UTC"}, date(2026, 1, 1), NEW_YEAR),
        ({"as": "time", "timezone": "Europe/Zurich"}, datetime(2026, 1, 1, 1), NEW_YEAR),  # noqa: DTZ001
        ({"as": "time", "timezone": "UTC", "formats": "year"}, 2026.0, NEW_YEAR),
        ({"as": "time", "formats": "unix_seconds"}, "1767225600", NEW_YEAR),
        ({"as": "time", "formats": "unix_milliseconds"}, 1767225600000, NEW_YEAR),
        (
            {"as": "time", "timezone": "UTC", "formats": ["iso", "%d.%m.%Y %H:%M"]},
            "01.01.2026 00:00",
            NEW_YEAR,
        ),
        ({"as": "time", "timezone": "UTC", "default": "2026-01-01"}, None, NEW_YEAR),
    ],
)
def test_cells(rule, cell, value):
    rule = dict(rule)
    result = read(cell, rule.pop("timezone", None), **rule)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("rule", "cell", "remedy"),
    [
        ({"as": "text"}, ["a"], "`as: list`"),
        ({"as": "number"}, "5 MB", "without a unit"),
        ({"as": "number"}, "1,5,2", "with a point"),
        ({"as": "number"}, "inf", "c is not a number"),
        ({"as": "number"}, ["1"], "c is not a number"),
        ({"as": "integer"}, "1.5", "read it with `as: number`"),
        ({"as": "boolean"}, "maybe", "or give it `values`"),
        ({"as": "list"}, 5, "give the column a `separator`"),
        ({"as": "list"}, "[1", "c is not JSON"),
        ({"as": "code"}, "E_FAIL", "hex digits such as 0x87D1041C"),
        ({"as": "code"}, 2**32, "does not fit into 32 bits"),
        ({"as": "json"}, "{", "c is not JSON"),
        ({"as": "time"}, "2026-01-01", "add a `timezone` to the mapping"),
        (
            {"as": "time", "formats": ["year", "%d.%m.%Y"]},
            "soon",
            "in the form year, %d.%m.%Y; correct it, or add",
        ),
        ({"as": "time", "formats": "year"}, "99999", "not a time in the form year"),
    ],
)
def test_cells_that_cannot_be_read(rule, cell, remedy):
    with pytest.raises(RecordRefusedError) as refusal:
        read(cell, **rule)

    assert refusal.value.field == "c"
    assert remedy in refusal.value.reason


def test_pseudonyms_are_stable_and_not_applied_twice():
    once = read(" PC-Anna ", pseudonymise=True)

    assert once == pseudonym("pc-anna") == read(once, pseudonymise=True)
    assert once.startswith("pseudonym:")
    assert "anna" not in once.lower()
    assert once != read("PC-Berta", pseudonymise=True)


def test_sections():
    own = translate(
        {"switch": "/S", "dept": None, "size": "5", "ok": True, "why": "luck", "stars": 4, "said": "fine"},
        approach={"silent_switch": "switch"},
        context=["dept"],
        metrics={"size_mb": "size", "is_ok": "ok"},
        success_factors="why",
        feedback={"rating": "stars", "comment": "said"},
        columns={"size": {"as": "number"}},
    )

    assert own == {
        "application_name": "7-Zip",
        "occurred_at": NEW_YEAR,
        "outcome_status": "success",
        "approach_details": {"silent_switch": "/S"},
        "performance_metrics": {"size_mb": 5, "is_ok": 1},
        "success_factors": ["luck"],
        "feedback": {"rating": 4, "comment": "fine"},
    }


def test_record_ids():
    assert translate({"id": 5.0}, record_id="id")["source_record_id"] == "5"
    pair = [
        translate({"a": a, "b": b}, record_id=["a", "b"])["source_record_id"]
        for a, b in [("x|y", "z"), ("x", "y|z")]
    ]
    assert pair == [r"x\|y|z", r"x|y\|z"]
    assert translate({"a": "x", "b": None}, record_id=["a", "b"])["source_record_id"] == "x|"
    assert translate({"a": "x" * 300, "b": "y"}, record_id=["a", "b"])["source_record_id"].startswith(
        "pseudonym:"
    )
    assert translate({}, record_id=["app", "at"])["source_record_id"] == "7-Zip|2026-01-01T00:00:00+00:00"
    with pytest.raises(RecordRefusedError, match="'a', 'b' is empty, but identifies the record; fill it in"):
        translate({"a": "", "b": None}, record_id=["a", "b"])


EXIT_CODES = {
    "constants": {},
    "reasons": {"code": "exit", "detail": "log"},
    "columns": {"exit": {"as": "code"}},
    "value_maps": [
        {
            "column": "exit",
            "values": {
                0: {"outcome_status": "success"},
                3010: {"outcome_status": "success", "metrics": {"reboot_required": 1}},
                1641: {"outcome_status": "success", "metrics": {"reboot_required": 1}},
                1618: {
                    "outcome_status": "partial",
                    "reason": "busy",
                    "intervention": "retry",
                    "context": {"x": 1},
                },
                259: "skip",
            },
            "otherwise": {"outcome_status": "failure", "reason": "other_exit_code", "approach": {"y": True}},
            "missing": "skip",
        }
    ],
}


def test_exit_codes_become_status_and_reason():
    ok, restart, busy, other = (
        translate({"exit": code, "log": "l"}, **EXIT_CODES) for code in (0, 3010, "1618", 7)
    )

    assert [one["outcome_status"] for one in (ok, restart, busy, other)] == [
        "success",
        "success",
        "partial",
        "failure",
    ]
    assert restart["performance_metrics"] == {"reboot_required": 1}
    assert "failure_reasons" not in ok | restart
    assert busy["failure_reasons"] == [{"code": "1618", "reason": "busy", "detail": "l"}]
    assert (busy["manual_interventions"], busy["context"]) == ([{"kind": "retry"}], {"x": 1})
    assert other["failure_reasons"] == [{"code": "7", "reason": "other_exit_code", "detail": "l"}]
    assert other["approach_details"] == {"y": True}


def test_rows_that_are_no_attempt_are_skipped():
    assert translate({"exit": 259, "log": None}, **EXIT_CODES) is None
    assert translate({"exit": "", "log": None}, **EXIT_CODES) is None
    # Of a row that is skipped, no other cell has to make sense.
    assert translate({"exit": 259, "log": None, "at": "never"}, **EXIT_CODES) is None


def test_a_value_that_the_map_does_not_know_is_refused():
    maps = [{"column": "state", "values": {"Done": {"outcome_status": "success"}, "Gone": "skip"}}]
    assert translate({"state": "DONE "}, value_maps=maps)["outcome_status"] == "success"
    with pytest.raises(RecordRefusedError, match="state is not one of done, gone; correct it, or add it"):
        translate({"state": "odd"}, value_maps=maps)


def test_later_maps_win():
    first = {"column": "a", "values": {"x": {"outcome_status": "failure", "reason": "general"}}}
    second = {"column": "b", "values": {"y": {"reason": "special"}, "z": {}}}
    reasons = [
        translate({"a": "x", "b": b}, value_maps=[first, second])["failure_reasons"][0]["reason"]
        for b in "yz"
    ]
    assert reasons == ["special", "general"]


def test_missing_is_told_before_the_default():
    maps = [{"column": "at", "values": {}, "otherwise": {}, "missing": {"context": {"is_guess": True}}}]
    own = translate({"at": None}, value_maps=maps, columns={"at": {"as": "time", "default": "2020-01-01"}})

    assert own["context"] == {"is_guess": True}
    assert own["occurred_at"] == datetime(2020, 1, 1, tzinfo=UTC)


def test_reasons_from_a_column():
    reasons = {"reason": "why", "statuses": ["success", "failure"]}
    own = translate(
        {"why": ["No Network!", "Disk full", "§"]}, reasons=reasons, columns={"why": {"as": "list"}}
    )
    assert [one["reason"] for one in own["failure_reasons"]] == ["no_network", "disk_full"]
    assert "failure_reasons" not in translate({"why": "No Network!"}, reasons={"reason": "why"})


@pytest.mark.parametrize(
    ("cell", "happened"),
    [(2, True), (0, False), (True, True), ("no", False), ("0", False), ("x", True), (None, False)],
)
def test_interventions_by_a_condition(cell, happened):
    rule = {"kind": "recipe_edit", "when": "edits", "description": "by {who}: {edits}{gap}", "minutes": "min"}
    own = translate({"edits": cell, "who": "Ann", "gap": None, "min": 5}, interventions=[rule])

    text = f"by Ann: {'true' if cell is True else cell}"
    expected = [{"kind": "recipe_edit", "description": text, "minutes": 5}]
    assert own.get("manual_interventions") == (expected if happened else None)


def test_interventions_by_a_column():
    own = translate(
        {"help": "Manual click; Retry"},
        interventions=[{"column": "help"}],
        columns={"help": {"as": "list", "separator": ";"}},
    )
    assert [one["kind"] for one in own["manual_interventions"]] == ["manual_click", "retry"]


def test_columns_that_the_mapping_does_not_name():
    with pytest.raises(RecordRefusedError, match="does not name 'extra'; add it to the mapping"):
        translate({"extra": 1})
    assert "context" not in translate({"extra": 1}, ignore=["extra", "absent"])
    assert "context" not in translate({"extra": 1}, unmapped="ignore")
    assert translate({"extra": 1, "none": None}, unmapped="context", ignore=["gone"])["context"] == {
        "extra": 1
    }


def test_several_values_where_one_is_needed():
    with pytest.raises(RecordRefusedError, match="app holds several values where one is needed"):
        translate({"app": ["a", "b"]})


def test_members():
    mapping = {
        "name": "people",
        "description": "People.",
        "kind": "members",
        "record_id": "id",
        "renames": {"name": "handle", "profile_text": "about"},
        "constants": {"is_visible": True},
        "sets": {"skills": "knows", "tools": "tools"},
        "attributes": ["country"],
        "columns": {"knows": {"as": "list", "separator": ","}, "tools": {"optional": True}},
        "unmapped": "attributes",
    }
    row = {"id": 1, "handle": "ann", "about": "x", "knows": "R, SQL", "country": "CH", "role": "dev"}
    translator = build_translator("members", MemberMapping.model_validate(mapping))

    assert translator.translate(row) == {
        "source_record_id": "1",
        "name": "ann",
        "profile_text": "x",
        "is_visible": True,
        "skills": ["R", "SQL"],
        "interests": [],
        "other_sets": {"tools": []},
        "attributes": {"country": "CH", "role": "dev"},
    }


def test_a_column_with_an_odd_name_can_be_named_in_a_message(store, rows):
    mapping = mapped(context=["a\x00\n"], columns={"a\x00\n": {"as": "number"}})
    report = ingest_records(store, "outcomes", [{**ROW, "a\x00\n": "five"}], mapping=mapping)

    assert len(rows("packaging_outcomes")) == 1
    (note,) = report.notes
    assert note.startswith(r"a\x00\n: 1 cell left out")


def mapped(**changes):
    return OutcomeMapping.model_validate({**SMALL, **changes})


def test_tables_are_compared_with_the_mapping_before_reading(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("app,at,extra\nA,2026-01-01,1\n", encoding="utf-8")
    with pytest.raises(IngestError, match="small does not name 'extra'; add it to the mapping: to a section"):
        ingest_file(store, "outcomes", path, mapping=mapped())
    with pytest.raises(
        IngestError, match="mapping small reads are missing: 'dept'; there are: 'app', 'at', 'extra'"
    ):
        ingest_file(store, "outcomes", path, mapping=mapped(context=["dept"], ignore="extra"))

    optional = mapped(context=["dept"], columns={"dept": {"optional": True}}, unmapped="context")
    assert ingest_file(store, "outcomes", path, mapping=optional).new == 1


def test_documents_are_compared_with_the_mapping_at_their_end(store, rows, jsonl):
    mapping = mapped(context=["dept"])
    sparse = jsonl({**ROW, "dept": "IT"}, ROW)
    assert ingest_file(store, "outcomes", sparse, mapping=mapping).new == 2
    with pytest.raises(IngestError, match="reads are missing: 'dept'"):
        ingest_file(store, "outcomes", jsonl({**ROW, "app": "B"}), mapping=mapping)

    assert {row["application_name"] for row in rows("packaging_outcomes")} == {"7-Zip"}


def test_a_ragged_row_does_not_carry_ignored_cells_into_quarantine(store, rows, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("app,at,user\nA,2026-01-01,ann,x\nB,2026-01-01,ann\n", encoding="utf-8")
    report = ingest_file(store, "outcomes", path, mapping=mapped(ignore="user"))

    assert (report.new, report.quarantined) == (1, 1)
    assert "ann" not in str(rows("quarantined_records")[0])
