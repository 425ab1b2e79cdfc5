"""What stopped working is found, said and no longer counted; nothing is found where nothing changed."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from error_rates import check_rate
from made_worlds import CONTEXT, SETTINGS, UNIT, packaging_world, roles

from memory_pipeline.analysis.features.encoding import learn_conditions
from memory_pipeline.analysis.models.change_points import find_changes
from memory_pipeline.analysis.recommendations import Policy, fit_policy
from memory_pipeline.analysis.recommendations.current import drop_stale, fit_current_policy, thin_by_age
from memory_pipeline.worlds import sample_organisation

TURN = pd.Timestamp("2024-12-01", tz="UTC")
COLUMNS = [*SETTINGS, *CONTEXT]


def turned_world(seed):
    """Product codes help until the turn, and harm as much afterwards."""
    world = packaging_world(seed, attempts=4000, units=120, heavy_tail=False)
    frame, random = world.outcomes, np.random.default_rng(seed)
    sign = np.where(frame["occurred_at"] < TURN, 1, -1)
    chances = world.chances() + 0.2 * sign * (frame["detection"] == "product_code")
    return frame.assign(outcome_status=np.where(random.random(len(frame)) < chances, "success", "failure"))


def changes_of(frame):
    return find_changes(frame, fit_policy(frame, **roles()).expected(frame), columns=COLUMNS, unit=UNIT)


def test_a_setting_that_stops_working_is_found_and_dated():
    for seed in range(3):
        changes = changes_of(turned_world(seed))
        assert [(one.column, one.value) for one in changes] == [("detection", "product_code")]
        assert changes[0].difference < -0.1
        assert abs(pd.Timestamp(changes[0].since) - TURN) < pd.Timedelta(days=30)


@pytest.mark.statistics
def test_nothing_is_found_where_nothing_changed_but_the_times():
    found = 0
    for seed in range(12):
        world = packaging_world(seed, attempts=1500, heavy_tail=seed % 2 == 0, product_code=0.15)
        frame, random = world.outcomes, np.random.default_rng(seed)
        better = np.where(frame["occurred_at"] < TURN, 0.0, 0.12)
        wins = random.random(len(frame)) < np.clip(world.chances() + better, 0, 1)
        found += bool(changes_of(frame.assign(outcome_status=np.where(wins, "success", "failure"))))
    check_rate(found, 12, stated=0.01, broken=0.45)


def test_advice_forgets_what_a_change_made_stale_and_says_so():
    frame = turned_world(4)
    place = {"installer_type": "msi", "team": "modern"}
    stale = fit_policy(frame, **roles()).recommend(place)
    policy = fit_current_policy(frame, **roles())
    advice = policy.recommend(place)
    assert "product_code" in str(stale.recommended_approach)
    assert "product_code" not in str(advice.recommended_approach)
    assert any("do worse since 2024-1" in reason and "no longer count" in reason for reason in advice.reasons)
    assert policy.history["attempts"] < len(frame)
    assert Policy.from_dict(policy.to_dict()).changes == policy.changes


def test_an_encoding_that_is_given_changes_nothing():
    frame = turned_world(4)
    expected = fit_policy(frame, **roles()).expected(frame)
    learned = learn_conditions(frame, COLUMNS, unit=UNIT)
    given = find_changes(frame, expected, columns=COLUMNS, unit=UNIT, encoding=learned)
    assert given == find_changes(frame, expected, columns=COLUMNS, unit=UNIT)
    assert len(given) == 1
    policy = fit_current_policy(frame, **roles(), encoding=learned)
    assert policy.version == fit_current_policy(frame, **roles()).version


def test_both_fits_tell_the_same_values_apart_although_the_second_has_fewer_attempts():
    frame = turned_world(4)
    old = frame.index[frame["occurred_at"] < TURN]
    new = frame.index[(frame["occurred_at"] >= TURN) & (frame["detection"] == "product_code")]
    frame["team"] = frame["team"].astype(object)
    stale = frame.loc[old].query("detection == 'product_code'").index[:20]
    frame.loc[[*stale, *new[:4]], "team"] = "small"  # 24 attempts, of which 4 are left
    policy = fit_current_policy(frame, **roles())
    assert policy.changes
    assert set(policy.contexts.known_levels["team"]) == {"legacy", "modern", "small"}


def test_where_nothing_changed_the_policy_is_the_plain_one():
    frame = packaging_world(5, attempts=1500, product_code=0.15).outcomes
    assert fit_current_policy(frame, **roles()).version == fit_policy(frame, **roles()).version


def test_the_drift_of_the_sample_organisation_is_found():
    frame = sample_organisation().attempts_frame()
    policy = fit_current_policy(
        frame,
        approach=["silent_switch", "detection_method", "close_processes", "repackaged"],
        context=["application_type", "installer_type", "team"],
        unit=UNIT,
    )
    assert [(one["column"], one["value"]) for one in policy.changes] == [("repackaged", "yes")]
    assert "2025-11" <= policy.changes[0]["since"] <= "2026-01"


def test_forgetting_takes_only_what_has_the_value_and_is_older():
    frame = turned_world(6)
    changes = changes_of(frame)
    kept = drop_stale(frame, changes, unit=UNIT)
    gone = frame.loc[frame.index.difference(kept.index)]
    assert set(gone["detection"]) == {"product_code"}
    assert gone["occurred_at"].max() < pd.Timestamp(changes[0].since)


def test_a_half_life_thins_history_out_by_age():
    days = pd.date_range("2024-01-01", periods=8000, freq="h", tz="UTC")
    frame = pd.DataFrame({"occurred_at": days, UNIT: "a"}).sample(frac=1, random_state=1)
    kept = thin_by_age(frame, timedelta(days=100))
    age = (days[-1] - kept["occurred_at"]) / pd.Timedelta(days=100)
    shares = [((age >= k) & (age < k + 1)).sum() / 2400 for k in range(3)]
    # The mean of 0.5 ** x over each half-life.
    assert shares == pytest.approx([0.7213, 0.3607, 0.1803], abs=0.005)
    assert thin_by_age(frame.head(0), timedelta(days=1)).empty


def test_within_two_months_nobody_can_tell_a_change_from_better_times():
    def short(days):
        frame = packaging_world(11, attempts=2000, heavy_tail=False, units=120).outcomes
        start = frame["occurred_at"].min()
        frame["occurred_at"] = start + (frame["occurred_at"] - start) * days / 540
        is_late = frame["occurred_at"] > start + pd.Timedelta(days=days * 0.6)
        broken = is_late & (frame["detection"] == "product_code")
        return frame.assign(outcome_status=frame["outcome_status"].where(~broken, "failure"))

    assert changes_of(short(50)) == ()
    assert [one.column for one in changes_of(short(120))] == ["detection"]


@pytest.mark.statistics
def test_units_that_are_over_within_a_month_are_no_change():
    # Files of a data set, say: they end alike, and come in the order of what was tried.
    found = sum(bool(_changes_of_short_units(seed)) for seed in range(16))
    check_rate(found, 16, stated=0.01, broken=0.35)


def _changes_of_short_units(seed):
    random = np.random.default_rng(seed)
    sizes = np.minimum(1 + random.pareto(1.2, 400) * 4, 120).astype(int)
    unit = np.repeat(np.arange(400), sizes)
    libraries = {f"library {number}": random.random(400) < 0.2 for number in range(8)}
    setting = random.random(len(unit)) < 0.5
    chance = 1 / (1 + np.exp(0.8 - random.normal(0, 1.2, 400)[unit] - 0.8 * setting))
    outcomes = pd.DataFrame(
        {
            "application_name": unit,
            "setting": np.where(setting, "yes", "no"),
            **{name: np.where(uses[unit], "yes", "no") for name, uses in libraries.items()},
            "outcome_status": np.where(random.random(len(unit)) < chance, "success", "failure"),
            "occurred_at": TURN + pd.to_timedelta(random.integers(0, 900, 400)[unit], "D"),
        }
    ).sort_values(["application_name", "setting"])
    expected = outcomes.groupby("setting")["outcome_status"].transform(
        lambda ends: (ends == "success").mean()
    )
    return find_changes(outcomes, expected, columns=["setting", *libraries], unit="application_name")
