"""What persons decided about factors reaches the advice: suppressed ones are no reason to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_worlds import packaging_world, roles

from memory_pipeline.analysis.recommendations import Policy, fit_policy
from memory_pipeline.analysis.recommendations.decisions import FactorDecision
from memory_pipeline.analysis.recommendations.table import advise_contexts, levels_of, with_decisions

EXE, MSI = {"installer_type": "exe"}, {"installer_type": "msi"}


def decision(column, value, reference, said="suppress", **more):
    return FactorDecision(
        finding_id="f",
        decision=said,
        settings={column: value},
        reference={column: reference},
        decided_by="ann",
        decided_at="2026-11-20T10:00:00+00:00",
        **more,
    )


@pytest.fixture(scope="module")
def policy():
    """A policy of a history in which product codes help by 20 points, and verbose logging by 12."""
    outcomes = packaging_world(1, attempts=4000, product_code=0.2, logging=0.12).outcomes
    patterns = pd.DataFrame(
        [
            {"conditions": conditions, "pattern_type": "success", "sentence": name, "id": name}
            | {"q_value": 0.01, "risk_difference": 0.2}
            for name, conditions in {
                "verbose": {"logging": "verbose"},
                "code": {"detection": "product_code"},
                "both": {"detection": "product_code", "logging": "verbose"},
            }.items()
        ]
    )
    return fit_policy(outcomes, **roles(), patterns=patterns)


def settings_avoided(advice):
    return [entry["approach"] for entry in advice.avoid_approach if len(entry["approach"]) == 1]


@pytest.mark.parametrize("context", [EXE, MSI])
@pytest.mark.parametrize("sides", [("verbose", "quiet"), ("quiet", "verbose")])
def test_a_suppressed_factor_is_no_reason_and_the_rest_of_the_advice_stays(policy, context, sides):
    plain = policy.recommend(context)
    assert plain.recommended_approach.items() >= {"detection": "product_code", "logging": "verbose"}.items()
    assert {"logging": "quiet"} in settings_avoided(plain)

    advice = replace(policy, decisions=(decision("logging", *sides, note="easy ones only"),)).recommend(
        context
    )
    assert advice.recommended_approach["detection"] == "product_code"
    assert "logging" in advice.left_open
    assert {"logging": "quiet"} not in settings_avoided(advice)
    assert not any(
        "logging" in entry["approach"] and len(entry["approach"]) == 1 for entry in advice.avoid_approach
    )
    assert advice.supporting_patterns == ["code"]
    said = " ".join(advice.reasons)
    assert f"Left to you: ann decided on 2026-11-20 that logging = {sides[0]} instead of {sides[1]}" in said
    assert '("easy ones only")' in said
    # It would gain something by the history, which does not count.
    assert not any("would gain less" in one and "logging" in one for one in advice.reasons)
    # What is usual is a fact, whatever anybody decides; and less is promised than with both settings.
    assert advice.usual_rate == pytest.approx(plain.usual_rate)
    assert advice.usual_rate < advice.success_rate < plain.success_rate
    assert [one["decided_by"] for one in advice.decisions] == ["ann"]


def test_approaches_that_differ_in_what_is_suppressed_alone_are_expected_to_do_alike(policy):
    frame = pd.DataFrame([EXE, MSI])
    decided = replace(policy, decisions=(decision("logging", "verbose", "quiet"),))
    for (_, plain), (_, posterior) in zip(policy.posteriors(frame), decided.posteriors(frame), strict=True):
        at = policy.key_columns.index("logging")
        rates = {
            candidate.key: rate for candidate, rate in zip(posterior.candidates, posterior.rates, strict=True)
        }
        pairs = 0
        for key, rate in rates.items():
            twin = (*key[:at], "quiet" if key[at] == "verbose" else "verbose", *key[at + 1 :])
            if twin in rates:
                assert rate == pytest.approx(rates[twin], abs=1e-9)
                pairs += 1
        assert pairs > 5
        np.testing.assert_allclose(posterior.shares @ posterior.draws, plain.shares @ plain.draws, atol=1e-3)
        # What is promised mixes both values of the setting, and is on average what was promised before.
        assert posterior.shares @ posterior.promised.mean(axis=1) == pytest.approx(
            plain.shares @ plain.rates, abs=0.01
        )


def test_what_is_suppressed_of_three_values_leaves_the_third_to_be_judged():
    outcomes = packaging_world(2, attempts=5000, product_code=0.15, registry=-0.25).outcomes
    policy = fit_policy(outcomes, **roles())
    advice = replace(policy, decisions=(decision("detection", "product_code", "file"),)).recommend(EXE)
    assert "detection" not in (advice.recommended_approach or {})
    # Registry still does worse than a file; product_code is not praised, file is not blamed for it.
    assert settings_avoided(advice) == [{"detection": "registry"}]


def test_nothing_is_advised_that_stands_only_without_what_is_suppressed():
    """Product codes are far better than files; registries look a little better than files, by luck."""
    outcomes = packaging_world(1, attempts=5000, product_code=0.3, registry=0.05).outcomes
    policy = fit_policy(outcomes, **roles())
    advice = replace(policy, decisions=(decision("detection", "product_code", "file"),)).recommend(EXE)
    # Registry in place of product codes would lose: no one is sent there.
    assert (advice.recommended_approach or {}).get("detection") != "registry"
    assert advice.confidence < 0.7 or advice.success_rate > advice.usual_rate


def test_where_all_that_matters_is_suppressed_nothing_is_advised(policy):
    decided = replace(
        policy,
        decisions=tuple(
            decision(column, value, reference)
            for column, value, reference in (
                ("logging", "verbose", "quiet"),
                ("detection", "product_code", "file"),
                ("detection", "registry", "file"),
            )
        ),
    )
    for context in (EXE, MSI):
        advice = decided.recommend(context)
        assert advice.recommended_approach is None
        assert settings_avoided(advice) == []
        assert advice.supporting_patterns == []
        assert sum("Left to you" in one for one in advice.reasons) == 3
        assert advice.confidence < 0.7


def test_a_suppressed_factor_stays_without_effect_where_its_other_side_was_hardly_tried():
    """Few approaches have a partner that differs in the suppressed setting alone; the model stands in."""
    world = packaging_world(3, attempts=4000, logging=0.25, units=120)
    frame = world.outcomes
    # Quiet logging went with one way of detection only, so that whole approaches have no quiet twin.
    apart = (frame["logging"] == "quiet") & (frame["detection"] != "file")
    frame = frame[~apart | (np.arange(len(frame)) % 25 == 0)]
    policy = fit_policy(frame, **roles())
    assert policy.recommend(MSI).recommended_approach["logging"] == "verbose"
    advice = replace(policy, decisions=(decision("logging", "verbose", "quiet"),)).recommend(MSI)
    assert "logging" not in (advice.recommended_approach or {})
    assert not any("logging" in entry["approach"] for entry in advice.avoid_approach)


def test_a_confirmed_factor_is_said_to_be_and_changes_no_figure(policy):
    confirmed = decision(
        "detection", "product_code", "file", "confirm", finding="It raises success by 20 points."
    )
    plain = policy.recommend(EXE)
    advice = replace(policy, decisions=(confirmed,)).recommend(EXE)
    assert advice.recommended_approach == plain.recommended_approach
    assert advice.success_rate == plain.success_rate
    assert (
        "ann confirmed on 2026-11-20 what detection = product_code instead of file changes. "
        "It raises success by 20 points."
    ) in advice.reasons
    noted = decision("detection", "product_code", "file", "note", note="ask Bo first")
    advice = replace(policy, decisions=(noted,)).recommend(EXE)
    said = 'ann noted on 2026-11-20 about detection = product_code instead of file ("ask Bo first").'
    assert said in advice.reasons
    assert advice.recommended_approach == plain.recommended_approach
    elsewhere = decision("signing", "yes", "no", "confirm")
    assert replace(policy, decisions=(elsewhere,)).recommend(EXE).reasons == plain.reasons


def test_a_confirmed_harm_is_told_where_it_is_to_be_avoided():
    """Settings that are stated as true and false are compared as yes and no."""
    policy = fit_policy(packaging_world(4, attempts=5000, wrapper=-0.25).outcomes, **roles())
    advice = replace(policy, decisions=(decision("wrapper", "yes", "no", "confirm"),)).recommend(MSI)
    assert {"wrapper": True} in settings_avoided(advice)
    assert any(one.startswith("ann confirmed on 2026-11-20 what wrapper = yes") for one in advice.reasons)


def test_decisions_are_kept_with_the_policy_and_make_another_version(policy):
    decided = replace(policy, decisions=(decision("logging", "verbose", "quiet"),))
    assert decided.version != policy.version
    again = Policy.from_dict(decided.to_dict())
    assert again.to_dict() == decided.to_dict()
    assert again.recommend(EXE).to_dict() == decided.recommend(EXE).to_dict()
    # Policies stored before there were decisions are read as without any.
    old = {key: value for key, value in policy.to_dict().items() if key != "decisions"}
    assert Policy.from_dict(old).decisions == ()


def test_probabilities_and_thompson_sampling_know_of_it_too(policy):
    decided = replace(policy, decisions=(decision("logging", "verbose", "quiet"),))
    picked = decided.probabilities(pd.DataFrame([EXE])).iloc[0]
    _, posterior = next(decided.posteriors(pd.DataFrame([EXE])))
    best = posterior.candidates[int(np.argmax(posterior.rates))]
    assert picked.sum() == pytest.approx(1)
    assert picked[picked > 0].index.str.contains("product_code").all()
    explored = replace(decided, limits=replace(decided.limits, exploration=0.02))
    shares = explored.choice(next(explored.posteriors(pd.DataFrame([EXE])))[1]).probabilities
    quiet = np.array([c.settings["logging"] == "quiet" for c in posterior.candidates])
    assert 0.3 < shares[quiet].sum() < 0.7
    assert best.settings["detection"] == "product_code"


def test_the_propensities_of_all_answers_sum_to_one():
    world = packaging_world(0, attempts=4000, wrapper=0.15, signing=0.1, logging=-0.1)
    policy = fit_policy(world.outcomes, **roles())
    explored = replace(
        policy,
        decisions=(decision("wrapper", "yes", "no"),),
        limits=replace(policy.limits, exploration=0.5),
    )
    said = {}
    for seed in range(150):
        advice = explored.recommend(
            {"installer_type": "exe", "team": "legacy"}, rng=np.random.default_rng(seed)
        )
        said[str(advice.recommended_approach)] = advice.propensity
    # Where what is drawn leaves everything to persons there is no advice; elsewhere there is.
    assert len(said) > 2
    assert "None" in said
    assert sum(said.values()) == pytest.approx(1, abs=1e-9)


def test_a_change_of_the_advice_names_the_decision(policy):
    note = decision("logging", "verbose", "quiet", note="easy ones only").to_dict()
    before, _ = advise_contexts(policy, [EXE, MSI], before=[], policy_before={})
    decided = with_decisions(policy, [note])
    after, changes = advise_contexts(decided, [EXE, MSI], before=before, policy_before=policy.to_dict())
    assert [one["change"] for one in changes] == ["changed", "changed"]
    assert changes[0]["why"] == (
        "A person's decision: logging = verbose instead of quiet is suppressed by ann since 2026-11-20 "
        '("easy ones only").'
    )
    _, back = advise_contexts(policy, [EXE], before=after, policy_before=decided.to_dict())
    assert back[0]["why"] == (
        "A person's decision: logging = verbose instead of quiet is no longer suppressed by ann."
    )
    _, none = advise_contexts(decided, [EXE, MSI], before=after, policy_before=decided.to_dict())
    assert none == []


def test_a_change_that_has_another_reason_is_not_put_down_to_the_decision(policy):
    """The decision is about a setting that no advice named; the advice changed with the evidence."""
    decided = with_decisions(policy, [decision("signing", "yes", "no").to_dict()])
    before, _ = advise_contexts(policy, [EXE], before=[], policy_before={})
    earlier = [before[0] | {"recommended_approach": None, "success_rate": 0.5}]
    fewer = policy.to_dict() | {"history": {"attempts": 3000}}
    _, changes = advise_contexts(decided, [EXE], before=earlier, policy_before=fewer)
    assert changes[0]["why"].startswith("New evidence: 1,000 more attempts")
    # Where both play a part, both are named.
    quiet = with_decisions(policy, [decision("logging", "verbose", "quiet").to_dict()])
    _, changes = advise_contexts(quiet, [EXE], before=earlier, policy_before=fewer)
    assert changes[0]["why"].startswith("A person's decision: logging")
    assert "New evidence: 1,000 more" in changes[0]["why"]


def test_the_levels_that_a_decision_can_be_about(policy):
    assert levels_of(policy)["detection"] == {"file", "product_code", "registry"}


def test_an_element_of_a_list_is_named_as_such():
    one = decision("prerequisites: vcredist", "no", "yes")
    assert one.comparison == "prerequisites without vcredist instead of prerequisites includes vcredist"


def test_a_setting_that_nobody_states_any_more_changes_nothing(policy):
    plain = policy.recommend(EXE)
    advice = replace(policy, decisions=(decision("compression", "lzma", "zip"),)).recommend(EXE)
    assert advice.recommended_approach == plain.recommended_approach
    assert advice.success_rate == plain.success_rate
    assert advice.reasons
    assert not any("Left to you" in one for one in advice.reasons)


def test_a_suppressed_pair_leaves_its_settings_to_be_judged_alone(policy):
    """Both product codes and verbose logging, against neither: each alone is still compared."""
    pair = FactorDecision(
        finding_id="f",
        decision="suppress",
        settings={"detection": "product_code", "logging": "verbose"},
        reference={"detection": "file", "logging": "quiet"},
        decided_by="ann",
        decided_at="2026-11-20T10:00:00+00:00",
    )
    decided = replace(policy, decisions=(pair,))
    _, posterior = next(decided.posteriors(pd.DataFrame([EXE])))
    names = ("detection", "logging")
    rates = {tuple(candidate.settings[name] for name in names): [] for candidate in posterior.candidates}
    for candidate, rate in zip(posterior.candidates, posterior.rates, strict=True):
        rates[tuple(candidate.settings[name] for name in names)].append(rate)
    mean = {sides: np.mean(ones) for sides, ones in rates.items()}
    assert mean["product_code", "verbose"] == pytest.approx(mean["file", "quiet"], abs=0.03)
    assert mean["product_code", "quiet"] > mean["file", "quiet"] + 0.1
    advice = decided.recommend(EXE)
    assert not {"detection", "logging"} <= set(advice.recommended_approach or {})
    comparison = "detection = product_code and logging = verbose instead of file and quiet"
    assert comparison in " ".join(advice.reasons)
