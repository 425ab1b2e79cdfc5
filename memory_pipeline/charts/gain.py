"""Draw whether advice helped: what following it changed, as known by each month and by each rebuild."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from memory_pipeline.analysis.learning.verdict import (
    CHANCE,
    HARMED,
    HELPED,
    MAY_HAVE_HARMED,
    MAY_HAVE_HELPED,
    TOO_LITTLE,
    headline,
)
from memory_pipeline.charts.forest import scale_around
from memory_pipeline.charts.theme import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    ORANGE,
    SKY,
    VERMILION,
    Chart,
    finish,
    naive_utc,
    no_data,
)

if TYPE_CHECKING:
    from collections.abc import Collection

GAIN = "advice_gain"
_TITLE = "Does following the advice help?"
_COLOURS = {
    HELPED: BLUE,
    MAY_HAVE_HELPED: SKY,
    HARMED: VERMILION,
    MAY_HAVE_HARMED: ORANGE,
    CHANCE: MUTED,
    TOO_LITTLE: FAINT,
}
_SHAPES = {kind: "square" if kind in {HARMED, MAY_HAVE_HARMED} else "circle" for kind in _COLOURS}
_ROW = 26
_WIDTH = 420


def advice_gain(measures: pd.DataFrame, verifications: pd.DataFrame, *, limit: int = 12) -> Chart:
    """Draw what following the advice changed, with intervals: by the end of each month, and by each rebuild.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of `advice_gain` are drawn.
    verifications
        Rows of `advice_verifications`, shape (rebuilds, any), in any order.
    limit
        Most rows of each block, the newest.
    """
    enough = verifications[verifications["sufficient"].astype(bool)] if len(verifications) else verifications
    if enough.empty:
        reason = "No attempt names the advice that it was given yet."
        if len(verifications):
            reason = str(verifications.sort_values("verified_at")["reason"].iloc[-1])
        return no_data(_TITLE, reason)
    newest = verifications.sort_values("verified_at").iloc[-1]
    months = measures[measures["measure"] == GAIN]
    labels = (
        naive_utc(months["period_start"]).dt.strftime("by %B %Y"),
        naive_utc(enough["verified_at"]).dt.strftime("%Y-%m-%d %H:%M"),
    )
    blocks = [
        _rows(labels[0], months, "value", "sample_size", [one["verdict"] for one in months["details"]]),
        _rows(labels[1], enough, "gain", "comparable", list(enough["verdict"])),
    ]
    order = [
        months["period_start"].to_numpy().argsort()[::-1],
        enough["verified_at"].to_numpy().argsort()[::-1],
    ]
    drawn = [rows.iloc[which[:limit]] for rows, which in zip(blocks, order, strict=True)]
    domain = scale_around(*(rows[name] for rows in drawn for name in ("low", "high") if len(rows)))
    shown = {kind for rows in drawn for kind in rows["kind"]}
    titles = ("As known by the end of each month", "As each rebuild estimated it (UTC)")
    parts = [
        _block(rows, domain, title, shown, is_last=title == titles[-1])
        for rows, title in zip(drawn, titles, strict=True)
        if len(rows)
    ]
    return finish(
        alt.vconcat(*parts, spacing=20),
        headline(str(newest["verdict"]), float(newest["gain"])),
        str(newest["reason"]),
        "Point: share of success with the advice less that without; line: its 95% interval. The months add "
        "up: each holds the attempts of those before it.",
    )


def _rows(
    labels: pd.Series, source: pd.DataFrame, value: str, size: str, verdicts: list[str]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": labels.to_numpy(),
            "points": 100 * source[value].to_numpy(float),
            "low": 100 * source["ci_low"].to_numpy(float),
            "high": 100 * source["ci_high"].to_numpy(float),
            "attempts": source[size].to_numpy(int),
            "kind": verdicts,
        }
    )


def _block(
    rows: pd.DataFrame, domain: tuple[float, float], title: str, shown: Collection[str], *, is_last: bool
) -> Chart:
    kinds = [kind for kind in _COLOURS if kind in shown]
    colour, shape = (
        channel("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[values[kind] for kind in kinds]))
        for channel, values in ((alt.Color, _COLOURS), (alt.Shape, _SHAPES))
    )
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=list(domain), clamp=True, nice=False, zero=False),
        axis=alt.Axis(
            labelExpr="datum.value === 0 ? '0' : format(datum.value, '+d')",
            tickCount=6,
            title="percentage points" if is_last else None,
        ),
    )
    base = alt.Chart(rows.assign(row=range(len(rows)))).encode(
        y=alt.Y("label:N", sort=list(rows["label"]), title=None, axis=alt.Axis(labelLimit=200, ticks=False)),
        tooltip=[
            alt.Tooltip("label:N", title="estimate"),
            alt.Tooltip("points:Q", title="points", format="+.1f"),
            alt.Tooltip("low:Q", title="95% interval from", format="+.1f"),
            alt.Tooltip("high:Q", title="to", format="+.1f"),
            alt.Tooltip("attempts:Q", title="attempts compared", format=",d"),
        ],
    )
    layers = [
        alt.Chart(pd.DataFrame({"points": [0.0]})).mark_rule(color=INK).encode(x="points:Q"),
        base.mark_rule(strokeWidth=2.5).encode(x=x, x2="high:Q", color=colour),
        base.mark_point(size=90, filled=True, opacity=1).encode(x="points:Q", color=colour, shape=shape),
        base.transform_calculate(said="format(datum.attempts, ',d') + ' attempts'")
        .mark_text(align="left", color=MUTED)
        .encode(x=alt.value(_WIDTH + 10), text="said:N"),
    ]
    headline = alt.TitleParams(text=title, fontSize=13, frame="group", offset=8)
    block: Chart = alt.layer(*layers).properties(width=_WIDTH, height=alt.Step(_ROW), title=headline)
    return block
