"""Build the parts of charts over time: months, lines, bands, attempts, events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from memory_pipeline.charts.theme import MUTED, WIDTH, naive_utc, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_ATTEMPTS_HEIGHT = 60
_LEAST_SPAN = 0.2
_TICK_STEPS = (1, 2, 3, 6, 12, 24)
_TICK_PIXELS = 64
_SMALL_SHARE = 0.2
_CHARACTER_PIXELS = 6.0
_EVENT_CHARACTERS = 40
_EVENT_LINE = 15
_NUMBERS = ["value", "ci_low", "ci_high", "sample_size"]
_TEXT = ["segment"]
_TIMES = ["period_start", "period_end", "middle"]


def monthly(measures: pd.DataFrame, measure: str, segment_column: str = "") -> pd.DataFrame:
    """Select one measure, by segment and time, with the columns that drawing it needs.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any).
    measure, segment_column
        Which rows; the empty column for the whole history.

    Returns
    -------
    DataFrame
        `period_start`, `period_end` and `middle` (UTC clock, no zone), `value`, `ci_low`, `ci_high`,
        `sample_size`, `segment`, and `low` and `high` (the interval, or the value where there is none);
        shape (periods, 10).
    """
    if measures.empty:
        return pd.DataFrame(columns=[*_TIMES, *_NUMBERS, *_TEXT, "low", "high"])
    kept = (measures["measure"] == measure) & (measures["segment_column"] == segment_column)
    rows = measures.loc[kept, _NUMBERS].astype(float)
    rows["sample_size"] = rows["sample_size"].astype(int)
    rows["segment"] = measures.loc[kept, "segment_value"].astype(str)
    rows["period_start"] = naive_utc(measures.loc[kept, "period_start"])
    rows = rows.sort_values(["segment", "period_start"], ignore_index=True)
    rows["period_end"] = _period_ends(rows["period_start"])
    rows["middle"] = rows["period_start"] + (rows["period_end"] - rows["period_start"]) / 2
    return rows.assign(low=rows["ci_low"].fillna(rows["value"]), high=rows["ci_high"].fillna(rows["value"]))


def _period_ends(starts: pd.Series) -> pd.Series:
    """Return the end of each period: a month later if all begin on the first, else the usual distance."""
    if _is_monthly(starts):
        return starts + pd.offsets.MonthBegin()
    return starts + pd.Series(starts.unique()).sort_values().diff().median()


def _is_monthly(starts: pd.Series) -> bool:
    return bool((starts.dt.day == 1).all())


def largest_segments(rows: pd.DataFrame, most: int) -> tuple[pd.DataFrame, list[str], int]:
    """Return the rows and names of the segments with most attempts, and how many were left out."""
    sizes = rows.groupby("segment")["sample_size"].sum().sort_values(ascending=False, kind="stable")
    order = [str(name) for name in sizes.index[:most]]
    return rows[rows["segment"].isin(order)].reset_index(drop=True), order, len(sizes) - len(order)


def left_out_text(count: int) -> str:
    """Return how many segments are not drawn, after a space; empty where all are."""
    if count == 0:
        return ""
    return f" {count} smaller {'part is' if count == 1 else 'parts are'} not shown."


def extent(rows: pd.DataFrame) -> str:
    """Return how many attempts are drawn, and from when to when, as a sentence."""
    first, last = rows["period_start"].min(), rows["period_start"].max()
    span = f"{first:%b %Y}" if first == last else f"{first:%b %Y} to {last:%b %Y}"
    return f"{rows['sample_size'].sum():,} attempts, {span}."


def rate_axis(rows: pd.DataFrame, title: str = "attempts that succeed") -> alt.Y:
    """Return an axis of a rate, in tenths around all values and intervals, at least 20 points wide."""
    # The interval of a month with a handful of attempts covers the whole scale, so it is cut at the edge.
    usual = rows[rows["sample_size"] >= _SMALL_SHARE * rows["sample_size"].median()]
    low = max(0.0, math.floor(min(rows["value"].min(), usual["low"].min()) * 10) / 10)
    high = min(1.0, math.ceil(max(rows["value"].max(), usual["high"].max()) * 10) / 10)
    if round(high - low, 1) < _LEAST_SPAN:
        low, high = max(0.0, low - 0.1), min(1.0, high + 0.1)
    return alt.Y(
        "value:Q",
        title=title,
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[round(low, 1), round(high, 1)], nice=False, zero=False, clamp=True),
    )


def month_axis(rows: pd.DataFrame, *, width: int = WIDTH) -> alt.Axis:
    """Return an axis that labels as many months as there is room for, each label within its month."""
    starts = sorted(rows["period_start"].unique())
    room = max(1, width // _TICK_PIXELS)
    step = next((step for step in _TICK_STEPS if len(starts) <= room * step), -(-len(starts) // room))
    end = rows["period_end"].max()
    label = (end - starts[0]) * min(1.0, (_TICK_PIXELS - 8) / width)
    values = [
        alt.DateTime(year=start.year, month=start.month, date=start.day)
        for start in starts[::step]
        if end - start >= label
    ]
    return alt.Axis(
        values=values,
        format="%b %Y" if _is_monthly(rows["period_start"]) else "%d %b %Y",
        labelAlign="left",
        labelFlush=False,
        labelOverlap=False,
        labelOffset=2,
        tickSize=6,
        grid=False,
        title=None,
    )


def with_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """Add an empty period where a segment has a gap, so that no line crosses it."""
    following = rows.groupby("segment")["period_start"].shift(-1)
    gaps = rows.loc[following > rows["period_end"], ["segment", "period_end"]]
    empty = pd.DataFrame({"segment": gaps["segment"], **dict.fromkeys(_TIMES, gaps["period_end"])})
    return pd.concat([rows, empty]).sort_values(["segment", "middle"]) if len(empty) else rows


def bare_axis() -> alt.Axis:
    """Return a time axis without labels, for a plot with labels below it."""
    return alt.Axis(grid=False, labels=False, ticks=False, title=None)


def line(rows: pd.DataFrame, y: alt.Y, *, axis: alt.Axis | None = None, points: bool = True) -> alt.Chart:
    """Draw one line per segment, with a point in the middle of each period."""
    mark = alt.OverlayMarkDef(filled=True, size=45, opacity=1) if points else False
    chart: alt.Chart = (
        alt.Chart(with_gaps(rows))
        .mark_line(strokeWidth=2.5, point=mark)
        .encode(
            x=alt.X("middle:T", axis=axis or bare_axis()),
            y=y,
            detail="segment:N",
            tooltip=tooltips(rows),
        )
    )
    return chart


def band(rows: pd.DataFrame, y: alt.Y) -> alt.Chart:
    """Draw the interval of each period: a band, or a bar where there is one period only."""
    chart = alt.Chart(with_gaps(rows))
    is_one = len(rows["period_start"].unique()) <= 1
    mark = chart.mark_bar(size=10, opacity=0.25) if is_one else chart.mark_area(opacity=0.2)
    lower = y.copy()
    lower.shorthand = "low:Q"
    drawn: alt.Chart = mark.encode(x="middle:T", y=lower, y2="high:Q", detail="segment:N")
    return drawn


def hover(rows: pd.DataFrame, *, rate_format: str = ".1%", name: str = "success rate") -> alt.Chart:
    """Draw invisible columns over the plot, so that a month has its tooltip wherever the pointer is."""
    chart: alt.Chart = (
        alt.Chart(rows)
        .mark_rect(opacity=0)
        .encode(x="period_start:T", x2="period_end:T", tooltip=tooltips(rows, rate_format, name))
    )
    return chart


def tooltips(rows: pd.DataFrame, rate_format: str = ".1%", name: str = "success rate") -> list[alt.Tooltip]:
    """Return the tooltips of one period of one segment."""
    several = [alt.Tooltip("segment:N", title="part")] if rows["segment"].ne("").any() else []
    title, form = ("month", "%B %Y") if _is_monthly(rows["period_start"]) else ("from", "%d %b %Y")
    return [
        *several,
        alt.Tooltip("period_start:T", title=title, format=form),
        alt.Tooltip("value:Q", title=name, format=rate_format),
        alt.Tooltip("ci_low:Q", title="95% interval from", format=rate_format),
        alt.Tooltip("ci_high:Q", title="to", format=rate_format),
        alt.Tooltip("sample_size:Q", title="attempts", format=",d"),
    ]


def attempts_columns(
    rows: pd.DataFrame, order: Sequence[str] = (), *, axis: alt.Axis | None = None
) -> alt.Chart:
    """Draw attempts as columns as wide as their period; segments are stacked in the given order."""
    rank = {name: position for position, name in enumerate(order)}
    piled = rows.assign(rank=rows["segment"].map(rank).fillna(0)).sort_values(["period_start", "rank"])
    piled["top"] = piled.groupby("period_start")["sample_size"].cumsum() if order else piled["sample_size"]
    piled["bottom"] = piled["top"] - piled["sample_size"]
    chart: alt.Chart = (
        alt.Chart(piled)
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("period_start:T", axis=axis or month_axis(rows)),
            x2="period_end:T",
            y=alt.Y("bottom:Q", title="attempts", axis=alt.Axis(tickCount=2, format=",d", grid=False)),
            y2="top:Q",
            tooltip=tooltips(rows),
        )
        .properties(width=WIDTH, height=_ATTEMPTS_HEIGHT)
    )
    return chart


def event_lines(
    events: Mapping[str, str | datetime] | None, rows: pd.DataFrame, *, labels: bool = True
) -> list[alt.Chart]:
    """Draw dotted lines at dates, their names above the plot on as many lines as they need."""
    if not events or rows.empty:
        return []
    start, end = rows["period_start"].min(), rows["period_end"].max()
    dates = naive_utc([pd.Timestamp(date) for date in events.values()])
    frame = pd.DataFrame({"event": [shorten(name, _EVENT_CHARACTERS) for name in events], "date": dates})
    frame = frame[frame["date"].between(start, end)].sort_values("date", ignore_index=True)
    drawn = [alt.Chart(frame).mark_rule(strokeDash=[2, 3], color=MUTED, strokeWidth=1.5).encode(x="date:T")]
    if not labels:
        return drawn
    taken: list[float] = []
    for name, share in zip(frame["event"], (frame["date"] - start) / (end - start), strict=True):
        at, length = float(share) * WIDTH, len(name) * _CHARACTER_PIXELS
        is_late = at + length > WIDTH
        left, right = (at - length, at) if is_late else (at, at + length)
        level = next((i for i, edge in enumerate(taken) if edge < left), len(taken))
        taken[level : level + 1] = [right + _CHARACTER_PIXELS]
        text = alt.Chart(frame[frame["event"] == name]).mark_text(
            align="right" if is_late else "left",
            baseline="bottom",
            dx=-2 if is_late else 2,
            color=MUTED,
            fontStyle="italic",
        )
        drawn.append(text.encode(x="date:T", y=alt.value(-3 - _EVENT_LINE * level), text="event:N"))
    return drawn


def event_marks(marks: pd.DataFrame | None, rows: pd.DataFrame) -> list[alt.Chart]:
    """Draw what happened within the months as marks, a line for each kind; nothing where nothing did.

    Parameters
    ----------
    marks
        `at`, `kind` and `what`, shape (marks, 3); None for none.
    rows
        The months that are drawn, as `monthly` returns them.
    """
    if marks is None or marks.empty or rows.empty:
        return []
    frame = marks[["kind", "what"]].assign(date=naive_utc(marks["at"]).to_numpy())
    frame = frame[frame["date"].between(rows["period_start"].min(), rows["period_end"].max())]
    if frame.empty:
        return []
    kinds = list(dict.fromkeys(frame["kind"]))
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_tick(thickness=2.5, size=_EVENT_LINE, color=MUTED)
        .encode(
            x=alt.X("date:T", axis=bare_axis()),
            y=alt.Y("kind:N", sort=kinds, title=None, axis=alt.Axis(grid=True, ticks=False, domain=False)),
            tooltip=[
                alt.Tooltip("what:N", title="what happened"),
                alt.Tooltip("date:T", title="when (UTC)", format="%d %b %Y %H:%M"),
            ],
        )
        .properties(width=WIDTH, height=alt.Step(_EVENT_LINE + 5))
    )
    return [chart]


def with_halo(chart: alt.Chart, **text: Any) -> tuple[alt.Chart, alt.Chart]:
    """Draw text that stays readable over lines: once in white and thick, once as it is."""
    return chart.mark_text(stroke="white", strokeWidth=4, strokeOpacity=0.85, **text), chart.mark_text(**text)
