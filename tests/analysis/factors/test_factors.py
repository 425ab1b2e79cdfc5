"""What is a factor and what only looks like one; what each row says about itself."""

import numpy as np
import pandas as pd
import pytest
from error_rates import check_rate
from made_worlds import CONTEXT, SETTINGS, UNIT, packaging_world, roles, row_of

from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.factors.table import FACTOR_COLUMNS
from memory_pipeline.analysis.factors.text import describe_factor
from memory_pipeline.analysis.stats.sign_probability import direction_confidence, normal_equivalent_errors
from memory_pipeline.worlds import sample_organisation


@pytest.mark.statistics
def test_intervals_cover_effects_that_are_there():
    """`benchmarks/factors.py` has the coverage over many worlds."""
    effects = {"wrapper": 0.1, "signing": 0.1, "product_code": 0.12, "registry": 0.0, "logging": 0.0}
    covered = []
    for seed in range(100, 116):
        world = packaging_world(seed, attempts=900, units=60, unit_spread=0.1, **effects)
        factors = estimate_factors(world.outcomes, **roles())
        for column, value, name in (
            ("wrapper", "yes", "wrapper"),
            ("signing", "yes", "signing"),
            ("detection", "product_code", "product_code"),
            ("detection", "registry", "registry"),
            ("logging", "verbose", "logging"),
        ):
            row = row_of(factors, column, value)
            if row["reference"] in {"no", "file", "quiet"}:
                covered.append(bool(row["ci_low"] <= effects[name] <= row["ci_high"]))
    assert len(covered) > 64
    check_rate(covered.count(False), len(covered), stated=0.05, broken=0.25)


@pytest.mark.statistics
def test_a_hidden_difficulty_of_the_application_feigns_no_factor():
    # Applications are hard or easy, nobody wrote down which, and hard ones are restarted by force.
    feigned = 0
    for seed in range(6):
        random = np.random.default_rng(1_000 + seed)
        frame = packaging_world(seed, attempts=2500, units=80, unit_spread=0.3, heavy_tail=False).outcomes
        rate = frame.groupby(UNIT)["outcome_status"].transform(lambda s: (s == "success").mean())
        forced = random.random(len(frame)) < np.where(rate < rate.median(), 0.7, 0.2)
        frame["restart"] = np.where(forced, "force", "defer")
        row = row_of(estimate_factors(frame, **roles(approach=[*SETTINGS, "restart"])), "restart", "force")
        assert row["crude_difference"] < -0.05
        assert row["is_within_units"]
        feigned += row["is_factor"]
    assert feigned == 0


def test_a_setting_that_turns_round_says_so():
    # Wrapping helps by 8 points, but is chosen where installers are hard.
    row = row_of(
        estimate_factors(packaging_world(11, attempts=6000, units=200, wrapper=0.08).outcomes, **roles()),
        "wrapper",
        "yes",
    )
    assert row["is_factor"]
    assert row["is_sign_flipped"]
    assert row["crude_difference"] < 0 < row["ci_low"]
    assert "Unadjusted it looks the other way round" in row["description"]


def test_one_choice_per_unit_is_compared_between_units():
    row = row_of(estimate_factors(packaging_world(12).outcomes, **roles()), "signing", "yes")
    assert not row["is_within_units"]
    assert row["units_with_both"] == 0


@pytest.mark.statistics
def test_few_units_leave_wide_intervals():
    # Three signed applications among eighty: whatever they did, it may have been them.
    rows = [
        row_of(
            estimate_factors(
                packaging_world(seed, treated_units=3 / 80, heavy_tail=False).outcomes, **roles()
            ),
            "signing",
            "yes",
        )
        for seed in range(15)
    ]
    assert np.median([row["ci_high"] - row["ci_low"] for row in rows]) > 0.2
    assert not any(row["is_factor"] for row in rows)


def test_one_unit_tells_nothing():
    frame = packaging_world(13, attempts=300).outcomes.assign(application_name="only one")
    assert estimate_factors(frame, **roles()).empty


def test_attempts_that_all_ended_alike_tell_nothing():
    frame = packaging_world(13, attempts=300).outcomes.assign(outcome_status="success")
    factors = estimate_factors(frame, **roles())
    assert set(factors["ci_low"]) == {-1}
    assert set(factors["ci_high"]) == {1}
    assert set(factors["confidence"]) == {0.5}
    assert factors["description"].str.contains("nothing to compare").all()


def test_what_the_context_determines_cannot_be_told():
    frame = packaging_world(14).outcomes
    frame["engine"] = frame["installer_type"].map({"msi": "msiexec", "exe": "setup"})
    frame["pair"] = frame["installer_type"] + "/" + frame["team"]
    frame["part"] = np.where(frame["pair"] == "msi/modern", "a", "b")
    factors = estimate_factors(
        frame, approach=["engine", "part", "wrapper"], context=["installer_type", "pair"], unit=UNIT
    )
    for column, value, because in (("engine", "setup", "installer_type"), ("part", "b", "pair")):
        row = row_of(factors, column, value)
        assert because in row["not_separable_from"]
        assert (row["effectiveness"], row["ci_low"], row["ci_high"], row["q_value"]) == (0, -1, 1, 1)
        assert "cannot be told" in row["description"]
    assert row_of(factors, "wrapper", "yes")["not_separable_from"] == []


def test_twins_have_one_effect_and_count_once():
    frame = packaging_world(15, attempts=3000, product_code=0.2).outcomes
    plain = estimate_factors(frame, **roles())
    frame["rule"] = frame["detection"].map({"file": "f", "product_code": "p", "registry": "r"})
    both = estimate_factors(frame, **roles(approach=[*SETTINGS, "rule"]))
    alone, named, again = (
        row_of(plain, "detection", "product_code"),
        row_of(both, "detection", "product_code"),
        row_of(both, "rule", "p"),
    )
    assert (named["not_separable_from"], again["not_separable_from"]) == (["rule"], ["detection"])
    assert named["effectiveness"] == again["effectiveness"] == pytest.approx(alone["effectiveness"])
    assert named["q_value"] == pytest.approx(alone["q_value"])
    assert "always together with rule" in named["description"]


def test_an_effect_that_one_installer_type_has_is_told_apart():
    held = []
    for seed in (21, 22, 23):
        world = packaging_world(seed, attempts=5000, units=150, product_code_for_msi=0.25)
        row = row_of(estimate_factors(world.outcomes, **roles()), "detection", "product_code")
        held.append(row["applicability"])
    everywhere = packaging_world(24, attempts=5000, units=150, product_code=0.2)
    row = row_of(estimate_factors(everywhere.outcomes, **roles()), "detection", "product_code")
    assert held == [{"installer_type": ["msi"]}] * 3
    assert row["is_factor"]
    assert row["applicability"] == {}


def test_the_trend_of_the_times_is_no_settings_merit():
    found, crude = 0, []
    for seed in range(8):
        frame = packaging_world(seed, attempts=1500).outcomes
        random = np.random.default_rng(1_000 + seed)
        progress = frame["occurred_at"].rank(pct=True).to_numpy()
        frame["style"] = np.where(random.random(len(frame)) < progress, "new", "old")
        rescued = (frame["outcome_status"] == "failure") & (random.random(len(frame)) < 0.7 * progress)
        frame.loc[rescued, "outcome_status"] = "success"
        row = row_of(estimate_factors(frame, **roles(approach=[*SETTINGS, "style"])), "style", "new")
        crude.append(row["crude_difference"])
        found += row["is_factor"]
    assert np.mean(crude) > 0.05
    assert found <= 1


def test_missing_values_lists_and_constants():
    frame = packaging_world(16, attempts=1500, heavy_tail=False).outcomes
    random = np.random.default_rng(1_016)
    frame["transform"] = np.where(random.random(1500) < 0.4, "custom.mst", None)
    needs = random.random(1500) < 0.5
    frame["prerequisites"] = [["vcredist", "dotnet"] if one else ["dotnet"] for one in needs]
    frame.loc[needs & (random.random(1500) < 0.6), "outcome_status"] = "success"
    frame["tool"] = "wix"
    frame["rare"] = np.where(np.arange(1500) < 4, "odd", "usual")
    factors = estimate_factors(
        frame, approach=["transform", "prerequisites", "tool", "rare"], context=list(CONTEXT), unit=UNIT
    )
    assert set(factors["column"]) == {"transform", "prerequisites: vcredist"}
    transform = row_of(factors, "transform", "custom.mst")
    assert transform["reference"] == "(missing)"
    assert "leaving it unset" in transform["description"]
    needed = row_of(factors, "prerequisites: vcredist", "yes")
    assert needed["factor_name"] == "prerequisites includes vcredist"
    assert needed["is_factor"]


def test_rows_are_complete_ranked_and_consistent():
    factors = estimate_factors(packaging_world(17, attempts=3000, product_code=0.2).outcomes, **roles())
    assert tuple(factors.columns) == FACTOR_COLUMNS
    assert set(factors["column"]) == set(SETTINGS)
    assert factors.notna().all(axis=None)
    bound = np.maximum(0, np.maximum(factors["ci_low"], -factors["ci_high"]))
    assert (np.diff(bound) <= 1e-12).all()
    assert (
        (factors["ci_low"] <= factors["effectiveness"]) & (factors["effectiveness"] <= factors["ci_high"])
    ).all()
    assert factors["confidence"].between(0.5, 1).all()
    difference = factors["expected_rate"] - factors["reference_rate"]
    assert difference.to_numpy() == pytest.approx(factors["effectiveness"].to_numpy())
    mirrored = row_of(factors, "wrapper", "no" if row_of(factors, "wrapper", "no")["is_mirrored"] else "yes")
    twin = row_of(factors, "wrapper", mirrored["reference"])
    assert mirrored["effectiveness"] == pytest.approx(-twin["effectiveness"])
    assert mirrored["q_value"] == twin["q_value"]
    assert not twin["is_mirrored"]


def test_a_description_carries_its_numbers():
    frame = packaging_world(18, attempts=4000, product_code=0.25).outcomes
    row = row_of(estimate_factors(frame, **roles()), "detection", "product_code")
    assert row["description"].startswith(
        "Choosing product_code as detection instead of file raises success by "
    )
    both = frame["detection"].isin(["file", "product_code"])
    assert f"{both.sum():,} attempts, {frame.loc[both, UNIT].nunique()} applications" in row["description"]
    assert f"{100 * row['effectiveness']:.0f} points" in row["description"]


def test_what_many_comparisons_bring_by_chance_is_called_so():
    row = {
        "column": "wrapper",
        "value": "yes",
        "reference": "no",
        "settings": {"wrapper": "yes"},
        "reference_settings": {"wrapper": "no"},
        "interaction": {},
        "not_separable_from": [],
        "is_determined": True,
        "is_comparable": True,
        "is_factor": False,
        "is_sign_flipped": False,
        "effectiveness": 0.08,
        "ci_low": 0.01,
        "ci_high": 0.15,
        "expected_rate": 0.88,
        "reference_rate": 0.8,
        "crude_difference": 0.07,
        "sample_size": 1200,
        "units": 1,
        "applicability": {},
    }
    assert describe_factor(row, unit="doi") == (
        "Choosing yes as wrapper instead of no may be one of the chance finds that so many comparisons "
        "bring: it raises success by 8 points, from 80% to 88% (95% CI 1 to 15; 1,200 attempts, 1 doi)."
    )


def test_confidence_is_a_shrunken_probability_of_the_direction():
    random = np.random.default_rng(0)
    effects = random.normal(0, 0.05, 4000)
    errors = random.uniform(0.01, 0.1, 4000)
    sure = direction_confidence(random.normal(effects, errors), errors)
    estimates = np.random.default_rng(1).normal(effects, errors)
    sure = direction_confidence(estimates, errors)
    right = np.sign(estimates) == np.sign(effects)
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        band = (sure >= low) & (sure < high)
        assert right[band].mean() == pytest.approx(sure[band].mean(), abs=0.04)
    noise = direction_confidence(errors * random.normal(0, 1, 4000), errors)
    assert np.quantile(noise, 0.95) < 0.7
    assert len(direction_confidence(np.zeros(0), np.zeros(0))) == 0
    # p = 0.05 of a normal test is 1.96 standard errors.
    assert normal_equivalent_errors(np.array([0.1]), np.array([0.05])) == pytest.approx(
        [0.1 / 1.959964], rel=1e-5
    )


def test_the_sample_organisations_truth_is_found():
    world = sample_organisation()
    approach = [c for c in world.attempts_frame().columns if c in _sample_settings(world)]
    frame = world.attempts_frame()
    context = ["application_vendor", "application_type", "installer_type", "team", "architecture"]
    factors = estimate_factors(frame, approach=approach, context=context, unit=UNIT)
    for effect in world.truth.effects:
        contrast = effect.contrast
        if contrast.conditions:
            continue
        row = factors[(factors["column"] == contrast.column) & (factors["value"] == contrast.value)].iloc[0]
        assert row["reference"] == contrast.reference
        assert row["is_factor"], contrast.name
        assert row["effectiveness"] == pytest.approx(effect.risk_difference, abs=0.05), contrast.name
    for effect in world.truth.confounders:
        named = factors["column"] == effect.contrast.column
        assert not factors.loc[named, "is_factor"].any(), effect.contrast.name
    noise = factors["column"].isin(world.truth.noise_columns)
    assert noise.any()
    assert not factors.loc[noise, "is_factor"].any()


def _sample_settings(world):
    return {effect.contrast.column for effect in (*world.truth.effects, *world.truth.confounders)} | {
        "package_icon_size",
        "naming_scheme",
        "repackaged",
        "install_context",
    }


def test_real_history_gives_plausible_factors(shared_data):
    runs = pd.read_parquet(shared_data / "dataverse_r" / "runs.parquet")
    frame = runs.assign(outcome_status=runs["status"].replace({"timeout": "failure"}))
    factors = estimate_factors(
        frame, approach=["code_cleaning", "r_version"], context=["dataverse_type", "subject"], unit="doi"
    )
    row = row_of(factors, "code_cleaning", "yes")
    # Cleaning only removes causes of failure, such as absolute paths.
    assert row["is_factor"]
    assert 0.02 < row["ci_low"] < row["ci_high"] < 0.1
    assert row["units"] == runs["doi"].nunique()
