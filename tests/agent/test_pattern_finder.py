"""The pattern finder against a real HTTP server: the good, the sloppy and the broken."""

from __future__ import annotations

import json

import pytest
from made_members import SECRETS, part, proposal
from messages_server import Reply, call, text

from memory_pipeline.agent import PatternFinderAgent
from memory_pipeline.store import reads
from memory_pipeline.store.tables import DiscoveryRun, MemberPattern

ANALYSIS = call("get_community_profile_analysis", {"fields": [], "page": 1})


def saying(*replies):
    """Answer with one reply after the other; the last one is repeated."""
    return lambda body, number: replies[min(number, len(replies) - 1)]


def saves(*proposals):
    return Reply([call("save_pattern", one, f"toolu_{n}") for n, one in enumerate(proposals)], "tool_use")


FINISHED = Reply([text("I looked at skills and interests.")])
READS = Reply([text("Let me look."), ANALYSIS], "tool_use")
DATA = proposal(part("Python"), part("pandas"), part("SQL"))
WEB = proposal(part("React"), part("CSS"), name="Interface makers")


def stored(store):
    return reads.read_table(store, MemberPattern).set_index("name")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_good_run_stores_what_was_verified(memory_at, store, script, streaming):
    with script(saying(READS, saves(DATA, WEB), FINISHED)) as server:
        memory = memory_at(server.url, discovery_streaming=streaming)
        result = PatternFinderAgent(memory).discover_patterns(["data", "web"])
        assert [body.get("stream", False) for body in server.requests] == [streaming] * 3
        results = server.tool_results()

    print(json.dumps(results[0], indent=1)[:3000])
    assert result.status == "complete", result
    print(result)
    assert [claim["verdict"] for claim in result.claims] == ["created", "created"]
