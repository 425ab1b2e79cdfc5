"""The chart of detected changes: how many were in force, and since when each is."""

from __future__ import annotations

import pandas as pd
from made_tables import drawn_rows, measures, title_of

from memory_pipeline.charts import drift, to_png


def counted(*changes):
    """Rows of `drift` with these numbers, by month from January 2025 on."""
    return measures([0.5] * len(changes), measure="drift").assign(value=[float(one) for one in changes])


def change(month, since, difference, value="b"):
    """Return a row of `drift_change`."""
    details = {"column": "tool", "value": value, "since": since, "difference": difference}
    rows = measures([0.5], measure="drift_change", start=month, column="tool", value=value)
    return rows.assign(value=difference, details=[details])


def test_changes_of_the_newest_month_are_listed_since_they_began_the_largest_first():
    measured = [
        counted(0, 1, 2),
        change("2025-02-01", "2025-01-20T00:00:00+00:00", -0.5, "gone"),
        change("2025-03-01", "2025-02-10T00:00:00+00:00", 0.08, "c"),
        change("2025-03-01", "2024-11-05T00:00:00+00:00", -0.31),
    ]
    chart = drift(pd.concat(measured, ignore_index=True))
    assert title_of(chart).startswith(
        "2 changes in force in 2025-03, the largest: attempts with tool = b do worse"
    )
    listed = [row for row in drawn_rows(chart) if "whole" in row]
    shown = list(dict.fromkeys((row["whole"][:27], row["direction"], row["begin"][:10]) for row in listed))
    assert shown == [
        ("attempts with tool = b do w", "do worse", "2025-01-01"),  # from before the first month
        ("attempts with tool = c do b", "do better", "2025-02-10"),
    ]
    assert to_png(chart)


def test_without_changes_the_months_stand_alone():
    chart = drift(counted(0, 0, 0))
    assert title_of(chart) == "No change was in force in 2025-03"
    assert not [row for row in drawn_rows(chart) if "whole" in row]
    assert to_png(chart)


def test_without_months_it_says_what_it_waits_for():
    assert "some months of outcomes" in str(drift(counted()).to_dict())
