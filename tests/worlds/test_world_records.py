"""Sizes, determinism, the normal form of the records, and the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from memory_pipeline.store.models import OUTCOME_STATUSES, PackagingOutcome
from memory_pipeline.worlds import APPROACH_COLUMNS, CONTEXT_COLUMNS, sample_organisation

NORMAL_FORM = {
    *("application_name", "application_version", "application_vendor", "application_type", "installer_type"),
    *("occurred_at", "task_id", "context", "approach_details", "outcome_status", "success_factors"),
    *("failure_reasons", "manual_interventions", "performance_metrics", "feedback", "recommendation_id"),
    *("recommendation_followed", "source", "source_record_id"),
}
DIGEST = """
import hashlib, json
from memory_pipeline.worlds import sample_organisation
one = sample_organisation(3, attempts=400, applications=20, vendors=6, members=60)
text = json.dumps([one.outcomes, one.members], default=str)
print(hashlib.sha256(text.encode()).hexdigest(), repr(one.truth.drift))
"""


def test_default_sizes(sample):
    frame = sample.attempts_frame()
    assert len(sample.outcomes) == len(frame) == 6000
    assert frame["application_name"].nunique() == 150
    assert frame["application_vendor"].nunique() == 40
    assert len(sample.members) == 400
    assert len(sample.truth.monthly_success_rate) == 18
    assert frame["occurred_at"].min() >= pd.Timestamp("2025-01-01", tz="UTC")
    assert frame["occurred_at"].max() < pd.Timestamp("2026-07-01", tz="UTC")


def test_attempts_per_application_are_heavy_tailed(sample):
    sizes = sample.attempts_frame()["application_name"].value_counts()
    assert sizes.iloc[:15].sum() > 0.25 * sizes.sum()
    assert sizes.max() > 6 * sizes.median()


def test_statuses_and_interventions_have_believable_shares(sample):
    frame = sample.attempts_frame()
    share = frame["outcome_status"].value_counts(normalize=True)
    assert set(share.index) == set(OUTCOME_STATUSES)
    assert 0.6 < share["success"] < 0.75
    assert 0.05 <= share["partial"] <= 0.08
    assert 0.1 < frame["needed_intervention"].mean() < 0.3


def test_six_thousand_attempts_take_less_than_two_seconds_of_processor_time():
    start = time.process_time()
    assert len(sample_organisation(5).outcomes) == 6000
    assert time.process_time() - start < 2


def test_the_same_seed_gives_the_same_organisation_in_another_process():
    def digest(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", DIGEST]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert digest("1") == digest("2") != ""


def test_another_seed_gives_another_organisation(sample):
    other = sample_organisation(8)
    assert other.outcomes[0] != sample.outcomes[0]
    assert other.members[0] != sample.members[0]
    assert {one["source_record_id"] for one in other.outcomes}.isdisjoint(
        one["source_record_id"] for one in sample.outcomes
    )


def test_more_attempts_change_neither_applications_nor_members(sample):
    fewer = sample_organisation(attempts=500)
    keys = ["application_name", "application_vendor", "application_type", "installer_type"]
    mine, theirs = (one.attempts_frame()[keys].drop_duplicates() for one in (fewer, sample))
    assert set(mine.itertuples(index=False, name=None)) == set(theirs.itertuples(index=False, name=None))
    assert fewer.members == sample.members


def test_records_have_the_normal_form(sample):
    columns = set(PackagingOutcome.__table__.columns.keys())
    identities = Counter(record["source_record_id"] for record in sample.outcomes)
    assert identities.most_common(1)[0][1] == 1
    for record in sample.outcomes:
        assert set(record) == NORMAL_FORM <= columns
        assert record["source"] == "sample"
        assert record["recommendation_id"] is record["recommendation_followed"] is None
        keys = [*record["context"], *record["approach_details"]]
        assert len(keys) == len(set(keys))
        assert columns.isdisjoint(keys)
        assert record["occurred_at"].utcoffset() == timedelta(0)


def test_what_happened_goes_with_the_status(sample):
    for record in sample.outcomes:
        is_success = record["outcome_status"] == "success"
        assert bool(record["failure_reasons"]) is not is_success
        assert is_success or not record["success_factors"]
        for one in record["manual_interventions"]:
            assert one["kind"].isidentifier()
            assert one["minutes"] >= 1
        metrics = record["performance_metrics"]
        assert set(metrics) == {"duration_seconds", "package_size_mb", "retries"}
        assert metrics["package_size_mb"] > 0
        waited = any(reason["reason"] == "waits_for_input" for reason in record["failure_reasons"])
        assert (metrics["duration_seconds"] == 3600) is waited
        if record["feedback"] is not None:
            assert record["feedback"]["rating"] in range(1, 6)
            assert record["feedback"]["comment"]


def test_feedback_and_ratings_follow_the_status(sample):
    frame = sample.outcomes_frame()
    given = frame[frame["feedback"].notna()]
    assert 0.15 < len(given) / len(frame) < 0.3
    rating = given["feedback"].map(lambda one: one["rating"]).groupby(given["outcome_status"]).mean()
    assert rating["success"] > rating["partial"] + 0.5 > rating["failure"] + 1


def test_the_flat_frame_says_the_same_as_the_records(sample):
    frame = sample.attempts_frame()
    assert {*CONTEXT_COLUMNS, *APPROACH_COLUMNS} < set(frame.columns)
    assert "difficulty" not in frame.columns
    for row in (0, 1234, 5999):
        record, flat = sample.outcomes[row], frame.iloc[row]
        details = record["approach_details"]
        assert flat["occurred_at"] == record["occurred_at"]
        assert flat["outcome_status"] == record["outcome_status"]
        assert flat["team"] == record["context"]["team"]
        assert flat["silent_switch"] == details["silent_switch"]
        assert (flat["prerequisites: vcredist"] == "yes") is ("vcredist" in details["prerequisites"])
        assert flat["needed_intervention"] == bool(record["manual_interventions"])


def test_times_are_sorted_and_mostly_in_office_hours(sample):
    times = sample.attempts_frame()["occurred_at"]
    assert times.is_monotonic_increasing
    assert times.dt.hour.between(6, 17).all()
    assert (times.dt.day_of_week >= 5).mean() < 0.05


def test_files_give_the_records_back(sample, tmp_path):
    outcomes, members = sample.to_files(tmp_path / "made")
    read = [json.loads(line) for line in outcomes.read_text(encoding="utf-8").splitlines()]
    for record in read:
        record["occurred_at"] = datetime.fromisoformat(record["occurred_at"])
    assert read == sample.outcomes
    assert [json.loads(line) for line in members.read_text(encoding="utf-8").splitlines()] == sample.members
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["members.jsonl", "outcomes.jsonl"]


def test_writing_again_replaces_the_files(sample, tmp_path):
    first = [path.read_bytes() for path in sample.to_files(tmp_path)]
    (tmp_path / "outcomes.jsonl").write_text("old\n")
    assert [path.read_bytes() for path in sample.to_files(tmp_path)] == first


def test_the_end_may_be_in_any_zone():
    eastward = timezone(timedelta(hours=3))
    one = sample_organisation(
        attempts=200, applications=20, vendors=5, months=6, end=datetime(2024, 3, 31, 1, 30, tzinfo=eastward)
    )
    times = one.attempts_frame()["occurred_at"]
    assert times.max() < pd.Timestamp("2024-03-30", tz="UTC")
    assert times.min() >= pd.Timestamp("2023-09-30", tz="UTC")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"attempts": 99}, ("attempts", "99", "at least 100")),
        ({"applications": 7}, ("applications", "7", "at least 8")),
        ({"attempts": 120, "applications": 121}, ("applications", "121", "at most 120")),
        ({"vendors": 0}, ("vendors", "0", "at least 1")),
        ({"applications": 10, "vendors": 11}, ("vendors", "11", "at most 10")),
        ({"attempts": 900, "applications": 900, "vendors": 321}, ("vendors", "321", "at most 320")),
        ({"months": 2}, ("months", "2", "at least 3")),
        ({"members": 0}, ("members", "0", "at least 1")),
        ({"end": datetime(2026, 1, 1)}, ("end", "time zone", "tzinfo=")),  # noqa: DTZ001 - that is the fault
    ],
)
def test_sizes_out_of_range_are_refused(given, words):
    with pytest.raises(ValueError, match="is") as refused:
        sample_organisation(**given)
    assert all(word in str(refused.value) for word in words)


def test_the_smallest_and_a_crowded_organisation_can_be_made():
    smallest = sample_organisation(
        attempts=100, applications=8, vendors=1, months=3, members=1, end=datetime(2020, 2, 29, tzinfo=UTC)
    )
    assert len(smallest.outcomes) == 100
    crowded = sample_organisation(attempts=2000, applications=2000, vendors=2, members=7)
    assert crowded.attempts_frame()["application_name"].nunique() == 2000
