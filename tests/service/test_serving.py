"""Advice from memory: the same answers as one at a time, by one policy each, logged, and fresh."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from made_policy import made_policy, made_records, open_made

from memory_pipeline.analysis.recommendations import Policy
from memory_pipeline.memory import Memory
from memory_pipeline.service import answer_book, serving
from memory_pipeline.service.current_policy import CurrentPolicy
from memory_pipeline.service.descriptions import DescriptionError
from memory_pipeline.service.records import to_json
from memory_pipeline.service.serving import Serving
from memory_pipeline.store import reads
from memory_pipeline.store.findings import save_factors
from memory_pipeline.store.frames import POLICY
from memory_pipeline.store.identity import factor_id
from memory_pipeline.store.models import ServedRecommendation

CONTEXTS = [{}, {"installer_type": "msi"}, {"team": "red", "installer_type": "exe"}, {"team": "green"}]


@pytest.fixture(scope="module")
def policy():
    return made_policy()


@pytest.fixture
def memory(settings, store, policy):
    with open_made(settings, store, policy) as opened:
        yield opened


def logged(memory):
    memory.store_served()
    return reads.read_table(memory.store, ServedRecommendation).set_index("id")


def without_id(answer):
    return {name: value for name, value in answer.items() if name != "recommendation_id"}


def test_a_kept_answer_is_the_one_that_is_worked_out_alone(memory):
    for context in CONTEXTS:
        alone = json.loads(to_json(memory.recommend(context).to_dict()))
        for _ in range(2):
            served = memory.serving.recommend(context).to_dict(is_full=True)
            assert without_id(served) == without_id(alone)
    look = memory.serving.recommend(CONTEXTS[1], log=False).to_dict(is_full=True)
    assert look == json.loads(to_json(memory.recommend(CONTEXTS[1], log=False).to_dict()))


def test_a_brief_answer_leaves_out_the_candidates_alone(memory):
    served = memory.serving.recommend({"installer_type": "msi"})
    brief, full = served.to_dict(), served.to_dict(is_full=True)
    assert full["advice"].pop("candidates")
    assert brief == full


def test_an_answer_is_worked_out_once_whoever_asks(memory, monkeypatch):
    memory.serving.refresh()
    count, recommend = Counter(), Policy.recommend

    def counted(policy, context, **more):
        count[str(sorted(context.items()))] += 1
        return recommend(policy, context, **more)

    monkeypatch.setattr(Policy, "recommend", counted)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(memory.serving.recommend, CONTEXTS * 10))
    assert set(count.values()) == {1}
    assert len(count) == len(CONTEXTS)


def test_the_number_of_kept_answers_is_bounded():
    kept = answer_book.LeastRecent(3)
    for number in range(5):
        kept.put(number, str(number))
        kept.get(2)
    assert len(kept) == 3
    assert [number for number in range(5) if kept.get(number)] == [2, 3, 4]


def test_what_is_served_is_in_the_table_with_what_it_chose_from(memory):
    served = memory.serving.recommend({"team": "red"})
    alone = memory.recommend({"team": "red"})
    one, other = memory.served(served.recommendation_id), memory.served(alone.recommendation_id)
    differing = {name for name in one if one[name] != other[name]}
    assert differing == {"id", "served_at", "seconds"}
    assert one["candidates"]
    assert (other["served_at"] - one["served_at"]).total_seconds() < 60
    with pytest.raises(KeyError, match="no answer was served under the id 'nothing'"):
        memory.served("nothing")


def test_answers_are_stored_before_what_names_them(memory):
    identity = memory.serving.recommend({"installer_type": "msi"}).recommendation_id
    record = made_records()[0] | {"source_record_id": "new", "recommendation_id": identity}
    memory.ingest([record], source="made")
    assert memory.advised_outcomes()["recommendation_id"].tolist() == [identity]


def test_withholding_is_drawn_for_each_answer_and_tells_nothing(settings, store, policy):
    with open_made(settings.model_copy(update={"control_share": 0.5}), store, policy) as memory:
        answers = [memory.serving.recommend({"installer_type": "msi"}) for _ in range(60)]
        log = logged(memory)
    withheld = [one for one in answers if one.is_withheld]
    # At a share of a half, fewer than 12 or more than 48 of 60 have a probability below 1 in 100,000.
    assert 12 <= len(withheld) <= 48
    for one in answers:
        row = log.loc[one.recommendation_id]
        assert (bool(row["withheld"]), row["control_share"]) == (one.is_withheld, 0.5)
        assert row["recommended_approach"]["mode"] == "a"
    told = withheld[0].to_dict(is_full=True)
    assert (told["cases"], told["advice"]["candidates"], told["advice"]["recommended_approach"]) == (
        [],
        [],
        None,
    )
    assert "Withheld on purpose" in told["advice"]["reasons"][0]


def test_exploration_draws_each_answer_as_often_as_its_propensity_says(settings, store, policy):
    with open_made(settings.model_copy(update={"exploration": 0.5}), store, policy) as memory:
        answers = [memory.serving.recommend({"installer_type": "msi"}).to_dict() for _ in range(600)]
        log = logged(memory)
    propensity = {str(one["advice"]["recommended_approach"]): one["advice"]["propensity"] for one in answers}
    drawn = Counter(str(one["advice"]["recommended_approach"]) for one in answers)
    assert len(drawn) > 1
    assert sum(propensity.values()) == pytest.approx(1, abs=0.02)
    for approach, probability in propensity.items():
        # Five standard deviations.
        assert abs(drawn[approach] / 600 - probability) < 5 * np.sqrt(probability * (1 - probability) / 600)
    assert Counter(log["recommended_approach"].map(str)) == drawn


def test_a_decision_counts_at_once(memory):
    factor = {
        "factor_name": "mode a",
        "description": "mode a helps",
        "effectiveness": 0.4,
        "confidence": 0.99,
        "ci_low": 0.2,
        "ci_high": 0.5,
        "sample_size": 90,
        "units": 9,
        "applicability_conditions": {},
        "implementation_details": {"column": "mode", "value": "a", "reference": "b"},
    }
    save_factors(memory.store, [factor])
    memory.serving.refresh()
    before = memory.serving.recommend({"installer_type": "msi"}).to_dict()["advice"]
    memory.decide("factor", factor_id("mode", "a", "b"), "suppress", by="ann")
    after = memory.serving.recommend({"installer_type": "msi"}).to_dict()["advice"]
    assert before["recommended_approach"]["mode"] == "a"
    assert (after["recommended_approach"] or {}).get("mode") != "a"
    assert after["policy_version"] != before["policy_version"]
    assert [one["decided_by"] for one in after["decisions"]] == ["ann"]


def test_every_answer_is_wholly_by_one_policy_while_policies_are_replaced(memory, policy):
    policies, expected = [policy, made_policy("b", seed=4)], {}
    for one in policies:
        advice = Policy.from_dict(one).recommend({"installer_type": "msi"})
        expected[advice.policy_version] = json.loads(to_json(advice.to_dict()))
    workers = [
        Serving(memory.settings, memory.store, CurrentPolicy(memory.store, memory.frames)) for _ in range(2)
    ]
    answers, ended = [], threading.Event()

    def ask(worker):
        while not ended.is_set():
            answers.append(worker.recommend({"installer_type": "msi"}).to_dict(is_full=True)["advice"])

    def follow(worker):
        while not ended.is_set():
            worker.refresh()

    with ThreadPoolExecutor(6) as threads:
        running = [threads.submit(work, one) for one in workers for work in (ask, ask, follow)]
        for turn in range(8):
            memory.frames.write_json(POLICY, policies[turn % 2])
            ended.wait(0.3)
        ended.set()
        for one in running:
            one.result()
    for worker in workers:
        worker.close()
    assert {one["policy_version"] for one in answers} == set(expected)
    assert all(one == expected[one["policy_version"]] for one in answers)


def test_a_policy_of_another_process_is_known_soon(memory):
    first = memory.serving.recommend({"team": "red"}).to_dict()["advice"]["policy_version"]
    memory.frames.write_json(POLICY, made_policy("b", seed=4))
    deadline = threading.Event()
    for _ in range(600):
        if memory.serving.policy_version != first:
            break
        deadline.wait(0.1)
    answer = memory.serving.recommend({"team": "red"}).to_dict()["advice"]
    assert answer["policy_version"] != first
    assert answer["recommended_approach"]["mode"] == "b"


def test_cases_are_read_again_after_outcomes_were_written(memory, monkeypatch):
    monkeypatch.setattr(serving, "CASES_LIVE_AT_LEAST", 0.0)
    asked = {"installer_type": "msi"}
    advised = memory.serving.recommend(asked).to_dict()["advice"]["recommended_approach"]
    new = made_records()[0] | {
        "source_record_id": "new",
        "occurred_at": "2026-11-01T00:00:00Z",
        "installer_type": "msi",
        "approach_details": advised,
        "outcome_status": "success",
    }
    new.pop("failure_reasons", None)
    memory.ingest([new], source="made")
    memory.serving.refresh()
    question = memory.serving.ask(asked)
    assert not memory.serving.is_ready(question)
    cases = memory.serving.recommend(asked).to_dict()["cases"]
    assert cases[0]["occurred_at"] == "2026-11-01T00:00:00+00:00"
    assert memory.serving.is_ready(memory.serving.ask(asked))


def test_a_kept_answer_asks_nothing_of_the_database(memory, monkeypatch):
    memory.serving.recommend({"installer_type": "msi"})

    def refused(_):
        pytest.fail("the database was asked")

    question = memory.serving.ask({"installer_type": "msi"})
    assert memory.serving.is_ready(question)
    with monkeypatch.context() as patch:
        patch.setattr(type(memory.store), "transaction", refused)
        patch.setattr(memory.serving._journal, "flush", lambda: 0)
        assert memory.serving.give(question).recommendation_id


def test_a_value_in_another_case_is_the_known_one_and_an_unknown_one_is_noted(memory):
    for answer in (
        memory.recommend({"installer_type": "MSI", "team": "redd"}),
        memory.serving.recommend({"installer_type": "MSI", "team": "redd"}),
    ):
        found = answer.to_dict()
        assert found["advice"]["context"] == {"installer_type": "msi", "team": "redd"}
        assert list(found["notes"]) == [
            "installer_type 'MSI' was taken as 'msi', which differs in case only.",
            "team 'redd' never occurred, or too rarely to learn from; the nearest known: 'red'.",
        ]
    assert memory.serving.recommend({"installer_type": "msi"}).to_dict()["notes"] == []


@pytest.mark.parametrize(
    ("context", "column", "remedy", "nearest"),
    [
        ({"instaler_type": "msi"}, "instaler_type", "did you mean 'installer_type'?", "installer_type"),
        ({"zz": 1}, "zz", "describe the application by installer_type, team", None),
        ({"team": "x" * 501}, "team", "send at most 500 characters", None),
        ({"team": "a\0b"}, "team", "leave out characters that are not text", None),
        ({"team": "\ud800"}, "team", "leave out characters that are not text", None),
        ({"team": {"a": 1}}, "team", "send a text, a number, true or false, or a list of these", None),
        ({"team": ["x"] * 101}, "team", "name at most 100", None),
        ({"team": [["x"]]}, "team", "a list holds texts, numbers and truth values", None),
    ],
)
def test_a_description_that_cannot_be_used_is_refused_with_the_remedy(
    memory, context, column, remedy, nearest
):
    for ask in (memory.recommend, memory.serving.recommend):
        with pytest.raises(DescriptionError) as refused:
            ask(context)
        (problem,) = refused.value.problems
        assert (problem.column, problem.remedy, problem.nearest) == (column, remedy, nearest)
    assert logged(memory).empty


def test_without_a_policy_it_says_what_to_do(settings, store):
    with Memory(settings, store) as memory:
        assert memory.serving.ask({}) is None
        with pytest.raises(FileNotFoundError, match="run `memory-pipeline rebuild`"):
            memory.serving.recommend({})
        memory.frames.write_json(POLICY, {"version": "of long ago"})
        with pytest.raises(RuntimeError, match="written by another version"):
            memory.serving.recommend({})


def test_contexts_that_occur_are_worked_out_beforehand(rebuilt):
    with Memory.open(rebuilt) as memory:
        contexts = memory.recommendations()["conditions"].head(3)
        served = memory.serving
        waiting = threading.Event()
        for _ in range(600):
            questions = [served.ask(context) for context in contexts]
            if all(one is not None and served.is_ready(one) for one in questions):
                break
            waiting.wait(0.1)
        assert all(served.is_ready(served.ask(context)) for context in contexts)
