"""The pages of alerts in a browser: what needs attention, what is watched, and what ran."""

from __future__ import annotations

from datetime import UTC, datetime

from memory_pipeline.store.alert_rules import read_rules
from memory_pipeline.store.alerts import Finding, record_findings
from memory_pipeline.store.analysis_log import record_run

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"


def test_an_alert_is_seen_on_today_acknowledged_and_silenced(serve, changed, open_page, assert_accessible):
    findings = [Finding(f"part={HOSTILE}", f"Success fell. {HOSTILE}")]
    record_findings(changed.store, "drift", findings, now=NOW)
    page = open_page(f"{serve(changed).address}/", width=360, dark=True)
    page.get_by_role("link", name="Acknowledge or silence").click()
    page.get_by_role("heading", name="What needs attention").wait_for()
    assert f"Success fell. {HOSTILE}" in page.locator("main").inner_text()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Acknowledge alert 1").click()
    page.get_by_text("Nothing more is sent about this alert.").wait_for()
    page.get_by_role("button", name="Silence alert 1 for a week").click()
    page.get_by_text("It is silent until").wait_for()
    [row], _ = changed.alerts()
    assert row["acknowledged_by"] == "loopback"
    assert row["silenced_until"] is not None


def test_rules_are_changed_and_a_wrong_one_says_why(serve, changed, open_page, assert_accessible):
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


def test_what_ran_is_shown_with_its_steps(serve, changed, open_page, assert_accessible):
    step = {"step": "outcome_features", "kind": "asset", "state": "succeeded", "rows": 5, "seconds": 1.25}
    run = {"id": "r", "kind": "rebuild", "trigger": "a person", "state": "failed", "error": HOSTILE}
    record_run(changed.store, run | {"began_at": NOW, "ended_at": NOW, "steps": [step]})
    page = open_page(f"{serve(changed).address}/admin/analysis", width=360, scripts=False)
    text = page.locator("main").inner_text()
    assert "Asked for by a person" in text
    assert HOSTILE in text
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
