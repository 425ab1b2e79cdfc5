"""Today: is it getting better, does the advice help, what changed, and is the memory up to date?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.analysis.names import SUCCESS_RATE
from memory_pipeline.memory import Memory
from memory_pipeline.server.dashboard.figures import figure
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.service.records import to_records

if TYPE_CHECKING:
    import pandas as pd

router = APIRouter()
_LISTED = 8
_ALERTS = 3
_LEAST_SCALE = 0.15


@router.get("/")
def today(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show where the memory stands."""
    values = request.app.state.kept.get("today", memory.overview_version(), lambda: _read(memory))
    drawing = figure(request, memory, "success_over_time") if values["newest"] else None
    return render(request, "today.html", figure=drawing, usage=memory.usage(), **values)


def _read(memory: Memory) -> dict[str, Any]:
    measures = memory.learning()
    verified = to_records(memory.advice_verifications().head(1))
    changes = memory.last_changes()
    return {
        "state": memory.status(),
        "is_rebuilt": memory.is_rebuilt(),
        "change_sentence": memory.success_change() if len(measures) else None,
        "newest": _newest_month(measures),
        "open_alerts": memory.alerts(limit=_ALERTS)[0],
        "verification": verified[0] if verified else None,
        "gain_scale": _gain_scale(verified),
        "began": changes["began"],
        "new_patterns": to_records(changes["new_patterns"].head(_LISTED)),
        "new_total": len(changes["new_patterns"]),
        "gone_patterns": to_records(changes["gone_patterns"].head(_LISTED)),
        "gone_total": len(changes["gone_patterns"]),
        "advice_changes": to_records(changes["advice"].head(_LISTED)),
        "advice_total": len(changes["advice"]),
    }


def _newest_month(measures: pd.DataFrame) -> dict[str, Any] | None:
    """Return the success of the newest month; None where nothing was measured."""
    whole = measures[(measures["measure"] == SUCCESS_RATE) & (measures["segment_column"] == "")]
    return to_records(whole.tail(1))[0] if len(whole) else None


def _gain_scale(verified: list[dict[str, Any]]) -> float:
    bounds = [abs(one[name]) for one in verified for name in ("ci_low", "ci_high") if one[name] is not None]
    return min(1.0, 1.1 * float(max([_LEAST_SCALE, *bounds])))
