"""What advice promises, what it rests on, and what it says when it does not know.

The rates over many worlds are those of `benchmarks/advice.py`.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_worlds import CONTEXT, UNIT, packaging_world, roles

from memory_pipeline.analysis.recommendations import Policy, fit_policy
from memory_pipeline.analysis.recommendations.approaches import approach_text
from memory_pipeline.analysis.recommendations.selection import choose
from memory_pipeline.worlds import sample_organisation

PLACES = [{"installer_type": kind, "team": team} for kind in ("msi", "exe") for team in ("modern", "legacy")]


def what_it_brings(world, place, approach):
    """True success in a place with an approach, and as things were done."""
    here = np.ones(len(world.outcomes), dtype=bool)
    for column, value in place.items():
        here &= (world.outcomes[column] == value).to_numpy()
    return world.chances(world.outcomes.assign(**approach))[here].mean(), world.chances()[here].mean()


@pytest.fixture(scope="module")
def world():
    return packaging_world(41, attempts=4000, units=120, product_code=0.15, wrapper=0.1)


@pytest.fixture(scope="module")
def policy(world):
    return fit_policy(world.outcomes, **roles())


@pytest.fixture(scope="module")
def many():
    """What policies of many worlds promise, and what is true; effects are drawn at random, some are small."""
    rows = []
    for seed in range(30):
        random = np.random.default_rng(20_000 + seed)
        names = ("wrapper", "logging", "signing", "product_code", "registry")
        effects = {name: random.normal(0, 0.07) for name in names}
        world = packaging_world(seed, attempts=1200, heavy_tail=False, **effects)
        policy = fit_policy(world.outcomes, **roles())
        for (row,), posterior in policy.posteriors(pd.DataFrame(PLACES)):
            place = PLACES[row]
            choice = choose(posterior, policy.limits)
            if choice.best is not None:
                approach = json.loads(posterior.candidates[choice.best].approach)
                true, usual = what_it_brings(world, place, approach)
                rows.append(
                    (choice.confidence, posterior.rates[choice.best], true, posterior.usual.mean(), usual)
                )
    return pd.DataFrame(rows, columns=["confidence", "promised", "true", "usual_promised", "usual"])


@pytest.mark.statistics
def test_what_is_promised_is_what_is_realised(many):
    advised = many[many["confidence"] >= 0.7]
    assert len(advised) > 60
    assert advised["promised"].mean() == pytest.approx(advised["true"].mean(), abs=0.025)
    assert many["usual_promised"].mean() == pytest.approx(many["usual"].mean(), abs=0.025)
    assert (advised["true"] - advised["usual"]).mean() > 0.04


@pytest.mark.statistics
def test_confidence_is_how_often_the_advice_is_better(many):
    better = many["true"] > many["usual"]
    sure = many["confidence"] > 0.95
    assert better[sure].mean() > 0.93
    assert better.mean() == pytest.approx(many["confidence"].mean(), abs=0.15)


@pytest.mark.statistics
def test_where_nothing_matters_little_is_advised():
    advised, sure = [], []
    for seed in range(10):
        policy = fit_policy(packaging_world(seed, attempts=1200).outcomes, **roles())
        answers = [policy.recommend(place) for place in PLACES]
        advised += [answer.recommended_approach is not None for answer in answers]
        sure += [answer.confidence for answer in answers]
    assert np.mean(advised) < 0.5
    assert np.median(sure) < 0.7


@pytest.mark.statistics
def test_hidden_difficulty_is_not_taken_for_merit():
    # Easy applications are wrapped, hard ones are not; wrapping changes nothing.
    picked = []
    for seed in range(5):
        random = np.random.default_rng(1_000 + seed)
        world = packaging_world(
            seed, attempts=3000, units=100, unit_spread=0.3, heavy_tail=False, product_code=0.15
        )
        frame = world.outcomes.assign(shrink=False)
        rate = frame.groupby(UNIT)["outcome_status"].transform(lambda s: (s == "success").mean())
        frame["shrink"] = random.random(len(frame)) < np.where(rate > rate.median(), 0.7, 0.2)
        crude = frame.groupby("shrink")["outcome_status"].agg(lambda s: (s == "success").mean())
        assert crude[True] - crude[False] > 0.1
        policy = fit_policy(frame, **roles(approach=["shrink", "detection"]))
        known = dict(
            zip(policy.structured.model.design.terms, policy.structured.model.coefficients, strict=True)
        )

        def contrast(column, value, reference, known=known):
            return known.get(((column, value),), 0.0) - known.get(((column, reference),), 0.0)

        credit = abs(contrast("shrink", "yes", "no"))
        picked.append(credit < contrast("detection", "product_code", "file") / 3)
    assert sum(picked) >= 4


def test_an_approach_that_suits_one_type_is_advised_there():
    world = packaging_world(43, attempts=5000, units=150, product_code_for_msi=0.25)
    policy = fit_policy(world.outcomes, **roles(approach=["detection"]))
    for team in ("modern", "legacy"):
        there = policy.recommend({"installer_type": "msi", "team": team})
        assert there.recommended_approach == {"detection": "product_code"}
        elsewhere = policy.recommend({"installer_type": "exe", "team": team})
        assert elsewhere.recommended_approach is None or elsewhere.confidence < 0.97


def test_what_to_avoid_is_what_does_harm(world):
    harmful = packaging_world(44, attempts=4000, units=120, registry=-0.25)
    policy = fit_policy(harmful.outcomes, **roles(context=["installer_type"]))
    advice = policy.recommend({"installer_type": "msi"})
    named = [entry["approach"] for entry in advice.avoid_approach]
    assert {"detection": "registry"} in named
    entry = advice.avoid_approach[named.index({"detection": "registry"})]
    tried = (harmful.outcomes["detection"] == "registry") & (harmful.outcomes["installer_type"] == "msi")
    assert entry["sample_size"] == tried.sum()
    assert entry["ci_low"] <= entry["success_rate"] <= entry["ci_high"] < advice.success_rate
    assert "Avoid detection = registry" in entry["sentence"]


def test_settings_that_do_not_matter_mostly_stay_as_they_are():
    # Logging changes nothing; quiet is usual with the modern team, verbose with the legacy team.
    kept = []
    for seed in range(50, 58):
        world = packaging_world(seed, attempts=3000, units=120, heavy_tail=False, product_code=0.2)
        policy = fit_policy(world.outcomes, **roles(approach=["detection", "logging"]))
        for team, usual in (("modern", "quiet"), ("legacy", "verbose")):
            advice = policy.recommend({"installer_type": "msi", "team": team})
            assert advice.recommended_approach["detection"] == "product_code"
            kept.append(advice.recommended_approach.get("logging", usual) == usual)
            assert {*advice.recommended_approach, *advice.left_open} == {"detection", "logging"}
    assert np.mean(kept) > 0.6


def test_rare_wholes_are_carried_by_their_settings():
    random = np.random.default_rng(1_045)
    frame = packaging_world(45, attempts=3000, units=100, heavy_tail=False, product_code=0.2).outcomes
    for i in range(6):
        frame[f"knob_{i}"] = random.choice(["a", "b", "c"], size=3000)
    useful = (frame["knob_0"] == "c") & (random.random(3000) < 0.5)
    frame.loc[useful, "outcome_status"] = "success"
    knobs = [f"knob_{i}" for i in range(6)]
    policy = fit_policy(frame, **roles(approach=["detection", "wrapper", "logging", *knobs]))
    advice = policy.recommend({"installer_type": "msi", "team": "modern"})
    assert advice.recommended_approach["knob_0"] == "c"
    assert advice.recommended_approach["detection"] == "product_code"
    assert {*advice.recommended_approach, *advice.left_open} == {"detection", "wrapper", "logging", *knobs}
    assert len(advice.recommended_approach) <= 4
    assert "leave it as it is" in " ".join(advice.reasons)
    assert len(policy.key_columns) <= 4
    wholes = {
        approach_text(row) for row in frame[policy.approach and list(policy.approach)].to_dict("records")
    }
    assert advice.candidates
    assert all(approach_text(one["approach"]) in wholes for one in advice.candidates)


def test_reasons_tell_wholes_from_additive_evidence(policy):
    lenient = replace(policy, limits=replace(policy.limits, min_sample_size=5))
    strict = replace(policy, limits=replace(policy.limits, min_sample_size=500))
    whole, additive = lenient.recommend(PLACES[0]), strict.recommend(PLACES[0])
    (pool,) = policy.contexts.pooling_columns
    assert whole.evidence == "whole"
    where = f"{pool} = {PLACES[0][pool]}"
    assert f"{whole.sample_size:,} attempts with it succeeded for {where}" in whole.reasons[1]
    assert additive.evidence == "additive"
    assert additive.sample_size >= 500
    assert additive.reasons[1].startswith("As a whole it is rare")


def test_every_way_of_not_knowing_has_its_sentence(world, policy):
    place = PLACES[0]
    one_way = world.outcomes.assign(wrapper=True, logging="quiet", detection="file", signing=False)
    alone = fit_policy(one_way, **roles()).recommend(place)
    assert "only one approach was ever tried" in alone.reasons[0]
    noise = packaging_world(49, attempts=500, heavy_tail=False).outcomes
    high = fit_policy(noise, **roles(confidence_threshold=1.0)).recommend(PLACES[3])
    short = replace(policy, limits=replace(policy.limits, min_sample_size=10**6)).recommend(place)
    assert "below the threshold of 1.00" in high.reasons[0]
    assert "advice needs 1,000,000 attempts" in short.reasons[0]
    nothing = fit_policy(world.outcomes.head(0), **roles())
    assert "no attempts are recorded yet" in nothing.recommend(place).reasons[0]
    assert nothing.probabilities(pd.DataFrame([place])).shape == (1, 0)
    for answer in (alone, high, short, nothing.recommend(place)):
        assert answer.recommended_approach is None
        assert answer.evidence == "none"
        assert answer.propensity == 1
        assert 0 <= answer.ci_low <= answer.success_rate <= answer.ci_high <= 1


def test_a_partial_description_is_the_average_of_what_it_leaves_open(world, policy):
    partial = policy.recommend({"installer_type": "exe"})
    full = [policy.recommend({"installer_type": "exe", "team": team}) for team in ("modern", "legacy")]
    shares = world.outcomes.loc[world.outcomes["installer_type"] == "exe", "team"].value_counts(
        normalize=True
    )
    usual = sum(one.usual_rate * shares[one.context["team"]] for one in full)
    assert partial.usual_rate == pytest.approx(usual, abs=0.01)


def test_what_is_not_known_is_left_out_and_named(policy):
    advice = policy.recommend({"installer_type": "msi", "team": "martians", "colour": "red"})
    plain = policy.recommend({"installer_type": "msi"})
    assert advice.recommended_approach == plain.recommended_approach
    assert any("colour" in reason and "installer_type" in reason for reason in advice.reasons)
    assert any("team 'martians' never occurred" in reason for reason in advice.reasons)


def test_attempts_are_matched_to_the_columns_of_the_probabilities(world, policy):
    table = policy.probabilities(world.outcomes)
    actions = policy.actions(world.outcomes)
    assert np.allclose(table.sum(axis=1), 1)
    assert actions.notna().mean() > 0.9
    assert set(actions.dropna()) <= set(table.columns)
    first = world.outcomes.loc[actions.notna()].iloc[0]
    assert json.loads(actions.dropna().iloc[0])["detection"] == first["detection"]


def test_expected_success_is_calibrated_on_the_history(world, policy):
    expected = policy.expected(world.outcomes)
    happened = world.outcomes["outcome_status"] == "success"
    assert expected.mean() == pytest.approx(happened.mean(), abs=0.03)
    assert np.corrcoef(expected, world.chances())[0, 1] > 0.6


def test_exploration_tries_what_may_be_best_most(world):
    exploring = fit_policy(world.outcomes, **roles(approach=["detection"], exploration=0.1))
    table = exploring.probabilities(pd.DataFrame(PLACES))
    assert (table >= 0.1 / 3 - 1e-12).all(axis=None)
    assert (table.idxmax(axis=1) == '{"detection": "product_code"}').all()
    drawn = {
        approach_text(exploring.recommend(PLACES[0], rng=np.random.default_rng(seed)).recommended_approach)
        for seed in range(60)
    }
    assert len(drawn) > 1


@pytest.mark.statistics
def test_the_propensity_is_how_often_an_answer_is_given(world):
    exploring = fit_policy(world.outcomes, **roles(exploration=0.1))
    answers = [exploring.recommend(PLACES[1], rng=np.random.default_rng(seed)) for seed in range(400)]
    texts = [approach_text(answer.recommended_approach) for answer in answers]
    said = {text: answer.propensity for text, answer in zip(texts, answers, strict=True)}
    for text, propensity in said.items():
        spread = np.sqrt(propensity * (1 - propensity) / len(answers))
        assert texts.count(text) / len(answers) == pytest.approx(propensity, abs=4 * spread)
    assert sum(said.values()) == pytest.approx(1, abs=0.1)


def test_repeating_one_application_adds_no_confidence(world):
    # One application, tried 1,500 times and lucky, is one witness.
    frame = packaging_world(46, attempts=600, units=60, heavy_tail=False).outcomes
    lucky = frame.head(1).assign(
        application_name="lucky",
        detection="registry",
        outcome_status="success",
        installer_type="msi",
        team="modern",
    )
    loud = pd.concat([frame, pd.concat([lucky] * 1500)], ignore_index=True)
    advice = fit_policy(loud, **roles(approach=["detection"])).recommend(PLACES[0])
    assert advice.confidence < 0.9


@pytest.mark.parametrize("status", ["success", "failure"])
def test_histories_that_all_end_alike(status):
    frame = packaging_world(47, attempts=300).outcomes.assign(outcome_status=status)
    advice = fit_policy(frame, **roles()).recommend(PLACES[0])
    assert advice.recommended_approach is None or advice.confidence < 0.8
    assert abs(advice.usual_rate - (status == "success")) < 0.12


def test_settings_and_contexts_that_are_missing_or_constant():
    frame = packaging_world(48, attempts=1500, heavy_tail=False).outcomes
    frame["transform"] = np.where(np.arange(1500) % 3 == 0, "custom.mst", None)
    frame["department"] = None
    frame["tool"] = "wix"
    policy = fit_policy(
        frame, approach=["transform", "tool"], context=[*CONTEXT, "department", UNIT], unit=UNIT
    )
    approaches = [one["approach"] for one in policy.recommend(PLACES[0]).candidates]
    assert {"tool": "wix"} in approaches
    assert {"tool": "wix", "transform": "custom.mst"} in approaches
    without = fit_policy(frame, approach=["transform"], context=[], unit=UNIT)
    assert 0 < without.recommend({}).success_rate < 1


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"min_sample_size": 0}, "min_sample_size is 0"),
        ({"min_units": -1}, "min_units is -1"),
        ({"confidence_threshold": 1.2}, "confidence_threshold is 1.2"),
        ({"exploration": -0.1}, "exploration is -0.1"),
    ],
)
def test_limits_out_of_range_are_refused(world, limit, says):
    with pytest.raises(ValueError, match=says):
        fit_policy(world.outcomes, **roles(**limit))


def test_many_contexts_are_stood_in_for_by_an_even_sample():
    frame = packaging_world(60, attempts=3000, units=150, heavy_tail=False).outcomes
    frame["vendor"] = ["vendor-" + name[-2:] for name in frame[UNIT]]
    policy = fit_policy(frame, **roles(context=[*CONTEXT, "vendor"]))
    pattern = policy.contexts.read(pd.DataFrame([{"installer_type": "exe"}]))[0]
    found, is_widened = policy.contexts.full_contexts(pattern)
    assert not is_widened
    assert len(found) <= 40
    assert sum(weight for _, weight in found) == pytest.approx(1)
    legacy = sum(weight for described, weight in found if described["team"] == "legacy")
    here = frame[frame["installer_type"] == "exe"]
    assert legacy == pytest.approx((here["team"] == "legacy").mean(), abs=0.1)


def test_where_no_attempt_agrees_the_installer_type_counts():
    frame = packaging_world(61, attempts=1500, heavy_tail=False).outcomes
    frame["zone"] = np.where(frame["team"] == "modern", "inner", "outer")
    policy = fit_policy(frame, **roles(context=["installer_type", "zone", "team"]))
    answer = policy.recommend({"installer_type": "exe", "zone": "inner", "team": "legacy"})
    described = policy.contexts.read(
        pd.DataFrame([{"zone": "inner", "team": "legacy", "installer_type": "x"}])
    )
    found, is_widened = policy.contexts.full_contexts(described[0])
    assert is_widened
    assert sum(weight for _, weight in found) == pytest.approx(1)
    assert 0 < answer.success_rate < 1


def test_a_large_history_is_fitted_on_an_even_sample(world, policy):
    sampled = fit_policy(world.outcomes, **roles(), max_cells=1_500)
    assert sampled.history == policy.history
    for place in PLACES:
        one, other = sampled.recommend(place), policy.recommend(place)
        assert one.usual_rate == pytest.approx(other.usual_rate, abs=0.06)


def test_answers_say_that_exploration_drew_them_or_that_nothing_fits(world):
    exploring = fit_policy(world.outcomes, **roles(approach=["detection"], exploration=0.5))
    answer = exploring.recommend(PLACES[0], rng=np.random.default_rng(1))
    assert answer.propensity < 1
    assert any("Exploration is on" in reason for reason in answer.reasons)
    apart = world.outcomes.assign(
        detection=np.where(world.outcomes["installer_type"] == "msi", "product_code", "file")
    )
    torn = fit_policy(apart, **roles(approach=["detection"])).recommend({"team": "modern"})
    assert torn.recommended_approach is None
    assert "A fuller description may help" in torn.reasons[0]


def test_versions_tell_policies_apart(world, policy):
    again = fit_policy(world.outcomes.sample(frac=1, random_state=3), **roles())
    assert again.version == policy.version
    assert fit_policy(world.outcomes.head(3999), **roles()).version != policy.version
    rebuilt = Policy.from_dict(json.loads(json.dumps(policy.to_dict())))
    pd.testing.assert_frame_equal(
        rebuilt.probabilities(world.outcomes.head(50)), policy.probabilities(world.outcomes.head(50))
    )


def test_the_sample_organisation_is_advised_well():
    organisation = sample_organisation()
    frame = organisation.attempts_frame()
    settings = ["silent_switch", "detection_method", "transform", "close_processes", "repackaged"]
    policy = fit_policy(
        frame,
        approach=[*settings, "prerequisites: vcredist", "wrapper", "naming_scheme"],
        context=["application_type", "installer_type", "team"],
        unit=UNIT,
    )
    assert "naming_scheme" not in policy.key_columns
    assert "wrapper" not in policy.key_columns
    gains = []
    for kind in ("msi", "exe", "nullsoft", "burn", "wix"):
        advice = policy.recommend({"installer_type": kind})
        assert not {"naming_scheme", "wrapper"}.intersection(advice.recommended_approach)
        where = {"installer_type": (kind,)}
        true = organisation.success_probability(advice.recommended_approach, where=where).mean()
        gains.append(true - organisation.success_probability(where=where).mean())
        assert advice.success_rate == pytest.approx(true, abs=0.1)
        assert advice.recommended_approach["prerequisites: vcredist"] == "yes"
        assert advice.recommended_approach["detection_method"] != "file"
    assert min(gains) > 0.05


def test_a_sample_of_the_cells_may_leave_units_without_any():
    world = packaging_world(4, attempts=2000, units=1500, heavy_tail=False, product_code=0.2)
    advice = fit_policy(world.outcomes, **roles(), max_cells=300).recommend({"installer_type": "exe"})
    assert 0 < advice.ci_low < advice.success_rate < advice.ci_high < 1
