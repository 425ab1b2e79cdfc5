"""The forest charts: order, bounds, words, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_tables import (
    drawn_rows,
    encoded_fields,
    factor,
    pattern,
    recommendation,
    subtitle_of,
    texts,
    title_of,
    views,
)

from memory_pipeline.charts import factor_effects, pattern_effects, recommendation_rates


def labels(chart):
    return texts(chart, "label_text")


def headings(chart):
    return [block["title"]["text"] for block in chart.to_dict()["vconcat"]]


def test_patterns_are_sorted_within_blocks_by_what_was_counted():
    rows = [
        pattern({"installer_type": "msi"}, 0.1),
        pattern({"installer_type": "exe"}, -0.2, kind="failure"),
        pattern({"team": "north"}, 0.2, target="intervention", kind="intervention"),
        pattern({"repackaged": "no"}, 0.3, target="failure_reason=exit_code_1603", kind="failure"),
    ]
    chart = pattern_effects(pd.DataFrame(rows[::-1]))
    assert headings(chart) == [
        "Share of attempts that succeed",
        "Share of attempts that need a person to step in",
        "Share of attempts with one failure reason, or one kind of intervention",
    ]
    assert labels(chart) == [
        "installer type is msi",
        "installer type is exe",
        "team is north",
        "exit code 1603: repackaged is no",
    ]
    assert title_of(chart) == "4 patterns: 1 of success, 2 of failure, 1 of intervention"


def test_a_pattern_is_drawn_in_points_with_its_interval_and_sentence():
    chart = pattern_effects(pd.DataFrame([pattern({"installer_type": "msi"}, 0.1)]))
    (row,) = [row for row in drawn_rows(chart) if row.get("kind") == "success"]
    assert (row["low"], row["points"], row["high"]) == pytest.approx((5, 10, 15))
    assert row["note_text"] == "80% · 70% · 340"
    assert row["sentence"].startswith("When ")
    lines = [fields for fields in encoded_fields(chart, "rule") if "x2" in fields]
    assert [(fields["x"], fields["x2"], fields["y"], fields["color"]) for fields in lines] == [
        ("low", "high", "row", "kind")
    ]


def test_patterns_come_from_a_table_or_straight_from_the_search():
    stored = pattern({"installer_type": "msi"}, 0.1)
    found = {**stored, **stored["impact"], "sentence": stored["description"]}
    del found["impact"], found["description"], found["active"]
    one, other = pattern_effects(pd.DataFrame([stored])), pattern_effects(pd.DataFrame([found]))
    assert drawn_rows(one) == drawn_rows(other)


def test_sixty_patterns_are_cut_to_the_most_confident_and_it_says_so():
    rows = [pattern({"vendor": f"vendor {i}"}, 0.1, confidence=0.4 + i / 100) for i in range(60)]
    chart = pattern_effects(pd.DataFrame(rows))
    assert len(labels(chart)) == 20
    assert {"vendor is vendor 59", "vendor is vendor 40"} <= set(labels(chart))
    assert "20 of 60 are shown: the most confident" in subtitle_of(chart)
    assert title_of(chart).startswith("60 patterns")


def test_retired_patterns_are_left_out():
    rows = [pattern({"a": "b"}, 0.1), pattern({"c": "d"}, 0.1, active=False)]
    assert labels(pattern_effects(pd.DataFrame(rows))) == ["a is b"]


def test_long_labels_are_folded_and_cut_but_whole_when_asked():
    long = {"application_vendor": "The Very Long Vendor Name Company Incorporated " * 4, "b": "c"}
    chart = pattern_effects(pd.DataFrame([pattern(long, 0.1)]))
    (label,) = labels(chart)
    assert [len(line) <= 50 for line in label.split("\n")] == [True, True]
    assert label.endswith("…")
    assert long["application_vendor"] in texts(chart, "sentence")[0]


def test_colour_and_shape_tell_pattern_types_apart():
    rows = [pattern({"a": "b"}, 0.1), pattern({"c": "d"}, -0.1, kind="failure")]
    points = [
        view
        for view in views(pattern_effects(pd.DataFrame(rows)).to_dict())
        if view["mark"]["type"] == "point"
    ]
    for channel in ("color", "shape"):
        scale = points[0]["encoding"][channel]["scale"]
        assert scale["domain"] == ["success", "failure"]
        assert len(set(scale["range"])) == 2


def test_factors_that_matter_stand_above_those_that_were_not_shown_to():
    rows = [
        factor("wrapper", "psadt", "none", 0.01),
        factor("transform", "yes", "no", 0.08),
        factor("detection_method", "file", "registry", -0.15, crude=-0.20),
        factor("silent_switch", "/qn", "(missing)", 0.2, margin=0.1, is_factor=False),
    ]
    chart = factor_effects(pd.DataFrame(rows))
    assert headings(chart) == ["Settings that make a difference", "No effect could be shown"]
    assert labels(chart) == [
        "transform = yes instead of no",
        "detection method = file instead of registry",
        "silent switch = /qn instead of not set",
        "wrapper = psadt instead of none",
    ]
    assert title_of(chart) == "1 setting raises success, 1 lowers it; of 2 no effect could be shown"


def test_the_unadjusted_difference_is_drawn_beside_the_adjusted_one():
    chart = factor_effects(
        pd.DataFrame([factor("transform", "yes", "no", 0.08, crude=-0.02, is_sign_flipped=True)])
    )
    drawn = {row["kind"]: row["points"] for row in drawn_rows(chart) if "kind" in row}
    assert drawn == pytest.approx({"raises success": 8, "unadjusted": -2})
    assert "1 looks the other way round unadjusted" in subtitle_of(chart)


def test_a_factor_without_an_unadjusted_difference_is_drawn():
    chart = factor_effects(pd.DataFrame([factor("transform", "yes", "no", 0.08, crude=None)]))
    assert {row["kind"] for row in drawn_rows(chart) if "kind" in row} == {"raises success"}


def test_of_a_comparison_both_ways_round_the_better_way_is_drawn():
    rows = [factor("transform", "no", "yes", -0.08), factor("transform", "yes", "no", 0.08)]
    assert labels(factor_effects(pd.DataFrame(rows))) == ["transform = yes instead of no"]


def test_a_pair_of_settings_is_named_setting_by_setting():
    pair = factor("wrapper and prerequisites: vcredist", "psadt and yes", "none and no", 0.12)
    pair["implementation_details"] |= {
        "settings": {"wrapper": "psadt", "prerequisites: vcredist": "yes"},
    }
    [label] = labels(factor_effects(pd.DataFrame([pair])))
    words = " ".join(label.split())
    assert words == "wrapper = psadt and prerequisites includes vcredist instead of neither"


def test_effects_that_cannot_be_told_are_left_out():
    rows = [factor("a", "b", "c", 0.0, margin=1.0), factor("transform", "yes", "no", 0.08)]
    assert labels(factor_effects(pd.DataFrame(rows))) == ["transform = yes instead of no"]
    assert "No data yet" in texts(factor_effects(pd.DataFrame(rows[:1])), "text")[0]


def test_when_nothing_matters_the_title_says_that():
    chart = factor_effects(pd.DataFrame([factor("a", "b", "c", 0.01), factor("d", "e", "f", 0.0)]))
    assert title_of(chart) == "No effect of any of 2 settings could be shown"


def test_factors_come_from_a_table_or_straight_from_the_estimate():
    stored = factor("transform", "yes", "no", 0.08)
    estimated = {**stored, **stored["implementation_details"]}
    del estimated["implementation_details"]
    one, other = factor_effects(pd.DataFrame([stored])), factor_effects(pd.DataFrame([estimated]))
    assert drawn_rows(one) == drawn_rows(other)


def test_sixty_factors_keep_those_that_matter_and_say_how_many_are_left_out():
    rows = [factor("a", str(i), "x", 0.001, margin=0.01 + i / 1000) for i in range(59)]
    chart = factor_effects(pd.DataFrame([*rows, factor("transform", "yes", "no", 0.08)]))
    assert len(labels(chart)) == 20
    assert labels(chart)[0] == "transform = yes instead of no"
    assert "20 of 60 are shown" in subtitle_of(chart)


def test_recommendations_say_what_is_advised_and_what_it_gives():
    rows = [
        recommendation({"installer_type": "msi"}, {"transform": "yes", "wrapper": "psadt"}, 0.9),
        recommendation({"installer_type": "exe"}, {"transform": "no", "wrapper": "psadt"}, 0.8),
        recommendation({"installer_type": "zip"}, None, 0.5),
    ]
    chart = recommendation_rates(pd.DataFrame(rows))
    assert title_of(chart) == "Advice for 2 of 3 contexts: 80% to 90% expected success"
    assert labels(chart) == ["msi", "exe", "zip"]
    assert texts(chart, "note_text") == ["transform yes", "transform no", "not enough evidence"]
    assert "Advised everywhere: wrapper psadt." in subtitle_of(chart)
    assert "installer type" in texts(chart, "text")


def test_contexts_of_different_columns_are_written_out():
    rows = [
        recommendation({"installer_type": "msi"}, {"a": True}, 0.9),
        recommendation({}, {"a": ["x", "y"]}, 0.8),
    ]
    chart = recommendation_rates(pd.DataFrame(rows))
    assert labels(chart) == ["installer type msi", "any context"]
    assert texts(chart, "note_text") == ["a yes", "a x and y"]


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_no_advice_may_come_as_none_or_as_not_a_number(nothing):
    chart = recommendation_rates(pd.DataFrame([recommendation({"installer_type": "msi"}, nothing, 0.7)]))
    assert title_of(chart) == "Advice for 0 of 1 context"


def test_sixty_contexts_are_cut_to_those_with_most_attempts():
    rows = [recommendation({"team": f"team {i}"}, {"a": "b"}, 0.7, attempts=i) for i in range(60)]
    chart = recommendation_rates(pd.DataFrame(rows))
    assert set(labels(chart)) == {f"team {i}" for i in range(40, 60)}
    assert "20 of 60 are shown" in subtitle_of(chart)


@pytest.mark.parametrize("draw", [pattern_effects, factor_effects, recommendation_rates])
def test_no_rows_say_that_there_is_no_data_yet(draw):
    (text,) = texts(draw(pd.DataFrame()), "text")
    assert text.startswith("No data yet")
    assert "memory-pipeline rebuild" in text
