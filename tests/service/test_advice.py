"""Answers: logged, withheld, drawn, and with what they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory_pipeline.memory import Memory
from memory_pipeline.service.advice import withhold
from memory_pipeline.store import reads
from memory_pipeline.store.models import ServedRecommendation


def test_advice_is_logged_with_what_it_rests_on(memory):
    answer = memory.recommend(installer_type="msi", application_type="developer_tools")
    logged = memory.served(answer.recommendation_id)

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


def test_each_rebuild_says_whether_advice_helped(kept_sample, tmp_path):
    # A copy of its own: others decide on factors, which changes advice.
    with kept_sample.copy(tmp_path / "home") as (settings, store):
        memory = Memory(settings, store)
        found, changes = memory.advice_verifications(), memory.advice_changes()
    assert len(found) == 1
    assert found["reason"].iloc[0].startswith("Not enough evidence")
    assert changes.empty


def test_an_unknown_context_column_is_named(memory):
    with pytest.raises(ValueError, match="colour"):
        memory.recommend(colour="red")
