"""Draw progress over time: whether results get better, since when, and what the memory predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from memory_pipeline.analysis.learning.trend import find_level_shift, overall_level
from memory_pipeline.analysis.learning.trend_text import change_details, change_sentence, skill_sentence
from memory_pipeline.analysis.text import signed
from memory_pipeline.charts.theme import BLUE, FAINT, INK, SEGMENT_COLOURS, WIDTH, Chart, finish, no_data
from memory_pipeline.charts.timeline import (
    attempts_columns,
    band,
    event_lines,
    event_marks,
    extent,
    hover,
    largest_segments,
    left_out_text,
    line,
    month_axis,
    monthly,
    rate_axis,
    with_halo,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memory_pipeline.analysis.learning.trend import LevelShift

SUCCESS = "success_rate"
PRIOR_KNOWLEDGE = "prior_knowledge"
NO_DATA = "No data yet. Record outcomes, then run `memory-pipeline rebuild`."
HEIGHT = 290
_SHORT_NAME, _LEGEND_COLUMNS = 14, 3
_LEAST_SKILL, _USUAL_SKILL = -1.0, (-0.1, 0.2)
_SIGNED = "datum.value === 0 ? '0' : format(datum.value, '+.2~f')"


def success_over_time(
    measures: pd.DataFrame,
    *,
    segment_column: str | None = None,
    events: Mapping[str, str | datetime] | None = None,
    marks: pd.DataFrame | None = None,
    max_segments: int = len(SEGMENT_COLOURS),
) -> Chart:
    """Draw the monthly success rate with its interval over the number of attempts.

    The title says whether the rate changed and since when (`find_level_shift`); dashed lines are the levels
    before and since. With segments, each is a line of its own colour, and the whole is a grey line.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `success_rate` are drawn.
    segment_column
        Colour by the values of this segment column; None for the whole history.
    events
        Dates to mark with a line, by what happened: `{"first advice": "2026-01-15"}`.
    marks
        What happened, as marks below the months: `at`, `kind` and `what`, shape (marks, 3), as
        `Memory.learning_events` returns it; None for no marks.
    max_segments
        Most segments that are drawn, those with most attempts; at most as many as there are colours.

    Returns
    -------
    Chart
        At most 900 pixels wide.
    """
    whole = monthly(measures, SUCCESS)
    if segment_column is not None:
        return _success_of_segments(
            measures, whole, segment_column, events=events, marks=marks, max_segments=max_segments
        )
    if whole.empty:
        return no_data("Success over time", NO_DATA)
    change = find_level_shift(whole)
    y = rate_axis(whole)
    shown = alt.layer(
        *event_lines(events, whole),
        band(whole, y).encode(color=alt.value(BLUE)),
        line(whole, y).encode(color=alt.value(BLUE)),
        *_levels(whole, change, y),
        hover(whole),
    ).properties(width=WIDTH, height=HEIGHT)
    attempts = attempts_columns(whole).encode(color=alt.value(FAINT))
    below = alt.layer(attempts, *event_lines(events, whole, labels=False))
    return finish(
        alt.vconcat(shown, below, *event_marks(marks, whole), spacing=6).resolve_scale(x="shared"),
        change_sentence(whole, "Success rate", change),
        change_details(change),
        f"{extent(whole)} Line: share of attempts that succeed; band: its 95% interval; dashed: average.",
    )


def prior_knowledge(measures: pd.DataFrame, *, measure: str = PRIOR_KNOWLEDGE) -> Chart:
    """Draw how much better each month is predicted from the months before it than by the base rate.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any): Brier skill scores, 1 for perfect prediction and 0
        for always predicting the base rate.
    measure
        Name of the measure in these rows.
    """
    whole = monthly(measures, measure)
    if whole.empty:
        return no_data("What the memory knew beforehand", NO_DATA)
    level, low, high = overall_level(whole)
    least, most = _USUAL_SKILL
    ends = [
        min(least, max(_LEAST_SKILL, float(whole["low"].min()))),
        max(most, min(1.0, float(whole["high"].max()))),
    ]
    y = alt.Y(
        "value:Q",
        title="skill (1 = every result predicted)",
        axis=alt.Axis(labelExpr=_SIGNED, tickCount=5),
        scale=alt.Scale(domain=ends, clamp=True),
    )
    zero = alt.Chart(pd.DataFrame({"value": [0.0], "label": ["base rate"]})).encode(y=y)
    chart = alt.layer(
        zero.mark_rule(color=INK, strokeDash=[5, 4], strokeWidth=1.5),
        band(whole, y).encode(color=alt.value(BLUE)),
        line(whole, y, axis=month_axis(whole)).encode(color=alt.value(BLUE)),
        *with_halo(zero.encode(x=alt.value(0), text="label:N"), align="left", baseline="bottom", dx=4, dy=-3),
        hover(whole, rate_format="+.2f", name="skill"),
    ).properties(width=WIDTH, height=HEIGHT)
    return finish(
        chart,
        skill_sentence(whole),
        f"Average {signed(level, 2)} (95% interval {signed(low, 2)} to {signed(high, 2)}). {extent(whole)}",
        "Each month is predicted from the months before it alone; band: 95% interval. "
        "Above the dashed line, knowing the history helped.",
    )


def _success_of_segments(
    measures: pd.DataFrame,
    whole: pd.DataFrame,
    column: str,
    *,
    events: Mapping[str, str | datetime] | None,
    marks: pd.DataFrame | None,
    max_segments: int,
) -> Chart:
    name = column.replace("_", " ")
    most = min(max_segments, len(SEGMENT_COLOURS))
    rows, order, left_out = largest_segments(monthly(measures, SUCCESS, column), most)
    if rows.empty:
        return no_data(
            f"Success rate by {name}", f"There is no data by {name}. Run `memory-pipeline rebuild`."
        )
    picked = alt.selection_point(fields=["segment"], bind="legend")
    colour = alt.Color(
        "segment:N",
        title=name,
        sort=order,
        legend=alt.Legend(columns=_LEGEND_COLUMNS if max(map(len, order)) > _SHORT_NAME else 0),
        scale=alt.Scale(domain=order, range=list(SEGMENT_COLOURS[: len(order)])),
    )
    faded = alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.12))
    shaded = alt.when(picked, empty=False).then(alt.value(0.2)).otherwise(alt.value(0))
    y = rate_axis(rows)
    shown = alt.layer(
        *event_lines(events, rows),
        line(whole, y, points=False).encode(color=alt.value(FAINT)),
        band(rows, y).encode(color=colour, opacity=shaded),
        line(rows, y).encode(color=colour, opacity=faded).add_params(picked),
    ).properties(width=WIDTH, height=HEIGHT)
    attempts = attempts_columns(rows, order).encode(color=colour, opacity=faded)
    return finish(
        alt.vconcat(shown, attempts, *event_marks(marks, rows), spacing=6).resolve_scale(x="shared"),
        f"Success rate by {name}",
        f"{extent(rows)} Grey: the whole history.{left_out_text(left_out)}",
        "Click a name in the legend to see it alone, with its 95% interval.",
    )


def _levels(rows: pd.DataFrame, change: LevelShift | None, y: alt.Y) -> list[alt.Chart]:
    """Draw the levels before and since a clear change, or that of the whole history, as dashed lines.

    The last level is named beside the plot, the one before it above its beginning.
    """
    start, end = rows["period_start"].min(), rows["period_end"].max()
    if change is None or not change.is_clear:
        spans = [(start, end, overall_level(rows)[0], "average")]
    else:
        spans = [(start, change.since, change.before, "before"), (change.since, end, change.after, "since")]
    frame = pd.DataFrame(spans, columns=["from", "to", "value", "side"])
    frame["label"] = [f"{one:.0%} {side}" for one, side in zip(frame["value"], frame["side"], strict=True)]
    base = alt.Chart(frame).mark_rule(strokeDash=[5, 4], color=INK, strokeWidth=1.5)
    first, last = (alt.Chart(part).encode(y=y, text="label:N") for part in (frame[:-1], frame[-1:]))
    before = with_halo(
        first.encode(x="from:T"), align="left", baseline="bottom", dx=4, dy=-4, fontWeight="bold"
    )
    return [
        base.encode(x="from:T", x2="to:T", y=y),
        *(before if len(frame) > 1 else ()),
        last.mark_text(align="left", baseline="middle", fontWeight="bold").encode(x=alt.value(WIDTH + 6)),
    ]
