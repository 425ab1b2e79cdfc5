"""Decisions through the HTTP interface: who decided, what applies, and the log of it all."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.store.decisions import apply_decisions


@pytest.fixture(scope="module")
def deciding(rebuilt):
    """A client of the memory that was rebuilt; what is decided is taken back at the end."""
    with Memory.open(rebuilt) as memory:
        with TestClient(create_app(memory, ServerOptions()), base_url="http://127.0.0.1") as client:
            client.memory = memory
            yield client
        with memory.store.transaction() as connection:
            connection.execute(text("truncate decisions, audit_log"))
            connection.execute(text("update patterns set is_active = true"))
            apply_decisions(connection, "pattern")
        memory.refresh_advice()


def test_a_pattern_is_retired_by_a_token_on_behalf_of_a_person(deciding):
    identity = deciding.memory.patterns().iloc[0]["id"]
    reply = deciding.post(
        f"/api/memory/patterns/{identity}/decision",
        json={"decision": "retire", "note": "the proxy is gone", "on_behalf_of": "Ada"},
    )
    assert reply.status_code == 200
    held = reply.json()
    assert (held["decision"], held["note"]) == ("retire", "the proxy is gone")
    assert held["decided_by"] == "loopback for Ada"
    assert identity not in set(deciding.memory.patterns()["id"])
    reset = deciding.post(f"/api/memory/patterns/{identity}/decision", json={"decision": "reset"})
    assert (reset.json()["decision"], reset.json()["note"]) == (None, "the proxy is gone")
    assert identity in set(deciding.memory.patterns()["id"])


def test_a_factor_is_suppressed_and_a_member_pattern_retired(deciding):
    factor = deciding.memory.factors().iloc[0]["id"]
    pattern = int(deciding.memory.member_patterns().iloc[0]["id"])
    one = deciding.post(f"/api/memory/factors/{factor}/decision", json={"decision": "suppress"})
    two = deciding.post(f"/api/v1/patterns/{pattern}/decision", json={"decision": "retire"})
    assert (one.json()["kind"], two.json()["kind"]) == ("factor", "member_pattern")
    assert pattern not in set(deciding.memory.member_patterns()["id"])


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("memory/patterns/{pattern}/decision", {"decision": "suppress"}, 422, "activate"),
        ("memory/factors/x/decision", {"decision": "retire"}, 422, "confirm"),
        ("memory/patterns/{pattern}/decision", {}, 422, "there is nothing to decide"),
        ("memory/patterns/{pattern}/decision", {"decided_by": "me"}, 422, "decided_by"),
        ("memory/patterns/{pattern}/decision", {"note": "x" * 2_001}, 422, "at most 2000"),
        ("memory/patterns/{part}/decision", {"note": "x"}, 404, "whole id"),
        ("memory/patterns/nothing/decision", {"note": "x"}, 404, "no pattern has an id"),
        ("v1/patterns/999999/decision", {"note": "x"}, 404, "no member-pattern has an id"),
        ("v1/patterns/x/decision", {"note": "x"}, 422, "path.identity"),
    ],
)
def test_what_cannot_be_decided_is_refused(deciding, path, body, status, named):
    identity = deciding.memory.patterns().iloc[0]["id"]
    path = path.format(pattern=identity, part=identity[:-1])
    before = deciding.get("/api/memory/decisions").json()["total"]
    reply = deciding.post(f"/api/{path}", json=body)
    assert reply.status_code == status
    assert named in reply.text
    assert deciding.get("/api/memory/decisions").json()["total"] == before


def test_the_log_is_read_page_by_page_the_newest_first(deciding):
    identity = str(deciding.memory.member_patterns().iloc[1]["id"])
    for number in range(5):
        deciding.post(f"/api/v1/patterns/{identity}/decision", json={"note": str(number)})
    seen, cursor = [], None
    while True:
        query = {"finding_id": identity, "kind": "member_pattern", "limit": 2}
        query |= {"cursor": cursor} if cursor else {}
        page = deciding.get("/api/memory/decisions", params=query).json()
        assert page["total"] == 5
        seen += [one["note"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "W10", "é", "%00", "WzEsMl0"])
def test_a_cursor_that_no_server_wrote_is_refused(client, cursor):
    reply = client.get("/api/memory/decisions", params={"cursor": cursor})
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "query.cursor")
