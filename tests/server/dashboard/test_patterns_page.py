"""The page of patterns in a browser: what stands there, sorting, filtering, one pattern, a decision."""

from __future__ import annotations

import re


def rows(page):
    return page.locator("main tbody tr")


def test_patterns_stand_with_their_evidence(site, open_page, wait_for_charts, assert_accessible):
    page = open_page(f"{site.address}/patterns")
    expected = site.memory.patterns()
    assert rows(page).count() == len(expected)
    assert rows(page).first.locator("th").inner_text() == expected["description"].iloc[0]
    assert wait_for_charts(page) == 1
    assert_accessible(page)


def test_patterns_are_sorted_by_impact_and_by_confidence(site, open_page):
    page = open_page(f"{site.address}/patterns")
    for order in ("impact", "sample_size", "confidence"):
        page.get_by_label("Order by").select_option(order)
        page.wait_for_url(re.compile(f"sort={order}"))
        page.locator("main:not([aria-busy])").wait_for()
        shown = [
            one.split("/")[-1]
            for one in page.locator("main tbody th a").evaluate_all("all => all.map(a => a.href)")
        ]
        assert shown == site.memory.patterns(sort=order)["id"].tolist()


def test_a_filter_stands_in_the_address(site, open_page):
    page = open_page(f"{site.address}/patterns?type=intervention")
    assert rows(page).count() == len(site.memory.patterns(pattern_type="intervention")) > 0
    assert page.locator("select[name=type]").input_value() == "intervention"


def test_one_pattern_names_outcomes_that_have_its_conditions(site, open_page, assert_accessible):
    page = open_page(f"{site.address}/patterns")
    page.locator("main tbody th a").first.click()
    page.get_by_role("heading", name="Outcomes behind it").wait_for()
    found = site.memory.pattern(page.url.split("/")[-1])
    assert page.locator("h1").inner_text() == found["description"]
    assert page.get_by_text(f"of {found['related_count']:,} are listed").is_visible()
    levels = site.memory.pattern_by_level(found)
    assert page.locator("section[aria-label^='By '] tbody tr").count() == len(levels) > 12
    assert_accessible(page)
    page.set_viewport_size({"width": 360, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_person_retires_a_pattern_and_takes_it_back(serve, changed, open_page):
    identity = changed.patterns()["id"].iloc[0]
    page = open_page(f"{serve(changed).address}/patterns/{identity}")
    page.get_by_label("Note").fill("<img src=x onerror=alert(1)> seen on ten machines")
    page.get_by_role("button", name="Retire").click()
    page.get_by_text("Your decision is kept").wait_for()
    assert not changed.pattern(identity)["active"]
    assert "<img src=x onerror=alert(1)>" in page.locator("main").inner_text()
    with page.expect_navigation():
        page.get_by_role("button", name="Take the decision back").click()
    assert changed.pattern(identity)["active"]
    page.get_by_label("Note").fill("")
    with page.expect_navigation():
        page.get_by_role("button", name="Note only").click()
    assert changed.pattern(identity)["note"] is None


def test_patterns_can_be_read_without_scripts(site, open_page):
    page = open_page(f"{site.address}/patterns", scripts=False)
    assert rows(page).count() == len(site.memory.patterns())
    page.get_by_label("Order by").select_option("impact")
    page.get_by_role("button", name="Show").click()
    assert "sort=impact" in page.url
    assert rows(page).count() == len(site.memory.patterns())
