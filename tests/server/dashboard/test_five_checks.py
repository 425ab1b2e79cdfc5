"""What a person checks by hand in the pages: outcomes, patterns, factors, recommendations, learning."""

from __future__ import annotations

import re


def wait(page):
    page.locator("main:not([aria-busy])").wait_for()


def test_check_1_outcomes_with_application_approach_and_result_can_be_filtered(site, open_page):
    page = open_page(f"{site.address}/")
    page.get_by_role("link", name="Outcomes", exact=True).click()
    page.locator("main table").first.wait_for()
    page.locator("select[name=status]").select_option("failure")
    page.wait_for_url(re.compile("status=failure"))
    wait(page)
    found = site.memory.outcome_page(status="failure", limit=1)
    words = page.locator("main").inner_text()
    assert f"{found.total:,}" in words
    newest = site.memory.to_records(found.outcomes)[0]
    page.get_by_role("link", name=newest["application_name"]).first.click()
    page.locator("h1").wait_for()
    detail = page.locator("main").inner_text()
    assert newest["application_name"] in detail
    for setting, value in newest["approach_details"].items():
        assert setting.replace("_", " ") in detail
        assert all(str(one) in detail for one in (value if isinstance(value, list) else [value]))


def test_check_2_patterns_have_evidence_and_make_sense_beside_their_outcomes(site, open_page):
    page = open_page(f"{site.address}/")
    page.get_by_role("link", name="Patterns", exact=True).click()
    page.locator("select[name=sort]").select_option("impact")
    page.wait_for_url(re.compile("sort=impact"))
    wait(page)
    strongest = site.memory.patterns(sort="impact").iloc[0]
    first = page.locator("main tbody tr").first
    assert strongest["description"] in first.inner_text()
    first.locator("th a").click()
    page.get_by_role("heading", name="Outcomes behind it").wait_for()
    behind = site.memory.pattern(strongest["id"])["outcomes"]
    assert behind["application_name"].iloc[0] in page.locator("main").inner_text()


def test_check_3_factors_say_where_they_apply_and_link_to_patterns_and_outcomes(site, open_page):
    page = open_page(f"{site.address}/")
    page.get_by_role("link", name="Factors", exact=True).click()
    page.locator("main table").first.wait_for()
    factors = site.memory.factors()
    assert factors["description"].iloc[0] in page.locator("main").inner_text()
    page.goto(f"{site.address}/factors/{factors['id'].iloc[0]}")
    case = site.memory.factor(factors["id"].iloc[0])["with_value"].iloc[0]
    assert page.locator(f"main a[href='/outcomes/{case['id']}']").count() >= 1


def test_check_4_advice_for_a_new_task_has_reasons_and_past_cases(site, open_page):
    page = open_page(f"{site.address}/advice?context.installer_type=msi")
    answer = site.memory.recommend(installer_type="msi", log=False)
    words = page.locator("main").inner_text()
    for reason in answer.advice.reasons:
        assert reason in words
    for case in answer.cases:
        assert page.locator(f"main a[href='/outcomes/{case.outcome_id}']").count() >= 1


def test_check_5_charts_show_how_results_changed_over_time(site, open_page, wait_for_charts):
    page = open_page(f"{site.address}/")
    page.get_by_role("link", name="Learning", exact=True).click()
    page.locator("figure[data-chart]").first.wait_for()
    assert site.memory.success_change() in page.locator("main").inner_text()
    assert wait_for_charts(page) >= 5
