"""Who may see and do what in pages: signing in, forms of other sites, errors in words, hostile texts."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.store.access import create_token, read_audit

HTML = {"Accept": "text/html"}
BASE = "http://127.0.0.1"


@pytest.fixture
def guarded(settings, store):
    """A client of an empty memory that asks for tokens, with those of a reader and of one who decides."""
    tokens = {scope: create_token(store, scope, scope) for scope in ("read", "decide")}
    with (
        Memory(settings, store) as memory,
        TestClient(create_app(memory, ServerOptions(requests_per_minute=10**6)), BASE) as client,
    ):
        yield client, tokens, store


def sign_in(client, token, following="/patterns"):
    client.get("/sign-in", headers=HTML)
    form = {"token": token, "next": following, "form_token": client.cookies["memory_form"]}
    return client.post("/sign-in", data=form, headers=HTML, follow_redirects=False)


def test_who_has_no_token_is_asked_for_one_and_then_sent_on(guarded):
    client, tokens, _ = guarded
    refused = client.get("/patterns?sort=impact", headers=HTML, follow_redirects=False)
    assert refused.status_code == 303
    assert refused.headers["location"] == "/sign-in?next=%2Fpatterns%3Fsort%3Dimpact"
    assert client.get("/api/memory/patterns").status_code == 401
    wrong = sign_in(client, "guessed")
    assert wrong.status_code == 401
    assert "not in force" in wrong.text
    right = sign_in(client, tokens["read"])
    assert (right.status_code, right.headers["location"]) == (303, "/patterns")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/patterns", headers=HTML).status_code == 200
    assert client.get("/api/memory/patterns").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_elsewhere(guarded, elsewhere):
    client, tokens, _ = guarded
    assert sign_in(client, tokens["read"], elsewhere).headers["location"] == "/"


def test_signing_out_forgets_the_token(guarded):
    client, tokens, _ = guarded
    sign_in(client, tokens["read"])
    client.post("/sign-out", data={"form_token": client.cookies["memory_form"]}, follow_redirects=False)
    assert client.get("/patterns", headers=HTML, follow_redirects=False).status_code == 303


def test_a_cookie_alone_writes_nothing(guarded):
    client, tokens, _ = guarded
    sign_in(client, tokens["decide"])
    # Another site can make the browser send the cookie, and not the secret of the form.
    for form in ({}, {"form_token": "guessed"}):
        reply = client.post("/patterns/x/decision", data={"decision": "retire", **form}, headers=HTML)
        assert reply.status_code == 403
        assert "load the page again" in reply.text
    reply = client.post("/api/memory/patterns/x/decision", json={"decision": "retire"})
    assert reply.status_code == 401


def test_a_reader_decides_nothing_and_is_told_why(guarded):
    client, tokens, _ = guarded
    sign_in(client, tokens["read"])
    form = {"decision": "retire", "form_token": client.cookies["memory_form"]}
    reply = client.post("/patterns/x/decision", data=form, headers=HTML)
    assert reply.status_code == 403
    assert "this needs the scope decide" in reply.text


def test_a_form_stands_in_the_audit_log(guarded):
    client, tokens, store = guarded
    sign_in(client, tokens["decide"])
    form = {"decision": "retire", "form_token": client.cookies["memory_form"]}
    assert client.post("/patterns/x/decision", data=form, headers=HTML).status_code == 404
    entry = read_audit(store)[0]
    assert (entry["actor"], entry["door"], entry["status"]) == ("decide", "dashboard", 404)
    assert entry["action"] == "POST /patterns/{identity}/decision"


def test_problems_are_pages_for_people_and_documents_for_programs(server):
    page = server.get("/nowhere", headers=HTML)
    assert page.status_code == 404
    assert "<h1>Not Found</h1>" in page.text
    assert server.get("/nowhere").headers["content-type"] == "application/problem+json"
    assert (
        server.get("/api/memory/nowhere", headers=HTML).headers["content-type"] == "application/problem+json"
    )
    missing = server.get("/patterns/<img src=x onerror=alert(1)>", headers=HTML)
    assert missing.status_code == 404
    assert "<img src=x" not in missing.text
    assert "&lt;img src=x" in missing.text
