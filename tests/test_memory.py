"""The service layer on a rebuilt memory: what is asked for is what comes back."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from memory_pipeline.memory import Memory, withhold
from memory_pipeline.store import reads
from memory_pipeline.store.models import ServedRecommendation


@pytest.fixture
def memory(rebuilt):
    with Memory.open(rebuilt) as opened:
        yield opened


def test_status_counts_what_is_there(memory):
    status = memory.status()
    assert sum(status["outcomes"].values()) == 2500
    assert status["members"] == 200
    assert status["patterns"] == len(memory.patterns())
    assert status["last_ingest"]["at"] <= status["last_rebuild"]
    assert memory.is_rebuilt()


def test_patterns_are_filtered_and_sorted(memory):
    by_confidence = memory.patterns()
    by_impact = memory.patterns(sort="impact")
    effects = by_impact["impact"].map(lambda impact: abs(impact["risk_difference"]))
    assert by_confidence["confidence"].is_monotonic_decreasing
    assert effects.is_monotonic_decreasing
    assert set(memory.patterns(pattern_type="failure")["pattern_type"]) == {"failure"}
    assert memory.patterns(min_confidence=0.9)["confidence"].min() >= 0.9
    with pytest.raises(ValueError, match="sort is 'size'"):
        memory.patterns(sort="size")


def test_a_pattern_names_attempts_that_have_its_conditions(memory):
    pattern = memory.patterns().iloc[0]
    outcomes = memory.outcomes().set_index("id")
    assert 0 < len(pattern["related_outcomes"]) <= 50
    assert set(pattern["related_outcomes"]) <= set(outcomes.index)


def test_factors_come_with_the_surest_gain_or_harm_first(memory):
    factors = memory.factors()
    assert len(factors) > 1
    sure = factors["ci_low"].clip(lower=0) - factors["ci_high"].clip(upper=0)
    assert sure.is_monotonic_decreasing


def test_advice_is_logged_with_what_it_rests_on(memory):
    answer = memory.recommend(installer_type="msi", application_type="developer_tools")
    logged = (
        reads.read_table(memory.store, ServedRecommendation).set_index("id").loc[answer.recommendation_id]
    )

    assert logged["context"] == {"installer_type": "msi", "application_type": "developer_tools"}
    assert logged["policy_version"] == answer.advice.policy_version
    assert logged["recommended_approach"] == answer.advice.recommended_approach
    assert logged["candidates"]
    assert 0 < logged["propensity"] <= 1
    assert answer.advice.reasons


def served(memory):
    return reads.read_table(memory.store, ServedRecommendation).set_index("id")


def test_looking_is_not_logged(memory):
    before = len(served(memory))
    look = memory.recommend({"installer_type": "msi"}, log=False)
    assert look.recommendation_id is None
    assert len(served(memory)) == before
    assert (
        look.advice.recommended_approach == memory.recommend(installer_type="msi").advice.recommended_approach
    )
    assert len(served(memory)) == before + 1


def test_a_withheld_answer_names_no_setting(rebuilt):
    with Memory.open(rebuilt) as memory:
        advice = memory.recommend({"installer_type": "msi"}, log=False).advice
    assert advice.recommended_approach
    decided = {"decision": "confirm", "settings": advice.recommended_approach}
    withheld = withhold(replace(advice, decisions=(decided,))).to_dict()
    told = {name: value for name, value in withheld.items() if name not in {"context", "usual_approach"}}
    for setting in advice.recommended_approach:
        assert setting not in str(told)


def test_withheld_answers_are_logged_as_such_and_tell_nothing(rebuilt):
    with Memory.open(rebuilt.model_copy(update={"control_share": 0.5})) as memory:
        answers = memory.recommend_all([{"installer_type": "msi"}] * 24)
        log = served(memory)
        asked_alone = iter(lambda: memory.recommend(installer_type="msi"), None)
        alone = next(answer for answer in asked_alone if answer.withheld)
    withheld = [answer for answer in answers if answer.withheld]
    # At a share of a half, fewer than 4 or more than 20 of 24 have a probability of 0.03%.
    assert 4 <= len(withheld) <= 20
    for answer in answers:
        row = log.loc[answer.recommendation_id]
        assert bool(row["withheld"]) is answer.withheld
        assert row["control_share"] == 0.5
        assert row["recommended_approach"] is not None
    for answer in [*withheld, alone]:
        assert answer.advice.recommended_approach is None
        assert not answer.advice.candidates
        assert not answer.cases
        assert "Withheld on purpose" in answer.advice.reasons[0]


def test_exploration_draws_answers_as_often_as_their_propensity_says(rebuilt):
    with Memory.open(rebuilt.model_copy(update={"exploration": 0.5})) as memory:
        answers = [one.advice for one in memory.recommend_all([{"installer_type": "msi"}] * 40)]
        log = served(memory)
    assert len({str(one.recommended_approach) for one in answers}) > 1
    assert all(0 < one.propensity < 1 for one in answers)
    by_answer = {}
    for one in answers:
        by_answer.setdefault(str(one.recommended_approach), set()).add(round(one.propensity, 9))
    assert all(len(propensities) == 1 for propensities in by_answer.values())
    assert {round(value, 9) for value in log["propensity"]} >= set.union(*by_answer.values())


def test_each_rebuild_says_whether_advice_helped(memory):
    found = memory.advice_verifications()
    assert len(found) == 1
    assert found["reason"].iloc[0].startswith("Not enough evidence")
    assert memory.advice_changes().empty


def test_cases_are_past_attempts_in_the_context_the_most_alike_and_newest_first(memory):
    cases = memory.cases({"installer_type": "msi"}, {"wrapper": "psadt", "transform": "never heard of"})
    stored = memory.outcomes().set_index("id")
    succeeded = [case for case in cases if case.outcome_status == "success"]

    assert len(cases) == 6
    assert len(succeeded) == 3
    for case in cases:
        row = stored.loc[case.outcome_id]
        assert row["installer_type"] == "msi"
        assert row["approach_details"]["wrapper"] == "psadt"
        assert (case.settings_agreeing, case.settings_advised) == (1, 2)
    assert [case.occurred_at for case in succeeded] == sorted(
        (c.occurred_at for c in succeeded), reverse=True
    )
    alike = stored[
        (stored["installer_type"] == "msi")
        & (stored["outcome_status"] == "success")
        & (stored["approach_details"].map(lambda approach: approach["wrapper"] == "psadt"))
    ]
    assert succeeded[0].occurred_at == alike["occurred_at"].max()


def test_an_unknown_context_column_is_named(memory):
    with pytest.raises(ValueError, match="colour"):
        memory.recommend(colour="red")


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


def test_hidden_members_are_not_shown_and_in_no_pattern(memory):
    members = memory.members()
    assert members["is_visible"].all()
    assert 0 < len(members) < 200
    shown = set(members["id"])
    patterns = memory.member_patterns()
    assert len(patterns) > 0
    for ids in patterns["related_member_ids"]:
        assert set(ids) <= shown


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


def test_factors_of_an_application_type_are_those_that_apply_to_it(memory):
    every, some = memory.factors(), memory.factors(application_type="browser")
    assert set(some["id"]) <= set(every["id"])
    free = every[every["applicability_conditions"].map(lambda where: "application_type" not in where)]
    assert len(free) > 0
    assert set(free["id"]) <= set(some["id"])
    assert isinstance(some, pd.DataFrame)
