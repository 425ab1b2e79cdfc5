"""Draw drift: how many detected changes were in force in each month, and since when each is."""

from __future__ import annotations

import altair as alt
import pandas as pd

from memory_pipeline.analysis.learning.text import learning_sentences
from memory_pipeline.analysis.models.change_text import change_clause
from memory_pipeline.analysis.names import DRIFT, DRIFT_CHANGE
from memory_pipeline.charts.theme import (
    BLUE,
    FAINT,
    VERMILION,
    WIDTH,
    Chart,
    finish,
    naive_utc,
    no_data,
    shorten,
)
from memory_pipeline.charts.timeline import month_axis, monthly

_TITLE = "Does the world change?"
_HEIGHT = 130
_ROW = 24
_CHARACTERS = 74
_COLOURS = {"do better": BLUE, "do worse": VERMILION}


def drift(measures: pd.DataFrame, *, limit: int = 12) -> Chart:
    """Draw how many detected changes were in force in each month, and below it each change since it began.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `drift` and `drift_change` are drawn.
    limit
        Most changes that are listed, the largest.
    """
    months = monthly(measures, DRIFT)
    if months.empty:
        return no_data(_TITLE, "Changes are looked for once there are some months of outcomes.")
    axis = month_axis(months)
    columns = (
        alt.Chart(months)
        .mark_rect(stroke="white", strokeWidth=1, color=FAINT)
        .encode(
            x=alt.X("period_start:T", axis=axis),
            x2="period_end:T",
            y=alt.Y(
                "value:Q",
                title="changes in force",
                axis=alt.Axis(format="d", values=_whole_numbers(months["value"].max())),
                scale=alt.Scale(domain=[0, max(1, int(months["value"].max()))]),
            ),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("period_start:T", title="month", format="%B %Y"),
                alt.Tooltip("value:Q", title="changes in force", format="d"),
                alt.Tooltip("sample_size:Q", title="attempts looked at", format=",d"),
            ],
        )
        .properties(width=WIDTH, height=_HEIGHT)
    )
    changes = _changes(measures, months, limit)
    whole = columns if changes.empty else alt.vconcat(columns, _bars(changes), spacing=8)
    sentence = learning_sentences(measures)[DRIFT]
    return finish(
        whole.resolve_scale(x="shared") if isinstance(whole, alt.VConcatChart) else whole,
        f"{sentence[0].upper()}{sentence[1:]}",
        "A change: attempts with a setting or context do better or worse than their past let expect. Below: "
        "those of the newest month, from when each began."
        if len(changes)
        else "A change: attempts with a setting or context do better or worse than their past let expect.",
    )


def _changes(measures: pd.DataFrame, months: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return the changes in force in the newest month, the largest first."""
    found = measures[measures["measure"] == DRIFT_CHANGE]
    if found.empty:
        return pd.DataFrame()
    newest = months["period_start"].max()
    found = found[(naive_utc(found["period_start"]) == newest).to_numpy()]
    found = found.iloc[found["value"].astype(float).abs().to_numpy().argsort()[::-1][:limit]]
    first = months["period_start"].min()
    since = naive_utc([one["since"] for one in found["details"]])
    return pd.DataFrame(
        {
            "text": [shorten(change_clause(one), _CHARACTERS) for one in found["details"]],
            "whole": [change_clause(one) for one in found["details"]],
            "begin": [max(one, first) for one in since],
            "since": since,
            "end": months["period_end"].max(),
            "points": [100 * float(one["difference"]) for one in found["details"]],
            "direction": ["do better" if one["difference"] > 0 else "do worse" for one in found["details"]],
        }
    )


def _bars(changes: pd.DataFrame) -> Chart:
    base = alt.Chart(changes.assign(row=range(len(changes)))).encode(
        y=alt.Y("row:O", axis=None),
        tooltip=[
            alt.Tooltip("whole:N", title="change"),
            alt.Tooltip("since:T", title="since", format="%d %b %Y"),
            alt.Tooltip("points:Q", title="points against expectation", format="+.1f"),
        ],
    )
    colour = alt.Color(
        "direction:N",
        title=None,
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
    )
    x = alt.X(
        "begin:T",
        axis=alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None),
    )
    layered: Chart = alt.layer(
        base.mark_bar(height=4).encode(x=x, x2="end:T", color=colour),
        base.mark_point(filled=True, size=70, opacity=1, shape="triangle-right").encode(x=x, color=colour),
        base.mark_text(align="right", baseline="bottom", dy=-4, dx=WIDTH).encode(
            x=alt.value(0), text="text:N"
        ),
    ).properties(width=WIDTH, height=alt.Step(_ROW + 8))
    return layered


def _whole_numbers(most: float) -> list[int]:
    step = max(1, -(-int(most) // 4))
    return list(range(0, int(most) + step, step))
