"""Patterns: what goes together with success, failure and interventions, each with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.analysis.names import split_element_column
from memory_pipeline.memory import Memory
from memory_pipeline.server.dashboard.ahead import DRAWN
from memory_pipeline.server.dashboard.figures import figure
from memory_pipeline.server.dashboard.forms import SentForm, keep_decision, see
from memory_pipeline.server.dashboard.lists import chosen, number, part_of
from memory_pipeline.server.dashboard.marks import BOUNDS, scale_of
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader
from memory_pipeline.service.contexts import MONTH
from memory_pipeline.service.findings import PATTERN_ORDERS
from memory_pipeline.service.records import to_records
from memory_pipeline.store.models import PATTERN_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(prefix="/patterns")
CHOICES = (("activate", "Activate"), ("retire", "Retire"), ("reset", "Take the decision back"))


@router.get("")
def patterns(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show all patterns: filtered, sorted, each with its effect as a small picture."""
    asked = chosen(request, "type", "target", "column", "value", "min_confidence", "sort", "retired")
    sort = asked["sort"] if asked["sort"] in PATTERN_ORDERS else "confidence"
    everything, found = request.app.state.kept.get(
        ("patterns", *asked.values()),
        memory.version("patterns"),
        lambda: (
            memory.patterns(include_retired=True),
            to_records(
                memory.patterns(
                    pattern_type=asked["type"],
                    target=asked["target"],
                    condition_column=asked["column"],
                    condition_value=asked["value"],
                    min_confidence=number(asked["min_confidence"], 0, 1, 0.0),
                    sort=sort,
                    include_retired=asked["retired"] is not None,
                )
            ),
        ),
    )
    rows, following = part_of(found, request)
    return render(
        request,
        "patterns.html",
        rows=rows,
        total=len(found),
        all_total=len(everything),
        following=following,
        sort=sort,
        orders=PATTERN_ORDERS,
        types=PATTERN_TYPES,
        targets=sorted(set(everything["target"])),
        columns=sorted({column for one in everything["conditions"] for column in one}),
        values=sorted({str(value) for one in everything["conditions"] for value in one.values()}),
        figure=figure(request, memory, "pattern_effects", limit=DRAWN) if len(everything) else None,
        scale=_scale(rows),
        notes=[str(one) for one in memory.unknown_conditions(asked["column"], asked["value"])],
    )


@router.get("/{identity}")
def pattern(request: Request, memory: OpenedMemory, _: Reader, identity: str) -> Response:
    """Show one pattern with everything behind it."""
    found = memory.pattern(identity)
    return render(
        request,
        "pattern.html",
        pattern={
            name: value
            for name, value in found.items()
            if name not in {"history", "decision_log", "outcomes"}
        },
        history=to_records(found["history"]),
        decisions=to_records(found["decision_log"]),
        outcomes=to_records(found["outcomes"]),
        all_outcomes=_outcomes_address(found["conditions"], memory.vocabulary()),
        overlaps=_overlaps(memory, found["id"]),
        factors=to_records(memory.factors_of_pattern(found["id"])),
        **_by_level(request, memory, found),
        choices=CHOICES,
        scale=_scale([found]),
    )


@router.post("/{identity}/decision")
def decide(memory: OpenedMemory, who: Decider, sent: SentForm, identity: str) -> Response:
    """Activate or retire a pattern, or note something about it."""
    keep_decision(memory, "pattern", identity, sent, who)
    return see(f"/patterns/{identity}?{urlencode({'done': 'Your decision is kept; the advice follows it.'})}")


def _by_level(request: Request, memory: Memory, pattern: Mapping[str, Any]) -> dict[str, Any]:
    """Return the differences by month and by context, and the end of their common scale."""
    try:
        rows = request.app.state.kept.get(
            ("levels of a pattern", pattern["id"]),
            memory.version("features", "patterns"),
            lambda: to_records(memory.pattern_by_level(pattern)),
        )
    except (FileNotFoundError, RuntimeError):
        rows = []
    contexts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        contexts.setdefault(row["column"], []).append(row)
    bounds = [abs(row[name]) for row in rows for name in BOUNDS if row[name] is not None]
    return {
        "months": contexts.pop(MONTH, []),
        "contexts": contexts,
        "level_scale": min(1.0, max([0.1, *bounds])),
    }


def _scale(rows: list[Any]) -> float:
    """Return the end of the common scale of the effects of patterns."""
    return scale_of(row["impact"][name] for row in rows for name in BOUNDS if row["impact"].get(name))


def _overlaps(memory: Any, identity: str) -> list[dict[str, Any]]:
    """Return the patterns that cover the same attempts, by how much, with their names."""
    try:
        pairs = memory.pattern_overlaps()
    except FileNotFoundError:
        return []
    names = memory.patterns(include_retired=True).set_index("id")["pattern_name"]
    found = []
    for row in to_records(pairs[(pairs["pattern_a"] == identity) | (pairs["pattern_b"] == identity)]):
        other = row["pattern_b"] if row["pattern_a"] == identity else row["pattern_a"]
        if other in names:
            found.append({"id": other, "name": names[other], "jaccard": row["jaccard"]})
    return found


def _outcomes_address(conditions: Mapping[str, Any], words: Mapping[str, Any]) -> str | None:
    """Return the address of all attempts of a pattern, where outcomes can be filtered by its conditions."""
    context = {one["name"] for one in words["context"]}
    approach = {one["name"]: one for one in words["approach"]}
    query = {}
    for column, value in conditions.items():
        name, element = split_element_column(column)
        if element and value == "yes" and name in approach:
            query[f"approach.{name}"] = element
        elif column in context:
            query[f"context.{column}"] = value
        elif column in approach:
            query[f"approach.{column}"] = value
        else:
            return None
    return f"/outcomes?{urlencode(query)}"
