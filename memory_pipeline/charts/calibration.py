"""Draw whether predicted probabilities match what was observed."""

from __future__ import annotations

import altair as alt
import pandas as pd

from memory_pipeline.charts.theme import BLUE, MUTED, ORANGE, Chart, finish, no_data

_TITLE = "Predicted and observed"
_SIZE = 330
_COLOURS = (BLUE, ORANGE)


_NOTE = (
    "On the dashed line, predicted and observed are equal. Lines through points: 95% intervals, "
    "resampling whole applications. Points spread wide from left to right: the conditions explain much."
)


def calibration(
    bins: pd.DataFrame, summary: str = "", *, things: str = "attempts", note: str = _NOTE
) -> Chart:
    """Draw the observed share over the predicted probability.

    Parameters
    ----------
    bins
        Rows of `Predictability.calibration`, shape (bins, any).
    summary
        The answer in a sentence, for the subtitle.
    things
        What the column `attempts` counts.
    note
        How to read the picture.
    """
    if bins.empty:
        return no_data(_TITLE, summary or "Nothing was predicted yet. Run `memory-pipeline rebuild`.")
    questions = list(dict.fromkeys(bins["question"]))
    rows = bins[["question", "predicted", "observed", "ci_low", "ci_high", "attempts"]]
    rows = rows.astype({"predicted": float, "observed": float, "ci_low": float, "ci_high": float})
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(format=".0%", tickCount=6)
    x = alt.X("predicted:Q", title="predicted chance", scale=scale, axis=axis)
    y = alt.Y("observed:Q", title="observed share", scale=scale, axis=axis)
    colour = alt.Color(
        "question:N",
        title="predicted for",
        scale=alt.Scale(domain=questions, range=list(_COLOURS[: len(questions)])),
        sort=questions,
    )
    diagonal = (
        alt.Chart(pd.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]}))
        .mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1)
        .encode(x=x, y=y)
    )
    base = alt.Chart(rows).encode(x=x, color=colour)
    interval = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        y=alt.Y("ci_low:Q", scale=scale, title="observed share"), y2="ci_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y,
        shape=alt.Shape(
            "question:N", sort=questions, title="predicted for", scale=alt.Scale(domain=questions)
        ),
        tooltip=[
            alt.Tooltip("question:N", title="predicted for"),
            alt.Tooltip("predicted:Q", format=".1%"),
            alt.Tooltip("observed:Q", format=".1%"),
            alt.Tooltip("ci_low:Q", title="from", format=".1%"),
            alt.Tooltip("ci_high:Q", title="to", format=".1%"),
            alt.Tooltip("attempts:Q", title=things, format=","),
        ],
    )
    drawn = alt.layer(diagonal, interval, points).properties(width=2 * _SIZE, height=_SIZE)
    return finish(
        drawn,
        _headline(rows, things),
        summary,
        note,
    )


def _headline(rows: pd.DataFrame, things: str) -> str:
    off = (rows["ci_low"] > rows["predicted"]) | (rows["ci_high"] < rows["predicted"])
    if not off.any():
        return f"{_TITLE} agree in all {len(rows)} groups of {things}"
    return f"{_TITLE} agree in {int((~off).sum())} of {len(rows)} groups of {things}"
