"""Factors: what single settings change, everything else being equal, and how far that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.server.dashboard.ahead import DRAWN
from memory_pipeline.server.dashboard.figures import figure
from memory_pipeline.server.dashboard.forms import SentForm, keep_decision, see
from memory_pipeline.server.dashboard.lists import chosen, part_of
from memory_pipeline.server.dashboard.marks import BOUNDS, scale_of
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import Decider, OpenedMemory, Reader
from memory_pipeline.service.findings import FACTOR_ORDERS
from memory_pipeline.service.records import to_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.memory import Memory

router = APIRouter(prefix="/factors")
CHOICES = (("confirm", "Confirm"), ("suppress", "Suppress"), ("reset", "Take the decision back"))
ORDER_NAMES = {
    "worth": "what is certain of the effect",
    "effectiveness": "effect",
    "confidence": "confidence",
    "sample_size": "attempts",
}


@router.get("")
def factors(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show all factors: filtered, sorted, each comparison once."""
    asked = chosen(request, "application_type", "sort", "all")
    sort = asked["sort"] if asked["sort"] in FACTOR_ORDERS else "worth"
    found = [
        row
        for row in to_records(
            memory.factors(
                application_type=asked["application_type"], include_all=asked["all"] is not None, sort=sort
            )
        )
        if not row["implementation_details"].get("is_mirrored", False)
    ]
    rows, following = part_of(found, request)
    words = {one["name"]: one["values"] for one in memory.vocabulary()["context"]}
    return render(
        request,
        "factors.html",
        rows=rows,
        total=len(found),
        following=following,
        sort=sort,
        orders={name: ORDER_NAMES[name] for name in FACTOR_ORDERS},
        types=[one["value"] for one in words.get("application_type", ())],
        figure=figure(request, memory, "factor_effects", limit=DRAWN) if found else None,
        scale=scale_of(row[name] for row in rows for name in BOUNDS),
        notes=[str(one) for one in memory.unknown_application_type(asked["application_type"])],
    )


@router.get("/{identity}")
def factor(request: Request, memory: OpenedMemory, _: Reader, identity: str) -> Response:
    """Show one factor with everything behind it."""
    found = memory.factor(identity)
    details = found["implementation_details"]
    sides = (
        ("with_value", details["settings"], "attempts_with_value", "units_with_value"),
        ("with_reference", details["reference_settings"], "attempts_with_reference", "units_with_reference"),
    )
    by_context = _by_context(memory, found)
    return render(
        request,
        "factor.html",
        factor={
            name: value
            for name, value in found.items()
            if name not in {"patterns", "with_value", "with_reference", "decision_log"}
        },
        details=details,
        sides=[
            {
                "settings": settings,
                "attempts": details[attempts],
                "units": details[units],
                "cases": to_records(found[side]),
            }
            for side, settings, attempts, units in sides
        ],
        patterns=to_records(found["patterns"]),
        decisions=to_records(found["decision_log"]),
        by_context=by_context,
        context_scale=scale_of(
            row[name] for levels in by_context.values() for row in levels for name in BOUNDS
        ),
        choices=CHOICES,
        scale=scale_of(found[name] for name in BOUNDS),
    )


@router.post("/{identity}/decision")
def decide(memory: OpenedMemory, who: Decider, sent: SentForm, identity: str) -> Response:
    """Confirm or suppress a factor, or note something about it."""
    keep_decision(memory, "factor", identity, sent, who)
    return see(f"/factors/{identity}?{urlencode({'done': 'Your decision is kept; the advice follows it.'})}")


def _by_context(memory: Memory, found: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the differences by level of each context column, those with most attempts first."""
    try:
        rows = to_records(memory.factor_by_context(found))
    except FileNotFoundError:
        return {}
    levels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        levels.setdefault(row["column"], []).append(row)
    return {column: ones for column, ones in levels.items() if len(ones) > 1}
