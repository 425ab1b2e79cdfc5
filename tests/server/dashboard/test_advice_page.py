"""The page of advice in a browser: describe, see why, what if, ask, say what came of it."""

from __future__ import annotations

import re

CONTEXT = {"installer_type": "msi", "application_type": "browser"}
QUERY = "&".join(f"context.{name}={value}" for name, value in CONTEXT.items())


def test_advice_stands_with_its_reasons_and_past_cases_and_logs_nothing(site, open_page, assert_accessible):
    asked = site.memory.usage()["asked"]
    page = open_page(f"{site.address}/advice")
    for name, value in CONTEXT.items():
        page.locator(f"[name='context.{name}']").fill(value)
    page.get_by_role("button", name="Look").click()
    page.wait_for_url(re.compile("context.installer_type=msi"))
    page.get_by_role("heading", name="Past attempts like it").wait_for()
    answer = site.memory.recommend(CONTEXT, log=False)
    for reason in answer.advice.reasons:
        assert page.get_by_text(reason).is_visible()
    linked = page.get_by_role("region", name="Past attempts like it").locator("a")
    shown = [one.split("/")[-1] for one in linked.evaluate_all("all => all.map(a => a.href)")]
    assert shown == [case.outcome_id for case in answer.cases]
    assert site.memory.usage()["asked"] == asked
    assert_accessible(page)


def test_other_settings_move_the_expected_success(site, open_page):
    page = open_page(f"{site.address}/advice?{QUERY}", scripts=False)
    candidates = site.memory.recommend(CONTEXT, log=False).advice.candidates
    usual = max(
        (one for one in candidates if one["approach"]["close_processes"] == "no"),
        key=lambda one: (one["usual_share"], one["success_rate"]),
    )
    page.locator("[name='if.close_processes']").select_option("no")
    page.get_by_role("button", name="Compare").click()
    said = page.get_by_role("region", name="What to expect instead").inner_text()
    assert f"{usual['success_rate']:.0%} expected" in said
    check = site.memory.check_approach(CONTEXT, {"close_processes": "no"})
    assert check.sentence in said


def test_contexts_are_listed_with_their_own_attempts(site, open_page):
    page = open_page(f"{site.address}/advice")
    rows = page.get_by_role("region", name="Contexts").locator("tbody tr")
    contexts = site.memory.recommendations().head(50)
    attempts = site.memory.attempts_in_contexts(contexts["conditions"].tolist())
    assert rows.locator("td:nth-of-type(1)").all_inner_texts() == [f"{one:,}" for one in attempts]
    rows.first.locator("th a").click()
    page.get_by_role("button", name="Ask").wait_for()


def test_an_application_is_described_as_its_newest_attempt(site, open_page):
    newest = site.memory.outcomes(limit=1).iloc[0]
    page = open_page(f"{site.address}/advice?application={newest['application_name']}")
    field = page.get_by_role("combobox", name="installer type")
    assert field.input_value() == newest["installer_type"]
    page = open_page(f"{site.address}/advice?context.instaler_type=msi", scripts=False)
    assert page.get_by_text("did you mean 'installer_type'?").is_visible()


def test_an_answer_is_asked_for_and_its_outcome_reported(serve, changed, open_page, assert_accessible):
    page = open_page(f"{serve(changed).address}/advice?application=7-Zip&{QUERY}", width=360)
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url(re.compile("/advice/[0-9a-f-]{36}"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
    identity = page.url.split("/")[-1].partition("?")[0]
    assert changed.served(identity)["context"] == CONTEXT
    page.get_by_label("How it ended").select_option("failure")
    page.get_by_label("Why it did not succeed").fill("timeout")
    page.get_by_label("Comment").fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="I followed it").click()
    page.get_by_text("The outcome is stored").wait_for()
    (stored,) = changed.to_records(changed.outcomes(recommendation_id=identity))
    assert stored["recommendation_followed"] is True
    assert stored["installer_type"] == "msi"
    assert stored["failure_reasons"][0]["reason"] == "timeout"
    advised = changed.served(identity)["recommended_approach"]
    assert {name: stored["approach_details"][name] for name in advised} == advised
    page.get_by_role("region", name="Outcomes of this answer").locator("a").click()
    page.get_by_role("heading", name="The advice that it had").wait_for()
    assert page.get_by_text("It was followed").is_visible()
    assert "<img src=x onerror=alert(1)>" in page.locator("main").inner_text()
