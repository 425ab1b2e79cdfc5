"""Bets on a fall: fair where nothing changed, whatever units are like, and worth much where success fell."""

from __future__ import annotations

import numpy as np
import pytest

from memory_pipeline.analysis.alerts.unit_bets import (
    EFFECTS,
    GroupCounts,
    UnitDifferences,
    change_e_value,
    fall_e_value,
    halved_contrast,
    rise_e_value,
    unit_differences,
)


def group(*rows: tuple[int, int, float, float]) -> GroupCounts:
    """Return counts of (unit, stratum, attempts, successes)."""
    unit, stratum, attempts, successes = (np.array(one) for one in zip(*rows, strict=True))
    return GroupCounts(unit, stratum, attempts.astype(float), successes.astype(float))


def test_units_are_compared_within_strata_and_only_where_both_groups_have_attempts() -> None:
    first = group((0, 0, 10, 9), (0, 1, 5, 1), (1, 0, 4, 4), (2, 0, 3, 3), (4, 0, 6, 3))
    second = group((0, 0, 10, 5), (0, 1, 20, 4), (1, 1, 4, 0), (3, 0, 9, 9), (4, 0, 3, 3), (4, 0, 3, 0))
    said = unit_differences(first, second)
    # Unit 0: 10*10/20 = 5 at 0.5 - 0.9, and 5*20/25 = 4 at 0.2 - 0.2; unit 4: 6*6/12 = 3 at 0.5 - 0.5.
    assert said.unit.tolist() == [0, 4]
    assert said.information == pytest.approx([9, 3])
    assert said.difference == pytest.approx([5 * -0.4 / 9, 0.0])


def test_the_e_value_is_the_mean_wealth_of_the_bets() -> None:
    said = UnitDifferences(np.arange(3), np.array([-0.5, 0.2, -0.1]), np.array([2.0, 5.0, 1.0]))
    wealth = []
    for effect in EFFECTS:
        product = 1.0
        for difference, information in zip(said.difference, said.information, strict=True):
            bet = min(effect / (0.2 / information + 0.02 + effect**2), 0.9)
            product *= 1 - bet * difference
        wealth.append(product)
    assert fall_e_value(said) == pytest.approx(np.mean(wealth))
    mirrored = UnitDifferences(said.unit, -said.difference, said.information)
    assert rise_e_value(said) == pytest.approx(fall_e_value(mirrored))
    assert change_e_value(said) == pytest.approx((fall_e_value(said) + rise_e_value(said)) / 2)


def test_without_units_there_is_no_evidence() -> None:
    nothing = unit_differences(group((0, 0, 5, 5)), group((1, 0, 5, 0)))
    assert nothing.units == 0
    assert (fall_e_value(nothing), nothing.mean) == (1.0, 0.0)


@pytest.mark.parametrize("beyond", [0.0, 0.1])
def test_bets_are_fair_for_units_with_rates_of_their_own_and_spells(beyond: float) -> None:
    # One attempt before and four after, all four alike: the attempts of a unit go together completely.
    rng = np.random.default_rng(1)
    units, worlds, values = 3, 20_000, []
    rates = np.array([0.3, 0.8, 0.95])
    for _ in range(worlds):
        before = rng.random(units) < rates
        after = rng.random(units) < rates - beyond
        first = GroupCounts(np.arange(units), np.zeros(units, int), np.ones(units), before.astype(float))
        second = GroupCounts(
            np.arange(units), np.zeros(units, int), np.full(units, 4.0), 4.0 * after.astype(float)
        )
        values.append(fall_e_value(unit_differences(first, second), beyond=beyond))
    # The mean of an e-value is 1 at most; at the edge of the null hypothesis it is 1.
    assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / np.sqrt(worlds))


def test_one_unit_convinces_nobody_and_many_do() -> None:
    one = UnitDifferences(np.arange(1), np.array([-1.0]), np.array([500.0]))
    many = UnitDifferences(np.arange(40), np.full(40, -0.2), np.full(40, 10.0))
    assert fall_e_value(one) < 2
    assert fall_e_value(many) > 500
    assert fall_e_value(many, beyond=0.3) < 1
    assert np.isfinite(
        fall_e_value(UnitDifferences(np.arange(5000), np.full(5000, -1.0), np.full(5000, 99.0)))
    )


def test_a_contrast_is_half_the_move_inside_less_that_outside() -> None:
    inside = UnitDifferences(np.array([1, 3, 7]), np.array([-0.6, -0.2, 0.4]), np.array([2.0, 4.0, 8.0]))
    outside = UnitDifferences(np.array([0, 3, 9]), np.array([0.9, -0.2, 0.1]), np.array([1.0, 4.0, 1.0]))
    said = halved_contrast(inside, outside)
    assert said.unit.tolist() == [1, 3, 7]
    assert said.difference == pytest.approx([-0.3, 0.0, 0.2])
    # Half a difference has a quarter of its variance: 4 / (1/4 + 1/4) = 8.
    assert said.information == pytest.approx([8, 8, 32])
    nobody = UnitDifferences(np.array([], int), np.array([]), np.array([]))
    assert halved_contrast(inside, nobody).difference == pytest.approx([-0.3, -0.1, 0.2])
    assert halved_contrast(nobody, outside).units == 0
