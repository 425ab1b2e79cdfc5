"""What the memory holds, and the learning measures."""

from __future__ import annotations

import pytest

from memory_pipeline.memory import Memory


def test_status_counts_what_is_there(memory):
    status = memory.status()
    assert sum(status["outcomes"].values()) == 2500
    assert status["members"] == 200
    assert status["patterns"] == len(memory.patterns())
    assert status["last_ingest"]["at"] <= status["last_rebuild"]
    assert memory.is_rebuilt()


def test_learning_is_in_the_order_of_time(memory):
    rates = memory.learning("success_rate")
    whole = rates[rates["segment_column"] == ""]
    assert len(whole) == 18
    assert whole["period_start"].is_monotonic_increasing
    assert int(whole["sample_size"].sum()) == 2500
    outcomes = memory.outcomes()
    first = outcomes[outcomes["occurred_at"] < whole["period_start"].iloc[1]]
    assert whole["value"].iloc[0] == pytest.approx((first["outcome_status"] == "success").mean())


def test_the_six_measures_are_there_with_their_history_and_a_sentence_each(memory):
    measures = memory.learning()
    told = {"success_rate", "prior_knowledge", "advice_coverage", "finding_replication", "drift"}
    assert told | {"confidence_calibration", "replayed_uplift"} == set(measures["measure"])
    coverage = measures[measures["measure"] == "advice_coverage"]
    assert coverage["value"].between(0, 1).all()
    assert {"", "team", "installer_type"} <= set(coverage["segment_column"])
    tried = memory.learning("finding_replication")
    assert tried["value"].tolist() == [
        pytest.approx(one["held"] / size)
        for one, size in zip(tried["details"], tried["sample_size"], strict=True)
    ]
    # One rebuild: its measures are all that is remembered.
    history = memory.learning("drift", history=True)
    assert len(history) == len(memory.learning("drift"))
    assert len(history) > 0
    assert history["recorded_at"].notna().all()

    summary = memory.status()["learning"]
    assert list(summary) == [
        *("success_rate", "prior_knowledge", "advice_gain", "advice_coverage"),
        *("finding_replication", "confidence_calibration", "drift"),
    ]
    newest = memory.learning("success_rate").query("segment_column == ''").iloc[-1]
    assert summary["success_rate"].startswith(f"{newest['value']:.0%} of {newest['sample_size']} attempts")
    assert summary["advice_gain"] == "no attempt names the advice that it was given"
    with pytest.raises(ValueError, match="measure is 'skill'; use one of success_rate, "):
        memory.learning("skill")


def test_a_change_is_explained_from_the_stored_evidence(memory):
    found = memory.explain_change()
    outcomes = memory.outcomes()
    months = outcomes["occurred_at"].dt.strftime("%Y-%m")
    newest = outcomes[months == months.max()]
    assert (found.after.first, found.after.attempts) == (months.max(), len(newest))
    assert found.after.success_rate == pytest.approx((newest["outcome_status"] == "success").mean())
    assert found.mix.change + found.rate.change == pytest.approx(found.total.change)


def test_a_change_is_explained_by_the_columns_and_months_that_are_named(memory):
    found = memory.explain_change(
        before=("2025-01", "2025-06"), after="2026-01", columns=["Installer_Type", "prerequisites"]
    )
    assert {one.column.partition(": ")[0] for one in found.columns} == {"installer_type", "prerequisites"}
    assert (found.before.first, found.before.last, found.after.last) == ("2025-01", "2025-06", "2026-01")
    with pytest.raises(ValueError, match="columns has 'colour'; use some of "):
        memory.explain_change(columns=["colour"])
    with pytest.raises(ValueError, match="after is 1999-01 to 1999-01, without attempts; the history has"):
        memory.explain_change(after="1999-01", before="2025-01")


def test_the_month_that_is_not_over_is_left_out(memory, monkeypatch):
    newest = memory.explain_change().after.last
    monkeypatch.setattr("memory_pipeline.service.progress.current_month", lambda: newest)
    assert memory.explain_change().after.last < newest
    assert memory.explain_change(after=newest).after.last == newest


def test_a_memory_without_a_rebuild_says_what_to_do(settings):
    with Memory.open(settings) as empty:
        assert empty.patterns().empty
        assert empty.factors().empty
        assert empty.learning().empty
        assert set(empty.learning_summary().values()) == {
            "not enough history yet",
            "no attempt names the advice that it was given",
        }
        with pytest.raises(FileNotFoundError, match="memory-pipeline rebuild"):
            empty.recommend(installer_type="msi")
        with pytest.raises(FileNotFoundError, match="memory-pipeline rebuild"):
            empty.explain_change()


def test_every_part_with_enough_months_is_looked_at_for_a_change(memory):
    changed = memory.changed_segments()
    rates = memory.learning("success_rate")
    months = rates[rates["segment_column"] != ""].groupby(["segment_column", "segment_value"]).size()
    assert len(changed) == (months >= 6).sum() > 0
    assert changed["is_clear"].is_monotonic_decreasing
    assert changed["sentence"].str.startswith("Success with ").all()


def test_events_tell_what_may_have_moved_the_measures(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "own") as (settings, _), Memory.open(settings) as memory:
        assert list(memory.learning_events()["kind"]) == ["rebuild"]
        memory.recommend(installer_type="msi")
        memory.store_served()
        memory.decide("pattern", memory.patterns()["id"].iloc[0], "retire", by="ana", note="too old")
        events = memory.learning_events()
    assert list(events["kind"]) == ["rebuild", "advice", "decision"]
    assert events["at"].is_monotonic_increasing
    assert events["what"].iloc[-1] == "retire of a pattern, by ana: too old"


def test_ingests_are_listed_the_newest_first(kept_sample, tmp_path):
    with kept_sample.copy(tmp_path / "own") as (settings, _), Memory.open(settings) as memory:
        _, before = memory.ingests()
        memory.ingest([{"application_name": "Zip", "outcome_status": "maybe"}], name="late.csv")
        (newest,), total = memory.ingests(limit=1)
        assert (newest["file_name"], newest["rows_read"], newest["rows_quarantined"]) == ("late.csv", 1, 1)
        assert total == before + 1
        (second,), _ = memory.ingests(limit=1, skip=1)
        assert second["finished_at"] <= newest["finished_at"]
