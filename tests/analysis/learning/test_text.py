"""What the measures say, in a sentence each."""

from __future__ import annotations

import pandas as pd

from memory_pipeline.analysis.learning.measures import measure_row, measure_table
from memory_pipeline.analysis.learning.text import learning_sentences

MAY, JUNE = (pd.Timestamp(f"2026-0{month}-01", tz="UTC") for month in (5, 6))


def said(*rows):
    return learning_sentences(measure_table(rows))


def test_success_and_skill_tell_the_newest_month_and_all():
    sentences = said(
        measure_row("success_rate", MAY, 0.5, 300, interval=(0.4, 0.6)),
        measure_row("success_rate", JUNE, 0.8, 100, interval=(0.7, 0.9)),
        measure_row("success_rate", JUNE, 0.1, 50, interval=(0.0, 0.2), segment=("team", "a")),
        measure_row("prior_knowledge", MAY, 0.2, 100, interval=(0.1, 0.3)),
        measure_row("prior_knowledge", JUNE, -0.1, 100),
    )
    assert sentences["success_rate"] == (
        "80% of 100 attempts succeeded in 2026-06 (95% interval 70% to 90%); 57% of all"
    )
    assert sentences["prior_knowledge"].startswith("skill -0.10 in 2026-06 (100 attempts); +0.05 on average")


def test_findings_are_counted_over_all_quarters():
    details = {"mean_confidence": 0.9, "brier": 0.05}
    sentences = said(
        measure_row("finding_replication", MAY, 0.5, 4, interval=(0.2, 0.8), details=details),
        measure_row("finding_replication", JUNE, 1.0, 6, interval=(0.6, 1.0), details=details),
        measure_row("confidence_calibration", MAY, -0.4, 4, interval=(-0.7, -0.1), details=details),
        measure_row("confidence_calibration", JUNE, 0.1, 6, interval=(-0.3, 0.1), details=details),
    )
    assert sentences["finding_replication"].startswith("8 of 10 findings tried in the quarter after held")
    assert sentences["confidence_calibration"] == "mean confidence 0.90, 0.80 held; Brier score 0.050"


def test_the_largest_change_in_force_is_named():
    change = {"since": "2026-03-04T10:00:00+00:00", "column": "tool", "value": "b", "difference": -0.31}
    lesser = change | {"column": "team", "value": "a", "difference": 0.12}
    drift = measure_row("drift", JUNE, 2.0, 900)
    sentences = said(
        measure_row("drift", MAY, 0.0, 800),
        drift,
        measure_row("drift_change", JUNE, -0.31, 200, segment=("tool", "b"), details=change),
        measure_row("drift_change", JUNE, 0.12, 200, segment=("team", "a"), details=lesser),
    )
    assert sentences["drift"] == (
        "2 changes in force in 2026-06, the largest: attempts with tool = b do worse since 2026-03-04 "
        "(by 31 points against expectation)"
    )
    assert said(measure_row("drift", MAY, 0.0, 800))["drift"] == "no change was in force in 2026-05"


def test_advice_is_told_by_its_verdict_and_by_how_much_it_covers():
    sentences = said(
        measure_row(
            "advice_gain", JUNE, 0.1, 90, interval=(-1, 1), details={"reason": "Not enough: 9 of 30."}
        ),
        measure_row("advice_coverage", MAY, 0.25, 80),
        measure_row("advice_coverage", JUNE, 0.75, 100),
    )
    assert sentences["advice_gain"] == "by 2026-06: Not enough: 9 of 30"
    assert sentences["advice_coverage"] == (
        "there was advice for 75% of 100 attempts of 2026-06, for 25% in 2026-05"
    )
    assert sentences["drift"] == "not enough history yet"
