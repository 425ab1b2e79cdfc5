"""Nothing is found in histories without effects, whatever repeats and whatever the calendar does.

`benchmarks/error_rates.py` has every kind, and more of each.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from error_rates import check_rate

from memory_pipeline.analysis.models.change_points import find_changes
from memory_pipeline.analysis.patterns import find_patterns
from memory_pipeline.worlds.empty_histories import EMPTY_HISTORIES, LEVELS, empty_history


def shares_with_a_finding(kind, worlds):
    return sum(
        not find_patterns(empty_history(kind, seed), min_sample_size=30).empty for seed in range(worlds)
    )


@pytest.mark.statistics
@pytest.mark.parametrize(
    ("kind", "worlds", "broken"),
    [
        # A variance from all units, with few of them or with one that has most attempts, and spells.
        ("spells, one unit of 60%", 16, 0.6),
        ("spells, 20 units", 24, 0.45),
        # No adjustment for time.
        ("drift", 8, 0.9),
        ("roll-out in a better season", 8, 0.9),
    ],
)
def test_nothing_is_found_where_nothing_has_an_effect(kind, worlds, broken):
    check_rate(shares_with_a_finding(kind, worlds), worlds, stated=0.05, broken=broken)


@pytest.mark.statistics
def test_a_unit_that_stays_broken_is_no_drift():
    alarms = 0
    for seed in range(24):
        frame = empty_history("spells, one unit of 60%", seed)
        expected = pd.Series((frame["outcome_status"] == "success").mean(), index=frame.index)
        alarms += bool(find_changes(frame, expected, columns=list(LEVELS), unit="application_name"))
    # A variance by unit and month gave 0.31.
    check_rate(alarms, 24, stated=0.01, broken=0.3)


def with_effect(kind, seed, column, size):
    """Take successes away where the column has its most frequent value, in `size` of all attempts there."""
    frame, rng = empty_history(kind, seed), np.random.default_rng(seed)
    value = frame[column].value_counts().index[0]
    success = frame["outcome_status"] == "success"
    lost = (frame[column] == value) & success & (rng.random(len(frame)) < size / success.mean())
    frame.loc[lost, "outcome_status"] = "failure"
    return frame, {column: value}


@pytest.mark.parametrize("kind", ["plain", "drift", "spells of 30 days", "spells, one unit of 60%"])
def test_an_effect_is_found_all_the_same_and_its_interval_agrees(kind):
    frame, planted = with_effect(kind, 0, "detection", 0.25)
    found = find_patterns(frame, min_sample_size=30)
    assert planted in found["conditions"].tolist()
    assert (np.sign(found["ci_low"]) == np.sign(found["ci_high"])).all()
    assert (np.sign(found["ci_low"]) == np.sign(found["risk_difference"])).all()


def test_what_goes_with_the_calendar_says_so():
    rng = np.random.default_rng(5)
    size = 6000
    frame = pd.DataFrame(rng.integers(0, 3, (size, 3)).astype(str), columns=list("abc"))
    time, unit = rng.random(size), rng.integers(0, 60, size)
    is_new = time > (0.45 + 0.1 * rng.random(60))[unit]  # everybody changes at about one date
    frame["tool"] = np.where(is_new, "new", "old")
    frame["application_name"] = [f"app {i}" for i in unit]
    frame["occurred_at"] = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(time * 500, unit="D")
    frame["outcome_status"] = np.where(rng.random(size) < 0.3 + 0.5 * is_new, "success", "failure")
    row = find_patterns(frame, min_sample_size=50).iloc[0]

    assert set(row["conditions"]) == {"tool"}
    assert row["separable_from_time"] < 0.5
    assert "can hardly be told apart from the time" in row["sentence"]
    free = frame.assign(occurred_at=frame["occurred_at"].sample(frac=1, random_state=1).to_numpy())
    other = find_patterns(free, min_sample_size=50).iloc[0]
    assert other["separable_from_time"] > 0.9
    assert "told apart from the time" not in other["sentence"]


def test_histories_are_those_that_their_names_say():
    for kind in EMPTY_HISTORIES:
        frame = empty_history(kind, 1, attempts=400)
        assert len(frame) == 400
        assert frame["outcome_status"].nunique() == 2 or kind == "rare failures"
    pd.testing.assert_frame_equal(empty_history("plain", 7), empty_history("plain", 7))
    largest = empty_history("one unit of 60%", 1)["application_name"].value_counts(normalize=True).iloc[0]
    assert largest == pytest.approx(0.6, abs=0.03)
    assert empty_history("informative gaps", 1)["wrapper"].isna().mean() > 0.1
    with pytest.raises(KeyError, match="no empty history is named 'plane'"):
        empty_history("plane", 1)


def test_spells_make_neighbours_alike():
    def agreement(kind):
        frame = empty_history(kind, 2).sort_values(["application_name", "occurred_at"])
        same = frame["application_name"].to_numpy()[1:] == frame["application_name"].to_numpy()[:-1]
        ends = (frame["outcome_status"] == "success").to_numpy()
        return (ends[1:] == ends[:-1])[same].mean()

    assert agreement("spells of 90 days") > agreement("spells of 5 days") + 0.05
