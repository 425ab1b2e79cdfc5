"""Does the sentence say whether there was a change, how large and since when?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_tables import measures

from memory_pipeline.analysis.learning.trend import find_level_shift
from memory_pipeline.analysis.learning.trend_text import change_details, describe_change, skill_sentence
from memory_pipeline.analysis.text import signed


def test_the_sentence_says_whether_and_since_when():
    rose = describe_change(measures([0.70] * 9 + [0.82] * 9))
    fell = describe_change(measures([0.82] * 9 + [0.70] * 9))
    steady = describe_change(measures([0.70, 0.72] * 6))
    assert rose.startswith(
        "Success rate rose: 70% before October 2025, 82% since. +12 points (95% interval +"
    )
    assert fell.startswith("Success rate fell: 82% before October 2025, 70% since. \N{MINUS SIGN}12 points")
    assert steady.startswith("Success rate: no clear change, 71% over all.")
    assert steady.endswith("it may be chance.")


def test_the_sentence_says_when_there_is_too_little():
    none = measures([])
    assert describe_change(none) == "Success rate: no data yet."
    assert describe_change(pd.DataFrame()) == "Success rate: no data yet."
    assert describe_change(measures([0.7])) == "Success rate: 70% in January 2025, the only month so far."
    assert (
        describe_change(measures([0.7] * 3)) == "Success rate: 70% over 3 months, too few to tell a change."
    )


def test_the_range_is_one_month_where_only_one_fits():
    sudden = find_level_shift(measures([0.3] * 9 + [0.9] * 9, attempts=2000))
    assert "the later level began in October 2025." in change_details(sudden)
    slow = find_level_shift(measures(np.linspace(0.6, 0.8, 18)))
    assert "between" in change_details(slow)


@pytest.mark.parametrize(
    ("skills", "expected"),
    [
        ([0.2, 0.21] * 4, "better than the base rate: skill +0.20"),
        ([-0.2, -0.21] * 4, "worse than the base rate: skill \N{MINUS SIGN}0.20"),
        ([0.01, -0.01] * 4, "no better than the base rate so far: skill 0.00"),
        ([0.0, 0.01] * 4 + [0.4, 0.41] * 4, "rising from +0.01 to +0.41 since September 2025"),
    ],
)
def test_skill_is_said_against_the_base_rate(skills, expected):
    series = pd.DataFrame(
        {
            "period_start": pd.date_range("2025-01-01", periods=len(skills), freq="MS"),
            "value": skills,
            "ci_low": np.subtract(skills, 0.05),
            "ci_high": np.add(skills, 0.05),
            "sample_size": 100,
        }
    )
    assert expected in skill_sentence(series)


def test_signs_are_written_and_zero_has_none():
    assert [signed(5.4), signed(-5.4), signed(-0.2), signed(0.0)] == ["+5", "\N{MINUS SIGN}5", "0", "0"]
