"""Factors: planted effects are found with honest intervals, confounders are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from error_rates import check_rate
from made_worlds import packaging_world, roles, row_of

from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.stats.sign_probability import direction_confidence


def test_a_confounder_is_no_factor_and_an_effect_behind_a_confounder_is():
    world = packaging_world(1, attempts=4000, logging=0.15)
    factors = estimate_factors(world.outcomes, **roles())
    wrapper, logging = row_of(factors, "wrapper", "yes"), row_of(factors, "logging", "verbose")

    # The wrapper is chosen for the hard installers: it looks harmful, and changes nothing.
    assert wrapper["crude_difference"] < -0.03
    assert not wrapper["is_factor"]
    assert wrapper["ci_low"] < 0 < wrapper["ci_high"]
    # Verbose logging is chosen by the team with the hard cases, and helps all the same.
    assert logging["is_factor"]
    assert logging["ci_low"] < 0.15 < logging["ci_high"]
    assert "logging" in logging["description"]


def test_a_harmful_setting_is_called_harmful():
    factors = estimate_factors(packaging_world(2, attempts=4000, product_code=-0.2).outcomes, **roles())
    row = row_of(factors, "detection", "product_code")
    assert row["is_factor"]
    assert row["reference"] == "file"
    assert row["ci_high"] < 0
    assert "lowers" in row["description"]


@pytest.mark.statistics
def test_intervals_cover_and_nothing_is_found_where_nothing_is():
    """`benchmarks/factors.py` has the rates over many worlds."""
    covered, false, count = 0, 0, 0
    for seed in range(16):
        factors = estimate_factors(packaging_world(seed, attempts=800, units=50).outcomes, **roles())
        factors = factors[~factors["is_mirrored"]]
        covered += int(((factors["ci_low"] <= 0) & (factors["ci_high"] >= 0)).sum())
        false += int(factors["is_factor"].any())
        count += len(factors)

    assert count >= 64
    check_rate(count - covered, count, stated=0.05, broken=0.25)
    check_rate(false, 16, stated=0.05, broken=0.5)


def test_without_repetition_the_effect_is_that_of_a_plain_logistic_regression():
    world = packaging_world(3, attempts=3000, logging=0.15)
    frame = world.outcomes.assign(application_name=[str(i) for i in range(3000)]).drop(columns="occurred_at")
    columns = ["logging", "wrapper", "detection", "signing", "installer_type", "team"]
    design = pd.get_dummies(frame[columns].astype(str), drop_first=True).astype(float)
    success = (frame["outcome_status"] == "success").astype(float)
    fit = sm.GLM(success, sm.add_constant(design), family=sm.families.Binomial()).fit()
    both = [design.assign(logging_verbose=float(value)) for value in (1, 0)]
    expected = np.subtract(*(fit.predict(sm.add_constant(one, has_constant="add")).mean() for one in both))
    factors = estimate_factors(frame, **roles())

    assert row_of(factors, "logging", "verbose")["effectiveness"] == pytest.approx(expected, abs=0.01)


def test_settings_that_were_always_chosen_together_are_told():
    frame = packaging_world(4).outcomes
    frame["twin"] = frame["wrapper"]
    factors = estimate_factors(
        frame, approach=["wrapper", "twin", "logging"], context=["team"], unit="application_name"
    )
    row = factors[factors["column"].isin(["wrapper", "twin"])].iloc[0]
    assert row["not_separable_from"]


def test_the_order_of_the_rows_changes_nothing():
    frame = packaging_world(5, attempts=800).outcomes
    one = estimate_factors(frame, **roles())
    other = estimate_factors(frame.sample(frac=1, random_state=0), **roles())
    pd.testing.assert_frame_equal(one, other, atol=1e-6)


@pytest.mark.parametrize("statuses", ["success", "failure"])
def test_a_history_without_variation_has_no_factors(statuses):
    frame = packaging_world(6, attempts=300).outcomes.assign(outcome_status=statuses)
    assert not estimate_factors(frame, **roles())["is_factor"].any()


def test_confidence_is_a_probability_however_sure():
    """Weights that add up to one but for rounding once gave 1.0000000000000002."""
    for count in range(1, 40):
        sure = direction_confidence(np.full(count, 0.3), np.full(count, 1e-3))
        assert sure.max() <= 1.0


def test_no_history_at_all():
    assert estimate_factors(packaging_world(7, attempts=50).outcomes.head(0), **roles()).empty


def test_wrong_columns_are_named():
    frame = packaging_world(8, attempts=50).outcomes
    with pytest.raises(KeyError, match="colour"):
        estimate_factors(frame, approach=["colour"], context=["team"], unit="application_name")
    with pytest.raises(ValueError, match="team"):
        estimate_factors(frame, approach=["team"], context=["team"], unit="application_name")
