"""Every way a call can end: each has its status, tells the user what to do, and keeps what was verified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from messages_server import Reply, call, text
from pydantic import SecretStr
from replies import ANALYSIS, DATA, FINISHED, READS, WEB, saves, saying
from scripted_community import part, proposal

from memory_pipeline.agent import PatternFinderAgent
from memory_pipeline.agent.endings import ENDINGS
from memory_pipeline.agent.usage import MIN_OUTPUT
from memory_pipeline.contracts.contract import load_contract
from memory_pipeline.store import reads
from memory_pipeline.store.models import DiscoveryRun, MemberPattern

PROJECT = Path(__file__).resolve().parents[2]
LONG = {"retry_after": "9000"}
PAGE = b"<html><body>Gateway</body></html>"


def discover(memory_at, url, **changes):
    return PatternFinderAgent(memory_at(url, **changes)).discover_patterns()


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("reply", "status", "requests", "remedy"),
    [
        (Reply.error(400, "invalid_request_error"), "bad_request", 1, "MEMORY_DISCOVERY_EFFORT"),
        (
            Reply.error(400, "invalid_request_error", "Your credit balance is too low"),
            "no_credit",
            1,
            "top it",
        ),
        (
            Reply.error(400, "invalid_request_error", "prompt is too long: 9 tokens"),
            "context_window",
            1,
            "--focus",
        ),
        (Reply.error(401, "authentication_error", "invalid x-api-key"), "wrong_key", 1, "ANTHROPIC_API_KEY"),
        (Reply.error(402, "billing_error"), "no_credit", 1, "top it up"),
        (Reply.error(403, "permission_error"), "no_permission", 1, "MEMORY_DISCOVERY_MODEL"),
        (Reply.error(404, "not_found_error", "model: claude-x"), "unknown_model", 1, "claude-x"),
        (Reply.error(413, "request_too_large"), "too_large", 1, "--focus"),
        (Reply.error(429, "rate_limit_error"), "rate_limited", 3, "few minutes"),
        (Reply.error(429, "rate_limit_error", **LONG), "rate_limited", 1, "wait 9,000 seconds"),
        (Reply.error(500, "api_error"), "server_error", 3, "later"),
        (Reply.error(529, "overloaded_error"), "overloaded", 3, "later"),
        (Reply.error(504, "timeout_error"), "timeout", 3, "MEMORY_DISCOVERY_TIMEOUT"),
        (Reply(status=503, body=PAGE, content_type="text/html"), "server_error", 3, "later"),
        (
            Reply(status=302, headers={"location": "http://127.0.0.1:9/"}),
            "bad_answer",
            1,
            "ANTHROPIC_BASE_URL",
        ),
        (Reply(body=PAGE, content_type="text/html"), "bad_answer", None, "ANTHROPIC_BASE_URL"),
        (Reply(body=b"", content_type="application/json"), "bad_answer", None, "ANTHROPIC_BASE_URL"),
        (Reply(body=b'{"type": "message"}'), "bad_answer", None, "ANTHROPIC_BASE_URL"),
        (Reply(body=b"[1, 2]"), "bad_answer", None, "ANTHROPIC_BASE_URL"),
        (Reply([text("half")], stop_reason=None), "bad_answer", None, "broke off"),
        (Reply([text("half")], breaks_off=True), None, None, "try"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_failed_calls_are_told_apart(  # noqa: PLR0917 - fixtures and cases
    memory_at, script, store, streaming, reply, status, requests, remedy
):
    with script(saying(reply)) as server:
        result = discover(memory_at, server.url, discovery_streaming=streaming)
    assert status is None or result.status == status, result.message
    assert result.status not in {"complete", "failed"}
    if requests is not None:
        assert result.usage.requests == len(server.requests) == requests
        assert result.usage.retries == requests - 1
    assert len(server.requests) <= 4
    assert remedy in result.message or status is None
    assert "sk-ant" not in result.message
    run = reads.read_table(store, DiscoveryRun).iloc[0]
    assert (run["status"], run["message"]) == (result.status, result.message)
    assert not result.is_complete


def test_the_api_answers_late(memory_at, script):
    with script(saying(Reply([text("at last")], wait=2.0))) as server:
        result = discover(memory_at, server.url, discovery_timeout=0.2)
    assert result.status == "timeout"
    assert "MEMORY_DISCOVERY_TIMEOUT" in result.message


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "nonsense", "http://[1"]
)
def test_the_api_is_not_there(memory_at, url):
    result = discover(memory_at, url)
    assert result.status == "no_connection"
    assert "ANTHROPIC_BASE_URL" in result.message


@pytest.mark.parametrize("key", ["sk ant", "schlüssel", "a\nb", "a\x00b"])
def test_what_can_be_no_key_is_not_sent(memory_at, script, key):
    with script(saying(FINISHED)) as server:
        result = discover(memory_at, server.url, anthropic_api_key=SecretStr(key))
    assert server.requests == []
    assert result.status == "wrong_key"
    assert key not in result.message


def test_an_overload_passes(memory_at, script):
    with script(saying(Reply.error(529, "overloaded_error"), READS, saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url)
    assert result.status == "complete"
    assert (result.usage.requests, result.usage.retries, result.usage.turns) == (4, 1, 3)


@pytest.mark.parametrize(
    "broken",
    [
        Reply([text("so")], stream_error={"type": "overloaded_error", "message": "Overloaded"}),
        Reply([text("so")], breaks_off=True),
        Reply([call("save_pattern", DATA)], "tool_use", broken_json=True),
    ],
    ids=["overloaded in the middle", "cut in the middle", "input that is no JSON"],
)
def test_what_breaks_in_the_middle_of_a_stream_is_tried_once_more(memory_at, script, store, broken):
    with script(saying(broken, saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url)
    assert result.status == "complete", result.message
    assert result.usage.retries == 1
    assert len(reads.read_table(store, MemberPattern)) == 1
    with script(saying(broken)) as server:
        result = discover(memory_at, server.url)
    assert len(server.requests) == 2
    assert result.status in {"overloaded", "bad_answer"}


def test_tokens_of_an_answer_that_broke_off_are_counted(memory_at, script):
    with script(saying(Reply([text("so")], breaks_off=True))) as server:
        result = discover(memory_at, server.url)
    assert result.usage.input_tokens == 2 * 1000
    assert 2 * 5 < result.usage.output_tokens < 2 * 50  # the API's count of them never came


def test_the_second_try_is_within_the_limits_too(memory_at, script):
    long = Reply([text("word " * 9_000)], breaks_off=True)
    with script(saying(long)) as server:
        result = discover(memory_at, server.url, discovery_max_tokens=20_000)
    first, second = (body["max_tokens"] for body in server.requests)
    assert second < first - 9_000
    assert result.status == "bad_answer"


def test_a_refusal_ends_it_and_keeps_what_was_verified(memory_at, script, store):
    refusal = Reply(
        [], "refusal", stop_details={"type": "refusal", "category": "bio", "explanation": "odd\u202e labels"}
    )
    with script(saying(saves(DATA), refusal)) as server:
        result = discover(memory_at, server.url)
    assert result.status == "refusal"
    assert "bio: odd labels" in result.message
    assert "Stored: 1 verified pattern;" in result.message
    assert "is missing" in result.message
    assert reads.read_table(store, DiscoveryRun).iloc[0]["refusals"] == 1
    assert list(reads.read_table(store, MemberPattern)["name"]) == ["Data people"]


def test_a_cut_answer_is_dropped_and_asked_for_again(memory_at, script, store):
    """A tool call in it may have lost its end, so it is not run."""
    cut = Reply([call("save_pattern", DATA)], "max_tokens")
    with script(saying(cut, saves(WEB), FINISHED)) as server:
        result = discover(memory_at, server.url)
    assert result.status == "complete"
    assert "cut off" in server.requests[1]["messages"][-1]["content"]
    assert list(reads.read_table(store, MemberPattern)["name"]) == ["Interface makers"]
    with script(saying(cut)) as server:
        result = discover(memory_at, server.url)
    assert result.status == "max_tokens"
    assert len(server.requests) == 3


def test_a_full_context_window_ends_it(memory_at, script):
    with script(saying(READS, Reply([text("and")], "model_context_window_exceeded"))) as server:
        result = discover(memory_at, server.url)
    assert result.status == "context_window"


def test_a_paused_turn_goes_on(memory_at, script):
    with script(saying(Reply([text("wait")], "pause_turn"), saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url)
    assert result.status == "complete"
    assert [one["role"] for one in server.requests[1]["messages"]] == ["user", "assistant"]


def test_an_unknown_tool_is_refused_and_the_run_goes_on(memory_at, script):
    strange = Reply([call("read_member", {"id": 1})], "tool_use")
    with script(saying(strange, saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url)
        (said, is_error), *_ = server.tool_results()
    assert is_error
    assert "no such tool" in said["refused"]
    assert result.status == "complete"


@pytest.mark.parametrize(
    "arguments", [{}, [], "text", None, {"fields": 3, "page": 1}, {"fields": [], "page": "1"}]
)
def test_malformed_input_of_the_analysis(memory_at, script, arguments):
    strange = Reply([call("get_community_profile_analysis", arguments)], "tool_use")
    with script(saying(strange, saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url, discovery_streaming=False)
        (said, is_error), *_ = server.tool_results()
    assert result.status == "complete", result.message
    assert is_error == (arguments != {}), said


def test_turns_are_bounded(memory_at, script, store):
    with script(saying(saves(DATA), Reply([ANALYSIS], "tool_use"))) as server:
        result = discover(memory_at, server.url, discovery_max_turns=4)
    assert len(server.requests) == result.usage.turns == 4
    assert result.status == "max_turns"
    assert "MEMORY_DISCOVERY_MAX_TURNS" in result.message
    assert len(reads.read_table(store, MemberPattern)) == 1


def test_tokens_are_bounded_whatever_the_model_says(memory_at, script):
    """Each answer uses all the tokens that it may; the limit holds all the same."""

    def greedy(body, _):
        used = {"input_tokens": len(json.dumps(body)) // 4, "output_tokens": body["max_tokens"]}
        return Reply([ANALYSIS], "tool_use", usage=used)

    with script(greedy) as server:
        result = discover(memory_at, server.url, discovery_max_tokens=40_000)
    assert result.status == "max_spend"
    assert 40_000 - 16_000 < result.usage.tokens <= 40_000
    assert min(body["max_tokens"] for body in server.requests) >= MIN_OUTPUT


def test_cost_is_bounded_whatever_the_model_says(memory_at, script):
    def greedy(body, _):
        used = {
            "input_tokens": 0,
            "cache_creation_input_tokens": len(json.dumps(body)) // 4,
            "output_tokens": body["max_tokens"],
        }
        return Reply([ANALYSIS], "tool_use", usage=used)

    with script(greedy) as server:
        result = discover(memory_at, server.url, discovery_max_cost=0.25)
    assert result.status == "max_spend"
    assert 0.05 < result.usage.cost_usd <= 0.25
    assert "MEMORY_DISCOVERY_MAX_COST" in result.message
    assert len(server.requests) >= 2


def test_a_model_without_a_known_price_costs_unknown(memory_at, script):
    with script(saying(saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url, discovery_model="some-gateway-model")
    assert result.status == "complete"
    assert result.usage.cost_usd is None


def test_usage_that_is_none_counts_as_nothing(memory_at, script):
    odd = {"input_tokens": -5, "output_tokens": "many"}
    with script(saying(Reply(FINISHED.content, usage=odd))) as server:
        result = discover(memory_at, server.url, discovery_streaming=False)
    assert result.usage.tokens == 0


def test_many_calls_at_once_are_answered_one_by_one(memory_at, script):
    calls = [call("get_community_profile_analysis", {"fields": [], "page": 1}, f"t{n}") for n in range(25)]
    with script(saying(Reply(calls, "tool_use"), saves(DATA), FINISHED)) as server:
        result = discover(memory_at, server.url)
        errors = [is_error for _, is_error in server.tool_results()][:25]
    assert errors == [False] * 20 + [True] * 5
    assert result.status == "complete"


def test_the_number_of_saved_patterns_is_bounded(memory_at, script, store, monkeypatch):
    monkeypatch.setattr("memory_pipeline.agent.toolbox.MOST_SAVED", 1)
    with script(saying(saves(DATA, WEB), FINISHED)) as server:
        result = discover(memory_at, server.url)
    assert [one["verdict"] for one in result.claims] == ["created", "refused"]
    assert "end with a summary" in result.claims[1]["reason"]


def test_every_ending_says_what_to_do():
    silent = {"complete", "failed", "no_credit", "overloaded", "server_error", "rate_limited"}
    for status, message in ENDINGS.items():
        remedies = ("set ", "check ", "raise ", "run ", "try ", "name ", "ask ", "ingest ", "look at ")
        assert status in silent or any(word in message for word in remedies), status


def test_every_ending_is_in_the_documentation_and_in_the_contract():
    page = (PROJECT / "docs" / "pattern-finder.md").read_text(encoding="utf-8")
    assert [status for status in ENDINGS if f"`{status}`" not in page] == []
    (rule,) = [one for one in load_contract("discovery_runs").expectations if one.id == "status_is_known"]
    assert rule.kwargs["value_set"] == ["running", *ENDINGS]


def test_the_key_is_nowhere(memory_at, script, store, caplog):
    with script(saying(READS, saves(proposal(part("Python"), part("SQL"))), FINISHED)) as server:
        memory = memory_at(server.url)
        caplog.set_level("DEBUG")
        result = PatternFinderAgent(memory).discover_patterns()
    assert "sk-ant-test-key" not in caplog.text
    assert "sk-ant-test-key" not in repr(memory.settings)
    assert "sk-ant-test-key" not in json.dumps(result.to_dict(), default=str)
    for model in (DiscoveryRun, MemberPattern):
        assert "sk-ant-test-key" not in str(reads.read_table(store, model).to_dict())


def test_a_run_that_is_stopped_by_hand_says_so(memory_at, script, store, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("memory_pipeline.agent.conversation.Conversation._finished", stopped)
    with script(saying(saves(DATA), FINISHED)) as server:
        memory = memory_at(server.url)
        with pytest.raises(KeyboardInterrupt):
            PatternFinderAgent(memory).discover_patterns()
    run = reads.read_table(store, DiscoveryRun).iloc[0]
    assert run["status"] == "interrupted"
    assert "Stored: 1 verified pattern;" in run["message"]
    assert memory.member_pattern(run["claims"][0]["pattern_id"])["name"] == "Data people"
