"""Draw one block of a forest chart: a line per finding, its name on the left, its evidence on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from memory_pipeline.charts.theme import INK, MUTED, Chart, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROW = 34
_LINE = 14
_STEP = 5
_GAP = 12
_SIGNED = "datum.value === 0 ? '0' : format(datum.value, '+d')"


@dataclass(frozen=True)
class Kind:
    """Colour and shape of the findings of one kind."""

    colour: str
    shape: str


@dataclass(frozen=True)
class Style:
    """Style that the blocks of one chart have in common.

    Attributes
    ----------
    kinds
        Colour and shape by the kind of a finding, in the order of the legend.
    domain
        Ends of the scale.
    axis_title, note_title, label_title, legend_title
        Titles of the scale, the column on the right, the one on the left, and the legend; may be empty.
    has_zero
        Whether estimates are differences: signed, with a line at zero.
    width
        Of the plot, in pixels; labels and notes stand outside of it.
    label_characters, note_characters
        Longest line of a label and of a note; both may take two.
    """

    kinds: Mapping[str, Kind]
    domain: tuple[float, float]
    axis_title: str
    note_title: str
    label_title: str = ""
    legend_title: str = ""
    has_zero: bool = True
    width: int = 330
    label_characters: int = 50
    note_characters: int = 30


def forest(
    rows: pd.DataFrame, style: Style, *, title: str = "", other: str | None = None, is_last: bool = True
) -> Chart:
    """Draw one block.

    Parameters
    ----------
    rows
        The findings from top to bottom, shape (findings, any): `label`, `note`, `kind`, `points` (the
        estimate), `low` and `high` (its interval), `confidence`, `sample_size`, `sentence`; and `other`
        (a second estimate) where `other` names its kind.
    style
        See `Style`.
    title
        Headline of the block.
    other
        Kind of the second estimate.
    is_last
        Whether the scale is named below this block.
    """
    rows = rows.assign(
        row=range(len(rows)),
        label_text=[fold(label, style.label_characters) for label in rows["label"]],
        note_text=[fold(note, style.note_characters) for note in rows["note"]],
    )
    shown = [
        "row",
        "label_text",
        "note_text",
        "kind",
        "points",
        "low",
        "high",
        "confidence",
        "sample_size",
        "sentence",
    ]
    data = rows[shown]
    scale = alt.Scale(domain=list(style.domain), clamp=True, nice=False, zero=False)
    axis = alt.Axis(
        labelExpr=_SIGNED if style.has_zero else "datum.label",
        tickCount=6,
        title=style.axis_title if is_last else None,
        titleAnchor="start",
    )
    y = alt.Y("row:O", axis=None)
    legend = alt.Legend(title=style.legend_title or None)
    names = list(style.kinds)
    colour = alt.Color(
        "kind:N",
        legend=legend,
        scale=alt.Scale(domain=names, range=[kind.colour for kind in style.kinds.values()]),
    )
    shape = alt.Shape(
        "kind:N",
        legend=legend,
        scale=alt.Scale(domain=names, range=[kind.shape for kind in style.kinds.values()]),
    )
    base = alt.Chart(data).encode(y=y, tooltip=_tooltips(style))
    layers: list[alt.Chart] = []
    if style.has_zero:
        layers.append(alt.Chart(pd.DataFrame({"points": [0.0]})).mark_rule(color=INK).encode(x="points:Q"))
    layers.append(
        base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=colour
        )
    )
    if other is not None:
        second = rows.loc[rows["other"].notna(), ["row", "other", "sentence"]].assign(kind=other)
        layers.append(
            alt.Chart(second.rename(columns={"other": "points"}))
            .mark_point(size=32, filled=True, opacity=1)
            .encode(x="points:Q", y=y, color=colour, shape=shape, tooltip=_tooltips(style)[:2])
        )
    layers.append(
        base.mark_point(size=90, filled=True, opacity=1).encode(x="points:Q", color=colour, shape=shape)
    )
    labels = alt.MarkDef(type="text", align="right", baseline="middle", color=INK)
    notes = alt.MarkDef(type="text", align="left", baseline="middle", color=MUTED)
    layers += _texts(base, labels, data, "label_text", x=-_GAP)
    layers += _texts(base, notes, data, "note_text", x=style.width + _GAP)
    for mark, x, text in (
        (labels, -_GAP, style.label_title),
        (notes, style.width + _GAP, style.note_title),
    ):
        heading = alt.Chart(pd.DataFrame({"text": [text]})).mark_text(
            align=mark.align, baseline="bottom", color=MUTED
        )
        layers.append(heading.encode(x=alt.value(x), y=alt.value(-4), text="text:N"))
    block = alt.layer(*layers).properties(width=style.width, height=alt.Step(_ROW))
    if title:
        headline = alt.TitleParams(text=title, fontSize=13, frame="group", offset=8)
        return block.properties(title=headline)
    return block


def scale_around(*values: pd.Series) -> tuple[float, float]:
    """Return the ends of a scale of differences that holds all values and zero, in multiples of five."""
    least = min(0.0, *(float(one.min()) for one in values if one.notna().any()))
    most = max(0.0, *(float(one.max()) for one in values if one.notna().any()))
    low, high = _STEP * math.floor(least / _STEP), _STEP * math.ceil(most / _STEP)
    return (low, high) if low < high else (-_STEP, _STEP)


def left_out(total: int, shown: int, which: str) -> str:
    """Return how many of the findings are drawn, after a space; empty where all are."""
    return f" {shown} of {total} are shown: {which}." if shown < total else ""


def _tooltips(style: Style) -> list[alt.Tooltip]:
    number = "+.1f" if style.has_zero else ".1f"
    return [
        alt.Tooltip("sentence:N", title="finding"),
        alt.Tooltip("points:Q", title="estimate", format=number),
        alt.Tooltip("low:Q", title="95% interval from", format=number),
        alt.Tooltip("high:Q", title="to", format=number),
        alt.Tooltip("confidence:Q", title="confidence", format=".2%"),
        alt.Tooltip("sample_size:Q", title="attempts", format=",d"),
    ]


def _texts(base: alt.Chart, mark: alt.MarkDef, data: pd.DataFrame, column: str, *, x: int) -> list[alt.Chart]:
    """Draw texts beside the plot; those of two lines begin half a line higher, so that they stay centred."""
    has_two = data[column].str.contains("\n")
    layers = []
    for rows, shift in ((data[~has_two], 0.0), (data[has_two], -_LINE / 2)):
        if len(rows):
            text = base.properties(data=rows)
            text.mark = alt.MarkDef(**{**mark.to_dict(), "dy": shift, "lineBreak": "\n", "lineHeight": _LINE})
            layers.append(text.encode(x=alt.value(x), text=f"{column}:N"))
    return layers
