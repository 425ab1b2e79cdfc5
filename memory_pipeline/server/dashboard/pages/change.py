"""Why did it change? The difference in success between two spans, by other cases and by other results."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.analysis.names import SUCCESS_RATE
from memory_pipeline.memory import Memory
from memory_pipeline.server.dashboard.figures import figure
from memory_pipeline.server.dashboard.lists import chosen
from memory_pipeline.server.dashboard.rendering import render
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.pictures import KINDS, SPAN_MEANINGS
from memory_pipeline.server.spans import wanted_change

router = APIRouter()
_LISTED = 25
CHART = "change_contributors"


@router.get("/change")
def change(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Explain the difference between two spans of months; by default the last month against before."""
    asked = chosen(request, *SPAN_MEANINGS)
    problem, explanation, drawing = None, None, None
    try:
        explanation = request.app.state.kept.get(
            ("change", *asked.values()),
            KINDS[CHART].version(memory),
            lambda: memory.explain_change(**wanted_change(asked)),
        )
        drawing = figure(request, memory, CHART, **asked)
    except FileNotFoundError:
        pass  # nothing was rebuilt yet, and the page says so
    except ValueError as error:
        problem = str(error)
    contributors = explanation.contributors if explanation else ()
    return render(
        request,
        "change.html",
        status=200 if problem is None else 422,
        explanation=explanation,
        problem=problem,
        contributors=contributors[:_LISTED],
        total=len(contributors),
        scale=_scale(contributors),
        months=_months(memory),
        columns=sorted({one.column for one in contributors} | ({asked["columns"]} - {None})),
        figure=drawing,
    )


def _months(memory: Memory) -> list[str]:
    """Return the months of the history, the newest first."""
    measures = memory.learning(SUCCESS_RATE)
    whole = measures[measures["segment_column"] == ""]
    return [f"{one:%Y-%m}" for one in whole["period_start"]][::-1]


def _scale(contributors: tuple[Any, ...]) -> float:
    """Return the end of the common scale: what the widest shown interval needs."""
    bounds = [abs(bound) for one in contributors[:_LISTED] for bound in (one.ci_low, one.ci_high)]
    return float(min(1.0, max([0.05, *(bound for bound in bounds if bound == bound)])))  # noqa: PLR0124 - NaN differs from itself
