"""What tells whether advice does harm: answers withheld at random, or attempts that no failure led to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from memory_pipeline.analysis.alerts.advice import after_failure, compared_attempts
from memory_pipeline.analysis.alerts.watch import watch_gain, watch_pattern
from memory_pipeline.rebuild.alert_counts import RecentAttempts

UNIT, FIRST = "application_name", 20_000


def made(rows: list[tuple[str, float, str]], **columns: list[object]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[UNIT, "day", "outcome_status"])
    when = pd.Timestamp(FIRST, unit="D", tz="UTC") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.assign(occurred_at=when, **columns)


def test_what_comes_soon_after_a_failure_of_the_same_unit_is_told_apart():
    frame = made(
        [
            ("b", 30, "success"),  # 16 days after a failure
            ("a", 1, "success"),  # a day after one
            ("a", 0, "failure"),
            ("b", 14, "partial"),  # the unit's first
            ("a", 2, "failure"),  # after a success
            ("c", 2, "success"),  # after a failure of another unit
            ("a", 16, "failure"),  # 14 days after one
        ]
    )
    assert after_failure(frame, unit=UNIT).tolist() == [False, True, False, False, False, False, True]
    assert after_failure(frame.iloc[::-1], unit=UNIT).tolist() == [
        True, False, False, False, False, True, False,
    ]  # fmt: skip
    assert after_failure(frame.head(0), unit=UNIT).tolist() == []


def test_answers_withheld_at_random_are_compared_with_all_that_were_served():
    frame = made(
        [("a", 0, "failure"), ("a", 1, "success"), ("b", 0, "success"), ("b", 3, "failure")],
        is_control=[False, True, False, False],
        followed=[True, None, False, None],
    )
    sides = compared_attempts(frame, unit=UNIT)
    assert sides.is_randomised
    assert sides.without.tolist() == [False, True, False, False]
    assert sides.advised.tolist() == [True, False, True, True]


def test_without_a_control_share_what_comes_soon_after_a_failure_counts_on_neither_side():
    frame = made(
        [("a", 0, "failure"), ("a", 1, "success"), ("b", 0, "success"), ("b", 3, "failure")],
        is_control=[False] * 4,
        followed=[True, False, False, None],
    )
    sides = compared_attempts(frame, unit=UNIT)
    assert not sides.is_randomised
    assert sides.without.tolist() == [False, False, True, False]
    assert sides.advised.tolist() == [True, False, False, False]


def retried_without_advice(seed: int, *, harm: float = 0.0) -> pd.DataFrame:
    """Return a year in which half follow advice, and each of these that fails is repeated without it."""
    rng = np.random.default_rng(seed)
    size = 20 * 365
    unit, day = rng.integers(0, 120, size), np.repeat(np.arange(365), 20) + rng.uniform(0, 0.4, size)
    rate = np.where(unit % 2 == 0, 0.9, 0.5)
    followed = rng.random(size) < 0.5
    success = rng.random(size) < rate - harm * followed
    again = followed & ~success
    second = rng.random(size) < rate
    frame = made(
        list(
            zip(
                [f"application {one}" for one in (*unit, *unit[again])],
                (*day, *(day[again] + 0.5)),
                np.where((*success, *second[again]), "success", "failure"),
                strict=True,
            )
        ),
        is_control=[False] * (size + again.sum()),
        followed=[*followed.tolist(), *[False] * int(again.sum())],
    )
    return frame.assign(installer_type="msi")


def alarms(frame: pd.DataFrame, *, everything: bool = False) -> bool:
    sides = compared_attempts(frame, unit=UNIT)
    without, advised = sides.without, sides.advised
    if everything:
        without, advised = (frame["followed"].to_numpy() == did for did in (False, True))
    counts = (RecentAttempts(frame, 0, UNIT).counts(side) for side in (without, advised))
    seen = watch_gain(*counts, today=FIRST + 366, direction="fell", error_rate=0.05, remembered=365)
    return any(one.is_alarm for one in seen)


def test_failures_that_are_repeated_without_advice_are_not_taken_for_harm():
    worlds = [retried_without_advice(seed) for seed in range(5)]
    assert [alarms(one) for one in worlds] == [False] * 5
    # Compared without regard to what came before, advice that does nothing would seem to do harm.
    assert any(alarms(one, everything=True) for one in worlds)
    assert all(alarms(retried_without_advice(seed, harm=0.3)) for seed in range(3))


def test_a_pattern_stopped_where_more_than_half_of_its_difference_is_gone():
    rng = np.random.default_rng(1)
    size = 400 * 300
    frame = made(
        list(
            zip(
                [f"application {one}" for one in rng.integers(0, 300, size)],
                np.repeat(np.arange(400), 300),
                ["success"] * size,
                strict=True,
            )
        )
    )
    inside, late = rng.random(size) < 0.5, np.repeat(np.arange(400), 300) >= 370

    def watched(left: float) -> bool:
        rate = 0.5 + 0.4 * inside * np.where(late, left, 1.0)
        frame["outcome_status"] = np.where(rng.random(size) < rate, "success", "failure")
        recent = RecentAttempts(frame, 0, UNIT)
        seen = watch_pattern(
            recent.counts(inside), recent.counts(~inside), difference=0.4, today=FIRST + 400, error_rate=0.05
        )
        return any(one.is_alarm for one in seen)

    assert not watched(left=1.0)
    assert not watched(left=0.6)
    assert watched(left=0.0)
