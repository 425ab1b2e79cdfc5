"""Draw whether advice helped: what following it changed, as known by each month and by each rebuild."""

from __future__ import annotations

import altair as alt
import pandas as pd

from memory_pipeline.analysis.text import points_text
from memory_pipeline.charts.forest import scale_around
from memory_pipeline.charts.theme import BLUE, INK, MUTED, VERMILION, Chart, finish, naive_utc, no_data

GAIN = "advice_gain"
_TITLE = "Does following the advice help?"
_HELPED, _HARMED, _UNSURE = "helped", "harmed", "may be chance"
_COLOURS = {_HELPED: BLUE, _HARMED: VERMILION, _UNSURE: MUTED}
_SHAPES = {_HELPED: "circle", _HARMED: "square", _UNSURE: "circle"}
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
    blocks = [
        _rows(naive_utc(months["period_start"]).dt.strftime("by %B %Y"), months, "value", "sample_size"),
        _rows(naive_utc(enough["verified_at"]).dt.strftime("%Y-%m-%d %H:%M"), enough, "gain", "comparable"),
    ]
    order = [
        months["period_start"].to_numpy().argsort()[::-1],
        enough["verified_at"].to_numpy().argsort()[::-1],
    ]
    drawn = [rows.iloc[which[:limit]] for rows, which in zip(blocks, order, strict=True)]
    domain = scale_around(*(rows[name] for rows in drawn for name in ("low", "high") if len(rows)))
    titles = ("As known by the end of each month", "As each rebuild estimated it (UTC)")
    parts = [
        _block(rows, domain, title, is_last=title == titles[-1])
        for rows, title in zip(drawn, titles, strict=True)
        if len(rows)
    ]
    kind = _kind(float(newest["ci_low"]), float(newest["ci_high"]))
    gain = f"{points_text(100 * float(newest['gain']), signed=True)} points"
    tail = ", which may be chance" if kind == _UNSURE else ""
    return finish(
        alt.vconcat(*parts, spacing=20),
        f"Following the advice changed success by {gain}{tail}",
        str(newest["reason"]),
        "Point: share of success with the advice less that without; line: its 95% interval. The months add "
        "up: each holds the attempts of those before it.",
    )


def _kind(low: float, high: float) -> str:
    return _HELPED if low > 0 else _HARMED if high < 0 else _UNSURE


def _rows(labels: pd.Series, source: pd.DataFrame, value: str, size: str) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "label": labels.to_numpy(),
            "points": 100 * source[value].to_numpy(float),
            "low": 100 * source["ci_low"].to_numpy(float),
            "high": 100 * source["ci_high"].to_numpy(float),
            "attempts": source[size].to_numpy(int),
        }
    )
    rows["kind"] = [_kind(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    return rows


def _block(rows: pd.DataFrame, domain: tuple[float, float], title: str, *, is_last: bool) -> Chart:
    names = list(_COLOURS)
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=names, range=list(_COLOURS.values())))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=names, range=list(_SHAPES.values())))
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
