"""The page Monitoring in a browser: the five topics, narrow, dark, and without anything recorded."""

from __future__ import annotations

import pytest

from memory_pipeline.memory import Memory

HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_five_topics_are_shown(serve, changed, open_page, assert_accessible):
    changed.recommend(application_vendor=HOSTILE)
    page = open_page(f"{serve(changed).address}/", width=360, dark=True)
    page.get_by_role("link", name="Is it worth its keep?").click()
    page.get_by_role("heading", name="Is the memory worth its keep?").wait_for()
    text = page.locator("main").inner_text()
    for topic in ("effectiveness", "learning-rate", "performance", "quality", "usage"):
        assert changed.monitored(topic).sentence in text
    unknown = page.get_by_role("region", name="Unknown values that were asked for")
    assert HOSTILE in unknown.inner_text()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.fixture
def empty(settings, store):
    """A memory without any record."""
    with Memory(settings, store) as opened:
        yield opened


def test_an_empty_memory_says_what_to_do(serve, empty, open_page, assert_accessible):
    page = open_page(f"{serve(empty).address}/monitoring", scripts=False)
    text = page.locator("main").inner_text()
    assert text.count("memory-pipeline ingest outcomes FILE") == 2
    assert "No attempt names the advice that it was given: ask with" in text
    assert page.locator("main table").count() == 0
