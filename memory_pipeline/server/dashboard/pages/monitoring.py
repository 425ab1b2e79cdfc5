"""Monitoring: is the memory worth its keep, in five tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.service.monitoring import TOPICS
from memory_pipeline.service.records import to_records

if TYPE_CHECKING:
    from typing import Any

router = APIRouter()
_RECENT = 24


@router.get("/monitoring")
def monitoring(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show effectiveness, learning rate, performance, quality and usage."""
    kept = request.app.state.kept
    values: dict[str, Any] = {}
    for topic in TOPICS:
        if topic in {"performance", "quality"}:  # of all attempts: kept until one is written
            found = kept.get(
                f"monitoring {topic}", memory.version("outcomes"), lambda topic=topic: memory.monitored(topic)
            )
        else:
            found = memory.monitored(topic)
        values[topic.replace("-", "_")] = {
            "sentence": found.sentence,
            "notes": found.notes,
            "tables": {name: to_records(frame) for name, frame in found.tables.items()},
        }
    return render(request, "monitoring.html", recent=_RECENT, **values)
