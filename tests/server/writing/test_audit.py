"""Every write is in the audit log, refused ones too; what was sent is not."""

from __future__ import annotations

from server_tools import outcome
from sqlalchemy import text
from starlette.testclient import TestClient

OUTCOMES = "/api/memory/outcomes"


def entries(client, **query):
    return client.get("/api/memory/audit", params=query).json()["items"]


def test_a_write_is_logged_with_who_what_and_how_it_ended(client):
    stored = client.post(OUTCOMES, json=outcome(task_id="body-word"))
    refused = client.post(OUTCOMES, json=outcome(outcome_status="body-word"))
    missing = client.delete("/api/memory/quarantine/99")
    broken = client.post(f"{OUTCOMES}?source=query-word", content=b"{")
    nowhere = client.post("/api/memory/nowhere", json={})
    found = entries(client)
    assert [(one["action"], one["target"], one["status"]) for one in found] == [
        ("POST (none)", "/api/memory/nowhere", 404),
        (f"POST {OUTCOMES}", OUTCOMES, 422),
        ("DELETE /api/memory/quarantine/{identity}", "/api/memory/quarantine/99", 404),
        (f"POST {OUTCOMES}", OUTCOMES, 422),
        (f"POST {OUTCOMES}", OUTCOMES, 201),
    ]
    ids = [one.headers["X-Request-Id"] for one in (nowhere, broken, missing, refused, stored)]
    assert [one["request_id"] for one in found] == ids
    assert {(one["actor"], one["door"]) for one in found} == {("loopback", "http")}
    assert found[-1]["details"]["stored"] == 1
    assert found[-2]["details"]["quarantined"] == 1
    assert "body-word" not in str(found)
    assert "query-word" not in str(found)


def test_a_write_without_the_scope_is_logged_and_one_without_a_token_is_not(client, bearer):
    reader, admin = bearer("read", "reader"), bearer("admin", "admin")
    assert client.post(OUTCOMES, json=outcome(), headers=reader).status_code == 403
    assert client.post(OUTCOMES, json=outcome()).status_code == 401
    found = client.get("/api/memory/audit", headers=admin).json()
    assert [(one["actor"], one["status"]) for one in found["items"]] == [("reader", 403)]
    other = client.get("/api/memory/audit", headers=admin, params={"actor": "somebody"}).json()
    assert (other["items"], other["total"]) == ([], 0)


def test_reads_are_not_logged(client):
    client.get("/api/memory/status")
    client.post("/api/memory/recommendations", json={"context": {}})
    assert entries(client) == []


def test_a_repeated_write_says_so(client):
    for _ in range(2):
        client.post(OUTCOMES, json=outcome(), headers={"Idempotency-Key": "one"})
    assert [one["details"].get("repeated") for one in entries(client)] == ["done", None]


def test_the_log_is_read_page_by_page(client):
    for number in range(5):
        client.post(OUTCOMES, json=outcome(source_record_id=str(number)))
    first = client.get("/api/memory/audit", params={"limit": 3}).json()
    second = client.get("/api/memory/audit", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), first["total"], second["next_cursor"]) == (5, 5, None)


def test_a_write_is_logged_before_it_is_acknowledged(app, store):
    """What the client has an answer to is in the log, whatever happens to the server then."""
    seen = []

    async def watching(scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                with store.transaction() as connection:
                    seen.append(connection.scalar(text("select count(*) from audit_log")))
            await send(message)

        await app(scope, receive, sending)

    with TestClient(watching, base_url="http://127.0.0.1") as client:
        client.post(OUTCOMES, json=outcome())
    assert seen == [1]


def test_an_audit_entry_that_cannot_be_written_does_not_withhold_the_reply(client, store, caplog):
    with store.transaction() as connection:
        connection.execute(text("alter table audit_log rename to audit_log_away"))
    try:
        assert client.post(OUTCOMES, json=outcome()).status_code == 201
    finally:
        with store.transaction() as connection:
            connection.execute(text("alter table audit_log_away rename to audit_log"))
    assert any("audit entry lost" in one.message for one in caplog.records)
