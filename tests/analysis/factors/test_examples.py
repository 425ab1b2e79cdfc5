"""What a factor rests on: overlap, caveats, patterns that say the same, past attempts on both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_worlds import UNIT, packaging_world, roles, row_of

from memory_pipeline.analysis.factors import estimate_factors
from memory_pipeline.analysis.factors.examples import _age, find_cases, find_supporting
from memory_pipeline.analysis.features.encoding import learn_conditions


@pytest.fixture(scope="module")
def world():
    return packaging_world(1, attempts=3000, product_code=0.2).outcomes


@pytest.fixture(scope="module")
def factors(world):
    return estimate_factors(world, **roles())


def test_the_attempts_and_units_of_both_sides_are_counted(world, factors):
    row = row_of(factors, "detection", "product_code")
    sides = [world[world["detection"] == value] for value in ("product_code", "file")]
    assert (row["attempts_with_value"], row["attempts_with_reference"]) == tuple(map(len, sides))
    units = [set(side[UNIT]) for side in sides]
    assert (row["units_with_value"], row["units_with_reference"]) == tuple(map(len, units))
    assert row["units_with_both"] == len(units[0] & units[1])
    assert row["settings"] == {"detection": "product_code"}
    assert row["reference_settings"] == {"detection": "file"}


def test_overlap_within_units_is_the_share_of_attempts_of_units_that_had_both(world, factors):
    row = row_of(factors, "detection", "product_code")
    either = world[world["detection"].isin(["product_code", "file"])]
    has_both = either.groupby(UNIT)["detection"].transform("nunique") == 2
    assert row["is_within_units"]
    assert row["overlap"] == pytest.approx(has_both.mean())


def test_overlap_between_units_sees_where_only_one_is_chosen():
    frame = packaging_world(2, attempts=3000, heavy_tail=False).outcomes
    even = row_of(estimate_factors(frame, **roles()), "signing", "yes")
    assert even["overlap"] == pytest.approx(1.0)
    assert even["caveats"]
    assert not any("overlap" in one for one in even["caveats"])
    # Nearly all of the legacy team signs, of the others some of the exe and nearly none of the rest do.
    random = np.random.default_rng(0)
    places = frame.groupby(UNIT)[["team", "installer_type"]].first()
    legacy = places["team"] == "legacy"
    others = np.where(places["installer_type"] == "exe", 0.4, 0.01)
    chosen = random.random(len(legacy)) < np.where(legacy, 0.99, others)
    frame["signing"] = frame[UNIT].map(dict(zip(legacy.index, chosen, strict=True)))
    frame.loc[frame[UNIT].isin([legacy.idxmax(), legacy.idxmin()]), "signing"] ^= True
    poor = row_of(estimate_factors(frame, **roles()), "signing", "yes")
    assert 0.01 < poor["overlap"] < 0.5
    assert any(one.startswith("Poor overlap: only ") for one in poor["caveats"])


def test_values_that_were_chosen_apart_are_no_factor() -> None:
    frame = packaging_world(2, attempts=3000, heavy_tail=False).outcomes
    frame["signing"] = frame["team"] == "legacy"
    row = row_of(
        estimate_factors(frame, approach=["signing", "logging"], context=["installer_type"], unit=UNIT),
        "signing",
        "yes",
    )
    assert row["overlap"] > 0.5
    frame["region"] = np.where(
        frame["team"] == "legacy", "north", np.where(frame["id"].astype(str).str.len() % 2, "south", "west")
    )
    apart = estimate_factors(frame, approach=["signing", "logging"], context=["region"], unit=UNIT)
    row = row_of(apart, "signing", "yes")
    assert (row["effectiveness"], row["ci_low"], row["ci_high"], row["confidence"]) == (0.0, -1.0, 1.0, 0.5)
    assert not row["is_factor"]
    assert "cannot be" in row["description"]


def test_what_kind_of_comparison_it_is_comes_first(factors):
    within, between = row_of(factors, "detection", "product_code"), row_of(factors, "signing", "yes")
    assert within["caveats"][0].startswith("Observational, within applications: attempts of the same")
    assert between["caveats"][0].startswith("Observational: applications with and without it are compared")


def test_few_witnesses_turned_signs_and_company_are_named():
    frame = packaging_world(11, attempts=6000, units=200, wrapper=0.08).outcomes
    turned = row_of(estimate_factors(frame, **roles()), "wrapper", "yes")
    assert turned["is_sign_flipped"]
    assert any("Unadjusted it points the other way" in one for one in turned["caveats"])
    few = packaging_world(3, treated_units=3 / 80, heavy_tail=False).outcomes
    row = row_of(estimate_factors(few, **roles()), "signing", "yes")
    assert "Few witnesses: only 3 applications had signing = yes." in row["caveats"]
    twins = packaging_world(4).outcomes.assign(twin=lambda frame: frame["wrapper"])
    together = estimate_factors(twins, approach=["wrapper", "twin", "logging"], context=["team"], unit=UNIT)
    row = together[together["column"] == "wrapper"].iloc[0]
    assert "Always chosen together with twin: the effect is that of all." in row["caveats"]


def test_a_change_on_the_way_is_dated():
    frame = packaging_world(5, attempts=5000, heavy_tail=False).outcomes
    since = pd.Timestamp("2025-01-01", tz="UTC")
    random = np.random.default_rng(1)
    broken = (frame["detection"] == "registry") & (frame["occurred_at"] >= since)
    frame.loc[broken & (random.random(len(frame)) < 0.6), "outcome_status"] = "failure"
    factors = estimate_factors(frame, **roles())
    row = row_of(factors, "detection", "registry")
    assert row["drift"]["value"] == "registry"
    assert abs(pd.Timestamp(row["drift"]["since"]) - since) < pd.Timedelta(days=45)
    assert any(
        one.startswith("Changed on the way: attempts with detection = registry do worse since")
        for one in row["caveats"]
    )
    assert row_of(factors, "wrapper", "yes")["drift"] == {}


def test_past_attempts_are_of_the_side_they_stand_for_the_same_unit_first(world, factors):
    shuffled = world.sample(frac=1, random_state=0)
    cases = find_cases(shuffled, factors, approach=roles()["approach"], unit=UNIT)
    assert cases
    assert cases == find_cases(world, factors, approach=roles()["approach"], unit=UNIT)
    indexed = world.set_index("id")
    as_stated = {"yes": True, "no": False}
    for (_, factor), case in zip(factors.iterrows(), cases, strict=True):
        for side, settings in (("with_value", "settings"), ("with_reference", "reference_settings")):
            for column, level in factor[settings].items():
                assert (indexed.loc[case[side], column] == as_stated.get(level, level)).all()
            assert 1 <= len(case[side]) <= 3
            assert len(set(indexed.loc[case[side], UNIT])) == len(case[side])
        units = [indexed.loc[case[side], UNIT].tolist() for side in ("with_value", "with_reference")]
        assert units[0][: case["same_unit"]] == units[1][: case["same_unit"]]
        assert case["same_unit"] == min(3, factor["units_with_both"])


def test_an_encoding_that_is_given_changes_nothing(world, factors):
    places = roles()
    learned = learn_conditions(world, [*places["context"], *places["approach"]], unit=UNIT)
    given = estimate_factors(world, **places, encoding=learned)
    pd.testing.assert_frame_equal(given, factors)
    sides = {"approach": places["approach"], "unit": UNIT}
    assert find_cases(world, given, **sides, encoding=learned) == find_cases(world, factors, **sides)


def test_the_values_that_a_given_encoding_tells_apart_are_the_factors(world):
    places = roles()
    coarse = learn_conditions(world[world["detection"] != "registry"], places["approach"], unit=UNIT)
    found = estimate_factors(world, **places, encoding=coarse)
    assert "registry" not in set(found["value"])


def test_the_newest_attempt_of_a_unit_stands_for_it(world, factors):
    row = row_of(factors, "detection", "product_code")
    case = find_cases(
        world, factors[factors["factor_name"] == row["factor_name"]], approach=roles()["approach"], unit=UNIT
    )[0]
    indexed = world.set_index("id")
    first = indexed.loc[case["with_value"][0]]
    own = world[(world[UNIT] == first[UNIT]) & (world["detection"] == "product_code")]
    assert first["occurred_at"] == own["occurred_at"].max()


def test_an_attempt_without_a_time_counts_as_the_oldest():
    times = pd.to_datetime([None, "1960-01-01", "2024-02-01", "2024-01-01"], utc=True)
    assert np.argsort(_age(pd.DataFrame({"occurred_at": times}))).tolist() == [2, 3, 1, 0]


def test_patterns_that_say_the_same_are_those_with_the_setting_in_its_direction(factors):
    patterns = pd.DataFrame(
        [
            {"id": "helps", "pattern_type": "success", "conditions": {"detection": "product_code"}},
            {
                "id": "in company",
                "pattern_type": "success",
                "conditions": {"detection": "product_code", "team": "modern"},
            },
            {"id": "fails", "pattern_type": "failure", "conditions": {"detection": "product_code"}},
            {
                "id": "needs a person",
                "pattern_type": "intervention",
                "conditions": {"detection": "product_code"},
            },
            {"id": "file fails", "pattern_type": "failure", "conditions": {"detection": "file"}},
        ]
    )
    found = dict(zip(factors["factor_name"], find_supporting(factors, patterns), strict=True))
    assert found["detection = product_code"] == ["helps", "in company"]
    assert found["detection = file"] == ["file fails"]
    assert found["wrapper = yes"] == []
    assert find_supporting(factors.head(0), patterns) == []
