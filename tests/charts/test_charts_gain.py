"""The chart of what advice changed: by month and by rebuild."""

from __future__ import annotations

import pandas as pd
from made_tables import drawn_rows, measures, title_of

from memory_pipeline.charts import advice_gain, to_png


def verifications(*rebuilds):
    """Rows of `advice_verifications`: (day, gain, low, high, verdict)."""
    return pd.DataFrame(
        {
            "verified_at": pd.to_datetime([day for day, *_ in rebuilds], utc=True),
            "gain": [one[1] for one in rebuilds],
            "ci_low": [one[2] for one in rebuilds],
            "ci_high": [one[3] for one in rebuilds],
            "verdict": [one[4] for one in rebuilds],
            "sufficient": [one[4] != "not enough evidence" for one in rebuilds],
            "comparable": 400,
            "reason": [f"The reason of {day}." for day, *_ in rebuilds],
        }
    )


def gains(*months):
    """Rows of `advice_gain`: (first day, gain, low, high, verdict)."""
    rows = measures([0.5] * len(months), measure="advice_gain")
    return rows.assign(
        period_start=pd.to_datetime([day for day, *_ in months], utc=True),
        value=[one[1] for one in months],
        ci_low=[one[2] for one in months],
        ci_high=[one[3] for one in months],
        details=[{"verdict": one[4]} for one in months],
    )


def test_months_and_rebuilds_stand_with_their_intervals_and_what_they_show():
    chart = advice_gain(
        gains(
            ("2026-01-01", 0.10, -0.02, 0.22, "may be chance"),
            ("2026-02-01", 0.08, 0.03, 0.13, "consistent with helping"),
        ),
        verifications(
            ("2026-03-02", 0.08, 0.03, 0.13, "helped"), ("2026-02-02", -0.09, -0.16, -0.02, "harmed")
        ),
    )
    assert title_of(chart) == "Following the advice changed success by +8 points"
    assert "The reason of 2026-03-02." in str(chart.to_dict())
    rows = {row["label"]: row for row in drawn_rows(chart) if "label" in row}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "by February 2026": "consistent with helping",
        "by January 2026": "may be chance",
        "2026-03-02 00:00": "helped",
        "2026-02-02 00:00": "harmed",
    }
    assert rows["by January 2026"]["low"] == -2
    assert to_png(chart)


def test_a_gain_that_may_be_chance_says_so():
    chart = advice_gain(gains(), verifications(("2026-03-02", 0.03, -0.02, 0.08, "may be chance")))
    assert title_of(chart) == "Following the advice changed success by +3 points, which may be chance"


def test_without_an_experiment_the_title_claims_no_more_than_the_verdict():
    chart = advice_gain(gains(), verifications(("2026-03-02", 0.08, 0.03, 0.13, "consistent with helping")))
    assert title_of(chart) == "Following the advice is consistent with helping: +8 points of success"


def test_too_little_evidence_is_told_in_place_of_a_number():
    chart = advice_gain(gains(), verifications(("2026-03-02", 0.9, -1, 1, "not enough evidence")))
    assert "The reason of 2026-03-02." in str(chart.to_dict())
    assert not [row for row in drawn_rows(chart) if "points" in row]
    assert "No attempt names the advice" in str(advice_gain(gains(), verifications()).to_dict())
