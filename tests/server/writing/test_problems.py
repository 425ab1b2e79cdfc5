"""Every error is a problem document that names field, value and remedy, and shows nothing of the inside."""

from __future__ import annotations

import json
import logging
import threading
import uuid

import httpx
import pytest
from server_tools import outcome
from sqlalchemy import text
from starlette.testclient import TestClient

from memory_pipeline.server.app import create_app
from memory_pipeline.server.bodies import DEEPEST, check_depth
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.server.problems import ProblemError, unknown_value
from memory_pipeline.store import Store

OUTCOMES = "/api/memory/outcomes"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, "memory_pipeline.server")
    return lambda: [json.loads(one.message) for one in caplog.records if one.name == "memory_pipeline.server"]


def is_problem(reply):
    body = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert body["status"] == reply.status_code
    assert {"type", "title", "status", "detail"} <= body.keys()
    return body


def test_errors_of_every_kind_are_problem_documents(client):
    for reply, status in (
        (client.get("/nowhere"), 404),
        (client.put(OUTCOMES), 405),
        (client.get("/api/memory/quarantine", params={"limit": 0}), 422),
        (client.get("/api/memory/quarantine/x"), 422),
        (client.get("/api/memory/quarantine/1"), 404),
        (client.post("/api/memory/quarantine/retry", content=b"{", headers=JSON), 422),
    ):
        assert reply.status_code == status
        assert is_problem(reply)["detail"]


@pytest.mark.parametrize(
    ("send", "field", "value"),
    [
        (lambda client: client.get("/api/memory/decisions?finding_id=a%00b"), "query.finding_id", r"a\x00b"),
        (lambda client: client.get("/api/memory/quarantine?field=%00"), "query.field", r"\x00"),
        (
            lambda client: client.post(
                "/api/memory/quarantine/retry", content=rb'{"field": "a\u0000"}', headers=JSON
            ),
            "body.field",
            r"a\x00",
        ),
        (
            lambda client: client.post(
                "/api/memory/approaches/check", content=rb'{"approach": {"\ud800": "x"}}', headers=JSON
            ),
            "body.approach",
            r"\ud800",
        ),
    ],
)
def test_a_text_that_the_database_cannot_store_is_named(client, send, field, value):
    reply = send(client)
    assert reply.status_code == 422
    error = is_problem(reply)["errors"][0]
    assert (error["field"], error["value"]) == (field, value)
    assert "send it without" in error["remedy"]


def test_a_backslash_before_a_u_is_not_a_character(client):
    reply = client.post("/api/memory/quarantine/retry", content=rb'{"field": "a\\u0000"}', headers=JSON)
    assert reply.status_code == 200


def test_a_path_with_a_nul_is_not_found(client):
    assert client.get("/api/memory/jobs/%00").status_code == 404


def test_a_field_error_names_field_value_and_remedy(client):
    error = is_problem(client.get("/api/memory/quarantine", params={"limit": 5_000}))["errors"][0]
    assert error == {
        "field": "query.limit",
        "value": "'5000'",
        "remedy": "send at most 1000",
        "nearest": None,
    }


def test_the_nearest_known_value_is_named():
    error = unknown_value("context.installer_type", "MSI", ["exe", "msi", "msix"])
    assert (error.nearest, error.remedy) == ("msi", "did you mean 'msi'?")
    assert unknown_value("x", "zzz", ["a", "b"]).remedy == "use one of a, b"
    assert unknown_value("x", "zzz", []).remedy == "leave it out"


@pytest.mark.parametrize("error", [TypeError, KeyError, ValueError, RuntimeError, RecursionError, OSError])
def test_a_failure_of_the_server_shows_nothing_of_the_inside(app, client, log, error):
    @app.get("/api/memory/broken")
    def broken() -> str:
        if error is ValueError:
            return str(int("hidden-word"))
        if error is KeyError:
            return {}["hidden-word"]
        raise_hidden(error)
        return ""

    reply = client.get("/api/memory/broken")
    assert reply.status_code == 500
    assert "hidden" not in reply.text
    request_id = reply.headers["X-Request-Id"]
    assert request_id in is_problem(reply)["detail"]
    failure, line = log()
    assert (failure["request_id"], failure["error"]) == (request_id, error.__name__)
    assert any("broken" in frame for frame in failure["at"])
    assert "hidden-word" not in json.dumps(failure)
    assert (line["status"], line["route"]) == (500, "/api/memory/broken")


def raise_hidden(error):
    """Raise as a library would: outside of the project's own modules."""
    raise error("hidden-word")


def test_an_answer_that_breaks_off_is_logged_without_its_message(app, make_client, log):
    from fastapi.responses import StreamingResponse  # noqa: PLC0415

    def parts():
        yield "begun"
        raise TypeError("hidden-word")

    @app.get("/api/memory/broken")
    def broken() -> StreamingResponse:
        return StreamingResponse(parts())

    with (
        TestClient(app, base_url="http://127.0.0.1") as client,
        pytest.raises(Exception, match=r"^[0-9a-f-]{36}$") as broke,
    ):
        client.get("/api/memory/broken")
    assert broke.value.__suppress_context__
    assert log()[0]["error"] == "TypeError"
    assert "hidden-word" not in json.dumps(log())


def test_each_request_has_an_id_and_one_line_in_the_log(client, log):
    reply = client.post(f"{OUTCOMES}?source=query-word", json=outcome(task_id="body-word"))
    assert uuid.UUID(reply.headers["X-Request-Id"])
    refused = client.get("/healthz", headers={"Host": "evil.example"})
    assert uuid.UUID(refused.headers["X-Request-Id"])
    first, second = log()
    assert {key: first[key] for key in ("method", "route", "status", "actor", "request_id")} == {
        "method": "POST",
        "route": OUTCOMES,
        "status": 201,
        "actor": "loopback",
        "request_id": reply.headers["X-Request-Id"],
    }
    assert first["ms"] >= 0
    assert (second["route"], second["status"], second["actor"]) == (None, 421, None)
    assert "query-word" not in json.dumps(log())
    assert "body-word" not in json.dumps(log())


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"outcomes": ' + b"[" * 65 + b"]" * 65 + b"}",
        b'"\\' + b'"[' * 2_000_000,
        b'["\\"' + b'\\"' * 2_000_000 + b"[" * 100,
    ],
)
def test_json_without_bottom_is_refused_before_it_is_parsed(client, body):
    for path in (OUTCOMES, "/api/memory/quarantine/retry"):
        reply = client.post(path, content=body, headers=JSON)
        assert reply.status_code == 422, reply.text
        is_problem(reply)


async def _depth(body):
    try:
        await check_depth(body)
    except ProblemError:
        return "too deep"
    return "fine"


def test_brackets_in_texts_are_not_levels():
    import asyncio  # noqa: PLC0415

    deep = "[" * DEEPEST + "]" * DEEPEST
    for value, found in (
        (deep, "fine"),
        (f"[{deep}]", "too deep"),
        (json.dumps(["[" * 1_000, '\\"[' * 1_000]), "fine"),
        (json.dumps([[1]] * 1_000), "fine"),
        (json.dumps({'"' + "{" * 500: [1]}), "fine"),
    ):
        assert asyncio.run(_depth(value.encode())) == found


def test_while_the_database_is_away_the_server_says_so(dead_memory):
    app = create_app(dead_memory, ServerOptions())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, "OperationalError" in ready.json()["detail"]) == (503, True)
        for reply in (client.get("/api/memory/status"), client.post(OUTCOMES, json=outcome())):
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
            assert "does not answer" in is_problem(reply)["detail"]
            assert "hidden-word" not in reply.text + ready.text


def test_connections_that_the_database_closed_are_replaced(client, store):
    """As after a restart of the database, which closes them all."""
    with store.engine.connect(), store.engine.connect():
        pass  # two wait in the pool now
    ends = text(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    other = Store(store.url)
    with other.engine.connect() as connection:
        assert connection.scalar(ends) >= 2
    other.close()
    for _ in range(5):
        assert client.get("/readyz").status_code == 200
        assert client.post(OUTCOMES, json=outcome()).status_code in {200, 201}


def test_requests_that_are_being_worked_on_are_finished_at_a_shutdown(serving, store):
    with serving() as server:
        answers = []

        def send():
            answers.append(httpx.post(f"{server.url}{OUTCOMES}", json=outcome(), timeout=60).status_code)

        with store.transaction() as connection:
            connection.execute(text("lock table packaging_outcomes in access exclusive mode"))
            sending = threading.Thread(target=send)
            sending.start()
            waits = text(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and state = 'active' "
                "and pid <> pg_backend_pid()"
            )
            # Within one transaction the view would show the same again and again.
            with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
                for _ in range(600):
                    if looking.scalar(waits):
                        break
                    sending.join(0.05)
                assert looking.scalar(waits) >= 1
            server.process.terminate()
            sending.join(0.5)  # the server has been told to stop, and waits for this request
            assert answers == []
            assert server.process.poll() is None
        sending.join(60)
        assert answers == [201]
        assert server.process.wait(30) in {0, -15}
    lines = [json.loads(one) for one in server.log.read_text().splitlines() if one.startswith("{")]
    assert lines[-1]["status"] == 201
    assert {"at", "level", "event"} <= lines[-1].keys()


def test_a_connection_is_kept_for_the_next_request(serving):
    with serving() as server, httpx.Client(base_url=server.url) as client:
        streams = {id(client.get("/healthz").extensions["network_stream"]) for _ in range(3)}
    assert len(streams) == 1
