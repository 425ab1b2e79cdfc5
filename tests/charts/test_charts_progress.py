"""The charts over time: what they say, what they draw, and that they never fail for lack of data."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from made_tables import drawn_rows, encoded_fields, measures, subtitle_of, texts, title_of, views

from memory_pipeline.charts import (
    explore_success,
    prior_knowledge,
    success_by_segment,
    success_over_time,
)
from memory_pipeline.charts.timeline import monthly, with_gaps


@pytest.fixture
def rising() -> pd.DataFrame:
    """A history that rises from 70% to 82% with its tenth month, and two teams in it."""
    rates = [0.70] * 9 + [0.82] * 9
    return pd.concat(
        [
            measures(rates),
            measures(rates, attempts=120, column="team", value="north"),
            measures([0.75] * 18, attempts=60, column="team", value="south"),
        ],
        ignore_index=True,
    )


def test_the_title_says_whether_and_since_when(rising):
    chart = success_over_time(rising)
    assert title_of(chart) == "Success rate rose: 70% before October 2025, 82% since"
    assert "+12 points (95% interval" in subtitle_of(chart)
    assert "5,400 attempts, Jan 2025 to Jun 2026" in subtitle_of(chart)


def test_line_band_levels_and_attempts_are_of_the_right_fields(rising):
    chart = success_over_time(rising)
    assert {"x": "middle", "y": "value", "detail": "segment"} in [
        {key: fields[key] for key in ("x", "y", "detail")} for fields in encoded_fields(chart, "line")
    ]
    (band,) = encoded_fields(chart, "area")
    assert (band["y"], band["y2"]) == ("low", "high")
    columns = [fields for fields in encoded_fields(chart, "rect") if fields.get("y2") == "top"]
    assert columns[0]["x"] == "period_start"
    levels = {row["label"]: row["value"] for row in drawn_rows(chart) if "side" in row}
    assert levels == {"70% before": pytest.approx(0.70), "82% since": pytest.approx(0.82)}


def test_without_a_clear_change_there_is_one_level():
    chart = success_over_time(measures([0.70, 0.72] * 6))
    assert title_of(chart) == "Success rate: no clear change, 71% over all"
    assert texts(chart, "label") == ["71% average"]


def test_only_the_whole_history_is_drawn_unless_asked_otherwise(rising):
    drawn = [row for row in drawn_rows(success_over_time(rising)) if "value" in row and "segment" in row]
    assert {row["segment"] for row in drawn} == {""}


def test_months_stay_months_wherever_the_reader_sits(rising):
    elsewhere = rising.assign(period_start=rising["period_start"].dt.tz_convert("America/Los_Angeles"))
    starts = {
        row["period_start"] for row in drawn_rows(success_over_time(elsewhere)) if "period_start" in row
    }
    assert min(starts) == "2025-01-01T00:00:00"
    assert not [start for start in starts if re.search(r"Z|[+-]\d\d:\d\d$", start)]


def test_a_month_ends_where_the_next_begins_and_its_point_is_in_its_middle():
    rows = monthly(measures([0.5] * 2, start="2025-01-01"), "success_rate")
    assert rows["period_end"].tolist() == [pd.Timestamp("2025-02-01"), pd.Timestamp("2025-03-01")]
    assert rows["middle"].iloc[0] == pd.Timestamp("2025-01-16 12:00")


def test_weeks_are_named_by_their_day():
    weeks = measures([0.7] * 8).assign(
        period_start=pd.date_range("2025-01-06", periods=8, freq="7D", tz="UTC")
    )
    rows = monthly(weeks, "success_rate")
    assert (rows["period_end"] - rows["period_start"]).unique().tolist() == [pd.Timedelta(days=7)]
    axes = [
        view["encoding"]["x"].get("axis")
        for view in views(success_over_time(weeks).to_dict())
        if "axis" in view.get("encoding", {}).get("x", {})
    ]
    assert "%d %b %Y" in {axis.get("format") for axis in axes}


def test_events_stand_at_their_dates_and_those_outside_are_left_out(rising):
    chart = success_over_time(
        rising, events={"new template": "2025-10-15", "long ago": "2020-01-01", "x" * 90: "2026-06-20"}
    )
    dates = {row["event"]: row["date"] for row in drawn_rows(chart) if "event" in row}
    assert dates["new template"] == "2025-10-15T00:00:00"
    assert "long ago" not in dates
    assert max(map(len, dates)) == 40


def test_events_that_are_close_together_do_not_overlap(rising):
    chart = success_over_time(rising, events={"first event": "2025-10-15", "second event": "2025-10-20"})
    heights = [
        view["encoding"]["y"]["value"]
        for view in views(chart.to_dict())
        if view.get("encoding", {}).get("text", {}).get("field") == "event"
    ]
    assert len(set(heights)) == 2


def test_segments_are_bounded_and_the_rest_is_said(rising):
    more = [measures([0.7] * 18, attempts=i // 2 + 1, column="team", value=f"team {i}") for i in range(60)]
    chart = success_over_time(pd.concat([rising, *more]), segment_column="team")
    named = set(texts(chart, "segment")) - {""}
    assert len(named) == 6
    assert {"north", "south"} <= named
    assert "56 smaller parts are not shown" in subtitle_of(chart)


def test_segments_have_colours_and_a_clickable_legend(rising):
    spec = success_over_time(rising, segment_column="team").to_dict()
    colours = [
        view["encoding"]["color"]["scale"]
        for view in views(spec)
        if view.get("encoding", {}).get("color", {}).get("field") == "segment"
    ]
    assert colours[0]["domain"] == ["north", "south"]
    assert len(set(colours[0]["range"])) == 2
    assert [one["bind"] for one in spec["params"]] == ["legend"]


def test_attempts_of_segments_are_piled_up(rising):
    chart = success_over_time(rising, segment_column="team")
    first = [
        row for row in drawn_rows(chart) if row.get("period_start") == "2025-01-01T00:00:00" and "top" in row
    ]
    assert {row["segment"]: (row["bottom"], row["top"]) for row in first} == {
        "north": (0, 120),
        "south": (120, 180),
    }


def test_panels_say_what_changed_and_those_come_first(rising):
    small = measures([0.9] * 9 + [0.6] * 9, attempts=50, column="team", value="west")
    spec = success_by_segment(pd.concat([rising, small]), "team").to_dict()
    panels = [(panel["title"]["text"], panel["title"]["subtitle"]) for panel in spec["concat"]]
    assert panels == [
        ("north", "rose: 70% to 82%, since Oct 2025"),
        ("west", "fell: 90% to 60%, since Oct 2025"),
        ("south", "no clear change, 75% over all"),
    ]
    assert spec["title"]["text"] == ["Success by team: 1 of 3 rose clearly, 1 fell"]


def test_the_more_panels_the_larger_a_change_must_be():
    changed = measures([0.70] * 9 + [0.76] * 9, attempts=100, column="team", value="north")
    others = [measures([0.75] * 18, attempts=50, column="team", value=f"team {i}") for i in range(8)]
    assert title_of(success_by_segment(changed, "team")) == "Success by team: 1 of 1 rose clearly, 0 fell"
    assert title_of(success_by_segment(pd.concat([changed, *others]), "team")).startswith(
        "Success by team: 0 of 9"
    )


def test_panels_take_the_column_with_most_attempts_by_default(rising):
    other = measures([0.7] * 18, attempts=10, column="vendor", value="one")
    assert title_of(success_by_segment(pd.concat([other, rising]))).startswith("Success by team")


def test_sixty_segments_fit_a_page():
    parts = [measures([0.7] * 12, attempts=10 + i, column="team", value=f"team {i}") for i in range(60)]
    chart = success_by_segment(pd.concat(parts), "team")
    assert len(chart.to_dict()["concat"]) == 9
    assert "51 smaller parts are not shown" in subtitle_of(chart)


def test_the_explorer_offers_every_part_and_starts_with_everything(rising):
    spec = explore_success(rising).to_dict()
    menu = next(one for one in spec["params"] if isinstance(one["bind"], dict))
    assert menu["bind"]["options"] == ["everything", "team: north", "team: south"]
    assert menu["value"] == "everything"
    zoom = next(one for one in spec["params"] if one["bind"] == "scales")
    assert zoom["select"]["encodings"] == ["x"]


def test_lines_do_not_run_across_months_without_attempts():
    rows = monthly(measures([0.7] * 12).drop(index=[4, 5]), "success_rate")
    gaps = with_gaps(rows)
    assert len(gaps) == len(rows) + 1
    assert (
        gaps["middle"][gaps["value"].isna()]
        .between(pd.Timestamp("2025-05-01"), pd.Timestamp("2025-07-01"))
        .all()
    )


def test_a_month_with_three_attempts_does_not_stretch_the_scale():
    chart = success_over_time(measures([0.9] * 11 + [1.0], attempts=[1000] * 11 + [3]))
    domains = [
        view["encoding"]["y"]["scale"]["domain"]
        for view in views(chart.to_dict())
        if "scale" in view.get("encoding", {}).get("y", {})
    ]
    assert domains[0] == [0.8, 1.0]


def test_prior_knowledge_is_drawn_against_the_base_rate():
    skill = measures([0.2, 0.25] * 6, measure="prior_knowledge")
    chart = prior_knowledge(skill)
    assert "better than the base rate" in title_of(chart)
    assert texts(chart, "label") == ["base rate"]
    zero = [row for row in drawn_rows(chart) if row.get("label") == "base rate"]
    assert zero == [{"value": 0.0, "label": "base rate"}]


def test_prior_knowledge_without_intervals_is_drawn():
    skill = measures([0.2] * 3, measure="prior_knowledge").assign(ci_low=None, ci_high=None)
    rows = [row for row in drawn_rows(prior_knowledge(skill)) if "low" in row]
    assert [row["low"] for row in rows] == [0.2] * 3


@pytest.mark.parametrize(
    "draw",
    [
        success_over_time,
        success_by_segment,
        explore_success,
        prior_knowledge,
        lambda frame: success_over_time(frame, segment_column="team"),
    ],
)
@pytest.mark.parametrize("columns", [True, False])
def test_no_rows_say_that_there_is_no_data_yet(draw, columns):
    frame = measures([]) if columns else pd.DataFrame()
    (text,) = texts(draw(frame), "text")
    assert re.match(r"(No data yet|There is no data by)", text)
    assert "memory-pipeline rebuild" in text


@pytest.mark.parametrize("months", [1, 2, 60])
def test_one_two_and_sixty_months_are_drawn(months):
    history = pd.concat(
        [
            measures([0.7] * months, start="2021-01-01"),
            measures([0.7] * months, start="2021-01-01", column="team", value="north"),
            measures([0.1] * months, start="2021-01-01", measure="prior_knowledge"),
        ]
    )
    for chart, has_named_months in (
        (success_over_time(history), True),
        (success_over_time(history, segment_column="team"), True),
        (success_by_segment(history), True),
        (explore_success(history), False),  # it zooms, so that Vega names the months
        (prior_knowledge(history), True),
    ):
        spec = chart.to_dict()
        values = [
            view["encoding"]["x"]["axis"]["values"]
            for view in views(spec)
            if (view.get("encoding", {}).get("x", {}).get("axis") or {}).get("values")
        ]
        assert bool(values) is has_named_months
        assert all(1 <= len(one) <= 11 for one in values)
