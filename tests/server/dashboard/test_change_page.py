"""Why did it change: the same sentences as everywhere, chosen months, and what cannot be compared."""

from __future__ import annotations

import re

from memory_pipeline.memory import Memory


def test_the_page_says_what_the_service_says(site, open_page, wait_for_charts, assert_accessible):
    page = open_page(f"{site.address}/change")
    explanation = site.memory.explain_change()
    words = page.locator("main").inner_text()
    for sentence in explanation.sentences:
        assert sentence in words
    assert page.locator("main tbody tr").count() == min(25, len(explanation.contributors))
    assert wait_for_charts(page) == 1
    assert_accessible(page)


def test_months_are_chosen_and_stand_in_the_address(site, open_page):
    measures = site.memory.learning("success_rate")
    months = [f"{one:%Y-%m}" for one in measures[measures["segment_column"] == ""]["period_start"]]
    page = open_page(f"{site.address}/change")
    page.locator("select[name=from]").select_option(months[-3])
    page.wait_for_url(re.compile(f"from={months[-3]}"))
    page.locator("main:not([aria-busy])").wait_for()
    assert site.memory.explain_change(after=months[-3]).sentences[0] in page.locator("main").inner_text()


def test_spans_that_cannot_be_compared_are_told_in_words(server):
    reply = server.get("/change?from=2001-01", headers={"Accept": "text/html"})
    assert reply.status_code == 422
    assert "2001-01" in reply.text


def test_a_memory_without_a_rebuild_says_what_to_do(settings, store, server_of):
    with Memory(settings, store) as memory, server_of(memory) as client:
        reply = client.get("/change", headers={"Accept": "text/html"})
        assert reply.status_code == 200
        assert "memory-pipeline rebuild" in reply.text
