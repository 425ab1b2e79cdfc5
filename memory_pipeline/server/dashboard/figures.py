"""Charts on pages: the same builders as everywhere, with words for those who cannot see them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from memory_pipeline.server.pictures import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.pictures import Pictures


@dataclass(frozen=True)
class Figure:
    """A chart as a page shows it.

    Attributes
    ----------
    kind
        One of `server.pictures.KINDS`.
    title, description
        What it shows, and how to read it, in words.
    address
        Where the chart is; `&format=json`, `png` or `svg` may follow.
    rows
        What it draws, as a table, each row a value by column; may be empty.
    csv
        Where the numbers are as CSV; empty where they are not.
    """

    kind: str
    title: str
    description: str
    address: str
    rows: tuple[Mapping[str, Any], ...] = ()
    csv: str = ""

    def as_format(self, form: str) -> str:
        """Return the address of the chart in a format."""
        return f"{self.address}{'&' if '?' in self.address else '?'}format={form}"


def figure(request: Request, memory: Memory, kind: str, **parameters: Any) -> Figure | None:
    """Return a chart with its words; None where nothing was analysed that it could show.

    Parameters
    ----------
    request
        What was asked.
    memory
        The memory.
    kind
        One of `server.pictures.KINDS`.
    parameters
        As the kind takes them; None for those that were not chosen.
    """
    chosen = {name: value for name, value in parameters.items() if value is not None}
    version = _version(request, memory, kind)
    try:
        found: Figure = request.app.state.kept.get(
            ("figure", kind, tuple(chosen.items())),
            version,
            lambda: _described(request.app.state.pictures, memory, kind, chosen, version),
        )
    except FileNotFoundError:
        return None
    return found


def _version(request: Request, memory: Memory, kind: str) -> str:
    """Return the version of what a chart shows; of one request, what several rest on is asked once."""
    if not hasattr(request.state, "versions"):
        request.state.versions = {}
    known: dict[tuple[Any, ...], str] = request.state.versions
    rests_on = (KINDS[kind].rests_on, KINDS[kind].is_of_today)
    if rests_on not in known:
        known[rests_on] = KINDS[kind].version(memory)
    return known[rests_on]


def _described(
    pictures: Pictures, memory: Memory, kind: str, chosen: Mapping[str, Any], version: str
) -> Figure:
    spec = json.loads(pictures.draw(memory, kind, chosen, "json", version))
    title = spec.get("title", {})
    text = title.get("text", kind) if isinstance(title, dict) else title
    query = f"?{urlencode(chosen)}" if chosen else ""
    return Figure(
        kind=kind,
        title=" ".join(text) if isinstance(text, list) else str(text),
        description=str(spec.get("description", KINDS[kind].title)),
        address=f"/api/memory/visualizations/{kind}{query}",
    )
