"""Many attempts together: every number of a summary against the same counted with pandas."""

from __future__ import annotations

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.memory import Memory

SELECTIONS = [
    {},
    {"installer_type": "MSI"},
    {"approach": {"wrapper": "psadt"}},
    {"status": "failure"},
    {"application": "no such application"},
]


def selected(memory, filters):
    return memory.outcomes(**filters)


@pytest.mark.parametrize("filters", SELECTIONS)
def test_a_summary_counts_what_the_filters_select(memory, filters):
    found, rows = memory.outcome_summary(**filters), selected(memory, filters)
    assert found.attempts == len(rows)
    assert found.statuses == {
        status: int((rows["outcome_status"] == status).sum()) for status in ("success", "failure", "partial")
    }
    months = pd.to_datetime(rows["occurred_at"], utc=True).dt.strftime("%Y-%m").value_counts().sort_index()
    assert found.months["month"].dt.strftime("%Y-%m").tolist() == months.index.tolist()
    assert found.months["attempts"].tolist() == months.tolist()
    by_name = rows.groupby("application_name")
    shown = found.applications.set_index("application_name")
    assert shown["attempts"].to_dict() == by_name.size().to_dict()
    assert shown["tasks"].to_dict() == by_name["task_id"].nunique().to_dict()
    assert (
        shown["successes"].to_dict()
        == by_name["outcome_status"].agg(lambda all_: int((all_ == "success").sum())).to_dict()
    )
    first = [
        (reasons or [{"reason": None}])[0]["reason"]
        for reasons in rows.loc[rows["outcome_status"] != "success", "failure_reasons"]
    ]
    assert found.reasons_read == len(first)
    counted = pd.Series(first, dtype=object).value_counts(dropna=False)
    assert found.reasons["attempts"].tolist() == counted.tolist()
    if len(rows):
        low, high = proportion_confint(found.statuses["success"], len(rows), method="wilson")
        assert (found.ci_low, found.ci_high) == pytest.approx((low, high))
        assert found.reasons["cumulative"].iloc[-1] == pytest.approx(1)
    else:
        assert found.success_rate is None


def test_a_summary_is_kept_until_outcomes_are_written(settings, store):
    attempt = {
        "application_name": "App",
        "occurred_at": "2026-03-01T12:00:00Z",
        "outcome_status": "failure",
        "approach_details": {"wrapper": "psadt"},
    }
    with Memory(settings, store) as memory:
        assert memory.ingest([{**attempt, "task_id": "1"}], source="test").new == 1
        assert memory.kept_outcome_summary(status="failure") is None
        found = memory.outcome_summary(status="failure")
        assert memory.kept_outcome_summary(status="failure", application=None) is found
        assert memory.kept_outcome_summary(status="success") is None
        assert memory.ingest([{**attempt, "task_id": "2"}], source="test").new == 1
        assert memory.kept_outcome_summary(status="failure") is None
        assert memory.outcome_summary(status="failure").attempts == found.attempts + 1 == 2


def test_the_application_that_fails_most_surely_comes_first(memory):
    found = memory.outcome_summary().applications
    worse = found[found["is_different"] & (found["difference"] < 0)]
    assert worse["ci_high"].is_monotonic_increasing
    assert worse["ci_high"].lt(0).all()
    assert found.index[: len(worse)].tolist() == worse.index.tolist()


def test_words_are_found_in_any_text_of_an_attempt_and_names_of_fields_are_not(memory):
    name = memory.outcomes()["application_name"].iloc[0]
    found = memory.outcomes(words=name.upper())
    assert set(found["application_name"]) == {name}
    reason = memory.outcome_summary().reasons["reason"].iloc[0]
    expected = memory.outcomes(failure_reason=reason)["id"]
    assert set(expected) <= set(memory.outcomes(words=reason)["id"])
    assert memory.outcomes(words='"reason":').empty
    assert memory.outcomes(words="100%_").empty
