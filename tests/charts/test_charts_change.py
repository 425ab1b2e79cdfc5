"""The chart of a change: its title is the finding, and it draws parts and contributors with intervals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_tables import drawn_rows, subtitle_of, texts, title_of

from memory_pipeline.analysis.learning.change_explanation import (
    ChangeExplanation,
    Contributor,
    Part,
    Span,
)
from memory_pipeline.analysis.learning.change_text import change_sentences
from memory_pipeline.charts import change_contributors

FELL = Part(-0.15, -0.25, -0.05, is_clear=True)
OPEN = Part(-0.08, -0.16, 0.01, is_clear=False)


def contributor(value, kind="rate", **changed):
    base = Contributor(-0.07, -0.12, -0.02, True, kind, "vendor", value, 0.2, 0.3, 0.76, 0.4, 50, 20)
    return replace(base, **changed)


def explanation(**changed):
    base = ChangeExplanation(
        before=Span("2025-06", "2026-05", 9_000, 400, 0.67),
        after=Span("2026-06", "2026-06", 1_000, 200, 0.52),
        unit="application_name",
        total=FELL,
        mix=FELL,
        rate=OPEN,
        same_units=OPEN,
        n_same_units=197,
        columns=(),
        contributors=(
            contributor("A"),
            contributor("B", change=0.02, ci_low=0.01, ci_high=0.03),
            contributor("C", ci_low=-0.2, ci_high=0.1, is_clear=False, rate_before=None),
            contributor("rare", ci_low=-1.0, ci_high=1.0, is_clear=False),
            contributor("D", "mix"),
        ),
    )
    made = replace(base, **changed)
    return replace(made, sentences=change_sentences(made))


def test_the_title_is_the_finding_and_screen_readers_get_all_of_it():
    chart = change_contributors(explanation())
    assert title_of(chart) == "Success fell by 15 points: 52% in June 2026, 67% in June 2025 to May 2026"
    description = chart.to_dict()["description"]
    assert title_of(chart) in description
    assert "rates explain" in description
    assert "All intervals hold together with 95%" in subtitle_of(chart)


def test_parts_and_contributors_are_drawn_in_points_with_their_intervals():
    chart = change_contributors(explanation())
    assert texts(chart, "label_text") == [
        "the difference in success",
        "mix: other cases came",
        "rates: the same cases end otherwise",
        "197 applications with attempts in both spans",
        "vendor is D",
        "vendor is A",
        "vendor is B",
        "vendor is C",
    ]
    rows = {row["label_text"]: row for row in drawn_rows(chart) if "label_text" in row}
    assert (rows["vendor is B"]["low"], rows["vendor is B"]["high"]) == pytest.approx((1, 3))
    assert rows["vendor is B"]["kind"] == "raises success"
    assert rows["vendor is C"]["kind"] == "inconclusive"
    assert rows["vendor is C"]["note_text"] == "none → 40% succeed"
    assert rows["vendor is C"]["sample_size"] == 2_100


def test_contributors_are_limited_and_the_rest_is_counted():
    chart = change_contributors(explanation(), limit=1)
    assert "2 of 4 are shown" in subtitle_of(chart)


def test_where_units_are_too_few_the_chart_says_so_and_draws_nothing():
    chart = change_contributors(explanation(reason="June 2026 has 3 applications, fewer than 5"))
    assert texts(chart, "text") == [
        "Inconclusive: June 2026 has 3 applications, fewer than 5. Compare longer spans."
    ]
