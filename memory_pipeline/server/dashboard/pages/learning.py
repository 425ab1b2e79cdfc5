"""Learning: every measure over time, the sentence that says what it shows, and its numbers to take along."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from memory_pipeline.analysis.names import (
    ADVICE_COVERAGE,
    ADVICE_GAIN,
    CONFIDENCE_CALIBRATION,
    DRIFT,
    FINDING_REPLICATION,
    MEASURES,
    PRIOR_KNOWLEDGE,
    SUCCESS_RATE,
)
from memory_pipeline.server.dashboard.figures import figure
from memory_pipeline.server.dashboard.lists import chosen
from memory_pipeline.server.dashboard.rendering import HEADERS, render
from memory_pipeline.server.dashboard.words import count, points, points_interval, share, share_interval
from memory_pipeline.server.dependencies import OpenedMemory, Reader
from memory_pipeline.server.formats import to_csv
from memory_pipeline.server.pictures import segment_columns
from memory_pipeline.server.problems import ProblemError, unknown_value
from memory_pipeline.service.records import to_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.dashboard.figures import Figure

router = APIRouter(prefix="/learning")
_CHANGES = 8


@dataclass(frozen=True)
class Part:
    """A part of the page: one question, what the numbers say, and the chart.

    Attributes
    ----------
    anchor, title
        Its place in the address, and its heading.
    sentences
        What the measure says.
    figure
        The chart; None where nothing was analysed that it could show.
    """

    anchor: str
    title: str
    sentences: tuple[str, ...]
    figure: Figure | None


@router.get("")
def learning(request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Show all measures over time."""
    asked = chosen(request, "segment")["segment"]
    values = request.app.state.kept.get(
        ("learning", asked),
        memory.version("learning", "patterns", "members", "verification", "predictability"),
        lambda: _values(request, memory, asked),
    )
    if values is None:
        return render(request, "learning.html", parts=[])
    return render(request, "learning.html", events=to_records(memory.learning_events())[::-1], **values)


def _values(request: Request, memory: Memory, asked: str | None) -> dict[str, Any] | None:
    """Return what the page shows; None where nothing was measured."""
    measures = memory.learning()
    if measures.empty:
        return None
    columns, said, changed = segment_columns(memory), memory.learning_summary(), memory.changed_segments()
    segment = asked if asked in columns else None
    clear = changed[changed["is_clear"].astype(bool)]
    success = figure(request, memory, "success_over_time")
    by_part = {
        kind: figure(request, memory, kind, segment_column=segment)
        for kind in ("brush_success", "success_by_segment")
    }
    whole, of_parts = (csv_address(SUCCESS_RATE, segment_column=name) for name in ("whole", segment))
    return {
        "parts": _parts(request, memory, measures, said),
        "said": said[SUCCESS_RATE],
        "change": memory.success_change(),
        "success": _with(success, _shares(measures, SUCCESS_RATE), whole),
        "brush": _with(by_part["brush_success"], _totals(measures, segment), of_parts),
        "segments": _with(by_part["success_by_segment"], _of_segments(measures, segment), of_parts),
        "columns": columns,
        "segment": segment,
        "changed": to_records(clear.head(_CHANGES)),
        "changed_total": len(clear),
        "part_total": len(changed),
    }


@router.get("/{measure}.csv")
def learning_csv(measure: str, request: Request, memory: OpenedMemory, _: Reader) -> Response:
    """Return a measure as CSV: all its periods, of the history as a whole, of one split of it, or of all."""
    if measure not in MEASURES:
        error = unknown_value("path.measure", measure, MEASURES)
        raise ProblemError(404, f"there is no measure {measure[:200]!r}: {error.remedy}", (error,))
    asked = chosen(request, "segment_column")
    frame = memory.learning(measure, segment_column=asked["segment_column"])
    text = to_csv(to_records(frame), [str(name) for name in frame.columns])
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{measure}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def csv_address(measure: str, *, segment_column: str | None = None) -> str:
    """Return the address of a measure as CSV."""
    query = f"?{urlencode({'segment_column': segment_column})}" if segment_column else ""
    return f"/learning/{measure}.csv{query}"


def _parts(
    request: Request, memory: OpenedMemory, measures: pd.DataFrame, said: Mapping[str, str]
) -> list[Part]:
    """Return the parts below that of success, in the order of their questions."""
    explained = _predictability(memory)
    return [
        Part(
            "gain",
            "Does the advice help?",
            (said[ADVICE_GAIN],),
            _with(figure(request, memory, "advice_gain"), _gains(memory, measures), csv_address(ADVICE_GAIN)),
        ),
        Part(
            "knowledge",
            "Did the memory know beforehand?",
            (said[PRIOR_KNOWLEDGE],),
            _with(
                figure(request, memory, "prior_knowledge"),
                _table(
                    _whole(measures, PRIOR_KNOWLEDGE),
                    _skill,
                    lambda one: _skills(one["ci_low"], one["ci_high"]),
                ),
                csv_address(PRIOR_KNOWLEDGE),
            ),
        ),
        Part(
            "coverage",
            "For which share did it have advice?",
            (said[ADVICE_COVERAGE],),
            _with(
                figure(request, memory, "advice_coverage"),
                _shares(measures, ADVICE_COVERAGE),
                csv_address(ADVICE_COVERAGE, segment_column="whole"),
            ),
        ),
        Part(
            "replication",
            "Did findings hold?",
            (said[FINDING_REPLICATION], said[CONFIDENCE_CALIBRATION]),
            _with(
                figure(request, memory, "finding_replication"),
                _shares(measures, FINDING_REPLICATION),
                csv_address(FINDING_REPLICATION),
            ),
        ),
        Part(
            "calibration",
            "Did predicted chances come true?",
            (explained[0],) if explained[0] else (),
            _with(figure(request, memory, "calibration"), explained[1]),
        ),
        Part(
            "drift",
            "Does the world change?",
            (said[DRIFT],),
            _with(figure(request, memory, "drift"), _drifts(measures), csv_address(DRIFT)),
        ),
    ]


def _with(drawn: Figure | None, rows: Iterable[Mapping[str, Any]], csv: str = "") -> Figure | None:
    return None if drawn is None else replace(drawn, rows=tuple(rows), csv=csv)


def _whole(measures: pd.DataFrame, measure: str) -> list[dict[str, Any]]:
    return to_records(measures[(measures["measure"] == measure) & (measures["segment_column"] == "")])


def _table(
    rows: list[dict[str, Any]],
    value: Callable[[dict[str, Any]], str],
    interval: Callable[[dict[str, Any]], str],
) -> list[dict[str, str]]:
    return [
        {
            "From": f"{one['period_start']:%Y-%m}",
            "Value": value(one),
            "95% interval": interval(one),
            "Sample": count(one["sample_size"]),
        }
        for one in rows
    ]


def _shares(measures: pd.DataFrame, measure: str) -> list[dict[str, str]]:
    return _table(
        _whole(measures, measure),
        lambda one: share(one["value"]),
        lambda one: share_interval(one["ci_low"], one["ci_high"]),
    )


def _skill(one: Mapping[str, Any]) -> str:
    return f"{one['value']:+.2f}"


def _skills(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"


def _segments(measures: pd.DataFrame, column: str | None) -> pd.DataFrame:
    from memory_pipeline.charts.segments import usual_column  # noqa: PLC0415 - imports Altair

    wanted = column or usual_column(measures)
    return measures[(measures["measure"] == SUCCESS_RATE) & (measures["segment_column"] == wanted)]


def _of_segments(measures: pd.DataFrame, column: str | None) -> list[dict[str, str]]:
    rows = to_records(_segments(measures, column).sort_values(["segment_value", "period_start"]))
    return [
        {
            "Part": one["segment_value"],
            "Month": f"{one['period_start']:%Y-%m}",
            "Success": share(one["value"]),
            "95% interval": share_interval(one["ci_low"], one["ci_high"]),
            "Attempts": count(one["sample_size"]),
        }
        for one in rows
    ]


def _totals(measures: pd.DataFrame, column: str | None) -> list[dict[str, str]]:
    """Return the share of each part over all months, as the chart shows it before months are chosen."""
    rows = _segments(measures, column)
    sums = (
        rows.assign(succeeded=rows["value"] * rows["sample_size"])
        .groupby("segment_value")[["succeeded", "sample_size"]]
        .sum()
        .sort_values("sample_size", ascending=False, kind="stable")
    )
    return [
        {"Part": str(name), "Success": share(hits / size), "Attempts": count(int(size))}
        for name, hits, size in sums.itertuples()
    ]


def _gains(memory: OpenedMemory, measures: pd.DataFrame) -> list[dict[str, str]]:
    months = [
        (f"by the end of {one['period_start']:%Y-%m}", one["value"], one, one["sample_size"])
        for one in _whole(measures, ADVICE_GAIN)
    ]
    rebuilds = [
        (f"rebuild of {one['verified_at']:%Y-%m-%d %H:%M} UTC", one["gain"], one, one["comparable"])
        for one in to_records(memory.advice_verifications())
    ]
    return [
        {
            "Estimate": name,
            "Gain": points(gain),
            "95% interval, points": points_interval(one["ci_low"], one["ci_high"]),
            "Attempts compared": count(attempts),
        }
        for name, gain, one, attempts in [*months[::-1], *rebuilds]
    ]


def _predictability(memory: OpenedMemory) -> tuple[str, list[dict[str, str]]]:
    """Return how much the conditions explain in a sentence, and the groups of predictions as a table."""
    try:
        info = memory.predictability().attrs
    except FileNotFoundError:
        return "", []
    rows = [
        {
            "Predicted for": str(one["question"]),
            "Predicted": share(one["predicted"]),
            "Observed": share(one["observed"]),
            "95% interval": share_interval(one["ci_low"], one["ci_high"]),
            "Attempts": count(one["attempts"]),
        }
        for one in info["calibration"]
    ]
    return str(info["summary"]), rows


def _drifts(measures: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "Month": f"{one['period_start']:%Y-%m}",
            "Changes in force": count(one["value"]),
            "Attempts looked at": count(one["sample_size"]),
        }
        for one in _whole(measures, DRIFT)
    ]
