"""Draw the value of the memory: what it had advice for, and whether its findings held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from memory_pipeline.charts.progress import HEIGHT, NO_DATA
from memory_pipeline.charts.theme import BLUE, FAINT, VERMILION, WIDTH, Chart, finish, naive_utc, no_data
from memory_pipeline.charts.timeline import attempts_columns, band, extent, hover, line, monthly

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

COVERAGE = "advice_coverage"
REPLICATION = "finding_replication"


def advice_coverage(measures: pd.DataFrame) -> Chart:
    """Draw the share of each month's attempts for which there was advice, learned from earlier months.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `advice_coverage` of the whole are drawn.
    """
    whole = monthly(measures, COVERAGE)
    if whole.empty:
        return no_data("What the memory had advice for", NO_DATA)
    y = alt.Y(
        "value:Q",
        title="attempts with advice",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, 1], clamp=True),
    )
    shown = alt.layer(
        band(whole, y).encode(color=alt.value(BLUE)),
        line(whole, y).encode(color=alt.value(BLUE)),
        hover(whole, name="with advice"),
    ).properties(width=WIDTH, height=HEIGHT)
    attempts = attempts_columns(whole).encode(color=alt.value(FAINT))
    first, last = whole.iloc[0], whole.iloc[-1]
    return finish(
        alt.vconcat(shown, attempts, spacing=6).resolve_scale(x="shared"),
        f"There was advice for {last['value']:.0%} of the attempts of {last['period_start']:%b %Y}",
        f"{first['value']:.0%} in {first['period_start']:%b %Y}. {extent(whole)}",
        "Learned from the months before each alone; band: 95% interval where not all were asked.",
    )


def finding_replication(measures: pd.DataFrame) -> Chart:
    """Draw the share of findings that held in the quarter after they were made, and their confidence.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `finding_replication` are drawn.
    """
    rows = measures[measures["measure"] == REPLICATION].sort_values("period_start", ignore_index=True)
    if rows.empty:
        return no_data(
            "Findings that held",
            "No finding was tried on a later quarter yet. Record more outcomes, then rebuild.",
        )
    start = naive_utc(rows["period_start"])
    frame = rows[["value", "ci_low", "ci_high", "sample_size"]].astype(float)
    frame["quarter"] = [f"Q{one.quarter} {one.year}" for one in start]
    frame["said"] = [float(one["mean_confidence"]) for one in rows["details"]]
    tried, held = int(frame["sample_size"].sum()), round(float((frame["value"] * frame["sample_size"]).sum()))
    x = alt.X("quarter:N", sort=list(frame["quarter"]), title=None, axis=alt.Axis(labelAngle=0))
    base = alt.Chart(frame).encode(x=x, tooltip=_tooltips())
    share = alt.Y(
        "value:Q",
        title="findings that held",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, 1], clamp=True),
    )
    chart = alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.35, color=BLUE).encode(y="ci_low:Q", y2="ci_high:Q"),
        base.mark_tick(color=VERMILION, thickness=3, size=46).encode(y="said:Q"),
        base.mark_circle(size=130, color=BLUE, opacity=1).encode(y=share),
    ).properties(width=WIDTH, height=HEIGHT)
    return finish(
        chart,
        f"{held} of {tried} findings held in the quarter after they were made",
        "Point: share of the findings of all history before a quarter that have the same sign in it; "
        "bar: 95% interval; orange: their mean confidence.",
    )


def _tooltips() -> Sequence[alt.Tooltip]:
    return [
        alt.Tooltip("quarter:N"),
        alt.Tooltip("value:Q", title="held", format=".0%"),
        alt.Tooltip("ci_low:Q", title="95% interval from", format=".0%"),
        alt.Tooltip("ci_high:Q", title="to", format=".0%"),
        alt.Tooltip("said:Q", title="mean confidence", format=".2f"),
        alt.Tooltip("sample_size:Q", title="findings tried", format=",d"),
    ]
