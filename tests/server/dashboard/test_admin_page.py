"""The pages of admin in a browser: mend a record in place, rebuild, tokens, and what ran."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest
from sleeping_jobs import jobs_that_sleep

from memory_pipeline.store import reads
from memory_pipeline.store.access import create_token, list_tokens
from memory_pipeline.store.analysis_log import record_run

PAGES = ("", "/quarantine", "/analysis", "/ingests", "/decisions", "/settings", "/tokens", "/audit")
HOSTILE = "<img src=x onerror=alert(1)>"


def bad(**changes):
    known = {
        "application_name": HOSTILE,
        "outcome_status": "great",
        "occurred_at": "2026-03-01T12:00:00Z",
        "approach_details": {"tool": "a"},
        "source_record_id": "1",
    }
    return {**known, **changes}


@pytest.fixture
def asleep(monkeypatch):
    """Processes of jobs that sleep instead of working."""
    yield from jobs_that_sleep(monkeypatch)


def test_every_page_of_admin_can_be_read_by_everybody_on_any_screen(site, open_page, assert_accessible):
    page = open_page(f"{site.address}/admin", width=360, dark=True)
    for name in PAGES:
        page.goto(f"{site.address}/admin{name}")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
    page.goto(f"{site.address}/admin")
    text = page.locator("main").inner_text()
    for one in site.memory.ingests()[0]:
        assert one["file_name"] in text
    run = site.memory.rebuild_runs()[0][0]
    assert run["run_id"][:8] in text


def test_what_runs_and_what_ran_are_on_one_page_with_their_addresses_in_dagster(
    serve, changed, open_page, monkeypatch
):
    changed.settings = changed.settings.model_copy(update={"dagster_ui_url": "http://127.0.0.1:3999"})
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    ids = {"in progress": "5f0e2c53", "logged": "6d8a1b72", "without Dagster": "rebuild-77"}
    for name in ("logged", "without Dagster"):
        run = {"id": ids[name], "kind": "rebuild", "trigger": name, "state": "succeeded"}
        record_run(changed.store, run | {"began_at": moment, "ended_at": moment})
    made = [
        {"run_id": one, "status": "started", "created_at": moment, "started_at": moment, "finished_at": None}
        for one in ids.values()
    ]
    monkeypatch.setattr(reads, "rebuild_runs", lambda *_, **__: (made, len(made)))
    page = open_page(f"{serve(changed).address}/admin/runs")
    assert page.url.endswith("/admin/analysis")
    rows = page.locator("tbody").first.locator("tr")
    assert rows.count() == 1
    running = rows.get_by_role("link", name="5f0e2c53 in Dagster").get_attribute("href")
    assert running == "http://127.0.0.1:3999/runs/5f0e2c53"
    links = page.locator("section.card").get_by_role("link", name="In Dagster").all()
    addresses = [one.get_attribute("href") for one in links]
    assert "http://127.0.0.1:3999/runs/6d8a1b72" in addresses
    assert not any("rebuild-77" in one for one in addresses)
    assert page.get_by_text("Asked for by without Dagster").count() == 1


def test_a_record_in_quarantine_is_mended_in_place(serve, changed, open_page, assert_accessible):
    changed.ingest([bad(), bad(source_record_id="2")], name="attempts.csv")
    page = open_page(f"{serve(changed).address}/admin#quarantine")
    page.get_by_role("link", name="outcomes, row 1 of attempts.csv").first.click()
    page.get_by_role("heading", name="Mend it").wait_for()
    assert "outcome_status is not success, failure or partial" in page.locator("h1").inner_text()
    assert_accessible(page)
    field = page.get_by_label("The whole record, as JSON")
    whole = field.input_value()
    assert HOSTILE in whole
    field.fill(whole.replace('"great"', '"success"'))
    page.get_by_role("button", name="Store it").click()
    page.get_by_text("The record is stored.").wait_for()
    found = changed.outcomes(application=HOSTILE)
    assert found["outcome_status"].tolist() == ["success"]
    page.locator("main tbody th a").click()
    page.get_by_role("button", name="Leave it out").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Leave it out").click()
    page.get_by_text("No record waits.").wait_for()
    assert changed.quarantined()[1] == 0


def test_a_record_that_is_still_wrong_waits_with_the_new_reason(serve, changed, open_page):
    changed.ingest([bad()], name="attempts.csv")
    identity = changed.quarantined()[0][0]["id"]
    page = open_page(f"{serve(changed).address}/admin/quarantine/{identity}", scripts=False)
    field, store = page.get_by_label("The whole record, as JSON"), page.get_by_role("button", name="Store it")
    whole = field.input_value()
    field.fill(whole.replace('"great"', '"success"').replace("2026-03-01T12:00:00Z", "soon"))
    store.click()
    assert "occurred_at is not a time" in page.locator("h1").inner_text()
    page.get_by_role("button", name="Try it again as it arrived").click()
    assert "1 still wait" in page.get_by_role("status").first.inner_text()


def test_what_is_not_json_is_told_and_kept(serve, changed):
    changed.ingest([bad()], name="attempts.csv")
    address = f"{serve(changed).address}/admin/quarantine/{changed.quarantined()[0][0]['id']}"
    with httpx.Client() as client:
        secret = re.search(r'name="form_token" value="([^"]+)"', client.get(address).text)[1]
        for sent, said in (
            ("{not json", "is not JSON"),
            ("[1]", "A record is an object"),
            ("[" * 5_000, "nested too deeply"),
        ):
            answer = client.post(address, data={"form_token": secret, "record": sent})
            assert answer.status_code == 422
            assert said in answer.text
            assert sent in answer.text
        answer = client.post(address, data={"form_token": secret, "record": "{}", "mapping": "/etc/passwd"})
        assert answer.status_code == 422
    assert changed.quarantined()[1] == 1


def test_a_rebuild_is_started_followed_and_cancelled(serve, changed, open_page, assert_accessible, asleep):
    page = open_page(f"{serve(changed).address}/admin")
    page.get_by_role("button", name="Rebuild now").click()
    page.get_by_text("1 of 4: fall asleep").wait_for()
    assert page.locator("progress").evaluate("bar => [bar.value, bar.max]") == [1, 4]
    assert_accessible(page)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile("The last one that was asked for here, by loopback, cancelled")).wait_for()
    assert page.get_by_role("button", name="Rebuild now").is_visible()
    assert len(asleep) == 1


def test_a_token_is_shown_once_and_from_then_on_asked_for(serve, changed, open_page, assert_accessible):
    site = serve(changed)
    page = open_page(f"{site.address}/admin/tokens")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Holds for").fill("90d")
    page.get_by_role("button", name="Create").click()
    secret = page.locator("code.secret").inner_text()
    assert_accessible(page)
    page.wait_for_timeout(2_500)  # servers read tokens anew every two seconds
    page.goto(f"{site.address}/admin/tokens")
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Revoke ana").wait_for()
    assert secret not in page.content()
    create_token(changed.store, "old", "read")
    page.reload()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke old").click()
    page.get_by_text("The token old is revoked.").wait_for()
    assert {one["name"]: one["revoked_at"] is not None for one in list_tokens(changed.store)} == {
        "ana": False,
        "old": True,
    }
    page.goto(f"{site.address}/admin/audit")
    assert "POST /admin/tokens/revoke" in page.locator("main").inner_text()


def test_who_may_only_read_sees_no_button_and_is_refused(serve, changed):
    header = {"Authorization": f"Bearer {create_token(changed.store, 'reader', 'read')}"}
    changed.ingest([bad()], name="attempts.csv")
    waiting = f"/admin/quarantine/{changed.quarantined()[0][0]['id']}"
    with httpx.Client(base_url=serve(changed).address, headers=header) as client:
        page = client.get("/admin").text
        assert "Rebuild now" not in page
        assert "Store it" not in client.get(waiting).text
        secret = client.cookies["memory_form"]
        for address in ("/admin/rebuild", "/admin/tokens", waiting, f"{waiting}/dismiss"):
            assert client.post(address, data={"form_token": secret}).status_code == 403, address
        for address in ("/admin/settings", "/admin/tokens", "/admin/audit"):
            assert client.get(address).status_code == 403, address
    assert changed.quarantined()[1] == 1
