"""Rules, alerts and their outbox in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from memory_pipeline.store.alert_messages import read_messages, send_waiting, sending_problem
from memory_pipeline.store.alert_rules import (
    SHIPPED_RULES,
    enabled_rules,
    note_evaluation,
    read_rules,
    remove_rule,
    save_rule,
)
from memory_pipeline.store.alerts import (
    Finding,
    acknowledge,
    address_key,
    count_open,
    read_alerts,
    record_findings,
    silence,
)
from memory_pipeline.store.analysis_log import read_runs, record_run

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "json://user:hidden@host/path"


def test_the_shipped_rules_are_the_first_ones(store):
    rules = read_rules(store)
    assert [one["name"] for one in rules] == sorted(one["name"] for one in SHIPPED_RULES)
    assert len(enabled_rules(store)) == len(SHIPPED_RULES)
    tested = {one["name"]: one["error_rate"] for one in rules if one["error_rate"] is not None}
    assert tested == dict.fromkeys(["success-fell", "drift", "advice-does-harm", "pattern-stopped"], 0.05)


def test_a_rule_is_changed_added_and_removed(store):
    changed = save_rule(store, "no-new-outcomes", {"threshold": 3}, by="ann")
    assert (changed["threshold"], changed["metric"], changed["updated_by"]) == (
        3,
        "days_without_outcomes",
        "ann",
    )
    added = save_rule(
        store,
        "msi",
        {
            "metric": "success",
            "direction": "fell",
            "segment_column": "installer_type",
            "segment_value": "msi",
        },
        by="ann",
    )
    assert (added["error_rate"], added["threshold"], added["enabled"]) == (0.05, 0, True)
    save_rule(store, "msi", {"enabled": False}, by="ann")
    assert "msi" not in {one.name for one in enabled_rules(store)}
    record_findings(store, "msi", [Finding("", "It fell.")], now=NOW)
    remove_rule(store, "msi")
    assert count_open(store) == {}
    with pytest.raises(KeyError, match="there is no alert rule 'msi'"):
        remove_rule(store, "msi")
    note_evaluation(store, "drift", now=NOW, problem="why")
    [drift] = [one for one in read_rules(store) if one["name"] == "drift"]
    assert (drift["evaluated_at"], drift["problem"]) == (NOW, "why")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Drift!", {}, "name is 'Drift!'; use lower-case letters"),
        ("new", {}, "metric is None; use one of success, advice_gain"),
        ("new", {"metric": "luck"}, "metric is 'luck'; use one of"),
        ("drift", {"direction": "above"}, "direction is 'above'; success takes fell, rose, changed"),
        ("drift", {"threshold": -1}, "threshold is -1; use a number from 0 to 1 "),
        ("drift", {"threshold": float("nan")}, "threshold is nan"),
        ("drift", {"error_rate": 0}, "error_rate is 0; use expected false alarms"),
        ("drift", {"segment_column": None, "segment_value": "x"}, "name its segment_column too"),
        ("no-new-outcomes", {"error_rate": 0.1}, "chance does not move days_without_outcomes"),
        ("no-new-outcomes", {"segment_column": "x"}, "only the metric success"),
        ("drift", {"colour": 1}, "a rule has no field 'colour'"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_refused(store, name, changes, message):
    with pytest.raises(ValueError, match=message):
        save_rule(store, name, changes, by="ann")


def test_an_alert_opens_once_is_seen_again_and_closes(store):
    [first] = record_findings(store, "drift", [Finding("a=1", "It fell.")], now=NOW)
    both = [Finding("a=1", "It fell more.", {"n": 3}), Finding("a=2", "It rose.")]
    [second] = record_findings(store, "drift", both, now=NOW + HOUR)
    rows, total = read_alerts(store)
    assert ([one["id"] for one in rows], total) == ([second, first], 2)
    assert (rows[1]["message"], rows[1]["details"], rows[1]["opened_at"], rows[1]["seen_at"]) == (
        "It fell more.",
        {"n": 3},
        NOW,
        NOW + HOUR,
    )
    assert count_open(store) == {"drift": 2}
    record_findings(store, "drift", [], now=NOW + 2 * HOUR)
    assert read_alerts(store) == ([], 0)
    # Back within a day it is the same alert, later another one.
    assert record_findings(store, "drift", [both[0]], now=NOW + 3 * HOUR) == []
    record_findings(store, "drift", [], now=NOW + 4 * HOUR)
    assert len(record_findings(store, "drift", [both[0]], now=NOW + 40 * HOUR)) == 1
    assert read_alerts(store, state="all", limit=1)[1] == 3
    assert read_alerts(store, state="closed")[1] == 2
    with pytest.raises(ValueError, match="state is 'new'"):
        read_alerts(store, state="new")


def test_a_message_is_sent_once_and_tried_again_after_a_failure(store):
    record_findings(store, "drift", [Finding("a=1", "It fell.")], now=NOW, addresses=[SECRET, SECRET])
    [alert], _ = read_alerts(store)
    with store.transaction() as connection:
        connection.execute(
            text("update alert_messages set created_at = :now, next_try_at = :now"), {"now": NOW}
        )
        stored = str(connection.execute(text("select * from alert_messages")).mappings().all())
    assert "hidden" not in stored
    calls = []

    def fail(address, title, body):
        calls.append((address, title, body))
        return "no answer"

    assert send_waiting(store, fail, now=NOW).failed == 1
    assert calls == [(address_key(SECRET), "drift: a=1", "It fell.")]
    assert sending_problem(store) == {"waiting": 1, "first_at": NOW, "error": "no answer"}
    assert send_waiting(store, fail, now=NOW + timedelta(seconds=30)).failed == 0
    assert send_waiting(store, fail, now=NOW + timedelta(seconds=61)).failed == 1  # then after two minutes
    assert send_waiting(store, fail, now=NOW + timedelta(seconds=150)).failed == 0
    assert send_waiting(store, lambda *_: None, now=NOW + HOUR).sent == 1
    assert send_waiting(store, lambda *_: None, now=NOW + 9 * HOUR).sent == 0
    [message] = read_messages(store, alert["id"])
    assert (message["attempts"], message["sent_at"], message["error"]) == (3, NOW + HOUR, None)
    assert sending_problem(store) is None


def test_what_is_acknowledged_or_silenced_is_not_sent(store):
    findings = [Finding("a=1", "It fell."), Finding("a=2", "It fell.")]
    known, quiet = record_findings(store, "drift", findings, now=NOW, addresses=[SECRET])
    with store.transaction() as connection:
        connection.execute(
            text("update alert_messages set created_at = :now, next_try_at = :now"), {"now": NOW}
        )
    row = acknowledge(store, known, by="ann")
    assert row["acknowledged_by"] == "ann"
    assert acknowledge(store, known, by="bob")["acknowledged_at"] == row["acknowledged_at"]
    silence(store, quiet, until=NOW + 2 * HOUR)
    assert send_waiting(store, lambda *_: None, now=NOW + HOUR).sent == 0
    assert send_waiting(store, lambda *_: None, now=NOW + 3 * HOUR).sent == 1
    # The silence of a subject holds for what follows about it.
    silence(store, quiet, until=NOW + 99 * HOUR)
    record_findings(store, "drift", [], now=NOW + 4 * HOUR)
    [again] = record_findings(store, "drift", [findings[1]], now=NOW + 50 * HOUR)
    assert read_alerts(store)[0][0]["silenced_until"] == NOW + 99 * HOUR
    assert silence(store, again, until=None)["silenced_until"] is None
    for change in (lambda: acknowledge(store, 99, by="ann"), lambda: silence(store, 99, until=None)):
        with pytest.raises(KeyError, match="no alert has the id 99"):
            change()


def test_the_log_of_the_analysis_keeps_a_run_once(store):
    row = {"id": "r1", "kind": "rebuild", "trigger": "command", "state": "failed", "error": "why"}
    for trigger in ("command", "sensor"):
        record_run(store, row | {"trigger": trigger, "began_at": NOW, "ended_at": NOW + HOUR})
    record_run(store, row | {"id": "r2", "began_at": NOW, "ended_at": NOW + 2 * HOUR})
    rows, total = read_runs(store, kind="rebuild", limit=1)
    assert ([one["id"] for one in rows], total) == (["r2"], 2)
    rows, _ = read_runs(store, before=(rows[0]["ended_at"], "r2"))
    assert [(one["id"], one["trigger"]) for one in rows] == [("r1", "command")]
