"""Charts of what the memory is worth: coverage of advice, and findings that held."""

from __future__ import annotations

import pandas as pd
from made_tables import drawn_rows, measures, title_of

from memory_pipeline.charts import advice_coverage, finding_replication, to_png


def replication(*quarters):
    """Rows of `finding_replication`: (first day, held, tried, mean confidence)."""
    return pd.DataFrame(
        {
            "measure": "finding_replication",
            "period_start": pd.to_datetime([day for day, *_ in quarters], utc=True),
            "segment_column": "",
            "segment_value": "",
            "value": [held / tried for _, held, tried, _ in quarters],
            "ci_low": 0.4,
            "ci_high": 1.0,
            "sample_size": [tried for _, _, tried, _ in quarters],
            "details": [{"mean_confidence": said} for *_, said in quarters],
        }
    )


def test_coverage_is_drawn_by_month_and_named_by_its_newest():
    shares = measures([0.0, 0.4, 0.9], measure="advice_coverage")
    part = measures([0.1] * 3, measure="advice_coverage", column="team", value="a")
    chart = advice_coverage(pd.concat([shares, part]))
    assert title_of(chart) == "There was advice for 90% of the attempts of Mar 2025"
    assert sorted({row["value"] for row in drawn_rows(chart)}) == [0.0, 0.4, 0.9]
    assert to_png(chart)


def test_coverage_that_is_a_count_has_no_band_to_draw():
    shares = measures([0.5] * 2, measure="advice_coverage").assign(ci_low=None, ci_high=None)
    rows = [row for row in drawn_rows(advice_coverage(shares)) if "low" in row]
    assert {(row["low"], row["high"]) for row in rows} == {(0.5, 0.5)}


def test_replication_counts_findings_and_shows_how_sure_they_were_said():
    chart = finding_replication(replication(("2025-10-01", 4, 4, 0.9), ("2026-01-01", 3, 5, 0.8)))
    assert title_of(chart) == "7 of 9 findings held in the quarter after they were made"
    rows = {row["quarter"]: row for row in drawn_rows(chart)}
    assert list(rows) == ["Q4 2025", "Q1 2026"]
    assert (rows["Q1 2026"]["value"], rows["Q1 2026"]["said"]) == (0.6, 0.8)
    assert to_png(chart)


def test_without_measures_the_charts_say_what_to_do():
    nothing = measures([])
    assert "rebuild" in str(advice_coverage(nothing).to_dict())
    assert "rebuild" in str(finding_replication(nothing).to_dict())
