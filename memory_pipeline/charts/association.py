"""Draw which conditions are associated: a heat map in the order of their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from memory_pipeline.charts.theme import BLUE, INK, MUTED, Chart, finish, no_data, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

_TITLE = "Conditions that travel together"
_CELL, _SMALL_CELL = 34, 22
_MOST_WITH_TEXT = 20
_LABEL = 34
_DARK = 0.4
"""Association from which the text of a cell is white, since the cell is dark."""


def association_map(associations: pd.DataFrame, *, max_columns: int = 30) -> Chart:
    """Draw how strongly every two condition columns are associated.

    Parameters
    ----------
    associations
        Rows of `condition_associations`, shape (pairs, any).
    max_columns
        Most columns drawn: those with the strongest sure association. Columns without any are only counted
        in the subtitle, unless there are no others.

    Returns
    -------
    Chart
        A square per pair, dark where the association is strong, columns in the order of the clustering.
        Pairs whose association may be chance have a dot instead.
    """
    if associations.empty:
        return no_data(_TITLE, "There are no two conditions to compare. Run `memory-pipeline rebuild`.")
    strength = associations["cramers_v"].where(associations["is_sure"].astype(bool), 0.0)
    places = {
        **dict(zip(associations["column_a"], associations["position_a"], strict=True)),
        **dict(zip(associations["column_b"], associations["position_b"], strict=True)),
    }
    best = (
        pd.concat(
            [pd.Series(strength.to_numpy(), index=associations[side]) for side in ("column_a", "column_b")]
        )
        .groupby(level=0)
        .max()
    )
    connected = best[best > 0] if (best > 0).any() else best
    kept = connected.sort_values(ascending=False, kind="stable").index[:max_columns]
    shown = associations[associations["column_a"].isin(kept) & associations["column_b"].isin(kept)]
    order = [_label(column) for column in sorted(kept, key=places.__getitem__)]
    rows = _both_halves(shown)
    step = _CELL if len(order) <= _MOST_WITH_TEXT else _SMALL_CELL
    x = alt.X(
        "first:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelAngle=-40, labelLimit=220, ticks=False, domain=False),
    )
    y = alt.Y("second:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    base = alt.Chart(rows).encode(x=x, y=y, tooltip=_tooltips())
    sure, unsure = alt.datum.is_sure, ~alt.datum.is_sure
    layers = [
        base.transform_filter(sure)
        .mark_rect(stroke="white", strokeWidth=1.5)
        .encode(
            color=alt.Color(
                "v:Q",
                title="Cramér's V",
                scale=alt.Scale(domain=[0, 1], range=["#eef4f9", BLUE, "#00304d"]),
                legend=alt.Legend(gradientLength=220, orient="bottom", titleOrient="top", format=".1f"),
            )
        ),
        base.transform_filter(unsure).mark_point(filled=True, size=8, color=MUTED, opacity=0.6),
    ]
    if len(order) <= _MOST_WITH_TEXT:
        colour = alt.condition(alt.datum.v > _DARK, alt.value("white"), alt.value(INK))
        layers.append(
            base.transform_filter(sure)
            .mark_text(fontSize=11)
            .encode(text=alt.Text("v:Q", format=".2f"), color=colour)
        )
    drawn = alt.layer(*layers).properties(width=alt.Step(step), height=alt.Step(step))
    return finish(drawn, _headline(associations), _how_to_read(associations, len(kept), best))


def _both_halves(shown: pd.DataFrame) -> pd.DataFrame:
    """Return each pair in both orders, as the two halves of the map."""
    halves = [
        pd.DataFrame(
            {
                "first": shown[one].map(_label),
                "second": shown[other].map(_label),
                "v": shown["cramers_v"].astype(float),
                "is_sure": shown["is_sure"].astype(bool),
                "q": shown["q_value"].astype(float),
                "worth": shown["effective_attempts"].astype(float).round(),
                "attempts": shown["attempts"].astype(int),
            }
        )
        for one, other in (("column_a", "column_b"), ("column_b", "column_a"))
    ]
    return pd.concat(halves, ignore_index=True)


def _tooltips() -> Sequence[alt.Tooltip]:
    return [
        alt.Tooltip("first:N", title="condition"),
        alt.Tooltip("second:N", title="and"),
        alt.Tooltip("v:Q", title="Cramér's V", format=".2f"),
        alt.Tooltip("q:Q", title="q-value", format=".2g"),
        alt.Tooltip("attempts:Q", title="attempts", format=","),
        alt.Tooltip("worth:Q", title="equivalent independent attempts", format=","),
    ]


def _label(column: str) -> str:
    return shorten(str(column).replace("_", " "), _LABEL)


def _headline(associations: pd.DataFrame) -> str:
    sure = associations[associations["is_sure"].astype(bool)]
    if sure.empty:
        return f"{_TITLE}: none beyond chance"
    first = sure.sort_values("cramers_v", ascending=False, kind="stable").iloc[0]
    names = f"{_label(first['column_a'])} and {_label(first['column_b'])}"
    return f"{_TITLE}: most of all {names} (V = {first['cramers_v']:.2f})"


def _how_to_read(associations: pd.DataFrame, drawn: int, best: pd.Series) -> str:
    sure, alone = int(associations["is_sure"].sum()), int((best == 0).sum())
    rest = ""
    if sure and alone:
        rest += f" {alone} more conditions go with none of the others."
    if drawn < (len(best) - alone if sure else len(best)):
        rest += f" The {drawn} most associated of {len(best)} conditions are drawn."
    return (
        f"Bias-corrected Cramér's V: at 0 a condition tells nothing about the other, at 1 it determines it. "
        f"{sure} of {len(associations)} pairs are beyond chance, allowing for repeated applications; "
        f"a dot is a pair that is not. Findings about conditions that travel together may be one.{rest}"
    )
