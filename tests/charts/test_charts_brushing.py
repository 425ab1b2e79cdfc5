"""The chart whose months choose what its parts show."""

from __future__ import annotations

import pandas as pd
from made_tables import drawn_rows, measures, title_of

from memory_pipeline.charts import brush_success, success_over_time, to_png


def split(column, **parts):
    return pd.concat([measures(rates, column=column, value=name) for name, rates in parts.items()])


def test_the_parts_are_filtered_by_the_months_that_are_dragged_over():
    measured = pd.concat([measures([0.5, 0.7]), split("team", a=[0.4, 0.6], b=[0.6, 0.8])])
    chart = brush_success(measured, "team")
    assert title_of(chart) == "Success by team, in the months that you choose"
    spec = chart.to_dict()
    assert [one["name"] for one in spec["params"]] == ["months"]
    chosen = [
        part for part in spec["vconcat"][1]["layer"] if {"filter": {"param": "months"}} in part["transform"]
    ]
    assert len(chosen) == 3  # the intervals, the points and the numbers; the ticks stay
    rows = [row for row in drawn_rows(chart) if "hits" in row]
    assert {(row["segment"], round(row["hits"])) for row in rows} == {
        ("a", 120),
        ("a", 180),
        ("b", 180),
        ("b", 240),
    }
    assert to_png(chart)


def test_the_column_with_most_attempts_is_the_usual_one():
    measured = pd.concat([measures([0.5]), split("team", a=[0.5]), split("site", x=[0.5], y=[0.5])])
    assert "Success by site" in title_of(brush_success(measured))
    assert "rebuild" in str(brush_success(measures([])).to_dict())


def test_what_happened_within_the_months_is_marked_below_them():
    marks = pd.DataFrame(
        {
            "at": pd.to_datetime(["2025-02-03", "2025-02-10", "2026-05-01"], utc=True),
            "kind": ["rebuild", "decision", "rebuild"],
            "what": ["rebuild: success", "retire of a pattern", "too late for the chart"],
        }
    )
    for column in (None, "team"):
        measured = pd.concat([measures([0.5, 0.7, 0.6]), split("team", a=[0.4, 0.6, 0.5])])
        chart = success_over_time(measured, marks=marks, segment_column=column)
        drawn = [row["what"] for row in drawn_rows(chart) if "what" in row]
        assert drawn == ["rebuild: success", "retire of a pattern"]
        assert to_png(chart)
