"""The pages of alerts in a browser: what needs attention, what is watched, and what ran."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from memory_pipeline.memory import Memory
from memory_pipeline.store.alert_rules import read_rules
from memory_pipeline.store.alerts import Finding, record_findings
from memory_pipeline.store.analysis_log import record_run

OUTCOME = {
    "application_name": "a",
    "outcome_status": "success",
    "occurred_at": "2026-03-01T12:00:00Z",
    "approach_details": {"tool": "a"},
    "source_record_id": "1",
}
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def changed(settings, store):
    """A memory of one attempt that was never rebuilt."""
    with Memory(settings, store) as opened:
        opened.ingest([OUTCOME])
        yield opened


def test_an_alert_is_seen_on_today_acknowledged_and_silenced(serve, changed, open_page, assert_accessible):
    findings = [Finding(f"part={HOSTILE}", f"Success fell. {HOSTILE}")]
    [identity] = record_findings(changed.store, "drift", findings, now=NOW)
    page = open_page(f"{serve(changed).address}/", width=360, dark=True)
    page.get_by_role("link", name="Acknowledge or silence").click()
    page.get_by_role("heading", name="What needs attention").wait_for()
    assert f"Success fell. {HOSTILE}" in page.locator("main").inner_text()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name=f"Acknowledge alert {identity}").click()
    page.get_by_text("Nothing more is sent about this alert.").wait_for()
    page.get_by_role("button", name=f"Silence alert {identity} for a week").click()
    page.get_by_text("It is silent until").wait_for()
    [row], _ = changed.alerts()
    assert row["acknowledged_by"] == "loopback"
    assert row["silenced_until"] is not None


def test_a_rule_is_changed_in_its_form(serve, changed, open_page, assert_accessible):
    page = open_page(f"{serve(changed).address}/alerts/rules", width=360)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_text("Change no-new-outcomes").click()
    form = page.locator("form[action='/alerts/rules/no-new-outcomes']")
    form.get_by_label("Threshold").fill("3.5")
    form.get_by_role("button", name="Save no-new-outcomes").click()
    page.get_by_text("The rule no-new-outcomes is saved.").wait_for()
    rules = {one["name"]: one for one in read_rules(changed.store)}
    assert (rules["no-new-outcomes"]["threshold"], rules["no-new-outcomes"]["enabled"]) == (3.5, True)


def test_a_rule_that_cannot_be_evaluated_says_why_in_its_place(serve, changed):
    with httpx.Client(base_url=serve(changed).address) as client:
        client.get("/alerts/rules")
        form = {"form_token": client.cookies["memory_form"], "name": "wrong", "metric": "rebuild_seconds"}
        answer = client.post("/alerts/rules", data=form | {"direction": "fell"})
        assert answer.status_code == 422
        assert "wrong: direction is &#39;fell&#39;; rebuild_seconds takes above" in answer.text
        answer = client.post("/alerts/rules", data=form | {"direction": "above", "threshold": "60"})
        assert answer.status_code == 303
    [rule] = [one for one in read_rules(changed.store) if one["name"] == "wrong"]
    assert (rule["threshold"], rule["enabled"]) == (60, False)


def test_what_ran_is_shown_with_its_steps(serve, changed, open_page, assert_accessible):
    step = {"step": "outcome_features", "kind": "asset", "state": "succeeded", "rows": 5, "seconds": 1.25}
    run = {"id": "r", "kind": "rebuild", "trigger": "a person", "state": "failed", "error": HOSTILE}
    record_run(changed.store, run | {"began_at": NOW, "ended_at": NOW, "steps": [step]})
    page = open_page(f"{serve(changed).address}/admin/analysis", width=360)
    text = page.locator("main").inner_text()
    assert "Asked for by a person" in text
    assert HOSTILE in text
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
