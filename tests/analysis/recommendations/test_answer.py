"""Advice: the better approach is advised where the evidence is there, and nothing where it is not."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_worlds import packaging_world, roles
from scipy.special import expit

from memory_pipeline.analysis.learning import replay
from memory_pipeline.analysis.recommendations import Policy, fit_policy


@pytest.fixture(scope="module")
def world():
    return packaging_world(1, attempts=4000, product_code=0.2, logging=0.12)


@pytest.fixture(scope="module")
def policy(world):
    return fit_policy(world.outcomes, **roles())


def test_what_helps_is_advised_and_what_does_not_is_to_be_avoided(policy):
    advice = policy.recommend({"installer_type": "exe", "team": "modern"})
    assert advice.recommended_approach is not None
    assert advice.recommended_approach["detection"] == "product_code"
    assert advice.recommended_approach["logging"] == "verbose"
    assert advice.ci_low < advice.success_rate < advice.ci_high
    assert advice.confidence >= 0.7
    assert advice.sample_size >= 30
    assert advice.reasons
    assert advice.avoid_approach
    assert all(one["success_rate"] < advice.success_rate for one in advice.avoid_approach)
    assert advice.policy_version == policy.version


def test_the_expected_success_is_no_winners_boast(world, policy):
    """On average over contexts, what is promised is what the advised approach really achieves."""
    promised, true = [], []
    for installer in ("exe", "msi"):
        for team in ("modern", "legacy"):
            advice = policy.recommend({"installer_type": installer, "team": team})
            there = (world.outcomes["installer_type"] == installer) & (world.outcomes["team"] == team)
            followed = world.outcomes.assign(**advice.recommended_approach)
            followed["signing"] = followed["signing"].map({"yes": True, "no": False})
            promised.append(advice.success_rate)
            true.append(world.chances(followed)[there.to_numpy()].mean())
            assert advice.ci_low - 0.05 <= true[-1] <= advice.ci_high + 0.05
    assert np.mean(promised) == pytest.approx(np.mean(true), abs=0.05)


def test_a_record_of_other_cases_is_said_to_be_one():
    # Where it succeeds anyway, it is hardly tried.
    random = np.random.default_rng(4)
    size = 6000
    team = random.choice(["modern", "legacy"], size)
    installer = random.choice(["exe", "msi"], size)
    careful = random.random(size) < np.where(team == "legacy", 0.6, 0.08)
    chance = expit(np.where(team == "legacy", -0.6, 1.1) + 0.7 * careful)
    outcomes = pd.DataFrame(
        {
            "installer_type": installer,
            "silent": np.where(installer == "exe", "/S", "/qn"),
            "team": team,
            "switches": np.where(careful, "careful", "plain"),
            "application_name": [f"app {number}" for number in random.integers(0, 300, size)],
            "occurred_at": pd.date_range("2026-01-01", periods=size, freq="h", tz="UTC"),
            "outcome_status": np.where(random.random(size) < chance, "success", "failure"),
        }
    )
    policy = fit_policy(
        outcomes,
        approach=["switches", "silent"],
        context=["installer_type", "team"],
        unit="application_name",
    )
    said = policy.recommend({"installer_type": "exe", "team": "modern"})
    assert said.recommended_approach == {"switches": "careful"}
    assert said.success_rate == pytest.approx(expit(1.8), abs=0.04)
    # Seven of eight tries of it were the legacy team's, with a chance of 0.52.
    assert re.search(
        r"; 5\d% was expected of these, which were harder cases than this one\.", said.reasons[1]
    )
    said = policy.recommend({"installer_type": "exe", "team": "legacy"})
    assert "harder" not in said.reasons[1]


def history_with(size=3000, **settings):
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "installer_type": random.choice(["exe", "msi"], size),
            "application_name": [f"app {number}" for number in random.integers(0, 60, size)],
            "occurred_at": pd.date_range("2026-01-01", periods=size, freq="h", tz="UTC"),
            **{
                name: random.choice(np.array(values, dtype=object), size) for name, values in settings.items()
            },
        }
    )


def ended(outcomes, chance):
    success = np.random.default_rng(6).random(len(outcomes)) < chance
    return outcomes.assign(outcome_status=np.where(success, "success", "failure"))


@pytest.mark.parametrize("value", ["verbose", None])
def test_a_setting_that_never_varied_is_left_alone(value):
    outcomes = history_with(wrapper=["psadt", "none"], logging=[value])
    outcomes = ended(outcomes, 0.5 + 0.3 * (outcomes["wrapper"] == "psadt"))
    roles = {"approach": ["wrapper", "logging"], "context": ["installer_type"], "unit": "application_name"}
    assert fit_policy(outcomes, **roles).recommend({}).recommended_approach == {"wrapper": "psadt"}
    assert replay(outcomes, **roles).uplift > 0.05


def test_to_leave_a_setting_unset_is_advice_too():
    outcomes = history_with(wrapper=["psadt", "none"], transform=["own.mst", None])
    chance = 0.4 + 0.25 * outcomes["transform"].isna() + 0.2 * (outcomes["wrapper"] == "psadt")
    policy = fit_policy(
        ended(outcomes, chance),
        approach=["transform", "wrapper"],
        context=["installer_type"],
        unit="application_name",
    )
    advice = policy.recommend({"installer_type": "msi"})
    assert advice.recommended_approach == {"wrapper": "psadt", "transform": None}
    assert advice.success_rate == pytest.approx(0.85, abs=0.05)
    assert advice.reasons[0].startswith("wrapper = psadt, transform not set: ")


@pytest.mark.parametrize("kinds", [["msi"], None])
def test_what_is_usual_is_promised_where_there_is_nothing_to_pool_by(kinds):
    # Nothing matters: whatever is usually done succeeds as often as all attempts did.
    misses = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        outcomes = history_with(size=600).assign(
            installer_type=random.choice(kinds or ["msi"], 600),
            switch=random.choice(["/qn", "/S", "/quiet"], 600, p=[0.6, 0.3, 0.1]),
            wrapper=random.choice(["psadt", "none"], 600, p=[0.8, 0.2]),
            outcome_status=np.where(random.random(600) < 0.79, "success", "failure"),
        )
        context = [] if kinds is None else ["installer_type"]
        policy = fit_policy(
            outcomes, approach=["switch", "wrapper"], context=context, unit="application_name"
        )
        usual = policy.recommend(dict.fromkeys(context, "msi")).usual_rate
        misses.append(usual - (outcomes["outcome_status"] == "success").mean())
    assert np.abs(misses).max() < 0.015


@pytest.mark.parametrize("size", [40, 400, 1200])
def test_an_estimate_lies_in_its_interval_where_a_setting_always_fails(size):
    outcomes = history_with(size=size, switch=["/S", "/qn"], wrapper=["psadt", "none"])
    outcomes = outcomes.assign(
        outcome_status=np.where(outcomes["switch"] == "/S", "success", "failure"),
    )
    policy = fit_policy(
        outcomes, approach=["switch", "wrapper"], context=["installer_type"], unit="application_name"
    )
    for described in ({}, {"installer_type": "exe"}):
        advice = policy.recommend(described)
        for answer in (vars(advice), *advice.candidates, *advice.avoid_approach):
            assert 0 <= answer["ci_low"] <= answer["success_rate"] <= answer["ci_high"] <= 1
    assert size < 100 or advice.recommended_approach["switch"] == "/S"


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_nobody_does_any_more_is_worth_trying_and_untested(is_gone):
    # psadt is better; nobody used it in the last third of the history.
    outcomes = history_with(wrapper=["psadt", "none"])
    if is_gone:
        outcomes.loc[2000:, "wrapper"] = "none"
    outcomes = ended(outcomes, 0.5 + 0.3 * (outcomes["wrapper"] == "psadt"))
    roles = {"approach": ["wrapper"], "context": ["installer_type"], "unit": "application_name"}
    advice = fit_policy(outcomes.sample(frac=1, random_state=1), **roles).recommend({})
    assert advice.recommended_approach == {"wrapper": "psadt"}
    assert (advice.evidence == "untested") == is_gone
    assert advice.reasons[0].startswith("Worth trying, untested: 0% of the newest attempts") == is_gone
    # Without times nothing is newer than anything else.
    timeless = fit_policy(outcomes.drop(columns="occurred_at"), **roles).recommend({})
    assert timeless.evidence == "whole"


def interacting_history(size=4000):
    """In msix the wrapper helps with the system context alone; elsewhere the other way round."""
    outcomes = history_with(
        size=size, installer_type=["msi", "msix"], wrapper=["psadt", "none"], scope=["system", "user"]
    )
    is_right = (outcomes["wrapper"] == "psadt") & (
        outcomes["scope"] == np.where(outcomes["installer_type"] == "msix", "system", "user")
    )
    return ended(outcomes, 0.7 + 0.25 * is_right)


def test_settings_that_matter_together_are_named_together():
    policy = fit_policy(
        interacting_history(),
        approach=["wrapper", "scope"],
        context=["installer_type"],
        unit="application_name",
    )
    for kind, scope in (("msix", "system"), ("msi", "user")):
        advice = policy.recommend({"installer_type": kind})
        assert advice.recommended_approach == {"wrapper": "psadt", "scope": scope}
        assert advice.success_rate == pytest.approx(0.95, abs=0.04)


def test_a_gain_of_a_point_is_not_worth_a_change():
    # Nearly everybody does the better thing, and the worse one costs next to nothing.
    outcomes = history_with(size=6000, wrapper=["psadt"] * 9 + ["none"])
    outcomes = ended(outcomes, 0.8 + 0.05 * (outcomes["wrapper"] == "psadt"))
    policy = fit_policy(outcomes, approach=["wrapper"], context=["installer_type"], unit="application_name")
    advice = policy.recommend({"installer_type": "msi"})
    assert advice.recommended_approach is None
    assert advice.reasons[0].startswith(("Nothing to change", "Not enough evidence"))


def test_too_little_history_is_not_enough_evidence():
    few = packaging_world(2, attempts=25, product_code=0.2).outcomes
    advice = fit_policy(few, **roles()).recommend({"installer_type": "exe"})
    assert advice.recommended_approach is None
    assert any("evidence" in reason.lower() for reason in advice.reasons)
    assert 0 <= advice.ci_low <= advice.success_rate <= advice.ci_high <= 1


def test_a_partly_described_or_new_context_is_answered(policy):
    assert 0 < policy.recommend({}).success_rate < 1
    assert 0 < policy.recommend({"team": "never heard of"}).success_rate < 1


@pytest.mark.parametrize("spelling", ["Modern", " MODERN ", "mo\uff44ern"])
def test_another_spelling_of_a_known_value_is_that_value(policy, spelling):
    known = policy.recommend({"installer_type": "exe", "team": "modern"})
    asked = policy.recommend({"installer_type": "exe", "team": spelling})
    unknown = policy.recommend({"installer_type": "exe", "team": "moderns"})

    assert (asked.success_rate, asked.recommended_approach) == (
        known.success_rate,
        known.recommended_approach,
    )
    assert asked.reasons == known.reasons
    assert unknown.success_rate != known.success_rate


def test_a_spelling_of_two_known_values_is_neither(policy):
    contexts = replace(policy.contexts, known_levels={"team": ("Modern", "MODERN")})

    assert contexts.spelled_as_known({"team": "modern"}) == {"team": "modern"}
    assert contexts.spelled_as_known({"team": "MODERN", "other": 5}) == {"team": "MODERN", "other": 5}


def test_probabilities_are_a_row_per_context_and_pick_the_advice(policy):
    contexts = pd.DataFrame({"installer_type": ["exe", "msi"], "team": ["modern", "legacy"]}, index=[7, 9])
    table = policy.probabilities(contexts)
    assert list(table.index) == [7, 9]
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    advised = policy.recommend({"installer_type": "exe", "team": "modern"})
    assert table.loc[7].max() == 1.0
    chosen = json.loads(table.loc[7].idxmax())
    assert advised.recommended_approach
    assert all(chosen[key] == value for key, value in advised.recommended_approach.items())
    assert {*advised.recommended_approach, *advised.left_open} == set(chosen)


def test_a_policy_survives_json(policy):
    again = Policy.from_dict(json.loads(json.dumps(policy.to_dict())))
    context = {"installer_type": "msi", "team": "legacy"}
    assert again.version == policy.version
    assert again.recommend(context) == policy.recommend(context)


def test_the_order_of_the_rows_changes_nothing():
    frame = packaging_world(3, attempts=800, product_code=0.2).outcomes
    one, other = (fit_policy(rows, **roles()) for rows in (frame, frame.sample(frac=1, random_state=1)))
    advice, same = one.recommend({"installer_type": "exe"}), other.recommend({"installer_type": "exe"})
    assert advice.recommended_approach == same.recommended_approach
    assert advice.success_rate == pytest.approx(same.success_rate, abs=1e-6)


def test_exploration_is_off_by_default_and_says_its_propensity(world):
    context = {"installer_type": "exe", "team": "modern"}
    assert fit_policy(world.outcomes, **roles()).recommend(context).propensity == 1.0
    exploring = fit_policy(world.outcomes, **roles(exploration=0.2))
    advice = exploring.recommend(context, rng=np.random.default_rng(0))
    assert 0 < advice.propensity <= 1
    table = exploring.probabilities(pd.DataFrame([context]))
    np.testing.assert_allclose(table.sum(axis=1), 1.0)


def test_list_valued_settings_are_advised_as_lists():
    frame = packaging_world(4, attempts=3000).outcomes
    rng = np.random.default_rng(4)
    has = rng.random(len(frame)) < 0.5
    frame["prerequisites"] = [["vcredist"] if one else [] for one in has]
    lucky = has & (rng.random(len(frame)) < 0.5)
    frame.loc[lucky, "outcome_status"] = "success"
    policy = fit_policy(
        frame, approach=["prerequisites", "wrapper"], context=["installer_type"], unit="application_name"
    )
    assert policy.recommend({"installer_type": "exe"}).recommended_approach["prerequisites"] == ["vcredist"]


def test_patterns_that_hold_are_named_as_support(world):
    patterns = pd.DataFrame(
        {
            "id": ["p1", "p2"],
            "conditions": [{"detection": "product_code"}, {"detection": "registry"}],
            "sentence": ["Product codes work.", "The registry does not."],
            "pattern_type": ["success", "failure"],
            "target": ["success", "success"],
            "risk_difference": [0.2, -0.2],
            "q_value": [0.01, 0.01],
        }
    )
    policy = fit_policy(world.outcomes, **roles(patterns=patterns))
    advice = policy.recommend({"installer_type": "exe"})
    assert "p1" in advice.supporting_patterns
    assert any("Product codes work." in reason for reason in advice.reasons)
