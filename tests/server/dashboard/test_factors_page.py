"""The page of factors in a browser: each comparison once, overlap, filter, sort, evidence, a decision."""

from __future__ import annotations

import re


def rows(page):
    return page.get_by_role("region", name="Factors").locator("tbody tr")


def identities(page):
    links = page.get_by_role("region", name="Factors").locator("tbody th a")
    return [one.split("/")[-1] for one in links.evaluate_all("all => all.map(a => a.href)")]


def test_factors_stand_once_with_effect_overlap_and_applicability(
    site, open_page, wait_for_charts, assert_accessible
):
    page = open_page(f"{site.address}/factors")
    expected = site.memory.factors()
    assert identities(page) == expected["id"].tolist()
    assert rows(page).first.locator("th a").inner_text() == expected["description"].iloc[0]
    overlap = expected["implementation_details"].iloc[0]["overlap"]
    assert rows(page).first.locator(".badge").first.inner_text().startswith(f"{overlap:.0%}")
    assert wait_for_charts(page) == 1
    assert_accessible(page)


def test_factors_are_sorted_and_filtered_by_application_type(site, open_page):
    page = open_page(f"{site.address}/factors?all=yes")
    shown = identities(page)
    assert len(shown) > len(site.memory.factors())
    comparisons = [one["implementation_details"] for one in map(site.memory.factor, shown)]
    pairs = {(one["column"], *sorted((one["value"], one["reference"]))) for one in comparisons}
    assert len(pairs) == len(shown)
    page = open_page(f"{site.address}/factors")
    page.get_by_label("Order by").select_option("sample_size")
    page.wait_for_url(re.compile("sort=sample_size"))
    page.locator("main:not([aria-busy])").wait_for()
    assert identities(page) == site.memory.factors(sort="sample_size")["id"].tolist()
    page.get_by_label("Applies to application type").select_option("browser")
    page.wait_for_url(re.compile("application_type=browser"))
    page.locator("main:not([aria-busy])").wait_for()
    expected = site.memory.factors(sort="sample_size", application_type="browser")
    assert identities(page) == expected["id"].tolist()


def test_one_factor_has_its_limits_contexts_and_cases_on_both_sides(site, open_page, assert_accessible):
    identity = site.memory.factors()["id"].iloc[0]
    page = open_page(f"{site.address}/factors/{identity}")
    found = site.memory.factor(identity)
    assert page.locator("h1").inner_text() == found["description"]
    for caveat in found["implementation_details"]["caveats"]:
        assert page.get_by_text(caveat).is_visible()
    by_context = site.memory.factor_by_context(found)
    levels = by_context[by_context["column"] == "installer_type"]["level"].tolist()
    table = page.get_by_role("region", name="By installer type: table")
    assert table.locator("tbody th").all_inner_texts() == levels
    linked = page.locator("main a[href^='/outcomes/']").evaluate_all("all => all.map(a => a.href)")
    expected = [*found["with_value"]["id"], *found["with_reference"]["id"]]
    assert [one.split("/")[-1] for one in linked] == expected
    assert_accessible(page)


def test_a_person_suppresses_a_factor_and_takes_it_back(serve, changed, open_page):
    identity = changed.factors()["id"].iloc[0]
    page = open_page(f"{serve(changed).address}/factors/{identity}", width=360)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Note").fill("only on the old image")
    page.get_by_role("button", name="Suppress").click()
    page.get_by_text("Your decision is kept").wait_for()
    assert identity not in changed.factors()["id"].tolist()
    page.get_by_role("button", name="Take the decision back").click()
    page.get_by_text("Your decision is kept").wait_for()
    page.wait_for_load_state()
    assert identity in changed.factors()["id"].tolist()
