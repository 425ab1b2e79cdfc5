"""Style of every chart: colours, fonts, sizes, titles, and the chart for empty frames.

The style is part of each chart instead of a registered theme, so that drawing one never changes the other
charts of a notebook. The colours are those of Okabe and Ito, which colour-blind readers can distinguish; the
background is white, so that a picture is readable on a dark page too.
"""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt
import pandas as pd

Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
PURPLE = "#AA4499"
SKY = "#56B4E9"
VERMILION = "#D55E00"
INK = "#1f2933"
MUTED = "#6b7280"
FAINT = "#c9ced6"
GRID = "#eceef1"
SEGMENT_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)

WIDTH = 690
"""Width of a plot: with axis and labels the chart fits a notebook beside its sidebar."""
_TITLE_CHARACTERS = 92
_SUBTITLE_CHARACTERS = 135

_CONFIG: dict[str, Any] = {
    "font": "'Liberation Sans', Arial, Helvetica, sans-serif",
    "background": "white",
    "padding": 12,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 17,
        "color": INK,
        "subtitleFontSize": 12,
        "subtitleColor": MUTED,
        "subtitlePadding": 6,
        "offset": 14,
        "lineHeight": 21,
        "subtitleLineHeight": 16,
    },
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": MUTED,
        "domainColor": FAINT,
        "tickColor": FAINT,
        "gridColor": GRID,
        "titlePadding": 8,
    },
    "legend": {
        "orient": "top",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleColor": MUTED,
        "labelColor": INK,
        "labelLimit": 190,
        "symbolOpacity": 1,
        "titleOrient": "left",
        "offset": 20,
    },
    "text": {"fontSize": 12, "color": INK},
    "concat": {"spacing": 12},
}


def finish(chart: Chart, title: str, *subtitle: str) -> Chart:
    """Add the title (the message), the subtitle lines (how to read the chart) and the common style."""
    lines = [line for text in subtitle if text for line in textwrap.wrap(text, _SUBTITLE_CHARACTERS)]
    headline = textwrap.wrap(title, _TITLE_CHARACTERS) or [""]
    described = f"{title}. {' '.join(lines)}".strip()
    named = chart.properties(title=alt.TitleParams(text=headline, subtitle=lines), description=described)
    finished: Chart = named.configure(**_CONFIG)
    return finished


def no_data(title: str, text: str) -> Chart:
    """Return the chart for empty frames, which states that there is nothing to draw, and what to do."""
    drawn = (
        alt.Chart(pd.DataFrame({"text": [text]}))
        .mark_text(align="left", baseline="middle", color=MUTED, fontSize=14)
        .encode(text="text:N", x=alt.value(4), y=alt.value(30))
        .properties(width=WIDTH, height=60)
    )
    return finish(drawn, title)


def naive_utc(times: Any) -> pd.Series:
    """Return times in UTC without a zone, shape (times,).

    A browser shifts times with a zone to its own, and a month that starts on the first at midnight would be
    drawn as the month before.
    """
    return pd.to_datetime(pd.Series(times), utc=True).dt.tz_localize(None).astype("datetime64[ms]")


def shorten(text: str, characters: int) -> str:
    """Cut a text at a number of characters, with an ellipsis."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= characters else flat[: characters - 1].rstrip() + "…"


def fold(text: str, characters: int, lines: int = 2) -> str:
    """Break a label into at most `lines` lines, the last one cut where the text is longer."""
    parts = textwrap.wrap(" ".join(str(text).split()), characters)
    if len(parts) <= lines:
        return "\n".join(parts)
    return "\n".join([*parts[: lines - 1], shorten(" ".join(parts[lines - 1 :]), characters)])
