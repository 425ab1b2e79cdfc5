"""Who may ask: tokens and scopes, hosts and origins, rates, sizes; and nothing secret leaves the server."""

from __future__ import annotations

import json
import logging
import socket
import time
from datetime import timedelta

import pytest
from server_tools import outcome
from sqlalchemy import text
from starlette.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server import access
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions, is_loopback, read_token_file
from memory_pipeline.server.run import run_server
from memory_pipeline.store.access import create_token, list_tokens, revoke_token

STATUS = "/api/memory/status"
OUTCOMES = "/api/memory/outcomes"


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when it is told to."""

    class Clock:
        now = 1_000.0

        def monotonic(self):
            return self.now

        time = staticmethod(time.time)

    fake = Clock()
    monkeypatch.setattr(access, "time", fake)
    return fake


def test_on_loopback_without_tokens_everything_works(client):
    assert client.get(STATUS).status_code == 200
    assert client.get("/api/memory/audit").status_code == 200


def test_once_there_is_a_token_it_is_needed(client, bearer, clock):
    assert client.get(STATUS).status_code == 200
    token = bearer("read")
    clock.now += 2.1
    refused = client.get(STATUS)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get(STATUS, headers=token).status_code == 200


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_the_end_of_the_last_token_does_not_open_the_server(client, store, bearer, clock, how):
    token = bearer("read", "only")
    assert client.get(STATUS, headers=token).status_code == 200
    if how == "revoked":
        revoke_token(store, "only")
    else:
        with store.transaction() as connection:
            connection.execute(text("update api_tokens set expires_at = now()"))
    clock.now += 2.1
    assert client.get(STATUS).status_code == 401
    assert client.get(STATUS, headers=token).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer mp_wrong", "Bearer", "Bearer ", "Basic bXA6eA==", "mp_wrong", "bearer  ", "Bearer é"]
)
def test_a_wrong_token_is_refused(client, bearer, header):
    bearer("read")
    reply = client.get(STATUS, headers={"Authorization": header.encode("latin-1")})
    assert reply.status_code == 401
    assert "mp_wrong" not in reply.text


def test_a_wrong_token_is_refused_where_none_is_needed_too(client):
    assert client.get(STATUS, headers={"Authorization": "Bearer mp_wrong"}).status_code == 401


def test_each_scope_includes_those_before_it(client, bearer):
    calls = {
        "read": lambda token: client.get("/api/memory/quarantine", headers=token),
        "report": lambda token: client.post(OUTCOMES, json=outcome(), headers=token),
        "decide": lambda token: client.delete("/api/memory/quarantine/1", headers=token),
        "admin": lambda token: client.get("/api/memory/audit", headers=token),
    }
    tokens = {scope: bearer(scope) for scope in calls}
    for level, (scope, token) in enumerate(tokens.items()):
        for needed, call in enumerate(calls.values()):
            reply = call(token)
            assert (reply.status_code == 403) == (needed > level), (scope, needed, reply.text)
            if reply.status_code == 403:
                assert f"may {scope}; this needs the scope" in reply.json()["detail"]


def test_a_revoked_token_is_refused_within_two_seconds(client, store, bearer, clock):
    bearer("admin", "other")
    token = bearer("read", "mine")
    assert client.get(STATUS, headers=token).status_code == 200
    revoke_token(store, "mine")
    clock.now += 1.9
    assert client.get(STATUS, headers=token).status_code == 200  # what was read last still applies
    clock.now += 0.2
    assert client.get(STATUS, headers=token).status_code == 401


def test_a_token_that_expires_is_refused_at_once(client, store, bearer, monkeypatch):
    token = bearer("read", valid_for=timedelta(days=1))
    assert client.get(STATUS, headers=token).status_code == 200
    real = access.datetime

    class Later:
        @staticmethod
        def now(tz):
            return real.now(tz=tz) + timedelta(days=1, seconds=1)

    monkeypatch.setattr(access, "datetime", Later)
    assert client.get(STATUS, headers=token).status_code == 401


def test_the_use_of_a_token_is_noted(client, store, bearer, clock):
    token = bearer("read", "mine")
    bearer("read", "other")
    client.get(STATUS, headers=token)
    clock.now += 2.1
    client.get(STATUS, headers=token)
    used = {one["name"]: one["last_used_at"] is not None for one in list_tokens(store)}
    assert used == {"mine": True, "other": False}


def test_a_token_is_stored_as_its_hash_alone(store):
    token = create_token(store, "mine", "read")
    with store.transaction() as connection:
        row = connection.execute(text("select * from api_tokens")).mappings().one()
    assert token not in str(dict(row))
    assert all("hash" not in one for one in list_tokens(store))


def test_tokens_of_a_file_work_beside_those_of_the_database(make_client, bearer, tmp_path):
    path = tmp_path / "tokens"
    path.write_text("# ours\n\nfiled read mp_in-the-file\n")
    stored = bearer("read")
    with make_client(file_grants=read_token_file(path)) as client:
        assert client.get(STATUS, headers={"Authorization": "Bearer mp_in-the-file"}).status_code == 200
        assert client.get(STATUS, headers=stored).status_code == 200
        assert client.get(STATUS).status_code == 401


@pytest.mark.parametrize("line", ["name read", "name write mp_secret", "name read mp_secret more"])
def test_a_token_file_that_cannot_be_read_is_refused_without_the_token(tmp_path, line):
    path = tmp_path / "tokens"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ValueError, match="line 2") as refused:
        read_token_file(path)
    assert "mp_secret" not in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "memory.example.com"])  # noqa: S104
def test_another_address_than_loopback_does_not_start_without_tokens(memory, host):
    assert not is_loopback(host)
    with pytest.raises(ValueError, match="token create"):
        run_server(memory, ServerOptions(host=host, port=1))


def test_another_address_than_loopback_is_closed_to_who_has_no_token(make_client, bearer):
    token = bearer("read")
    with make_client(host="0.0.0.0") as client:  # noqa: S104
        assert client.get(STATUS).status_code == 401
        assert client.get(STATUS, headers=token).status_code == 200
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8017", 200),
        ("LOCALHOST", 200),
        ("[::1]:8017", 200),
        ("memory.example.com", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.", 421),
        ("", 421),
    ],
)
def test_only_known_names_may_be_asked(make_client, host, status):
    with make_client(allowed_hosts=("memory.example.com",)) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://127.0.0.1"}, 201),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_writes_of_other_sites_are_refused(client, headers, status):
    assert client.post(OUTCOMES, json=outcome(), headers=headers).status_code == status
    assert client.get(STATUS, headers=headers).status_code == 200


def test_the_rate_is_that_of_each_token(make_client, bearer):
    one, two = bearer("read", "one"), bearer("read", "two")
    with make_client(requests_per_minute=3) as client:
        assert [client.get(STATUS, headers=one).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = client.get(STATUS, headers=one)
        assert 1 <= int(refused.headers["Retry-After"]) <= 61
        assert client.get(STATUS, headers=two).status_code == 200
        assert client.get("/healthz").status_code == 200


def test_a_body_that_is_too_large_is_refused(make_client):
    big = json.dumps(outcome(context={"x": "y" * 2_000})).encode()
    with make_client(max_body_bytes=1_000) as client:
        kind = {"Content-Type": "application/json"}
        assert client.post(OUTCOMES, content=big, headers=kind).status_code == 413
        # In parts, without a Content-Length.
        parts = (big[start : start + 100] for start in range(0, len(big), 100))
        reply = client.post(OUTCOMES, content=parts, headers=kind)
        assert (reply.status_code, "1,000 bytes" in reply.json()["detail"]) == (413, True)
        assert client.post(OUTCOMES, json=outcome()).status_code == 201


def test_a_client_that_does_not_finish_is_answered_and_dropped(serving):
    with serving(body_timeout=0.5) as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.settimeout(60)
        head = f"POST {OUTCOMES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
        slow.sendall(f'{head}Content-Type: application/json\r\n\r\n{{"a":'.encode())
        answer = b""
        while b"send it again" not in answer:
            part = slow.recv(4_096)
            assert part, answer
            answer += part
    assert answer.startswith(b"HTTP/1.1 408")


def test_every_route_needs_a_scope(memory, bearer):
    """What asks for no token is listed here, so that no route can be forgotten."""
    bearer("read")
    app = create_app(memory, ServerOptions())
    open_routes = set()
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        for path, methods in app.openapi()["paths"].items():
            for method in methods:
                if client.request(method, path.replace("{identity}", "1")).status_code != 401:
                    open_routes.add((method, path))
        assert client.get("/openapi.json").status_code == 401
    assert open_routes == {("get", "/healthz"), ("get", "/readyz")}


def test_no_token_is_in_a_log_or_an_answer(client, bearer, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    token = bearer("read")
    secret = token["Authorization"].split()[1]
    replies = [
        client.get(f"{STATUS}?token={secret}", headers=token),
        client.post(f"{OUTCOMES}?source={secret}", json={"secret": secret}, headers=token),
        client.get("/nowhere", headers=token),
        client.get(STATUS, headers={"Authorization": f"Bearer {secret}x"}),
    ]
    assert [reply.status_code for reply in replies] == [200, 403, 404, 401]
    # The client's own log has what it asked; that of the server must not.
    lines = [one.getMessage() for one in caplog.records if not one.name.startswith("http")]
    assert sum('"event": "request"' in line for line in lines) == 4
    assert not any(secret in line for line in lines)
    assert all(secret not in reply.text + str(reply.headers) for reply in replies)
    monkeypatch.setattr(access, "GRANTS_LIVE_FOR", 0.0)
    admin = bearer("admin", "auditor")
    for path in ("/api/memory/audit", "/metrics"):
        shown = client.get(path, headers=admin)
        assert (shown.status_code, secret in shown.text) == (200, False)


def test_opening_a_memory_twice_shares_its_tokens(settings, store, bearer):
    token = bearer("read")
    with Memory.open(settings) as memory:
        app = create_app(memory, ServerOptions())
        with TestClient(app, base_url="http://127.0.0.1") as client:
            assert client.get(STATUS, headers=token).status_code == 200
