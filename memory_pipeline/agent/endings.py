"""How can a discovery end, and what should the user do about it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDINGS: Mapping[str, str] = {
    "complete": "Claude looked through the analysis and said that it had finished.",
    "no_key": (
        "ANTHROPIC_API_KEY is not set, so statistics alone looked for member patterns; set it to have "
        "Claude look too."
    ),
    "too_few_members": (
        "No label is carried by enough visible members to be shown to Claude; ingest more members, or "
        "fuller profiles."
    ),
    "nothing_proposed": (
        "Claude ended without proposing a pattern, also when asked again; run `memory-pipeline "
        "discover` again, or name a focus with --focus."
    ),
    "max_turns": (
        "The limit of turns was reached before Claude had finished; raise MEMORY_DISCOVERY_MAX_TURNS, "
        "or run `memory-pipeline discover` again: it goes on from what is stored."
    ),
    "max_spend": (
        "The limit of tokens or cost was reached before Claude had finished; raise "
        "MEMORY_DISCOVERY_MAX_TOKENS or MEMORY_DISCOVERY_MAX_COST, or run `memory-pipeline discover` "
        "again: it goes on from what is stored."
    ),
    "max_tokens": (
        "Claude's answers were cut off at their greatest length, also when asked to be brief; set "
        "MEMORY_DISCOVERY_EFFORT to low, or name a focus with --focus."
    ),
    "context_window": (
        "The conversation no longer fits into the model's context window; name a focus with --focus, or"
        " set MEMORY_DISCOVERY_MODEL to a model with a larger one."
    ),
    "refusal": (
        "Claude declined to go on; look at the labels with `memory-pipeline show members` for what may "
        "have led to it, or set MEMORY_DISCOVERY_MODEL to another model."
    ),
    "wrong_key": (
        "The API did not accept the key; check ANTHROPIC_API_KEY (whole, without quotes or spaces, not "
        "revoked)."
    ),
    "no_permission": (
        "The key may not use this model or this address; ask whoever administers the account, or set "
        "MEMORY_DISCOVERY_MODEL to a model that it may use."
    ),
    "no_credit": "The account has no credit left; top it up in the API's console.",
    "unknown_model": (
        "The API does not know the model; set MEMORY_DISCOVERY_MODEL to one that it offers, and check "
        "ANTHROPIC_BASE_URL if you set it."
    ),
    "bad_request": (
        "The API did not accept the request; if MEMORY_DISCOVERY_EFFORT or MEMORY_DISCOVERY_MODEL is "
        "set, try without."
    ),
    "too_large": "The request is larger than the API takes; name a focus with --focus.",
    "rate_limited": (
        "The API's rate limit was reached, also after waiting; try again in a few minutes, or raise the"
        " account's limits."
    ),
    "overloaded": "The API is overloaded, also after waiting; try again later.",
    "server_error": "The API failed, also after trying again; try again later.",
    "timeout": "The API did not answer in time; try again, or raise MEMORY_DISCOVERY_TIMEOUT.",
    "no_connection": (
        "The API could not be reached; check the network, the proxy, and ANTHROPIC_BASE_URL if you set it."
    ),
    "bad_answer": (
        "What came back is not an answer of the Messages API; check ANTHROPIC_BASE_URL if you set it."
    ),
    "interrupted": "The discovery was stopped by hand; run `memory-pipeline discover` again.",
    "failed": "The discovery failed for a reason of its own; the error says which.",
    "abandoned": "The process of this discovery was killed; run `memory-pipeline discover` again.",
}
"""Message by status (without `running`), with what to do about it."""

COMPLETE = ("complete", "no_key")
"""Endings after which nothing is missing: without a key, statistics alone look for patterns."""
