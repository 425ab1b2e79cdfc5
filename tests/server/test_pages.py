"""Pages: whatever arrives or goes meanwhile, a row that was there throughout is on exactly one page."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_pipeline.ingest import ingest_records
from memory_pipeline.memory import Memory
from memory_pipeline.server.pages import descending, page_of, read_cursor, write_cursor
from memory_pipeline.server.problems import ProblemError

ROW = st.tuples(st.integers(-3, 3), st.uuids().map(str))


def key(row):
    return (descending(row["value"]), row["id"])


@given(
    data=st.data(), limit=st.integers(1, 4), first=st.lists(ROW, max_size=12, unique_by=lambda one: one[1])
)
def test_a_row_that_was_there_throughout_is_listed_once(data, limit, first):
    rows = {identity: {"value": value, "id": identity, "note": 0} for value, identity in first}
    throughout, seen, cursor = set(rows), [], None
    while True:
        page = page_of(sorted(rows.values(), key=key), key, scope="s", cursor=cursor, limit=limit)
        seen += [row["id"] for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        for value, identity in data.draw(st.lists(ROW, max_size=3)):
            rows.setdefault(identity, {"value": value, "id": identity})
        for identity in data.draw(st.sets(st.sampled_from(sorted(rows)), max_size=2)):
            del rows[identity]
            throughout.discard(identity)
        for row in rows.values():
            row["note"] = row.get("note", 0) + 1  # what is not in the key may change
        if not rows:
            break
    assert len(seen) == len(set(seen))
    if cursor is None:
        assert throughout <= set(seen)


@given(st.binary(max_size=60), st.text(max_size=10))
def test_no_other_text_is_taken_for_a_cursor(raw, scope):
    with pytest.raises(ProblemError) as refused:
        read_cursor(raw.hex(), scope)
    assert refused.value.status_code == 422
    assert refused.value.errors[0].field == "query.cursor"


def test_a_cursor_is_of_one_list_alone():
    cursor = write_cursor("patterns?sort=impact", [0.1, "a"], 3)
    assert read_cursor(cursor, "patterns?sort=impact").after == [0.1, "a"]
    for scope, text in (("patterns?sort=confidence", cursor), ("patterns?sort=impact", cursor[:-1] + "A")):
        with pytest.raises(ProblemError):
            read_cursor(text, scope)


def test_a_cursor_with_a_key_of_another_kind_is_refused():
    cursor = write_cursor("s", ["text"], 3)
    with pytest.raises(ProblemError):
        page_of([{"n": 1}], lambda row: (row["n"],), scope="s", cursor=cursor, limit=1)


def attempt(number, day):
    return {
        "source_record_id": str(number),
        "application_name": f"App {number % 3}",
        "approach_details": {"wrapper": "psadt"},
        "outcome_status": "success",
        "occurred_at": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)).isoformat(),
    }


@pytest.mark.parametrize("sort", ["-occurred_at", "occurred_at", "-created_at", "application_name"])
def test_outcomes_are_paged_while_others_arrive(server_of, store, settings, sort):
    chance = random.Random(5)  # noqa: S311 - no secret
    ingest_records(store, "outcomes", [attempt(n, chance.randrange(4)) for n in range(60)], source="test")
    with Memory.open(settings) as memory, server_of(memory) as client:
        throughout = set(memory.outcomes()["id"])
        seen, parameters = [], {"sort": sort, "limit": 7}
        for step in range(100):
            page = client.get("/api/memory/outcomes", params=parameters).json()
            seen += [row["id"] for row in page["items"]]
            assert page["total"] == 60  # as of the first page
            if page["next_cursor"] is None:
                break
            parameters["cursor"] = page["next_cursor"]
            new = [attempt(100 + 2 * step + n, chance.randrange(4)) for n in range(2)]
            changed = attempt(step, 0) | {"feedback": {"rating": step}}
            changed["occurred_at"] = str(
                memory.outcomes().set_index("source_record_id")["occurred_at"][str(step)]
            )
            ingest_records(store, "outcomes", [*new, changed], source="test")
        else:
            pytest.fail("the pages do not end")
    assert len(seen) == len(set(seen))
    assert throughout <= set(seen)
