"""The Python client: the questions of `Memory` over HTTP, tried again where that helps, no outcome lost."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest
from fastapi.testclient import TestClient

from memory_pipeline.client import MemoryClient, MemoryProblem, MemoryUnreachable
from memory_pipeline.memory import Memory
from memory_pipeline.server.app import create_app
from memory_pipeline.server.options import ServerOptions
from memory_pipeline.store.access import create_token

URL = "http://127.0.0.1"
OUTCOME = {
    "application_name": "7-Zip",
    "occurred_at": "2026-03-01T12:00:00+01:00",
    "outcome_status": "success",
    "approach_details": {"silent_switch": "/S"},
}


def through(server):
    """Return what sends the requests of a client to an application without a network."""

    def send(request):
        asked = server.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        headers = {name: one for name, one in asked.headers.items() if name != "content-encoding"}
        return httpx.Response(asked.status_code, headers=headers, content=asked.content)

    return send


@pytest.fixture
def client(server, tmp_path):
    """A client of the rebuilt memory, for reading only."""
    with MemoryClient(
        URL, transport=httpx.MockTransport(through(server)), buffer=tmp_path / "buffer"
    ) as opened:
        yield opened


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def answering(tmp_path, pauses):
    """A function that makes a client of a server that answers as a function says."""

    def make(answer, **options):
        return MemoryClient(
            URL,
            transport=httpx.MockTransport(answer),
            buffer=tmp_path / "buffer",
            sleep=pauses.append,
            **options,
        )

    return make


def one_after_another(*answers):
    """Answer with these in turn; an exception is raised. Returns the function and the requests."""
    left, seen = list(answers), []

    def answer(request):
        seen.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return answer, seen


def test_the_answers_are_those_of_the_memory(client, memory):
    assert client.status()["outcomes"] == memory.status()["outcomes"]
    frame = memory.patterns()
    assert [one["id"] for one in client.patterns(limit=3)] == list(frame["id"])
    assert client.pattern(frame["id"].iloc[0])["description"] == frame["description"].iloc[0]
    factors = memory.factors()
    assert [one["id"] for one in client.factors()] == list(factors["id"])
    assert client.factor(factors["id"].iloc[0])["factor_name"] == factors["factor_name"].iloc[0]
    assert client.learning_summary() == memory.learning_summary()
    explained = memory.explain_change(before=("2025-01", "2025-06"), after="2026-01", columns=["wrapper"])
    asked = {"before": ("2025-01", "2025-06"), "after": "2026-01", "columns": ["wrapper"]}
    assert client.explain_change(**asked)["sentences"] == list(explained.sentences)
    assert client.explain_change()["sentences"] == list(memory.explain_change().sentences)
    assert client.vocabulary().keys() == memory.vocabulary().keys()
    assert {one["question"] for one in client.predictability()["items"]}
    assert len(list(client.questions())) == len(memory.questions())
    assert len(list(client.recommendations())) == len(memory.recommendations())


def test_pages_follow_cursors(client, memory):
    failed = [one["id"] for one in client.outcomes(status="failure", limit=100)]
    assert len(failed) == len(set(failed)) == len(memory.outcomes(status="failure")) > 200
    chosen = list(client.outcomes(approach={"wrapper": "psadt"}, installer_type="msi", limit=500))
    assert chosen
    assert all(one["approach_details"]["wrapper"] == "psadt" for one in chosen)


def test_advice_and_checks(client, memory):
    answer = client.recommend(installer_type="msi")
    assert (
        answer["advice"]
        == json.loads(memory.serving.recommend({"installer_type": "msi"}).to_json())["advice"]
    )
    assert client.served(answer["recommendation_id"])["id"] == answer["recommendation_id"]
    assert "candidates" not in answer["advice"]
    looked = client.recommend({"installer_type": "msi"}, log=False, full=True)
    assert looked["recommendation_id"] is None
    assert looked["advice"]["candidates"]
    check = client.check_approach({"installer_type": "msi"}, looked["advice"]["recommended_approach"])
    assert check["verdict"] in {"worked_before", "failed_before", "unknown"}
    assert str(check["attempts"]) in check["sentence"]


def test_problems_are_exceptions(client):
    with pytest.raises(MemoryProblem) as refused:
        client.check_approach({"installer": "msi"}, {"wrapper": "psadt"})
    assert refused.value.status == 422
    assert refused.value.errors[0]["field"] == "body.context.installer"
    assert "installer" in refused.value.detail
    with pytest.raises(MemoryProblem) as missing:
        client.outcome("nothing/../such")
    assert missing.value.status == 404
    with pytest.raises(ValueError, match="give one of pattern, factor, member_pattern"):
        client.decide("patern", "1", "retire")


@pytest.mark.parametrize("answer", [502, 503, 429, httpx.ConnectError("away"), httpx.ReadTimeout("late")])
def test_a_write_is_sent_again_with_its_key(answering, pauses, answer):
    if isinstance(answer, int):
        answer = httpx.Response(answer, headers={"Retry-After": "7"})
        waits = [7.0, 7.0]
    else:
        waits = None
    answers, seen = one_after_another(answer, answer, httpx.Response(202, json={"id": "1"}))
    assert answering(answers).rebuild() == {"id": "1"}
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len(seen) == 3
    if waits:
        assert pauses == waits
    else:
        assert 0 < pauses[0] < 0.4 < pauses[1] * 3


def test_a_refusal_is_not_sent_again(answering, pauses):
    answers, seen = one_after_another(httpx.Response(403, json={"detail": "no", "status": 403}))
    with pytest.raises(MemoryProblem, match="403: no"):
        answering(answers).status()
    assert (len(seen), pauses) == (1, [])


def test_without_an_answer_the_error_says_where_it_looked(answering):
    def away(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(MemoryUnreachable, match=r"127\.0\.0\.1.*MEMORY_SERVER_URL") as error:
        answering(away, tries=2).status()
    assert error.value.status == 0


def test_a_redirection_does_not_get_the_token(answering):
    answers, seen = one_after_another(httpx.Response(307, headers={"Location": "http://elsewhere/"}))
    with pytest.raises(MemoryProblem, match="leads elsewhere"):
        answering(answers, token="mp_x").status()  # noqa: S106
    assert len(seen) == 1


def test_address_and_token_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MEMORY_SERVER_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("MEMORY_TOKEN", " mp_secret ")
    monkeypatch.setenv("MEMORY_HOME", str(tmp_path))
    with MemoryClient() as client:
        assert client.url == "http://127.0.0.1:9"
        assert client._connection.http.headers["Authorization"] == "Bearer mp_secret"
        assert client.buffer.parent == tmp_path / "client_outbox"
        assert "mp_secret" not in repr(client)
    with MemoryClient("http://127.0.0.1:10") as other:
        assert other.buffer != client.buffer


class Network:
    """A network that can be cut: before a request arrives, or before its answer does."""

    def __init__(self, send):
        self.send = send
        self.cut = None

    def handle(self, request):
        if self.cut == "before":
            raise httpx.ConnectError("cut")
        response = self.send(request)
        if self.cut == "after":
            raise httpx.ReadTimeout("cut")
        return response


@pytest.fixture
def network(settings, store):
    create_token(store, "agent", "report")  # so that the test shows one, as an agent does
    app = create_app(Memory(settings, store), ServerOptions())
    with TestClient(app, URL) as opened:
        yield Network(through(opened))


@pytest.fixture
def reporter(network, store, tmp_path):
    token = create_token(store, "reporter", "report")
    with MemoryClient(
        URL,
        token,
        transport=httpx.MockTransport(network.handle),
        buffer=tmp_path / "buffer",
        sleep=lambda _: None,
    ) as opened:
        yield opened


@pytest.mark.parametrize("cut", ["before", "after"])
def test_no_outcome_is_lost_or_doubled_where_the_network_fails(network, reporter, settings, store, cut):
    assert reporter.report_outcome(OUTCOME)["stored"] == 1
    network.cut = cut
    for _ in range(2):
        assert reporter.report_outcome(OUTCOME)["items"][0]["status"] == "kept"
    assert reporter.report_outcomes([OUTCOME, OUTCOME], source="batch")["kept"] == 2
    with pytest.raises(MemoryUnreachable):
        reporter.status()
    assert len(list(reporter.buffer.iterdir())) == 4
    assert {path.stat().st_mode & 0o777 for path in reporter.buffer.iterdir()} == {0o600}
    network.cut = None
    reporter._flushes_from = 0.0
    reporter.status()
    assert list(reporter.buffer.iterdir()) == []
    stored = Memory(settings, store).outcomes()
    assert len(stored) == 5
    assert sorted(stored["source"]) == ["batch"] * 2 + ["client"] * 3


def test_a_correction_is_not_overtaken_by_what_it_corrects(network, reporter, settings, store):
    network.cut = "before"
    known = {**OUTCOME, "source": "agent", "source_record_id": "1"}
    reporter.report_outcome(known)
    network.cut = None
    corrected = reporter.report_outcome({**known, "outcome_status": "failure"})
    assert corrected["changed"] == 1
    reporter.report_outcome(known)  # and back again
    assert list(Memory(settings, store).outcomes()["outcome_status"]) == ["success"]


def test_what_the_server_refuses_is_set_aside(network, reporter):
    with pytest.raises(MemoryProblem) as refused:
        reporter.report_outcome({**OUTCOME, "outcome_status": "fine"})
    assert refused.value.document["quarantine_id"] >= 1
    network.cut = "before"
    reporter.report_outcome({**OUTCOME, "outcome_status": "fine"})
    reporter.report_outcome(OUTCOME)
    network.cut = None
    assert reporter.flush() == (1, 0, 1)


def test_a_full_buffer_is_an_error(answering, monkeypatch):
    monkeypatch.setattr("memory_pipeline.hook.outbox.MAX_KEPT", 1)

    def away(request):
        raise httpx.ConnectError("refused")

    client = answering(away, tries=1)
    client.report_outcome(OUTCOME)
    with pytest.raises(RuntimeError, match="full"):
        client.report_outcome(OUTCOME)


def test_the_client_imports_none_of_what_the_memory_computes_with():
    heavy = ("pandas", "numpy", "scipy", "sqlalchemy", "pydantic", "fastapi", "dagster")
    code = f"import sys, memory_pipeline.client; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
