"""Writes and reads of findings: stable identities, retirement, filters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert

from memory_pipeline.store import findings, reads
from memory_pipeline.store.frames import FrameStore
from memory_pipeline.store.models import (
    LearningHistory,
    LearningMeasure,
    MemberPattern,
    PackagingOutcome,
    PatternIdentification,
    SuccessFactor,
)
from memory_pipeline.store.outcome_queries import read_outcomes


def pattern(value, **changes):
    row = {
        "pattern_type": "success",
        "pattern_name": f"x is {value}",
        "description": "d",
        "target": "success",
        "conditions": {"x": value},
        "impact": {"risk_difference": 0.1, "odds_ratio": np.float64(2.0), "conviction": np.inf},
        "confidence": 0.9,
        "sample_size": np.int64(50),
        "units": 9,
        "related_outcomes": ["o1"],
    }
    return row | changes


def stored(store, model):
    frame = reads.read_table(store, model)
    return frame.set_index("pattern_name" if model is PatternIdentification else "name")


def test_a_pattern_that_comes_back_is_the_same_row_and_one_that_does_not_is_retired(store):
    findings.save_patterns(store, [pattern("1"), pattern("2")])
    before = stored(store, PatternIdentification)
    retired = findings.save_patterns(store, [pattern("2", confidence=0.8), pattern("3")])
    after = stored(store, PatternIdentification)

    assert retired == 1
    assert after.loc["x is 2", "id"] == before.loc["x is 2", "id"]
    assert after.loc["x is 2", "created_at"] == before.loc["x is 2", "created_at"]
    assert after.loc["x is 2", "confidence"] == 0.8
    assert after["active"].to_dict() == {"x is 1": False, "x is 2": True, "x is 3": True}
    assert after.loc["x is 1", "retired_reason"] == "not found again by the newest rebuild"
    findings.save_patterns(store, [pattern("1")])
    again = stored(store, PatternIdentification)
    assert again.loc["x is 1", "active"]
    assert pd.isna(again.loc["x is 1", "retired_at"])


def test_what_json_cannot_hold_is_stored_as_null(store):
    findings.save_patterns(store, [pattern("1")])
    impact = reads.read_table(store, PatternIdentification)["impact"].iloc[0]
    assert impact == {"risk_difference": 0.1, "odds_ratio": 2.0, "conviction": None}


def test_no_patterns_at_all_retire_all(store):
    findings.save_patterns(store, [pattern("1")])
    assert findings.save_patterns(store, []) == 1


def test_factors_are_replaced_and_keep_their_identity(store):
    def factor(value, effect):
        return {
            "factor_name": value,
            "description": "d",
            "applicability_conditions": {},
            "effectiveness": effect,
            "ci_low": effect - 0.1,
            "ci_high": effect + 0.1,
            "confidence": 0.9,
            "sample_size": 10,
            "units": 5,
            "implementation_details": {"column": "c", "value": value, "reference": "r"},
        }

    findings.save_factors(store, [factor("a", 0.1), factor("b", 0.2)])
    first = reads.read_table(store, SuccessFactor).set_index("factor_name")
    findings.save_factors(store, [factor("b", 0.3)])
    second = reads.read_table(store, SuccessFactor).set_index("factor_name")

    assert list(second.index) == ["b"]
    assert second.loc["b", "effectiveness"] == 0.3
    assert second.loc["b", ["id", "created_at"]].tolist() == first.loc["b", ["id", "created_at"]].tolist()


def test_member_patterns_of_statistics_become_inactive_and_those_of_others_stay(store):
    def found(name, by):
        return {
            "name": name,
            "description": "d",
            "category": "skill_cluster",
            "member_count": 3,
            "related_member_ids": [1, 2, 3],
            "evidence": {},
            "question_prompts": ["?"],
            "found_by": by,
        }

    findings.save_member_patterns(store, pd.DataFrame([found("a", "statistics"), found("b", "claude")]))
    findings.save_member_patterns(store, pd.DataFrame([found("c", "statistics")]))
    active = stored(store, MemberPattern)["is_active"].to_dict()
    assert active == {"a": False, "b": True, "c": True}


def measures(*points):
    """Rows of learning measures of one month each: (month, value, sample)."""
    return pd.DataFrame(
        {
            "measure": "success_rate",
            "period_start": pd.to_datetime([f"2026-{month:02d}-01" for month, *_ in points], utc=True),
            "segment_column": "",
            "segment_value": "",
            "value": [value for _, value, _ in points],
            "ci_low": None,
            "ci_high": [min(1.0, value + 0.1) for _, value, _ in points],
            "sample_size": [size for *_, size in points],
            "details": [{"n": size} for *_, size in points],
        }
    )


def test_learning_keeps_what_is_the_same_and_remembers_what_is_not(store):
    findings.save_learning(store, measures((1, 0.5, 10), (2, 0.6, 20)))
    first = reads.read_table(store, LearningMeasure).set_index("sample_size")
    findings.save_learning(store, measures((1, 0.5, 10), (2, 0.7, 21), (3, 0.8, 30)))
    second = reads.read_table(store, LearningMeasure).set_index("sample_size")
    assert sorted(second.index) == [10, 21, 30]
    assert second.loc[10, "updated_at"] == first.loc[10, "updated_at"]
    assert second.loc[21, "updated_at"] > first.loc[20, "updated_at"]

    findings.save_learning(store, measures((2, 0.7, 21)))
    assert reads.read_table(store, LearningMeasure)["sample_size"].tolist() == [21]
    history = reads.read_table(store, LearningHistory, order_by="id")
    assert history["sample_size"].tolist() == [10, 20, 21, 30]
    assert history["details"].tolist() == [{"n": 10}, {"n": 20}, {"n": 21}, {"n": 30}]
    findings.save_learning(store, measures((1, 0.4, 10), (2, 0.7, 21)))
    assert reads.read_table(store, LearningHistory, order_by="id")["value"].tolist()[4:] == [0.4]
    findings.save_learning(store, measures())
    assert reads.read_table(store, LearningMeasure).empty


@pytest.fixture
def three_outcomes(store):
    base = {
        "task_id": "t",
        "application_vendor": "Acme",
        "application_type": "cad",
        "installer_type": "msi",
        "approach_details": {"wrapper": "psadt", "signed": True},
        "failure_reasons": None,
        "manual_interventions": None,
        "source": "s",
        "content_hash": "h",
        "ingest_id": "i",
    }
    rows = [
        base
        | {
            "id": "1",
            "application_name": "A",
            "outcome_status": "success",
            "occurred_at": "2026-01-01T00:00Z",
        },
        base
        | {
            "id": "2",
            "application_name": "B",
            "outcome_status": "failure",
            "occurred_at": "2026-02-01T00:00Z",
            "failure_reasons": [{"code": "1603", "reason": "fatal_error"}],
        },
        base
        | {
            "id": "3",
            "application_name": "C",
            "outcome_status": "partial",
            "occurred_at": "2026-03-01T00:00Z",
            "approach_details": {},
            "manual_interventions": [{"kind": "manual_click_through"}],
        },
    ]
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), [row | {"source_record_id": row["id"]} for row in rows])
    return store


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, ["3", "2", "1"]),
        ({"sort": "occurred_at", "limit": 2}, ["1", "2"]),
        ({"status": "partial"}, ["3"]),
        ({"application": "A"}, ["1"]),
        ({"vendor": "Acme", "installer_type": "msi", "application_type": "cad"}, ["3", "2", "1"]),
        ({"installer_type": "exe"}, []),
        ({"failure_reason": "fatal_error"}, ["2"]),
        ({"intervention": "any"}, ["3"]),
        ({"intervention": "manual_click_through"}, ["3"]),
        ({"intervention": "another"}, []),
        ({"approach": {"wrapper": "psadt", "signed": True}}, ["2", "1"]),
        ({"since": pd.Timestamp("2026-02-01", tz="UTC")}, ["3", "2"]),
        ({"until": pd.Timestamp("2026-02-01", tz="UTC")}, ["1"]),
    ],
)
def test_outcomes_are_filtered(three_outcomes, filters, ids):
    assert read_outcomes(three_outcomes, **filters)["id"].tolist() == ids


def test_an_unknown_filter_is_named(store):
    with pytest.raises(ValueError, match="colour"):
        read_outcomes(store, colour="red")


def test_counts_and_latest(three_outcomes):
    assert reads.outcome_counts(three_outcomes) == {"success": 1, "failure": 1, "partial": 1}
    assert reads.count_rows(three_outcomes, PackagingOutcome, outcome_status="failure") == 1
    assert reads.latest(three_outcomes, PackagingOutcome, "occurred_at") == pd.Timestamp(
        "2026-03-01", tz="UTC"
    )
    assert reads.latest(three_outcomes, SuccessFactor, "updated_at") is None


def test_a_frame_that_fails_half_way_leaves_the_old_one(tmp_path):
    frames = FrameStore(str(tmp_path / "storage"))
    frames.write("f", pd.DataFrame({"x": [1, 2]}), {"about": "old"})

    def parts():
        yield pd.DataFrame({"x": [3]})
        msg = "the source broke"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="the source broke"):
        frames.write_parts("f", parts(), dict)
    frame, info = frames.read("f")
    assert (frame["x"].tolist(), info) == ([1, 2], {"about": "old"})
    assert [path.name for path in (tmp_path / "storage").iterdir()] == ["f.parquet"]


def test_a_frame_that_was_never_written_says_what_to_do(tmp_path):
    frames = FrameStore(f"file://{tmp_path}/storage")
    with pytest.raises(FileNotFoundError, match="memory-pipeline rebuild"):
        frames.read("nothing")
    with pytest.raises(FileNotFoundError, match="memory-pipeline rebuild"):
        frames.read_json("nothing")
    frames.write_json("j", {"a": [1]})
    assert frames.read_json("j") == {"a": [1]}
