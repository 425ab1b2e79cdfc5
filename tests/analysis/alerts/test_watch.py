"""Looks by the calendar: each span is tested once, a fall is seen, and an error rate of a year is kept."""

from __future__ import annotations

import numpy as np
import pytest

from memory_pipeline.analysis.alerts.looks import LOOKS_A_YEAR, SPANS, looks_that_ended, needed_e_value
from memory_pipeline.analysis.alerts.text import change_sentence, gain_sentence, pattern_sentence
from memory_pipeline.analysis.alerts.watch import (
    DailyCounts,
    codes,
    strongest,
    watch_contrast,
    watch_gain,
    watch_success,
)

FIRST, UNITS = 20_000, 60


def test_looking_daily_or_once_a_year_sees_the_same_spans() -> None:
    once = looks_that_ended(FIRST, FIRST + 365)
    daily = [one for day in range(365) for one in looks_that_ended(FIRST + day, FIRST + day + 1)]
    assert daily == once
    assert {(one.ends - one.begins) for one in once} == {days for days, _ in SPANS}
    assert len(once) == pytest.approx(LOOKS_A_YEAR, abs=2)
    assert all(one.begins - one.compared_from == 364 for one in once)


def test_the_error_rate_is_shared_by_looks_and_parts() -> None:
    assert needed_e_value(0.05) == pytest.approx(LOOKS_A_YEAR / 0.05)
    assert needed_e_value(0.05, parts=10) == pytest.approx(10 * LOOKS_A_YEAR / 0.05)


def made_counts(*, days: int = 500, a_day: int = 15, fall_on: int | None = None, fall: float = 0.0, seed=1):
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), a_day)
    unit = rng.integers(0, UNITS, len(day))
    rate = 0.6 + 0.3 * (unit % 2) - (0 if fall_on is None else fall * (day >= fall_on))
    success = rng.random(len(day)) < rate
    return DailyCounts(FIRST + day, unit, unit % 2, np.ones(len(day)), success.astype(float))


def test_a_fall_is_seen_in_spans_after_it_and_not_before() -> None:
    counts = made_counts(fall_on=440, fall=0.25)
    before = watch_success(counts, today=FIRST + 440, direction="fell", error_rate=0.05)
    assert not any(one.is_alarm for one in before)
    after = watch_success(counts, today=FIRST + 475, direction="fell", error_rate=0.05)
    best = strongest(after)
    assert best is not None
    assert best.is_alarm
    assert best.difference < -0.1
    assert best.units > 50
    assert best.look.ends <= FIRST + 475
    rose = watch_success(counts, today=FIRST + 475, direction="rose", error_rate=0.05)
    assert not any(one.is_alarm for one in rose)
    changed = watch_success(counts, today=FIRST + 475, direction="changed", error_rate=0.05)
    assert any(one.is_alarm for one in changed)
    small = watch_success(counts, today=FIRST + 475, direction="fell", error_rate=0.05, beyond=0.4)
    assert not any(one.is_alarm for one in small)


def test_a_season_of_another_mix_is_not_a_fall() -> None:
    # The share of the units with the lower rate goes from a fifth to four fifths.
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(500), 15)
    is_low = rng.random(len(day)) < np.where(day >= 440, 0.8, 0.2)
    unit = 2 * rng.integers(0, UNITS // 2, len(day)) + ~is_low
    success = rng.random(len(day)) < np.where(is_low, 0.5, 0.95)
    counts = DailyCounts(FIRST + day, unit, np.zeros(len(day), int), np.ones(len(day)), success * 1.0)
    recent, earlier = success[day >= 440].mean(), success[day < 440].mean()
    assert recent < earlier - 0.2
    for today in range(FIRST + 441, FIRST + 500):
        seen = watch_success(counts, today=today, direction="fell", error_rate=0.05, remembered=1)
        assert not any(one.is_alarm for one in seen)


def test_false_alarms_of_a_year_stay_below_the_rate() -> None:
    hits = 0
    for seed in range(12):
        counts = made_counts(days=730, a_day=8, seed=seed)
        seen = watch_success(counts, today=FIRST + 730, direction="changed", error_rate=0.05, remembered=365)
        hits += any(one.is_alarm for one in seen)
    assert hits <= 2  # 12 worlds at 5% have more than 2 with a probability of 2%


def test_harm_of_advice_is_seen_within_units() -> None:
    helped, harmed = made_counts(seed=3), made_counts(seed=4, fall_on=0, fall=0.3)
    seen = watch_gain(helped, harmed, today=FIRST + 490, direction="fell", error_rate=0.05)
    assert any(one.is_alarm for one in seen)
    fair = watch_gain(helped, made_counts(seed=5), today=FIRST + 490, direction="fell", error_rate=0.05)
    assert not any(one.is_alarm for one in fair)


def test_sentences_name_the_difference_the_span_and_the_units() -> None:
    counts = made_counts(fall_on=440, fall=0.25)
    best = strongest(watch_success(counts, today=FIRST + 475, direction="fell", error_rate=0.05))
    assert best is not None
    text = change_sentence(best, unit="application_name", of="installer type msi")
    assert text.startswith("Success of installer type msi fell by ")
    assert f" points in the {best.look.ends - best.look.begins} days to 20" in text
    assert f"by {best.units} applications that have attempts in both." in text
    assert "withheld at random" in gain_sentence(best, unit="application_name", is_randomised=True)
    said = pattern_sentence(best, unit="application_name", description="Wrapper psadt helps.")
    assert said.startswith("A pattern no longer holds: Wrapper psadt helps. Success there fell by ")


def test_equal_values_share_a_code() -> None:
    assert codes(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert strongest([]) is None


def test_a_part_is_compared_with_the_rest_so_that_a_fall_of_all_is_not_its_own() -> None:
    fell = made_counts(fall_on=440, fall=0.4)
    other, same = made_counts(seed=8), made_counts(seed=9, fall_on=440, fall=0.4)
    asked = {"today": FIRST + 480, "direction": "fell", "error_rate": 0.05}
    best = strongest(watch_contrast(fell, other, **asked))
    assert best is not None
    assert best.is_alarm
    assert best.difference == pytest.approx(-0.4, abs=0.12)
    assert not any(one.is_alarm for one in watch_contrast(fell, same, **asked))
    assert not any(one.is_alarm for one in watch_contrast(fell, other, beyond=0.6, **asked))
