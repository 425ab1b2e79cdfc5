"""The first page in a browser: where the memory stands, also when it is empty, and when it changes."""

from __future__ import annotations

import re

from memory_pipeline.memory import Memory


def test_today_says_where_the_memory_stands(site, open_page, wait_for_charts, assert_accessible):
    page = open_page(f"{site.address}/")
    words = page.locator("main").inner_text()
    newest = site.memory.learning("success_rate")
    newest = newest[newest["segment_column"] == ""].iloc[-1]
    assert f"{newest['value']:.0%}" in words
    assert site.memory.success_change() in words
    assert f"{sum(site.memory.status()['outcomes'].values()):,}" in words
    for sentence in site.memory.learning_summary().values():
        assert sentence in words
    assert wait_for_charts(page) == 1
    assert_accessible(page)


def test_every_page_of_the_navigation_is_there(site, open_page):
    page = open_page(f"{site.address}/")
    names = page.locator("nav a").all_inner_texts()
    assert len(names) == 11
    for name in names:
        page.get_by_role("link", name=name, exact=True).first.click()
        page.locator(f"nav a[aria-current]:text-is('{name}')").wait_for()
        assert page.locator("main h1").count() == 1


def test_a_narrow_dark_page_does_not_scroll_sideways(site, open_page, assert_accessible):
    page = open_page(f"{site.address}/", width=360, dark=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_accessible(page)


def test_an_empty_memory_says_what_to_do(serve, settings, store, open_page, assert_accessible):
    with Memory(settings, store) as memory:
        site = serve(memory)
        page = open_page(f"{site.address}/")
        assert "memory-pipeline ingest outcomes" in page.locator("main").inner_text()
        assert_accessible(page)


def test_an_open_page_shows_what_arrives(serve, settings, store, open_page):
    with Memory(settings, store) as memory:
        page = open_page(f"{serve(memory).address}/")
        page.get_by_text("The memory is empty").wait_for()
        memory.report_outcomes(
            [
                {
                    "application_name": "Ledger",
                    "occurred_at": "2026-05-01T12:00:00Z",
                    "outcome_status": "success",
                    "approach_details": {},
                }
            ]
        )
        page.get_by_text(re.compile("1 attempts? (is|are) recorded")).wait_for()


def test_pages_weigh_little_and_say_that_nothing_else_may_run(site, browser):
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    received = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    answer = page.goto(f"{site.address}/", wait_until="load")
    page.locator("figure").first.scroll_into_view_if_needed()  # a chart is drawn when it comes into view
    page.locator("figure svg").first.wait_for()
    context.close()
    assert sum(received) <= 350_000
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
