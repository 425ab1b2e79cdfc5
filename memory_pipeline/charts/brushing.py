"""Draw success over time linked with its parts: drag over months, and see each part's share in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from memory_pipeline.charts.progress import NO_DATA, SUCCESS
from memory_pipeline.charts.segments import usual_column
from memory_pipeline.charts.theme import BLUE, INK, MUTED, WIDTH, Chart, finish, no_data, shorten
from memory_pipeline.charts.timeline import (
    band,
    extent,
    largest_segments,
    left_out_text,
    line,
    month_axis,
    monthly,
    rate_axis,
)

if TYPE_CHECKING:
    import pandas as pd

_TOP, _ROW, _LABEL = 170, 26, 34
_PLOT = WIDTH - 170
_Z_95 = 1.959964


def brush_success(
    measures: pd.DataFrame, segment_column: str | None = None, *, max_segments: int = 12
) -> Chart:
    """Draw success by month over the success of each segment in the months that a reader drags over.

    The interval of a segment is Wilson's over the attempts of the chosen months, as that of each month is.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `success_rate` are drawn.
    segment_column
        Column to split by; None for the one whose segments have most attempts together.
    max_segments
        Most segments, those with most attempts.
    """
    column = segment_column or usual_column(measures)
    name = "segment" if column is None else column.replace("_", " ")
    title = f"Success by {name}, in the months that you choose"
    whole = monthly(measures, SUCCESS)
    rows, order, left_out = largest_segments(monthly(measures, SUCCESS, column or "?"), max_segments)
    if rows.empty or whole.empty:
        return no_data(title, NO_DATA)
    brush = alt.selection_interval(name="months", encodings=["x"])
    y = rate_axis(whole)
    above = alt.layer(
        band(whole, y).encode(color=alt.value(BLUE)),
        line(whole, y, axis=month_axis(whole)).encode(color=alt.value(BLUE)).add_params(brush),
    ).properties(width=WIDTH, height=_TOP)
    return finish(
        alt.vconcat(above, _parts(rows, order, brush), spacing=20),
        title,
        f"Drag over months to choose them, double-click for all. {extent(rows)}{left_out_text(left_out)}",
        "Point: share of each part's attempts that succeed in the chosen months; line: its 95% interval; "
        "tick: its share over all months.",
    )


def _parts(rows: pd.DataFrame, order: list[str], brush: alt.Parameter) -> Chart:
    """Draw a row for each segment: its share in the chosen months, and over all months as a tick."""
    data = rows[["segment", "middle", "value", "sample_size"]].copy()
    data["part"] = [shorten(one, _LABEL) for one in data["segment"]]
    data["hits"] = data["value"] * data["sample_size"]
    labels = [shorten(one, _LABEL) for one in order]
    y = alt.Y("part:N", sort=labels, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    x = alt.X(
        "share:Q",
        title="attempts that succeed",
        axis=alt.Axis(format=".0%", tickCount=6),
        scale=alt.Scale(domain=[0, 1]),
    )
    chosen = (
        alt.Chart(data)
        .transform_calculate(middle="toDate(datum.middle)")  # no axis here tells that it is a time
        .transform_filter(brush)
        .transform_aggregate(attempts="sum(sample_size)", succeeded="sum(hits)", groupby=["part", "segment"])
        .transform_calculate(share="datum.succeeded / datum.attempts")
        .transform_calculate(
            centre=f"(datum.share + {_Z_95**2 / 2} / datum.attempts) / (1 + {_Z_95**2} / datum.attempts)",
            half=f"{_Z_95} * sqrt(datum.share * (1 - datum.share) / datum.attempts + {_Z_95**2 / 4} / "
            f"pow(datum.attempts, 2)) / (1 + {_Z_95**2} / datum.attempts)",
        )
        .transform_calculate(low="datum.centre - datum.half", high="datum.centre + datum.half")
        .transform_calculate(said="format(datum.attempts, ',d') + ' attempts'")
        .encode(
            y=y,
            tooltip=[
                alt.Tooltip("segment:N", title="part"),
                alt.Tooltip("share:Q", title="success rate", format=".1%"),
                alt.Tooltip("low:Q", title="95% interval from", format=".1%"),
                alt.Tooltip("high:Q", title="to", format=".1%"),
                alt.Tooltip("attempts:Q", title="attempts", format=",d"),
            ],
        )
    )
    always = (
        alt.Chart(data)
        .transform_aggregate(attempts="sum(sample_size)", succeeded="sum(hits)", groupby=["part"])
        .transform_calculate(share="datum.succeeded / datum.attempts")
        .mark_tick(thickness=2, size=18, color=INK, opacity=0.45)
        .encode(x=x, y=y)
    )
    layered: Chart = alt.layer(
        always,
        chosen.mark_rule(strokeWidth=3, opacity=0.35, color=BLUE).encode(x="low:Q", x2="high:Q"),
        chosen.mark_circle(size=90, opacity=1, color=BLUE).encode(x=x),
        chosen.mark_text(align="left", color=MUTED).encode(x=alt.value(_PLOT + 10), text="said:N"),
    ).properties(width=_PLOT, height=alt.Step(_ROW))
    return layered
