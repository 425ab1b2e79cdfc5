"""Is the memory worth its keep: each table against a count of its own."""

from __future__ import annotations

import pandas as pd
import pytest

from memory_pipeline.analysis.stats.intervals import wilson_interval
from memory_pipeline.memory import Memory
from memory_pipeline.service.descriptions import KnownValues
from memory_pipeline.service.monitoring import TOPICS
from memory_pipeline.store.served import Asked, log_served


def attempt(number, **more):
    return {
        "application_name": f"a{number}",
        "outcome_status": "success",
        "occurred_at": "2026-03-01T12:00:00Z",
        "approach_details": {"tool": "a"},
        "source_record_id": str(number),
    } | more


@pytest.fixture
def own(settings, store):
    """An empty memory of the test's own."""
    with Memory(settings, store) as opened:
        yield opened


def served(store, *, withheld=False, **context):
    row = {"context": context, "candidates": [], "recommended_approach": {"tool": "a"}, "propensity": 1.0}
    [identity] = log_served(store, [row | {"policy_version": "v", "withheld": withheld}])
    return identity


@pytest.mark.parametrize("topic", TOPICS)
def test_an_empty_memory_says_what_to_do(own, topic):
    found = own.monitored(topic)
    assert all(frame.empty for frame in found.tables.values())
    assert any(word in found.sentence for word in ("ingest outcomes", "recommend", "rebuild"))
    assert found.to_dict()["topic"] == topic


def test_a_topic_that_is_not_known_is_refused(memory):
    with pytest.raises(ValueError, match="topic is 'costs'; use one of effectiveness, "):
        memory.monitored("costs")


def test_effort_of_the_sample_is_that_of_its_attempts(memory):
    outcomes = memory.outcomes()
    months = memory.monitored("performance").tables["months"].set_index("group")
    own_month = outcomes["occurred_at"].dt.strftime("%Y-%m")
    assert list(months.index) == sorted(set(own_month))
    for month, rows in outcomes.groupby(own_month):
        found = months.loc[month]
        seconds = pd.Series([one["duration_seconds"] for one in rows["performance_metrics"]])
        assert (found["attempts"], found["durations"]) == (len(rows), len(rows))
        assert found["seconds_median"] == pytest.approx(seconds.median())
        assert found["retried"] == sum(one["retries"] > 0 for one in rows["performance_metrics"])
        by_hand = sum(bool(one) for one in rows["manual_interventions"])
        assert found["interventions"] == by_hand
        bounds = wilson_interval(by_hand, len(rows))
        assert (found["interventions_ci_low"], found["interventions_ci_high"]) == pytest.approx(bounds)


def test_effort_is_told_by_what_became_of_the_advice(own):
    helped, refused, withheld = (served(own.store, withheld=one) for one in (False, False, True))
    own.ingest(
        [
            attempt(1, performance_metrics={"duration_minutes": 2, "retries": 1}, recommendation_id=helped)
            | {"recommendation_followed": True},
            attempt(2, performance_metrics={"duration_ms": 3000}, recommendation_id=refused)
            | {"recommendation_followed": False, "manual_interventions": [{"kind": "rework"}]},
            attempt(3, performance_metrics={"duration_seconds": 7}, recommendation_id=withheld),
            attempt(4),
        ]
    )
    tables = own.monitored("performance").tables
    groups = tables["by_advice"].set_index("group")
    assert groups["attempts"].to_dict() == {
        "advice withheld": 1,
        "followed": 1,
        "not advised": 1,
        "not followed": 1,
    }
    seconds = groups["seconds_median"].dropna().to_dict()
    assert seconds == {"advice withheld": 7, "followed": 120, "not followed": 3}
    assert groups["retried_share"].dropna().to_dict() == {"followed": 1}
    assert groups["interventions"].to_dict()["not followed"] == 1
    assert tables["since_advice"]["group"].tolist() == ["before the first advice"]

    usage = own.monitored("usage")
    [month] = usage.tables["months"].to_dict("records")
    counted = {name: month[name] for name in ("answers", "withheld", "reported", "said", "followed")}
    assert counted == {"answers": 3, "withheld": 1, "reported": 3, "said": 2, "followed": 1}
    assert "3 answers were given, 1 of them withheld" in usage.sentence
    [source] = usage.tables["sources"].to_dict("records")
    assert (source["attempts"], source["advised"], source["followed"]) == (4, 3, 1)
    [door] = usage.tables["doors"].to_dict("records")
    assert (door["door"], door["asked_by"], door["answers"], door["reported"]) == ("not known", None, 3, 3)


def test_who_asks_through_which_door_and_how_long_it_took_is_counted(changed_memory):
    changed_memory.recommend(installer_type="msi")
    changed_memory.asked = Asked("command")
    changed_memory.recommend_all([{"installer_type": "msi"}, {"installer_type": "exe"}])
    changed_memory.serving.recommend({"installer_type": "msi"}, asked=Asked("http", 'a "name"'))
    changed_memory.serving.recommend({"installer_type": "msi"}, log=False, asked=Asked("page"))
    doors = changed_memory.monitored("usage").tables["doors"]
    doors = doors[doors["door"] != "not known"]
    counted = doors[["door", "asked_by", "answers"]].fillna({"asked_by": "-"}).to_dict("records")
    assert sorted(counted, key=lambda one: one["door"]) == [
        {"door": "command", "asked_by": "-", "answers": 2},
        {"door": "http", "asked_by": 'a "name"', "answers": 1},
        {"door": "program", "asked_by": "-", "answers": 1},
    ]
    assert (doors["seconds_median"] > 0).all()
    assert (doors["seconds_median"] <= doors["seconds_p95"]).all()


def test_before_any_advice_there_is_nothing_since_it(own):
    own.ingest([attempt(1)])
    since = own.monitored("performance").tables["since_advice"]
    assert since["group"].tolist() == ["before the first advice"]


def test_quality_and_learning_are_those_of_the_other_doors(memory):
    quality = memory.monitored("quality")
    summary = memory.outcome_summary()
    assert quality.tables["months"]["success_rate"].tolist() == summary.months["success_rate"].tolist()
    outcomes = memory.outcomes()
    failed = outcomes[outcomes["outcome_status"] != "success"]
    first = failed["failure_reasons"].map(lambda one: one[0]["reason"] if one else None)
    month = failed["occurred_at"].dt.strftime("%Y-%m")
    for row in quality.tables["reasons"].to_dict("records"):
        of_month = first[month == row["month"]]
        assert row["unsuccessful"] == len(of_month)
        assert row["attempts"] == (of_month == row["reason"]).sum()
    assert quality.tables["reasons"].groupby("month").size().max() <= 3
    learning = memory.monitored("learning-rate").tables["months"]
    measured = memory.learning("prior_knowledge", segment_column="whole")
    assert learning["value"].tolist() == measured["value"].tolist()


def test_values_that_nobody_recorded_are_listed(changed_memory):
    answer = changed_memory.recommend(application_vendor="Nobody Inc.", installer_type="MSI")
    assert "never occurred" in " ".join(answer.notes)
    rows = changed_memory.monitored("usage").tables["unknown_values"].to_dict("records")
    found = [(row["column"], row["value"], row["answers"]) for row in rows]
    assert found == [("application_vendor", "Nobody Inc.", 1)]
    known = KnownValues.of_context(changed_memory.current_policy.read())
    assert known.unknown("application_vendor", ["Nobody Inc.", None]) == ["Nobody Inc."]
    assert known.unknown("colour", "red") == []


def test_effectiveness_has_the_sentence_of_the_verification(changed_memory):
    with changed_memory.store.transaction() as connection:
        connection.exec_driver_sql(
            "insert into advice_verifications (method, verdict, gain, ci_low, ci_high, sufficient, "
            "conclusive, reason, followed, not_followed, control, comparable, units, strata) "
            "values ('m', 'helped', 0.1, 0.05, 0.15, true, true, 'It helped.', 9, 1, 5, 15, 3, 2)"
        )
    found = changed_memory.monitored("effectiveness")
    assert found.sentence == "It helped."
    assert found.tables["rebuilds"]["gain"].iloc[0] == pytest.approx(0.1)


@pytest.fixture
def changed_memory(kept_sample, tmp_path):
    """A rebuilt memory of the test's own, which it may change."""
    with kept_sample.copy(tmp_path / "own") as (settings, _), Memory.open(settings) as opened:
        yield opened
