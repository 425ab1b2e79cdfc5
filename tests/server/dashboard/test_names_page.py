"""The page of names in a browser: what is read as one, what looks alike, and a person's decision about it."""

from __future__ import annotations

from sqlalchemy import text

VENDOR = "application_vendor"


def test_a_person_decides_about_names_that_look_alike(serve, changed, open_page, assert_accessible):
    first, second = sorted(set(changed.outcomes()[VENDOR].dropna()))[:2]
    with changed.store.transaction() as connection:
        connection.execute(text("delete from name_merges"))
        connection.execute(
            text(
                "insert into name_merges (column_name, raw_name, name, why, attempts, similarity) values "
                "(:column, :first, :second, 'looks alike', 3, 0.8), "
                "('application_name', 'VIEWER', 'Viewer', 'same spelling', 9, null)"
            ),
            {"column": VENDOR, "first": first, "second": second},
        )
    site = serve(changed)
    page = open_page(f"{site.address}/outcomes")
    page.get_by_role("link", name="Names that count as one").click()
    rows = page.get_by_role("region", name="Names", exact=True).locator("tbody tr")
    assert rows.count() == 2
    assert "looks like" in rows.filter(has_text=first).inner_text()
    assert_accessible(page)

    page.get_by_role("button", name=f"They are one: {first} and {second}").click()
    log = page.get_by_role("region", name="Decisions about names").locator("tbody tr")
    log.first.wait_for()
    assert f"{first} counts as {second}" in log.first.inner_text()
    assert_accessible(page)
    page.get_by_role("button", name=f"Withdraw: {first} and {second}").click()
    log.nth(1).wait_for()
    assert changed.name_decisions()["decision"].tolist() == ["reset", "same"]


def test_a_filter_that_names_nothing_says_so(site, open_page):
    page = open_page(f"{site.address}/names?why=nothing")
    assert page.get_by_text("No name is like that.").count() == 1
    page = open_page(f"{site.address}/patterns?value=nobody%20has%20this")
    assert page.get_by_text("condition_value 'nobody has this' never occurred").count() == 1
