"""The page of outcomes in a browser: what is selected, who fails most, paging, CSV, one attempt."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import quote

import pytest

from memory_pipeline.server.dashboard.pages import outcomes


def attempts(page):
    return page.get_by_role("region", name="Attempts").locator("tbody tr")


def test_outcomes_are_seen_and_filtered_by_different_criteria(
    site, open_page, wait_for_charts, assert_accessible
):
    page = open_page(f"{site.address}/outcomes")
    whole = site.memory.outcome_page()
    assert attempts(page).count() == len(whole.outcomes)
    assert attempts(page).first.locator("th").inner_text() == whole.outcomes["application_name"].iloc[0]
    summary = site.memory.outcome_summary()
    assert page.get_by_text(f"of {summary.attempts:,} attempts succeeded").is_visible()
    assert page.get_by_text(summary.applications_sentence).is_visible()
    assert wait_for_charts(page) == 1
    assert_accessible(page)
    page.locator("select[name=status]").select_option("failure")
    page.wait_for_url(re.compile("status=failure"))
    page.locator("select[name=installer_type]").select_option("msi")
    page.wait_for_url(re.compile("installer_type=msi"))
    total = site.memory.outcome_page(status="failure", installer_type="msi").total
    page.get_by_text(f"{total:,} attempts, newest first.").wait_for()
    page.get_by_role("link", name="Without status: failure").click()
    total = site.memory.outcome_page(installer_type="msi").total
    page.get_by_text(f"{total:,} attempts, newest first.").wait_for()


def test_a_reason_and_an_application_lead_to_their_attempts(site, open_page):
    page = open_page(f"{site.address}/outcomes")
    reason = site.memory.outcome_summary().reasons["reason"].iloc[0]
    page.get_by_role("region", name="Failure reasons").locator("a").first.click()
    total = site.memory.outcome_page(failure_reason=reason).total
    page.get_by_text(f"{total:,} attempts, newest first.").wait_for()
    page.get_by_role("region", name="Attempts").locator("th a").first.click()
    page.get_by_role("heading", name="Patterns that it belongs to").wait_for()
    identity = page.url.split("/")[-1]
    found = site.memory.outcome(identity)
    assert found["application_name"] in page.locator("h1").inner_text()
    shown = [a.split("/")[-1] for a in page.locator("main a").evaluate_all("all => all.map(a => a.href)")]
    assert set(found["patterns"]["id"]) <= set(shown)


def test_every_attempt_is_on_one_page_and_in_the_csv(site, open_page, monkeypatch):
    monkeypatch.setattr(outcomes, "_CSV_ROWS", 7)
    query = "status=partial&sort=application_name"
    expected = site.memory.outcomes(status="partial", sort="application_name")["id"].tolist()
    page = open_page(f"{site.address}/outcomes?{query}", scripts=False)
    sent = page.request.get(f"{site.address}/outcomes.csv?{query}").text()
    assert [row["id"] for row in csv.DictReader(io.StringIO(sent, newline=""))] == expected
    seen = []
    while True:
        links = page.locator("[aria-label='Attempts'] th a")
        seen += [one.split("/")[-1] for one in links.evaluate_all("all => all.map(a => a.href)")]
        following = page.get_by_role("link", name="Next page")
        if not following.count():
            break
        following.click()
    assert seen == expected


def test_an_unknown_value_names_the_nearest_that_is_known(site, open_page, assert_accessible):
    page = open_page(f"{site.address}/outcomes?installer_type=msii")
    page.get_by_role("link", name="msi", exact=True).click()
    total = site.memory.outcome_page(installer_type="msi").total
    page.get_by_text(f"{total:,} attempts, newest first.").wait_for()


def test_a_large_selection_is_summarised_behind_the_page(site, open_page, monkeypatch):
    monkeypatch.setattr(outcomes, "COUNTED_AT_ONCE", 10)
    monkeypatch.setattr(outcomes, "COUNTED", 20)
    page = open_page(f"{site.address}/outcomes?status=failure", scripts=False)
    page.get_by_text("More than 20 attempts, newest first.").wait_for()
    page.get_by_role("link", name="Load the page with it").click()
    total = site.memory.outcome_page(status="failure").total
    page.get_by_text(f"{total:,} attempts, newest first.").wait_for()
    page = open_page(f"{site.address}/outcomes")
    page.get_by_text(site.memory.outcome_summary().applications_sentence).wait_for()
    page = open_page(f"{site.address}/outcomes", scripts=False)  # kept by now, it is part of the page
    assert page.get_by_text(site.memory.outcome_summary().applications_sentence).is_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_what_attempts_say_can_never_run(serve, changed, open_page, assert_accessible, width):
    hostile = "<img src=x onerror=alert(1)>\"'[x](javascript:alert(1)) {{7*7}}"
    report = changed.ingest(
        [
            {
                "task_id": hostile,
                "application_name": hostile,
                "outcome_status": "failure",
                "approach_details": {"wrapper": hostile},
                "failure_reasons": [{"reason": "other", "detail": hostile}],
                "feedback": {"comment": "=HYPERLINK(1)"},
                "occurred_at": "2026-01-01T00:00:00Z",
            }
        ],
        source="=cmd",
    )
    assert report.new == 1, report.problems
    address = serve(changed).address
    page = open_page(f"{address}/outcomes?application={quote(hostile)}", width=width, dark=True)
    assert attempts(page).locator("th").inner_text() == hostile
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "'=cmd" in page.request.get(f"{address}/outcomes.csv?source=%3Dcmd").text()
    attempts(page).locator("th a").click()
    page.get_by_role("heading", name="Approach", exact=True).wait_for()
    assert hostile in page.locator("main").inner_text()
    assert_accessible(page)
