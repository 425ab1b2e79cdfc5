"""Draw success by part of the history: small panels side by side, and one panel with a menu."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from memory_pipeline.analysis.learning.trend import find_level_shift
from memory_pipeline.analysis.learning.trend_text import change_sentence
from memory_pipeline.charts.progress import HEIGHT, NO_DATA, SUCCESS
from memory_pipeline.charts.theme import BLUE, FAINT, MUTED, VERMILION, WIDTH, Chart, finish, no_data, shorten
from memory_pipeline.charts.timeline import (
    attempts_columns,
    band,
    extent,
    hover,
    largest_segments,
    left_out_text,
    line,
    month_axis,
    monthly,
    rate_axis,
)

_COLUMNS = 3
_PANEL_WIDTH = 212
_PANEL_HEIGHT = 120
_WHOLE = "everything"
_ERROR = 0.05


def success_by_segment(
    measures: pd.DataFrame, segment_column: str | None = None, *, max_segments: int = 9
) -> Chart:
    """Draw the monthly success rate of each segment in a panel of its own, over the whole in grey.

    Each panel states whether its rate changed and since when. The more panels, the larger a change must be
    to be reported (Bonferroni), so that of twenty charts without any change one reports one.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `success_rate` are drawn.
    segment_column
        Column to split by; None for the one whose segments have most attempts together.
    max_segments
        Most panels, those with most attempts; those that changed come first.
    """
    column = segment_column or usual_column(measures)
    name = "segment" if column is None else column.replace("_", " ")
    rows, order, left_out = largest_segments(monthly(measures, SUCCESS, column or "?"), max_segments)
    if rows.empty:
        return no_data(f"Success by {name}", f"There is no data by {name}. Run `memory-pipeline rebuild`.")
    whole = monthly(measures, SUCCESS)
    y = rate_axis(pd.concat([rows, whole]), title="")
    level = 1 - _ERROR / len(order)
    readings = {value: _reading(rows[rows["segment"] == value], level) for value in order}
    panels = [
        _panel(rows[rows["segment"] == value], whole, y, title=value, reading=readings[value])
        for value in sorted(order, key=lambda value: readings[value].direction == 0)
    ]
    directions = [reading.direction for reading in readings.values()]
    rose, fell = directions.count(1), directions.count(-1)
    return finish(
        alt.concat(*panels, columns=_COLUMNS, spacing={"row": 24, "column": 26}),
        f"Success by {name}: {rose} of {len(order)} rose clearly, {fell} fell",
        f"{extent(rows)} Line: share of attempts that succeed; band: its 95% interval; grey: the whole "
        f"history.{left_out_text(left_out)}",
    )


def explore_success(measures: pd.DataFrame) -> Chart:
    """Draw the success rate with a menu of every segment, for notebooks: choose, zoom, drag, hover.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `success_rate` are drawn.
    """
    whole = monthly(measures, SUCCESS)
    if whole.empty:
        return no_data("Success over time, of the part you choose", NO_DATA)
    parts = [whole.assign(segment=_WHOLE)]
    for column in sorted(set(measures.loc[measures["measure"] == SUCCESS, "segment_column"]) - {""}):
        rows = monthly(measures, SUCCESS, column)
        parts.append(rows.assign(segment=column.replace("_", " ") + ": " + rows["segment"]))
    rows = pd.concat(parts, ignore_index=True)
    options = [str(name) for name in rows["segment"].unique()]
    menu = alt.selection_point(
        fields=["segment"], bind=alt.binding_select(options=options, name="Show "), value=_WHOLE
    )
    zoom = alt.selection_interval(bind="scales", encodings=["x"])
    y = rate_axis(rows)
    chosen = alt.layer(
        line(whole, y, points=False).encode(color=alt.value(FAINT)),
        band(rows, y).encode(color=alt.value(BLUE)).transform_filter(menu),
        line(rows, y).encode(color=alt.value(BLUE)).transform_filter(menu),
        hover(rows).add_params(menu, zoom).transform_filter(menu),
    ).properties(width=WIDTH, height=HEIGHT)
    axis = alt.Axis(format="%b %Y", labelOverlap="greedy", grid=False, title=None)
    attempts = attempts_columns(rows, axis=axis).encode(color=alt.value(FAINT)).transform_filter(menu)
    return finish(
        alt.vconcat(chosen, attempts, spacing=6).resolve_scale(x="shared"),
        "Success over time, of the part you choose",
        "Choose below the chart. Scroll to zoom in time, drag to move, double-click to reset. "
        "Grey: the whole history; band: 95% interval.",
    )


def usual_column(measures: pd.DataFrame) -> str | None:
    """Return the column whose segments have most attempts together; None where there is none."""
    if measures.empty:
        return None
    split = measures[(measures["measure"] == SUCCESS) & (measures["segment_column"] != "")]
    if split.empty:
        return None
    sizes = split.groupby("segment_column")["sample_size"].sum()
    return str(sizes.sort_values(ascending=False, kind="stable").index[0])


@dataclass(frozen=True)
class _Reading:
    """Title of a panel, and whether its rate rose (1), fell (-1) or neither (0)."""

    text: str
    direction: int


def _reading(rows: pd.DataFrame, level: float) -> _Reading:
    change = find_level_shift(rows, level=level)
    if change is None or not change.is_clear:
        return _Reading(change_sentence(rows, "", change).removeprefix(": "), 0)
    verb, direction = ("rose", 1) if change.difference > 0 else ("fell", -1)
    text = f"{verb}: {change.before:.0%} to {change.after:.0%}, since {change.since:%b %Y}"
    return _Reading(text, direction)


def _panel(rows: pd.DataFrame, whole: pd.DataFrame, y: alt.Y, *, title: str, reading: _Reading) -> Chart:
    axis = month_axis(whole if len(whole) else rows, width=_PANEL_WIDTH)
    headline = alt.TitleParams(
        text=shorten(title, 30),
        subtitle=reading.text,
        subtitleColor={1: BLUE, -1: VERMILION, 0: MUTED}[reading.direction],
        fontSize=13,
        subtitlePadding=2,
        offset=6,
    )
    return alt.layer(
        line(whole, y, axis=axis, points=False).encode(color=alt.value(FAINT)),
        band(rows, y).encode(color=alt.value(BLUE)),
        line(rows, y, axis=axis).encode(color=alt.value(BLUE)),
        hover(rows),
    ).properties(width=_PANEL_WIDTH, height=_PANEL_HEIGHT, title=headline)
