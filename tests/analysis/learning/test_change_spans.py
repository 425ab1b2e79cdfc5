"""Which months are compared: the last against the twelve before it, or what is named and makes sense."""

import pytest

from memory_pipeline.analysis.learning.change_spans import choose_spans, span_text

YEARS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]


def test_the_newest_month_is_compared_with_the_twelve_before_it():
    assert choose_spans(YEARS) == (("2024-12", "2025-11"), ("2025-12", "2025-12"))


def test_a_short_history_is_compared_as_far_as_it_goes():
    assert choose_spans(["2025-05", "2025-03"]) == (("2025-03", "2025-03"), ("2025-05", "2025-05"))


def test_a_month_that_is_not_over_is_left_out_unless_it_is_needed():
    assert choose_spans(YEARS, current="2025-12")[1] == ("2025-11", "2025-11")
    assert choose_spans(["2025-11", "2025-12"], current="2025-12")[1] == ("2025-12", "2025-12")


def test_one_span_alone_is_completed():
    after = ("2024-06", "2024-07")
    assert choose_spans(YEARS, after=after) == (("2024-01", "2024-05"), after)
    before = ("2024-01", "2024-03")
    assert choose_spans(YEARS, before=before) == (before, ("2025-12", "2025-12"))


@pytest.mark.parametrize(
    ("periods", "spans", "message"),
    [
        ([], {}, "there are no attempts before today"),
        (["2025-01"], {}, "no attempts before 2025-01, and a change needs an earlier span"),
        (YEARS, {"after": ("2025-1", "2025-02")}, "after has the month '2025-1'; write it as YYYY-MM"),
        (YEARS, {"before": ("2025-13", "2025-13")}, "before has the month '2025-13'"),
        (YEARS, {"before": ("0000-01", "2025-01")}, "before has the month '0000-01'"),
        (YEARS, {"before": ("2025-02", "2025-01")}, "before is 2025-02 to 2025-01; its last month is"),
        (YEARS, {"before": ("2025-11", "2025-12")}, "no month in common"),
        (
            YEARS,
            {"before": ("2023-01", "2023-06")},
            "before is 2023-01 to 2023-06, without attempts; the his",
        ),
        (YEARS, {"after": ("2026-01", "2026-06")}, "the history has attempts from 2024-01 to 2025-12"),
    ],
)
def test_spans_that_cannot_be_compared_are_refused_with_the_remedy(periods, spans, message):
    with pytest.raises(ValueError, match=message):
        choose_spans(periods, **spans)


def test_spans_are_written_in_words():
    assert span_text(("2025-12", "2025-12")) == "December 2025"
    assert span_text(("2024-12", "2025-11")) == "December 2024 to November 2025"
