"""What agents can read by its address: patterns, factors, outcomes and changes of success as JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import mcp_types as types

from memory_pipeline.server.mcp import questions
from memory_pipeline.server.mcp.arguments import unknown
from memory_pipeline.server.problems import ProblemError
from memory_pipeline.service.records import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.memory import Memory

MOST_ROWS = 10
"""Most rows of each list in a resource; `…_in_all` counts them."""
JSON = "application/json"
_ADDRESS = re.compile(r"memory://(\w{1,40})/([\w-]{1,100})/?")

_BY_ID = "By its id, or how that begins."
_KINDS: dict[str, tuple[str, str, str, Callable[[Memory, str], dict[str, Any]]]] = {
    "patterns": ("Pattern", "Conditions that go with success or failure.", _BY_ID, questions.explain_pattern),
    "factors": ("Success factor", "The effect of one setting.", _BY_ID, questions.explain_factor),
    "outcomes": ("Outcome", "One attempt as it was reported.", "By its id.", questions.read_outcome),
    "changes": (
        "Change of success",
        "Why success in a month differs from the twelve before: other cases, or other results.",
        "By its month, such as 2026-06.",
        questions.explain_month,
    ),
}


def templates() -> list[types.ResourceTemplate]:
    """Return the kinds of addresses."""
    return [
        types.ResourceTemplate(
            uri_template=f"memory://{kind}/{{id}}",
            name=kind,
            title=title,
            description=f"{said} {by}",
            mime_type=JSON,
        )
        for kind, (title, said, by, _) in _KINDS.items()
    ]


def read_resource(memory: Memory, uri: str) -> str:
    """Return what is at an address, as JSON.

    Raises
    ------
    ProblemError
        When there is nothing.
    """
    parts = _ADDRESS.fullmatch(uri)
    known = [f"memory://{kind}/{{id}}" for kind in _KINDS]
    if parts is None:
        raise ProblemError(404, f"nothing is at {uri[:200]!r}; addresses are {', '.join(known)}")
    if parts[1] not in _KINDS:
        error = unknown("uri", parts[1], _KINDS)
        raise ProblemError(404, f"nothing is at {uri[:200]!r}: {error.remedy}", (error,))
    return to_json(_cut(_KINDS[parts[1]][3](memory, parts[2])), indent=None)


def _cut(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with its lists of rows and ids cut, and counted."""
    kept: dict[str, Any] = {}
    for name, value in document.items():
        kept[name] = value
        if isinstance(value, list) and len(value) > MOST_ROWS:
            kept[name] = value[:MOST_ROWS]
            kept[f"{name}_in_all"] = len(value)
    return kept
