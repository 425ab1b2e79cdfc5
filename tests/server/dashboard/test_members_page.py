"""The pages of members in a browser: patterns by category, one pattern, discovery, and who is never named."""

from __future__ import annotations

import re

import httpx
import pytest
from pydantic import SecretStr
from sleeping_jobs import jobs_that_sleep
from sqlalchemy import text

from memory_pipeline.memory import Memory
from memory_pipeline.store import jobs


@pytest.fixture
def asleep(monkeypatch):
    """Processes of jobs that sleep instead of working."""
    yield from jobs_that_sleep(monkeypatch)


def test_patterns_stand_by_category_with_members_evidence_and_questions(site, open_page, assert_accessible):
    page = open_page(f"{site.address}/members")
    found = site.memory.member_patterns()
    for category, rows in found.groupby("category"):
        section = page.locator(f"section[aria-labelledby='h-{category}']")
        assert section.locator("tbody tr").count() == len(rows)
    first = found.iloc[0]
    row = page.locator("tbody tr").filter(has=page.get_by_role("link", name=first["name"], exact=True))
    assert f"{first['member_count']}" in row.locator("td").first.inner_text()
    assert row.locator("li").all_inner_texts() == list(first["question_prompts"])
    assert_accessible(page)
    category = first["category"]
    page.get_by_label("Category").select_option(category)
    page.wait_for_url(re.compile(f"category={category}"))
    page.locator("main:not([aria-busy])").wait_for()
    assert page.locator("section[aria-labelledby^='h-']").count() == 1


def test_one_pattern_names_its_members_and_whom_to_ask_what(site, open_page, assert_accessible):
    found = site.memory.member_patterns().iloc[0]
    page = open_page(f"{site.address}/members", width=360, dark=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("link", name=found["name"], exact=True).click()
    page.get_by_role("heading", name="Questions worth asking").wait_for()
    everybody = site.memory.members().set_index("id")["name"]
    names = [everybody[one] for one in sorted(found["related_member_ids"])]
    shown = page.get_by_role("region", name="Members").locator("tbody th").all_inner_texts()
    assert sorted(shown) == sorted(names[: len(shown)])
    questions = site.memory.questions()
    assert page.get_by_text(questions["audience"][questions["pattern_name"] == found["name"]].iloc[0]).first
    assert_accessible(page)


def test_who_may_not_be_seen_is_named_nowhere(serve, changed):
    found = changed.member_patterns().iloc[0]
    hidden = int(found["related_member_ids"][0])
    with changed.store.transaction() as connection:
        connection.execute(
            text("update members set is_visible = false, name = 'Nobody Sees' where id = :one"),
            {"one": hidden},
        )
    with httpx.Client(base_url=serve(changed).address) as client:
        for address in ("/members", "/members/people", f"/members/{found['id']}", "/members/labels"):
            page = client.get(address)
            assert page.status_code == 200
            assert "Nobody Sees" not in page.text
        assert f"<dd>{found['member_count'] - 1}</dd>" in client.get(f"/members/{found['id']}").text


def test_a_person_retires_a_pattern_of_members(serve, changed, open_page):
    identity = int(changed.member_patterns()["id"].iloc[0])
    page = open_page(f"{serve(changed).address}/members/{identity}")
    page.get_by_label("Note").fill("javascript:alert(1) <b>too vague</b>")
    page.get_by_role("button", name="Retire").click()
    page.get_by_text("Your decision is kept").wait_for()
    assert identity not in set(changed.member_patterns()["id"])
    assert "<b>too vague</b>" in page.locator("main").inner_text()


def test_a_discovery_by_statistics_is_started_and_cancelled(serve, changed, open_page, asleep):
    page = open_page(f"{serve(changed).address}/members")
    assert page.get_by_text("which costs nothing").is_visible()
    page.get_by_role("button", name="Refresh the patterns").click()
    page.get_by_text("1 of 4: fall asleep").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile("asked for here, by loopback, cancelled")).wait_for()
    assert len(asleep) == 1


def test_claude_is_asked_only_by_who_agrees_to_the_cost(serve, changed, open_page, asleep):
    settings = changed.settings.model_copy(update={"anthropic_api_key": SecretStr("hidden-word")})
    memory = Memory(settings, changed.store, changed.frames)
    address = f"{serve(memory).address}/members"
    with httpx.Client() as client:
        secret = re.search(r'name="form_token" value="([^"]+)"', client.get(address).text)[1]
        refused = client.post(f"{address}/discover", data={"form_token": secret, "focus_areas": "data"})
        assert refused.status_code == 422
        assert "the discovery may cost money" in refused.text
    assert not asleep
    page = open_page(address, scripts=False)
    assert page.get_by_text("400,000 tokens and US$ 1.00").is_visible()
    assert "hidden-word" not in page.content()
    page.get_by_label("Areas to look at first").fill("data, <script>alert(1)</script>")
    page.get_by_label("I agree to this cost").check()
    page.get_by_role("button", name="Refresh the patterns").click()
    page.get_by_text("Discovery, asked for by loopback").wait_for()
    started = jobs.list_jobs(memory.store, kind="discover")[0][0]
    assert started["arguments"] == {
        "focus_areas": ["data", "<script>alert(1)</script>"],
        "statistics_only": False,
    }
