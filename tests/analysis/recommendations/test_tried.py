"""Beside the attempts of the pool, an answer has those in the very context that was described."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from made_policy import made_attempts

from memory_pipeline.analysis.recommendations import Policy, fit_policy
from memory_pipeline.analysis.recommendations.tried import NOT_COUNTED

CONTEXTS = [
    {"application_type": "browser", "installer_type": "msi"},
    {"application_type": "driver", "installer_type": "exe"},
    {"application_type": "driver"},
    {"installer_type": "msi"},
    {},
]


@pytest.fixture(scope="module")
def attempts():
    frame = made_attempts()
    kinds = frame["application_name"].map(lambda name: "browser" if int(name[4:]) % 3 else "driver")
    return frame.assign(application_type=kinds)


@pytest.fixture(scope="module")
def policy(attempts):
    return fit_policy(
        attempts,
        approach=["mode", "wrapper"],
        context=["application_type", "installer_type", "team"],
        unit="application_name",
        min_attempts=3,
    )


def done_as_advised(attempts, context, approach):
    wanted = {**context, **approach}
    return attempts[(attempts[list(wanted)] == list(wanted.values())).all(axis=1)]


@pytest.mark.parametrize("context", CONTEXTS, ids=str)
def test_what_did_so_in_the_context_is_counted(attempts, policy, context):
    advice = policy.recommend(context)
    assert advice.recommended_approach
    same = done_as_advised(attempts, context, advice.recommended_approach)
    assert advice.attempts_in_context == len(same) > 0
    assert advice.sample_size >= advice.attempts_in_context


def test_a_narrower_context_has_its_own_sentence(attempts, policy):
    advice = policy.recommend(CONTEXTS[0])
    same = done_as_advised(attempts, CONTEXTS[0], advice.recommended_approach)
    won = (same["outcome_status"] == "success").sum()
    said = [one for one in advice.reasons if one.endswith(f"tried {len(same)} times, {won} with success.")]
    assert len(said) == 1
    assert "application_type = browser" in said[0]
    pooled = [f"{column} = " for column in policy.contexts.pooling_columns]
    assert not any(one in said[0] for one in pooled)


def test_other_columns_narrow_it_only_where_they_are_the_pool(attempts, policy):
    advice = policy.recommend({**CONTEXTS[0], "team": "red"})
    pool = {"team": "red"} if policy.contexts.pooling_columns == ("team",) else {}
    same = done_as_advised(attempts, {**CONTEXTS[0], **pool}, advice.recommended_approach)
    assert advice.attempts_in_context == len(same) > 0


def test_a_value_that_never_occurred_has_no_attempts(policy):
    advice = policy.recommend({"application_type": "font", "installer_type": "msi"})
    assert advice.attempts_in_context == 0
    said = "It was never tried for application_type = font"
    assert any(said in one for one in advice.reasons) == (advice.recommended_approach is not None)


def test_without_advice_every_attempt_in_the_context_counts(attempts, policy):
    unsure = replace(policy, limits=replace(policy.limits, min_sample_size=10**6))
    advice = unsure.recommend(CONTEXTS[1])
    assert advice.recommended_approach is None
    assert advice.attempts_in_context == len(done_as_advised(attempts, CONTEXTS[1], {}))


def test_counts_survive_storing(policy):
    stored = Policy.from_dict(json.loads(json.dumps(policy.to_dict())))
    assert stored.tried == policy.tried
    assert stored.version == policy.version


def test_a_policy_of_an_earlier_version_does_not_know(policy):
    earlier = policy.to_dict()
    del earlier["tried"]
    loaded = Policy.from_dict(earlier)
    assert loaded.tried == NOT_COUNTED
    advice, now = loaded.recommend(CONTEXTS[0]), policy.recommend(CONTEXTS[0])
    assert advice.attempts_in_context is None
    assert advice.sample_size == now.sample_size
    assert not any("it was tried" in one for one in advice.reasons)
