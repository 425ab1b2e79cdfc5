"""The association map and the calibration chart: order, what is left blank, bounds, words."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
from made_tables import drawn_rows, subtitle_of, title_of, views

from memory_pipeline.charts import association_map, calibration, to_png

ORDER = ["team", "vendor_name", "installer_type", "month"]


def associations(strength=None, columns=ORDER):
    strength = {("vendor_name", "installer_type"): 0.8} if strength is None else strength
    return pd.DataFrame(
        [
            {
                "column_a": a,
                "column_b": b,
                "cramers_v": strength.get((a, b), 0.1),
                "q_value": 0.001 if (a, b) in strength else 0.6,
                "is_sure": (a, b) in strength,
                "attempts": 3000,
                "effective_attempts": 84.6,
                "position_a": columns.index(a),
                "position_b": columns.index(b),
            }
            for a, b in combinations(columns, 2)
        ]
    )


def test_each_pair_is_drawn_twice_in_the_order_of_the_clustering():
    pairs = {("vendor_name", "installer_type"): 0.8, ("team", "month"): 0.3}
    chart = association_map(associations(pairs))
    rows = [row for row in drawn_rows(chart) if "v" in row]
    assert len(rows) == 12
    assert {row["worth"] for row in rows} == {85}
    sorts = {
        tuple(view["encoding"]["x"]["sort"])
        for view in views(chart.to_dict())
        if "x" in view.get("encoding", {})
    }
    assert sorts == {("team", "vendor name", "installer type", "month")}
    assert title_of(chart) == (
        "Conditions that travel together: most of all vendor name and installer type (V = 0.80)"
    )
    assert "2 of 6 pairs are beyond chance" in subtitle_of(chart)
    assert to_png(chart)


def test_only_sure_pairs_are_coloured():
    marks = {
        view["mark"]["type"]: view["transform"][0]["filter"]
        for view in views(association_map(associations({})).to_dict())
        if "mark" in view
    }
    assert marks == {"rect": "datum.is_sure", "text": "datum.is_sure", "point": "(!datum.is_sure)"}


def test_conditions_that_go_with_nothing_are_counted_not_drawn():
    chart = association_map(associations())
    assert {row["first"] for row in drawn_rows(chart) if "v" in row} == {"vendor name", "installer type"}
    assert "2 more conditions go with none of the others." in subtitle_of(chart)


def test_of_many_conditions_the_most_associated_are_drawn():
    columns = [f"c{i}" for i in range(40)]
    chart = association_map(associations({("c7", "c33"): 0.6, ("c8", "c9"): 0.5}, columns), max_columns=2)
    assert {row["first"] for row in drawn_rows(chart) if "v" in row} == {"c7", "c33"}
    assert "The 2 most associated of 40 conditions are drawn." in subtitle_of(chart)


def test_chance_alone_and_nothing_at_all_are_said():
    assert (
        title_of(association_map(associations({}))) == "Conditions that travel together: none beyond chance"
    )
    assert "Run `memory-pipeline rebuild`" in str(association_map(associations().iloc[:0]).to_dict())


def bins(**change):
    row = {
        "question": "other units",
        "predicted": 0.4,
        "observed": 0.45,
        "ci_low": 0.35,
        "ci_high": 0.5,
        "attempts": 200,
        "units": 20,
    }
    return pd.DataFrame(
        [row, {**row, "predicted": 0.7, "observed": 0.72, "ci_low": 0.6, "ci_high": 0.8} | change]
    )


def test_the_title_says_whether_predictions_came_true():
    chart = calibration(bins(), "The conditions explain some.")
    assert title_of(chart) == "Predicted and observed agree in all 2 groups of attempts"
    assert "The conditions explain some." in subtitle_of(chart)
    assert to_png(chart)
    assert title_of(calibration(bins(ci_low=0.71))).endswith("agree in 1 of 2 groups of attempts")


def test_where_nothing_was_predicted_the_reason_is_shown():
    text = "How much the conditions explain cannot be told: all attempts ended alike."
    assert text in str(calibration(bins().iloc[:0], text).to_dict())
