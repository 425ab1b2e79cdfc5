"""Replies that many scripts are made of."""

from __future__ import annotations

import re

from messages_server import Reply, call, text
from scripted_community import part, proposal

ANALYSIS = call("get_community_profile_analysis", {"fields": [], "page": 1})
FINISHED = Reply([text("I looked at skills and interests.")])
READS = Reply([text("Let me look."), ANALYSIS], "tool_use")
DATA = proposal(part("Python"), part("pandas"), part("SQL"))
WEB = proposal(part("React"), part("CSS"), name="Interface makers")


def saying(*replies):
    """Answer with one reply after the other; the last one is repeated."""
    return lambda _, number: replies[min(number, len(replies) - 1)]


def saves(*proposals):
    """Propose these patterns at once."""
    return Reply([call("save_pattern", one, f"toolu_{n}") for n, one in enumerate(proposals)], "tool_use")


def persistent(claim):
    """Read, propose, and where the pattern is stored already, tell the stored one better."""

    def script(body, number):
        if number == 0:
            return READS
        said = str(body["messages"][-1]["content"])
        stored = re.search(r"stored pattern '(.*?)';", said.replace("\\", ""))
        if stored is not None:
            return saves(claim | {"improves": stored[1]})
        return FINISHED if '"saved"' in said else saves(claim)

    return script
