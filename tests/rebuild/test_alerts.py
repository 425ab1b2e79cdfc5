"""Alerts after a rebuild: what rules notice in a memory, failed rebuilds among it, and what is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from made_history import START
from pydantic import SecretStr
from quick_rebuilds import leave_out
from sqlalchemy import insert, text, update

from memory_pipeline.contracts.contract import load_contract
from memory_pipeline.rebuild import RebuildError, rebuild
from memory_pipeline.rebuild.alert_sending import send_alerts, sending_hint
from memory_pipeline.rebuild.alerts import evaluate_alerts
from memory_pipeline.rebuild.features import update_features
from memory_pipeline.rebuild.steps import SOURCES, STEPS
from memory_pipeline.store.alert_messages import sending_problem
from memory_pipeline.store.alert_rules import read_rules, save_rule
from memory_pipeline.store.alerts import count_open, read_alerts
from memory_pipeline.store.analysis_log import read_runs
from memory_pipeline.store.models import DiscoveryRun, PackagingOutcome, QuarantinedRecord
from memory_pipeline.store.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.store.session import Session

ATTEMPTS = 1300
END = START + timedelta(hours=9 * ATTEMPTS)
QUIET_RULES = ("no-new-outcomes", "quarantine-grows", "discovery-expensive")
SECRET = "json://user:hidden@host/path"


@pytest.fixture(autouse=True)
def _without_slow_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out(monkeypatch)


def open_messages(memory: Session) -> dict[str, str]:
    return {
        f"{one['rule_name']} {one['subject']}".strip(): one["message"] for one in read_alerts(memory.store)[0]
    }


def fail_lately(memory: Session, days: int, *, where: str = "true") -> None:
    with memory.store.transaction() as connection:
        connection.execute(
            update(PackagingOutcome)
            .where(PackagingOutcome.occurred_at > END - timedelta(days=days), text(where))
            .values(outcome_status="failure"),
        )


def test_a_fall_is_noticed_for_all_attempts_and_by_segment_and_closes_when_it_is_over(
    memory: Session, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(ATTEMPTS)
    update_features(memory)
    assert evaluate_alerts(memory, now=END).opened == 0
    fail_lately(memory, 35, where="application_type = 'browser'")
    update_features(memory)
    save_rule(memory.store, "success-fell", {"error_rate": 0.5}, by="test")
    segment = {"segment_column": "application_type", "error_rate": 0.5}
    save_rule(memory.store, "drift", segment, by="test")
    evaluated = evaluate_alerts(memory, now=END)
    assert evaluated.problems == {}
    found = open_messages(memory)
    assert set(found) == {"success-fell", "drift application_type=browser"}
    assert evaluated.still_open == {"drift": 1, "success-fell": 1}
    assert found["drift application_type=browser"].startswith("Success of application type browser fell by ")
    assert evaluate_alerts(memory, now=END).opened == 0
    # Half a year later the looks that saw it are long over.
    evaluate_alerts(memory, now=END + timedelta(days=200))
    assert set(open_messages(memory)) == {"no-new-outcomes"}


def test_a_rule_that_cannot_be_evaluated_says_why_and_stops_no_other(
    memory: Session, add_outcomes: Callable[..., None]
) -> None:
    evaluated = evaluate_alerts(memory)
    assert evaluated.problems == {}
    problems = {one["name"]: one["problem"] for one in read_rules(memory.store)}
    assert problems["success-fell"] == "waits for the first rebuild"
    assert problems["no-new-outcomes"] is None
    add_outcomes(50)
    update_features(memory)
    save_rule(memory.store, "drift", {"segment_column": "colour"}, by="test")
    evaluated = evaluate_alerts(memory)
    assert list(evaluated.problems) == ["drift"], evaluated.problems
    assert "segment_column is 'colour'; use one of application_name" in evaluated.problems["drift"]
    assert set(open_messages(memory)) == {"no-new-outcomes"}


def test_facts_are_alerts_beyond_their_thresholds(memory: Session, add_outcomes: Callable[..., None]) -> None:
    add_outcomes(20)
    record = {
        "kind": "outcomes",
        "mapping_name": "m",
        "file_name": "f.csv",
        "field": "status",
        "value": "?",
        "reason": "is not a status",
        "ingest_id": "i",
        "record": {},
    }
    with memory.store.transaction() as connection:
        rows = [record | {"row_number": one, "record_hash": str(one)} for one in range(21)]
        connection.execute(insert(QuarantinedRecord), rows)
        connection.execute(
            insert(DiscoveryRun),
            [{"id": str(one), "status": "done", "message": "", "cost_usd": 6.0} for one in (1, 2)],
        )
    evaluate_alerts(memory)
    found = open_messages(memory)
    assert set(found) == set(QUIET_RULES)
    assert "21 records were refused in the last seven days" in found["quarantine-grows"]
    assert "most often (21) because: is not a status" in found["quarantine-grows"]
    assert "Discoveries cost 12.00 US dollars" in found["discovery-expensive"]
    assert "No attempt is newer than 2025-01-08" in found["no-new-outcomes"]
    for name, threshold in (("quarantine-grows", 21), ("discovery-expensive", 12), ("no-new-outcomes", 1e6)):
        save_rule(memory.store, name, {"threshold": threshold}, by="test")
    evaluate_alerts(memory)
    assert open_messages(memory) == {}


def test_a_failed_rebuild_and_a_violated_contract_are_alerts_until_one_succeeds(
    memory: Session, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(50)
    add_outcomes(3, first=50, application_name=" ")
    with pytest.raises(RebuildError):
        rebuild(memory, contracts=[load_contract("packaging_outcomes")], trigger="test")
    found = open_messages(memory)
    assert set(found) == {
        "rebuild-failed",
        "contract-violated packaging_outcomes.application_is_named",
        "no-new-outcomes",
    }
    assert "The rebuild failed once" in found["rebuild-failed"]
    assert "contract packaging_outcomes.application_is_named violated" in found["rebuild-failed"]
    [run], _ = read_runs(memory.store)
    assert (run["state"], run["trigger"], run["kind"]) == ("failed", "test", "rebuild")
    assert run["violations"][0]["expectation"] == "application_is_named"
    rebuild(memory, contracts=())
    assert set(open_messages(memory)) == {"no-new-outcomes"}
    [newest, _], total = read_runs(memory.store)
    assert (newest["state"], newest["trigger"], newest["error"], total) == ("succeeded", "program", None, 2)
    assert [one["step"] for one in newest["steps"]] == [*SOURCES, *(one.name for one in STEPS)]
    assert all(one["seconds"] >= 0 for one in newest["steps"])
    assert set(newest["versions"]) == {"memory_pipeline", "code", "python"}
    assert set(newest["changes"]) == {"new_patterns", "retired_patterns", "advice_changes"}


def test_a_slow_rebuild_names_its_slowest_step(memory: Session) -> None:
    save_rule(memory.store, "rebuild-slow", {"threshold": 0}, by="test")
    rebuild(memory, contracts=())
    assert "The last rebuild took " in open_messages(memory)["rebuild-slow"]


def test_a_pattern_that_no_longer_holds_is_an_alert(
    memory: Session, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(ATTEMPTS)
    rebuild(memory, contracts=())
    assert not [one for one in open_messages(memory) if one.startswith("pattern")]
    fail_lately(memory, 95, where="(approach_details->>'is_quiet')::bool")
    update_features(memory)
    save_rule(memory.store, "pattern-stopped", {"error_rate": 0.5}, by="test")
    evaluated = evaluate_alerts(memory, now=END)
    assert evaluated.problems == {}
    stopped = [text for name, text in open_messages(memory).items() if name.startswith("pattern-stopped ")]
    assert any(
        one.startswith("A pattern no longer holds: ") and "Success there rose by" in one for one in stopped
    )


def test_nothing_that_goes_wrong_with_alerts_fails_a_rebuild(
    memory: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the rules are gone")

    monkeypatch.setattr("memory_pipeline.rebuild.alerts.enabled_rules", broken)
    monkeypatch.setattr("memory_pipeline.rebuild.after.log_rebuild", broken)
    assert rebuild(memory, contracts=()).warnings == ()


def test_alerts_are_sent_and_their_addresses_kept_secret(memory: Session) -> None:
    settings = memory.settings.model_copy(update={"alert_urls": SecretStr(f"{SECRET} json://other/")})
    watched = open_session(settings, memory.store)
    with memory.store.transaction() as connection:
        connection.execute(
            insert(DiscoveryRun), [{"id": "1", "status": "done", "message": "", "cost_usd": 60.0}]
        )
    if sending_hint(settings) is not None:  # Apprise is an optional extra
        assert "memory-pipeline[alerts]" in str(sending_hint(settings))
        evaluate_alerts(watched)
        problem = sending_problem(memory.store)
        assert problem is not None
        assert "Apprise is not installed" in problem["error"]
    calls: list[tuple[str, str]] = []

    def notify(address: str, title: str, _body: str) -> bool:
        calls.append((address, title))
        if address == SECRET:
            raise OSError(f"cannot reach {address}")
        return True

    later = datetime.now(tz=UTC) + timedelta(minutes=30)
    evaluate_alerts(watched)
    sent = send_alerts(watched, notify=notify, now=later)
    assert sent is not None
    assert (sent.sent, sent.failed) == (1, 1)
    assert sorted(calls) == [("json://other/", "discovery-expensive"), (SECRET, "discovery-expensive")]
    problem = sending_problem(memory.store)
    assert problem is not None
    assert problem["error"].endswith("failed with OSError")
    assert "hidden" not in problem["error"]
    assert send_alerts(memory) is None
    assert count_open(memory.store) == {"discovery-expensive": 1}
