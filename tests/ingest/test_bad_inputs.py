"""Hand-made bad inputs: each is refused with the field, the value and the remedy, and the rest is stored."""

from __future__ import annotations

import json
from datetime import date

import pytest

from memory_pipeline.ingest import ingest_records

# what is wrong, changes to a good outcome, field, value, remedy
TEN_BAD_INPUTS = [
    (
        "a required field is missing",
        {"application_name": None},
        "application_name",
        None,
        "application_name is missing; every record needs one",
    ),
    (
        "a status that is not known",
        {"outcome_status": "succeeded"},
        "outcome_status",
        "succeeded",
        "write one of them, or translate the value in a mapping",
    ),
    (
        "a time that cannot be read",
        {"occurred_at": "31.12.2025 10:00"},
        "occurred_at",
        "31.12.2025 10:00",
        "write ISO 8601, such as 2026-03-01T12:00:00+01:00",
    ),
    (
        "a time without a zone",
        {"occurred_at": "2026-03-01T12:00:00"},
        "occurred_at",
        "2026-03-01T12:00:00",
        "read the file with a mapping that has a `timezone`",
    ),
    (
        "a time in the future",
        {"occurred_at": "2206-03-01T12:00:00Z"},
        "occurred_at",
        "2206-03-01T12:00:00Z",
        "correct the clock or the year",
    ),
    (
        "followed, but no recommendation is named",
        {"recommendation_followed": True},
        "recommendation_followed",
        "True",
        "name the recommendation, or leave both out",
    ),
    (
        "a key that is a setting and context",
        {"context": {"silent_switch": "/quiet"}},
        "context.silent_switch",
        "/quiet",
        "keep it there if somebody chose it, otherwise here",
    ),
    (
        "a setting with the name of an outcome field",
        {"approach_details": {"installer_type": "msi"}},
        "approach_details.installer_type",
        "msi",
        "use it, or rename the key",
    ),
    (
        "a metric that is not a number",
        {"performance_metrics": {"duration_seconds": "90 s"}},
        "performance_metrics.duration_seconds",
        "90 s",
        "write it without quotes and unit",
    ),
    (
        "a NUL character",
        {"failure_reasons": [{"reason": "fatal_error", "detail": "a\x00b"}]},
        "failure_reasons.detail",
        r"a\x00b",
        "holds a NUL character; remove it",
    ),
]

MORE_BAD_INPUTS = [
    ({"occurred_at": "1970-01-01T00:00:00Z"}, "occurred_at", "1970-01-01T00:00:00Z", "before 1990"),
    ({"occurred_at": 5}, "occurred_at", "5", "write ISO 8601"),
    ({"occurred_at": ""}, "occurred_at", None, "is missing"),
    ({"outcome_status": ["success"]}, "outcome_status", "['success']", "write one of them"),
    ({"outcome_status": None}, "outcome_status", None, "write success, failure or partial"),
    ({"approach_details": None}, "approach_details", None, "or {} if none are known"),
    ({"approach_details": "/S"}, "approach_details", "/S", 'write for example {"key": "value"}'),
    ({"approach_details": {"a": {"b": 1}}}, "approach_details.a", "{'b': 1}", "flatten it"),
    ({"approach_details": {"a": float("nan")}}, "approach_details.a", "nan", "leave it out if it is unknown"),
    ({"approach_details": {"a": 2**70}}, "approach_details.a", str(2**70), "below 2^63"),
    ({"approach_details": {"a": [1]}}, "approach_details.a", "1", "write each in quotes"),
    ({"approach_details": {"a": "x" * 20_001}}, "approach_details.a", "x" * 199 + "…", "shorten it"),
    ({"approach_details": {"": 1}}, "approach_details", "", "without spaces"),
    ({"approach_details": {f"k{i}": 1 for i in range(501)}}, "approach_details", "501 keys", "at most 500"),
    ({"context": {"a\x00": "x"}}, "context", r"a\x00", "remove it"),
    ({"application_name": 7}, "application_name", "7", "write it in quotes"),
    ({"application_name": "  "}, "application_name", None, "every record needs one"),
    ({"application_name": "x" * 301}, "application_name", "x" * 199 + "…", "write at most 300"),
    ({"application_vendor": "a\nb"}, "application_vendor", r"a\nb", "U+000A at position 1; remove it"),
    ({"application_vendor": "a\ud800"}, "application_vendor", r"a\ud800", "U+D800"),
    ({"application_vendor": "a\x1b[31m"}, "application_vendor", r"a\x1b[31m", "U+001B at position 1"),
    ({"installer_type": "ms\x0ci"}, "installer_type", r"ms\x0ci", "U+000C at position 2"),
    ({"application_name": "a\x85b"}, "application_name", r"a\x85b", "U+0085 at position 1; remove it"),
    ({"application_name": "a\u202egpj.exe"}, "application_name", r"a\u202egpj.exe", "U+202E"),
    ({"task_id": "a\uffff"}, "task_id", r"a\uffff", "U+FFFF"),
    ({"context": {"a\x1b": "x"}}, "context", r"a\x1b", "U+001B at position 1; remove it"),
    ({"feedback": {"comment": "a\ud800"}}, "feedback.comment", r"a\ud800", "U+D800"),
    ({"feedback": {"rating": 6}}, "feedback.rating", "6", "convert the scale"),
    ({"feedback": {"stars": 5}}, "feedback.stars", "5", "move the rest to comment"),
    ({"performance_metrics": {"a": True}}, "performance_metrics.a", "True", "has to be a number"),
    ({"performance_metrics": {"a": float("inf")}}, "performance_metrics.a", "inf", "finite"),
    ({"success_factors": "luck"}, "success_factors", "luck", 'write for example ["a", "b"]'),
    ({"success_factors": ["a"] * 501}, "success_factors", "501 entries", "at most 500"),
    ({"failure_reasons": ["1603"]}, "failure_reasons[1]", "1603", "rewrite it so"),
    ({"failure_reasons": [{"code": "1603"}]}, "failure_reasons.reason", None, "in snake_case"),
    (
        {"failure_reasons": [{"reason": "Fatal Error"}]},
        "failure_reasons.reason",
        "Fatal Error",
        "'fatal_error'",
    ),
    ({"manual_interventions": [{"who": "me"}]}, "manual_interventions[1]", "{'who': 'me'}", "rewrite it so"),
    (
        {"manual_interventions": [{"kind": "retry", "minutes": -1}]},
        "manual_interventions.minutes",
        "-1",
        "or leave it out",
    ),
    (
        {"recommendation_id": "r", "recommendation_followed": 3},
        "recommendation_followed",
        "3",
        "true or false",
    ),
    ({"vendor": "Igor Pavlov"}, "vendor", "Igor Pavlov", "put it under context, approach_details"),
    ({"source": "x" * 101}, "source", "x" * 101, "at most 100"),
    ({"source_record_id": "a\tb"}, "source_record_id", r"a\tb", "remove it"),
    ({"occurred_at": date(2026, 3, 1)}, "occurred_at", "2026-03-01", "a date without a time"),
    ({"context": "{no json}"}, "context", "{no json}", "has to be an object"),
    ({"_quarantine": 5}, "_quarantine", "5", "export again"),
]

# Cells of a CSV are text, and may be empty.
ODD_BUT_GOOD = {
    "context": "",
    "feedback": "{}",
    "recommendation_id": "r",
    "recommendation_followed": " TRUE ",
    "application_vendor": "Zoë\u00a0Ltd",
    "success_factors": ' ["a"] ',
    "failure_reasons": "[]",
}

BAD_MEMBERS = [
    ({"skills": "Python"}, "skills", "Python", 'write for example ["a", "b"]'),
    ({"skills": [5]}, "skills", "5", "write each in quotes"),
    ({"skills": ["x" * 301]}, "skills", "x" * 199 + "…", "shorten it to 300"),
    ({"interests": ["a\x01"]}, "interests", r"a\x01", "remove it"),
    ({"other_sets": {"skills": ["a"]}}, "other_sets.skills", None, "move the entries there"),
    ({"attributes": {"a": {}}}, "attributes.a", "{}", "flatten it"),
    ({"profile_text": 5}, "profile_text", "5", "write it in quotes"),
    ({"is_visible": "maybe"}, "is_visible", "maybe", "true or false"),
    ({"nickname": "x"}, "nickname", "x", "put it under attributes or other_sets"),
]


@pytest.mark.parametrize("case", TEN_BAD_INPUTS, ids=[case[0] for case in TEN_BAD_INPUTS])
def test_ten_bad_inputs(store, rows, outcome, case):
    _, changes, field, value, remedy = case
    bad = outcome(**{"source_record_id": "bad", **changes})
    report = ingest_records(store, "outcomes", [bad, outcome()], name="by hand")

    assert (report.read, report.new, report.quarantined) == (2, 1, 1)
    (kept,) = rows("quarantined_records")
    assert (kept["field"], kept["value"]) == (field, value)
    assert remedy in kept["reason"]
    assert field.split(".")[-1] in kept["reason"]
    assert (kept["row_number"], kept["file_name"], kept["mapping_name"]) == (1, "by hand", "own_format")
    assert report.problems[0].reason == kept["reason"]
    json.dumps(kept["record"], allow_nan=False)


def check_all(report, kept, expected):
    assert (report.new, report.quarantined, report.is_all_refused) == (0, len(expected), True)
    assert [(one["field"], one["value"]) for one in kept] == [(case[1], case[2]) for case in expected]
    assert [case[3] in one["reason"] for one, case in zip(kept, expected, strict=True)] == [True] * len(kept)


def test_more_bad_inputs(store, rows, outcome):
    bad = [outcome(**{"source_record_id": f"bad {n}", **case[0]}) for n, case in enumerate(MORE_BAD_INPUTS)]
    check_all(ingest_records(store, "outcomes", bad), rows("quarantined_records"), MORE_BAD_INPUTS)


def test_bad_members(store, rows):
    bad = [{"name": f"Member {n}", **case[0]} for n, case in enumerate(BAD_MEMBERS)]
    check_all(ingest_records(store, "members", bad), rows("quarantined_records"), BAD_MEMBERS)


def test_odd_but_good_values(store, rows, outcome):
    report = ingest_records(store, "outcomes", [outcome(**ODD_BUT_GOOD)])

    assert report.problems == ()
    (row,) = rows("packaging_outcomes")
    assert (row["context"], row["feedback"], row["recommendation_followed"]) == ({}, None, True)
    assert (row["application_vendor"], row["success_factors"]) == ("Zoë Ltd", ["a"])
    assert row["failure_reasons"] == []


def test_what_is_no_object_is_refused(store, rows, outcome):
    report = ingest_records(store, "outcomes", [5, None, ["a"], "text", outcome()])

    assert (report.new, report.quarantined) == (1, 4)
    kept = [one["record"] for one in rows("quarantined_records")]
    assert kept == [{"(record)": 5}, {"(record)": None}, {"(record)": ["a"]}, {"(record)": "text"}]
    assert "write fields and values in braces" in report.problems[0].reason


def test_control_characters_of_texts_are_stored_visibly_and_only_these(store, rows, outcome):
    kept = "at C:\\\\fonts\\u001b\r\n\tline é \u200d 📦"
    log = f"\x1b[31mfailed\x1b[0m {kept}\x0c\x08\x7f\x85\u202e\u2066\ufffe\uffff"
    shown = rf"\u001b[31mfailed\u001b[0m {kept}\u000c\u0008\u007f\u0085\u202e\u2066\ufffe\uffff"
    record = outcome(
        approach_details={"switch": log, "tags": [log]},
        context={"note": log},
        failure_reasons=[{"reason": "fatal_error", "detail": log}],
        feedback={"comment": log},
    )
    first = ingest_records(store, "outcomes", [record])
    again = ingest_records(store, "outcomes", [record])
    assert (first.new, again.unchanged) == (1, 1)
    [stored] = rows("packaging_outcomes")
    assert stored["approach_details"] == {"switch": shown, "tags": [shown]}
    assert stored["context"] == {"note": shown}
    assert stored["failure_reasons"][0]["detail"] == stored["feedback"]["comment"] == shown


def test_a_backslash_before_u0000_is_no_nul(store, rows, outcome):
    ingest_records(store, "outcomes", [outcome(context={"path": "C:\\u0000"})])

    assert rows("packaging_outcomes")[0]["context"] == {"path": "C:\\u0000"}


def test_a_record_that_no_json_can_hold_is_kept_as_text(store, rows):
    nested: list = []
    for _ in range(5_000):
        nested = [nested]
    ingest_records(
        store, "outcomes", [{"a": {1, 2}, "b": object, "c": b"\x00"}, {"application_name": nested}]
    )

    first, second = rows("quarantined_records")
    assert first["record"]["a"] == "{1, 2}"
    assert second["record"] == {"(record)": "nested too deeply to be kept"}
