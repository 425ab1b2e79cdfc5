"""What persons decide: it survives rebuilds, has a history, and impossible decisions are named."""

from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from memory_pipeline.store import decisions, findings, reads
from memory_pipeline.store.identity import pattern_id
from memory_pipeline.store.models import (
    DECISIONS,
    FindingDecision,
    MemberPattern,
    PatternIdentification,
    SuccessFactor,
)


def pattern(value, **changes):
    row = {
        "pattern_type": "success",
        "pattern_name": f"x is {value}",
        "description": "d",
        "target": "success",
        "conditions": {"x": value},
        "impact": {"risk_difference": 0.1, "ci_low": 0.05, "ci_high": 0.15, "q_value": 0.01},
        "confidence": 0.9,
        "sample_size": 50,
        "units": 9,
        "related_outcomes": ["o1"],
        "related_count": 50,
    }
    return row | changes


def member_pattern(name):
    return {
        "name": name,
        "description": "d",
        "category": "skill_cluster",
        "member_count": 3,
        "related_member_ids": [1, 2, 3],
        "evidence": {},
        "question_prompts": ["?"],
        "found_by": "statistics",
    }


def factor(value):
    return {
        "factor_name": value,
        "description": "d",
        "applicability_conditions": {},
        "effectiveness": 0.2,
        "ci_low": 0.1,
        "ci_high": 0.3,
        "confidence": 0.9,
        "sample_size": 10,
        "units": 5,
        "implementation_details": {"column": "c", "value": value, "reference": "r"},
    }


def identity(value):
    return pattern_id("success", "success", {"x": value})


def stored(store, value):
    frame = reads.read_table(store, PatternIdentification, id=identity(value)).astype(object)
    return frame.where(frame.notna(), None).iloc[0]


def test_a_pattern_that_a_person_retired_stays_retired_when_found_again_with_new_figures(store):
    findings.save_patterns(store, [pattern("1"), pattern("2")])
    decisions.decide(store, "pattern", identity("1"), decision="retire", note="known bug", by="ann")
    assert findings.save_patterns(store, [pattern("1", confidence=0.8), pattern("2")]) == 0
    row = stored(store, "1")

    assert (row["active"], row["is_found"], row["confidence"]) == (False, True, 0.8)
    assert row["retired_reason"] == "retired by ann: known bug"
    assert row["retired_at"] == decisions.decision_log(store, "pattern", identity("1"))["decided_at"].iloc[0]
    assert stored(store, "2")["active"]


def test_a_pattern_that_a_person_keeps_stays_active_and_says_that_it_was_not_found(store):
    findings.save_patterns(store, [pattern("1"), pattern("2")])
    decisions.decide(store, "pattern", identity("1"), decision="activate", by="ann")
    assert findings.save_patterns(store, [], lambda found: f"no {found['pattern_name']}") == 1
    kept, gone = stored(store, "1"), stored(store, "2")

    assert (kept["active"], kept["is_found"], kept["absence_reason"]) == (True, False, "no x is 1")
    assert (kept["retired_at"], kept["retired_reason"]) == (None, None)
    assert (gone["active"], gone["is_found"], gone["retired_reason"]) == (False, False, "no x is 2")
    assert gone["retired_at"] is not None


def test_a_decision_that_is_taken_back_leaves_it_to_the_rebuilds(store):
    findings.save_patterns(store, [pattern("1"), pattern("2")])
    decisions.decide(store, "pattern", identity("1"), decision="retire", note="no", by="ann")
    decisions.decide(store, "pattern", identity("2"), decision="activate", by="ann")
    findings.save_patterns(store, [pattern("1")])
    for value in "12":
        held = decisions.decide(store, "pattern", identity(value), decision="reset", by="bo")
        assert held["decision"] is None
    assert (stored(store, "1")["active"], stored(store, "1")["retired_at"]) == (True, None)
    assert (stored(store, "2")["active"], stored(store, "2")["retired_reason"]) == (
        False,
        "not found again by the newest rebuild",
    )


def test_a_note_leaves_the_decision_and_a_decision_leaves_the_note(store):
    findings.save_patterns(store, [pattern("1")])
    decisions.decide(store, "pattern", identity("1"), note=" ask Bo ", by="ann")
    assert stored(store, "1")["active"]
    decisions.decide(store, "pattern", identity("1"), decision="retire", by="bo")
    decisions.decide(store, "pattern", identity("1"), note="Bo says no", by="cy")
    decisions.decide(store, "pattern", identity("1"), note="", by="cy")
    log = decisions.decision_log(store, "pattern", identity("1"))
    log = log.astype(object).where(log.notna(), None)

    assert log[["decision", "note", "decided_by"]].to_numpy().tolist() == [
        [None, "ask Bo", "ann"],
        ["retire", "ask Bo", "bo"],
        ["retire", "Bo says no", "cy"],
        ["retire", None, "cy"],
    ]
    assert log["decided_at"].is_monotonic_increasing
    held = decisions.read_decisions(store, "pattern")
    assert held.drop(columns="decided_at").to_dict("records") == [
        {"finding_id": identity("1"), "decision": "retire", "note": None, "decided_by": "cy"}
    ]


def test_a_factor_that_is_gone_and_comes_back_keeps_what_was_decided(store):
    findings.save_factors(store, [factor("a"), factor("b")])
    first = reads.read_table(store, SuccessFactor).set_index("factor_name")["id"]
    decisions.decide(store, "factor", first["a"], decision="suppress", note="wrong", by="ann")
    findings.save_factors(store, [factor("b")])
    findings.save_factors(store, [factor("a"), factor("b")])
    held = decisions.with_decisions(store, "factor", reads.read_table(store, SuccessFactor))
    held = held.set_index("factor_name")

    assert held.loc["a", ["decision", "note", "decided_by"]].tolist() == ["suppress", "wrong", "ann"]
    assert held.loc["b", list(decisions.COLUMNS)].tolist() == [None] * 4


def test_a_suppressed_factor_can_be_reset_while_no_rebuild_finds_it(store):
    findings.save_factors(store, [factor("a")])
    one = reads.read_table(store, SuccessFactor)["id"].iloc[0]
    decisions.decide(store, "factor", one, decision="suppress", by="ann")
    findings.save_factors(store, [])
    assert decisions.decide(store, "factor", one[:8], decision="reset", by="ann")["finding_id"] == one


def test_a_factor_and_its_mirror_are_one_finding(store):
    """A note on the one leaves the decision on the other; both show what was said last."""
    mirror = factor("r") | {"implementation_details": {"column": "c", "value": "r", "reference": "a"}}
    findings.save_factors(store, [factor("a"), mirror, factor("b")])
    ids = reads.read_table(store, SuccessFactor).set_index("factor_name")["id"]
    decisions.decide(store, "factor", ids["a"], decision="suppress", by="ann")
    assert decisions.decide(store, "factor", ids["r"], note="ask Bo", by="cy")["decision"] == "suppress"
    held = decisions.with_decisions(store, "factor", reads.read_table(store, SuccessFactor))
    held = held.set_index("factor_name")[["decision", "note", "decided_by"]]
    assert held.loc[["a", "r"]].to_numpy().tolist() == [["suppress", "ask Bo", "cy"]] * 2
    assert held.loc["b"].tolist() == [None] * 3
    details = {"column": "c", "value": "a", "reference": "r"}
    log = decisions.factor_decision_log(store, ids["a"], details)
    assert log["decided_by"].tolist() == ["ann", "cy"]


def test_where_a_factor_holds_is_no_part_of_its_identity(store):
    findings.save_factors(store, [factor("a")])
    before = reads.read_table(store, SuccessFactor)["id"].tolist()
    findings.save_factors(store, [factor("a") | {"applicability_conditions": {"installer_type": ["msi"]}}])
    assert reads.read_table(store, SuccessFactor)["id"].tolist() == before


def test_member_patterns_stay_as_a_person_decided(store):
    both = pd.DataFrame([member_pattern("a"), member_pattern("b")])
    findings.save_member_patterns(store, both)
    decisions.decide(store, "member_pattern", "1", decision="retire", by="ann")
    decisions.decide(store, "member_pattern", "2", decision="activate", by="ann")
    findings.save_member_patterns(store, both.head(1))
    active = reads.read_table(store, MemberPattern).set_index("name")["is_active"].to_dict()
    assert active == {"a": False, "b": True}


def test_the_history_has_a_row_for_each_change_and_none_for_none(store):
    findings.save_patterns(store, [pattern("1"), pattern("2")])
    findings.save_patterns(store, [pattern("1"), pattern("2")])
    findings.save_patterns(store, [pattern("1", confidence=0.7, sample_size=60), pattern("2")])
    findings.save_patterns(store, [pattern("2")], lambda _: "below the sample")
    findings.save_patterns(store, [pattern("2")], lambda _: "another reason, which nobody asks for")
    findings.save_patterns(store, [pattern("1", confidence=0.7, sample_size=60), pattern("2")])
    history = findings.pattern_history(store, identity("1"))
    history = history.astype(object).where(history.notna(), None)

    said = history[["is_found", "absence_reason", "confidence", "sample_size", "q_value"]]
    assert said.to_numpy().tolist() == [
        [True, None, 0.9, 50, 0.01],
        [True, None, 0.7, 60, 0.01],
        [False, "below the sample", 0.7, 60, 0.01],
        [True, None, 0.7, 60, 0.01],
    ]
    assert history["recorded_at"].is_monotonic_increasing
    assert len(findings.pattern_history(store, identity("2"))) == 1


def test_the_beginning_of_an_id_will_do_where_only_one_has_it(store):
    findings.save_member_patterns(store, pd.DataFrame([member_pattern(str(n)) for n in range(12)]))
    with store.transaction() as connection:
        assert decisions.find_id(connection, "member_pattern", "1") == "1"  # not 10, 11 or 12
        with pytest.raises(KeyError, match=r"no member-pattern .*'99'.*show member-patterns --json"):
            decisions.find_id(connection, "member_pattern", "99")
        with pytest.raises(KeyError, match="no member-pattern"):
            decisions.find_id(connection, "member_pattern", "")
        with pytest.raises(KeyError, match="no member-pattern"):
            decisions.find_id(connection, "member_pattern", "%")


def test_an_ambiguous_beginning_names_what_it_could_be(store):
    findings.save_patterns(store, [pattern(str(n)) for n in range(40)])
    ids = [identity(str(n)) for n in range(40)]
    first = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    with pytest.raises(KeyError, match=f"patterns have an id that begins with '{first}' .* write more"):
        decisions.decide(store, "pattern", first, decision="retire", by="ann")


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("colour", {"decision": "retire"}, "kind is 'colour'; use one of pattern, factor, member_pattern"),
        ("pattern", {"decision": "suppress"}, "'suppress'; use activate, retire, reset"),
        ("factor", {"decision": "retire"}, "'retire'; use confirm, suppress, reset"),
        ("pattern", {}, "nothing to decide"),
        ("pattern", {"decision": "retire", "by": " "}, "by is empty"),
    ],
)
def test_an_impossible_decision_is_named(store, kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        decisions.decide(store, kind, "x", **{"by": "ann", **arguments})
    assert reads.count_rows(store, FindingDecision) == 0


def test_the_database_refuses_a_decision_of_another_kind(store):
    row = {"kind": "factor", "finding_id": "x", "decision": "retire", "decided_by": "ann"}
    assert "retire" not in DECISIONS["factor"]
    with pytest.raises(IntegrityError), store.transaction() as connection:
        connection.execute(insert(FindingDecision), row)
