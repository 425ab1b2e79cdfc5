"""Real processes: MCP over stdio and over HTTP with tokens, by the SDK's client and by a foreign one."""

from __future__ import annotations

import json
import subprocess

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_processes import environment_of, http_client, running_http, stdio_command

from memory_pipeline.store.access import create_token, read_audit
from memory_pipeline.store.outcome_queries import read_outcomes

MSI = {"installer_type": "msi"}
CALLS = [
    {"name": "get_advice", "arguments": {"context": MSI}},
    {"name": "check_approach", "arguments": {"command": "msiexec /i ledger-7.1.msi /qn"}},
    {"name": "search_cases", "arguments": {"status": "failure", "limit": 2}},
    {"name": "memory_status", "arguments": {}},
]
REPORT = {
    "name": "report_outcome",
    "arguments": {
        "application_name": "Ledger",
        "outcome_status": "success",
        "approach": {"silent_switch": "/qn"},
        "idempotency_key": "a-foreign-run",
    },
}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def served(sample, tmp_path_factory):
    """The address of a server of the sample, and a token for each scope."""
    settings, store = sample
    tokens = {scope: create_token(store, f"agent-{scope}", scope) for scope in ("read", "report")}
    with running_http(settings, tmp_path_factory.mktemp("served")) as address:
        yield address, tokens


async def use(client, calls):
    """Call tools, and return the results."""
    return [await client.call_tool(one["name"], one["arguments"]) for one in calls]


def test_the_client_of_the_sdk_asks_over_stdio(sample):
    settings, _ = sample
    command = stdio_command()

    async def main():
        parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment_of(settings))
        async with Client(stdio_client(parameters)) as client:
            tools = await client.list_tools()
            return tools.tools, await use(client, CALLS)

    tools, results = anyio.run(main)
    assert len(tools) == 6
    assert not any(one.is_error for one in results), results
    assert results[0].structured_content["approach"]


def test_stdout_holds_the_protocol_alone(sample):
    settings, _ = sample
    messages = [
        HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": CALLS[0]},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": REPORT},
    ]
    process = subprocess.Popen(
        stdio_command("--scope", "read"),
        env=environment_of(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    for one in messages:
        process.stdin.write(json.dumps(one) + "\n")
        process.stdin.flush()
        if "id" in one:
            lines.append(process.stdout.readline())
    rest, _ = process.communicate(timeout=60)
    replies = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert [one["id"] for one in replies] == [1, 2, 3]
    assert replies[0]["result"]["serverInfo"]["name"] == "memory_pipeline"
    assert replies[1]["result"]["structuredContent"]["recommendation_id"]
    assert replies[2]["result"]["isError"]
    assert "needs the scope report" in replies[2]["result"]["content"][0]["text"]
    assert process.returncode == 0


def test_the_client_of_the_sdk_asks_over_http_with_a_token(served, sample):
    address, tokens = served

    async def main():
        async with http_client(address, tokens["report"]) as client:
            return await use(client, [*CALLS, REPORT, REPORT])

    results = anyio.run(main)
    assert not any(one.is_error for one in results), results
    assert results[-1].structured_content["status"] == "unchanged"
    outcome = results[-2].structured_content["outcome_id"]
    entries = [one for one in read_audit(sample[1]) if one["target"] == outcome]
    assert {one["actor"] for one in entries} == {"agent-report"}
    assert {one["door"] for one in entries} == {"mcp"}


def test_a_token_that_may_read_cannot_report_over_http(served, sample):
    address, tokens = served
    before = len(read_outcomes(sample[1]))
    sent = {**REPORT, "arguments": {**REPORT["arguments"], "idempotency_key": "not-allowed"}}

    async def main():
        async with http_client(address, tokens["read"]) as client:
            return await use(client, [CALLS[0], sent])

    asked, reported = anyio.run(main)
    assert not asked.is_error
    assert reported.is_error
    assert "agent-read" in reported.content[0].text
    assert len(read_outcomes(sample[1])) == before


@pytest.mark.parametrize("token", [None, "mp_wrong"])
def test_a_wrong_token_is_refused_before_the_protocol(served, token):
    address, _ = served
    headers = ACCEPT if token is None else {**ACCEPT, "Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{address}/mcp", json=HELLO, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_no_authorization_server_is_advertised(served):
    address, tokens = served
    headers = {"Authorization": f"Bearer {tokens['read']}"}
    for path in ("oauth-protected-resource", "oauth-protected-resource/mcp", "oauth-authorization-server"):
        assert httpx.get(f"{address}/.well-known/{path}").status_code == 401
        assert httpx.get(f"{address}/.well-known/{path}", headers=headers).status_code == 404


def test_hosts_and_origins_are_those_of_the_access_layer(served):
    address, tokens = served
    headers = {**ACCEPT, "Authorization": f"Bearer {tokens['read']}"}

    def ask(**more):
        return httpx.post(f"{address}/mcp", json=HELLO, headers={**headers, **more})

    assert ask().status_code == 200
    assert ask(Host="LOCALHOST").status_code == 200
    assert ask(Host="evil.example").status_code == 421
    assert ask(Origin="http://evil.example").status_code == 403
    assert ask(Origin=address).status_code == 200


def test_there_are_no_streams_to_wait_on(served):
    address, tokens = served
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {tokens['read']}"}
    answer = httpx.get(f"{address}/mcp", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_broken_messages_are_errors_of_the_client(served):
    address, tokens = served
    headers = {**ACCEPT, "Authorization": f"Bearer {tokens['read']}", "Content-Type": "application/json"}
    for body in (b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"jsonrpc": "2.0"}', b"[]"):
        answer = httpx.post(f"{address}/mcp", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (body[:20], answer.text)
        assert "Traceback" not in answer.text


def test_a_foreign_client_asks_over_http_with_a_token(served, foreign_client):
    address, tokens = served
    found = foreign_client({"url": f"{address}/mcp", "token": tokens["report"], "calls": [*CALLS, REPORT]})
    check_foreign(found)
    refused = foreign_client({"url": f"{address}/mcp", "token": "mp_wrong", "calls": []})
    assert "error" in refused


def test_a_foreign_client_asks_over_stdio(sample, foreign_client):
    settings, _ = sample
    plan = {"command": stdio_command(), "calls": [*CALLS, REPORT]}
    check_foreign(foreign_client(plan, env=environment_of(settings)))


def check_foreign(found):
    assert "error" not in found, found
    assert len(found["tools"]) == 6
    assert found["prompts"] == ["package_application"]
    assert len(found["templates"]) == 4
    assert not any(one.get("isError") for one in found["calls"]), found["calls"]
    assert found["calls"][0]["structuredContent"]["recommendation_id"]
    assert found["calls"][-1]["structuredContent"]["status"] in {"stored", "unchanged"}
