"""The page of learning in a browser: each measure with its sentence, brushing, splits, and its numbers."""

from __future__ import annotations

import csv
import io
import re

import httpx


def test_each_measure_stands_with_its_sentence_a_chart_and_a_table(
    site, open_page, wait_for_charts, assert_accessible
):
    page = open_page(f"{site.address}/learning")
    assert wait_for_charts(page) == 9
    text = page.locator("main").inner_text()
    for sentence in site.memory.learning_summary().values():
        assert sentence[1:] in text
    months = site.memory.learning("success_rate", segment_column="whole")
    twin = page.locator("#success figure details")
    twin.locator("summary").click()
    assert twin.locator("tbody tr").count() == len(months)
    assert f"{months['value'].iloc[-1]:.0%}" in twin.locator("tbody tr").last.inner_text()
    assert "rebuild" in page.locator("#success > details").inner_text()
    changed = site.memory.changed_segments()
    clear = changed[changed["is_clear"].astype(bool)]
    told = page.locator("#parts > ul > li").all_inner_texts()
    assert len(told) == len(clear.head(8))
    assert all(one.startswith(sentence) for one, sentence in zip(told, clear["sentence"], strict=False))
    if clear.empty:
        assert f"None of {len(changed)} parts changed clearly" in text
    assert_accessible(page)


def test_months_that_are_dragged_over_choose_what_the_parts_show(site, open_page, wait_for_charts):
    page = open_page(f"{site.address}/learning?segment=team")
    wait_for_charts(page)
    figure = page.locator("#parts figure").first
    said = figure.locator("svg text", has_text=re.compile(r"^[\d,]+ attempts$"))
    before = sorted(said.all_text_contents())
    rates = site.memory.learning("success_rate", segment_column="team")
    totals = rates.groupby("segment_value")["sample_size"].sum()
    assert before == sorted(f"{size:,} attempts" for size in totals)
    figure.scroll_into_view_if_needed()
    box = figure.locator("svg").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.27 * box["height"], steps=6)
    page.mouse.up()
    page.wait_for_timeout(300)
    after = sorted(said.all_text_contents())
    assert len(after) == len(before)

    def number(texts):
        return sum(int(one.split()[0].replace(",", "")) for one in texts)

    assert 0 < number(after) < number(before)


def test_another_split_stands_in_the_address(site, open_page):
    page = open_page(f"{site.address}/learning")
    page.get_by_label("Split by").select_option("installer_type")
    page.wait_for_url(re.compile("segment=installer_type"))
    page.locator("figure[data-chart*='segment_column=installer_type']").first.wait_for()


def test_the_numbers_can_be_taken_along_and_charts_be_seen_without_scripts(site, open_page):
    page = open_page(f"{site.address}/learning", scripts=False)
    assert page.locator("#success img").get_attribute("alt").startswith("Success rate")
    link = page.locator("#parts figure").first.get_by_role("link", name="CSV").get_attribute("href")
    rows = list(csv.DictReader(io.StringIO(httpx.get(site.address + link).text)))
    expected = site.memory.learning("success_rate")
    assert len(rows) == len(expected)
    assert {row["segment_column"] for row in rows} == set(expected["segment_column"])
    drift = httpx.get(f"{site.address}/learning/drift.csv").text
    assert len(drift.splitlines()) == len(site.memory.learning("drift")) + 1


def test_a_chart_that_was_not_in_view_is_printed_as_its_table(site, open_page):
    page = open_page(f"{site.address}/learning")
    page.locator("figure[data-drawn=yes]").first.wait_for()
    waiting = page.locator("figure[data-chart]:not([data-drawn])").last
    assert not waiting.locator("table").is_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert waiting.locator("table").is_visible()
    assert not waiting.locator(".drawing").is_visible()
