"""Pairs of settings are reported where they matter together, and only there.

The rates over many worlds are those of `benchmarks/factors.py`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from made_worlds import UNIT, packaging_world, roles
from scipy.special import expit

from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.models.g_computation import Effect


def pair_world(seed, *, both=0.0, wrapper=0.0, verbose=0.0, attempts=4000, unit_spread=0.8, base=0.0):
    """Log-odds: what the wrapper and verbose logging add, alone and together; units differ."""
    random = np.random.default_rng(seed)
    frame = packaging_world(seed, attempts=attempts, units=120).outcomes
    has_wrapper, is_verbose = frame["wrapper"].astype(bool), frame["logging"] == "verbose"
    own = frame[UNIT].map({name: random.normal(0, unit_spread) for name in frame[UNIT].unique()})
    eta = base + own + wrapper * has_wrapper + verbose * is_verbose + both * (has_wrapper & is_verbose)
    frame["outcome_status"] = np.where(random.random(attempts) < expit(eta), "success", "failure")
    return frame


def pairs_of(factors):
    return factors[factors["settings"].map(len) > 1]


def test_two_settings_that_only_help_together_are_one_factor():
    factors = estimate_factors(pair_world(1, both=1.8), **roles())
    (pair,) = pairs_of(factors).to_dict("records")
    assert set(pair["settings"]) == {"wrapper", "logging"}
    assert pair["is_factor"]
    assert pair["settings"] == {"wrapper": "yes", "logging": "verbose"}
    assert pair["reference_settings"] == {"wrapper": "no", "logging": "quiet"}
    assert 0 < pair["interaction"]["ci_low"] < 0.3 < pair["interaction"]["ci_high"]
    assert pair["ci_low"] > 0
    assert set(pair["column"].split(" and ")) == {"wrapper", "logging"}
    assert "The two matter together: that is " in pair["description"]
    assert " points more than what each changes alone adds up to" in pair["description"]
    assert pair["caveats"]


def test_settings_that_hinder_each_other_are_told():
    factors = estimate_factors(pair_world(2, both=-1.8, wrapper=1.2, verbose=1.2), **roles())
    (pair,) = pairs_of(factors).to_dict("records")
    # Either helps as much as both: to have neither costs more than to leave out the one and the other.
    assert pair["settings"] == {"wrapper": "no", "logging": "quiet"}
    assert pair["effectiveness"] < 0
    assert pair["interaction"]["difference"] < -0.1
    assert "points less than what each changes alone adds up to" in pair["description"]


@pytest.mark.statistics
@pytest.mark.parametrize(
    "effects", [{}, {"wrapper": 1.0, "verbose": 1.0}, {"wrapper": 2.0, "verbose": 2.0, "base": 1.0}]
)
def test_settings_that_add_up_make_no_pair(effects):
    """Where both effects are strong and success is near its ceiling, rates do not add up, log-odds do."""
    for seed in range(6):
        assert pairs_of(estimate_factors(pair_world(seed, **effects), **roles())).empty


@pytest.mark.statistics
def test_rates_that_add_up_make_no_pair():
    """These worlds are additive on the scale of rates, and so are not on that of log-odds."""
    for seed in range(6):
        world = packaging_world(seed, attempts=4000, wrapper=0.2, logging=0.25, product_code=0.2)
        assert pairs_of(estimate_factors(world.outcomes, **roles())).empty


def test_a_pair_below_the_least_effect_is_not_told():
    frame = pair_world(1, both=1.8)
    assert pairs_of(estimate_factors(frame, **roles(), min_effect=0.9)).empty


def test_single_settings_are_what_they_are_without_the_pair():
    frame = pair_world(1, both=1.8)
    factors = estimate_factors(frame, **roles())
    without = estimate_factors(frame, **roles(), min_effect=0.9)
    columns = ["column", "value", "effectiveness", "ci_low", "ci_high", "q_value", "is_factor", "confidence"]
    singles = factors[factors["settings"].map(len) == 1]
    pd.testing.assert_frame_equal(
        singles[columns].sort_values(["column", "value"], ignore_index=True),
        without[columns].sort_values(["column", "value"], ignore_index=True),
    )


def test_without_repetition_the_pair_is_that_of_a_plain_logistic_regression():
    frame = pair_world(3, both=1.5, unit_spread=0.0).drop(columns="occurred_at")
    frame[UNIT] = [str(i) for i in range(len(frame))]
    data = pd.get_dummies(
        frame[["logging", "wrapper", "detection", "signing", "installer_type", "team"]].astype(str),
        drop_first=True,
    ).astype(float)
    data["verbose"] = (frame["logging"] == "verbose").astype(float)
    data = data.drop(columns="logging_verbose")

    def design(one):
        return sm.add_constant(one.assign(both=one["verbose"] * one["wrapper_True"]), has_constant="add")

    success = (frame["outcome_status"] == "success").astype(float)
    fit = sm.GLM(success, design(data), family=sm.families.Binomial()).fit()
    (pair,) = pairs_of(estimate_factors(frame, **roles())).to_dict("records")
    value = {"yes": 1.0, "no": 0.0, "verbose": 1.0, "quiet": 0.0}
    sides = [
        {"wrapper_True": value[side["wrapper"]], "verbose": value[side["logging"]]}
        for side in (pair["settings"], pair["reference_settings"])
    ]
    population = np.any(
        [(data["wrapper_True"] == s["wrapper_True"]) & (data["verbose"] == s["verbose"]) for s in sides],
        axis=0,
    )
    rates = [fit.predict(design(data[population].assign(**side))).mean() for side in sides]
    assert pair["effectiveness"] == pytest.approx(rates[0] - rates[1], abs=0.01)


def test_two_settings_that_undo_each_other_are_further_from_adding_up_than_one_can_change():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({name: random.choice(["x", "y"], 3000) for name in ("a", "b")})
    frame[UNIT] = random.integers(0, 60, 3000).astype(str)
    chance = np.where(frame["a"] == frame["b"], 0.95, 0.1)
    frame["outcome_status"] = np.where(random.random(3000) < chance, "success", "failure")
    (pair,) = pairs_of(estimate_factors(frame, approach=["a", "b"], context=[], unit=UNIT)).to_dict("records")
    found = pair["interaction"]
    assert found["ci_low"] < found["difference"] < found["ci_high"]
    # Twice 95% less 10%.
    sides = sorted(abs(found[bound]) for bound in ("ci_low", "ci_high"))
    assert sides[0] < 1.7 < sides[1]
    low, high = (round(100 * side) for side in sides)
    assert f"adds up to (95% CI {low} to {high})" in pair["description"]


def test_an_interval_ends_where_differences_end():
    effect = Effect(1.9, 0.0, 0.2, 50.0, np.zeros(1))
    assert effect.interval(bound=2.0) == (pytest.approx(1.9 - 2.009 * 0.2, abs=1e-3), 2.0)
    assert Effect(0.9, 0.0, 0.2, 50.0, np.zeros(1)).interval()[1] == 1.0
    assert Effect(0.0, 0.9, 0.2, 50.0, np.zeros(1)).interval()[0] == -1.0
