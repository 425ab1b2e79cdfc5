"""Is a change said where there is one, and only there?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_tables import measures

from memory_pipeline.analysis.learning.trend import find_level_shift, overall_level, standard_errors

HISTORIES = 80


def clear_share(random, histories, rates, **how):
    found = [find_level_shift(measures(rates(), random=random, **how)) for _ in range(histories)]
    return np.mean([change.is_clear for change in found])


def test_the_split_and_both_levels_are_found():
    change = find_level_shift(measures([0.70] * 9 + [0.82] * 9))
    assert change.since == pd.Timestamp("2025-10-01", tz="UTC")
    assert change.before == pytest.approx(0.70)
    assert change.after == pytest.approx(0.82)
    assert change.is_clear
    assert change.ci_low < 0.12 < change.ci_high
    assert change.earliest <= change.since <= change.latest


def test_a_level_is_the_average_over_attempts_not_over_months():
    rates, attempts = [0.5] * 4 + [0.9] * 2, [100, 300, 100, 100, 100, 300]
    change = find_level_shift(measures(rates, attempts=attempts))
    assert (change.before, change.after) == pytest.approx((0.5, 0.9))
    level, low, high = overall_level(measures(rates, attempts=attempts))
    assert level == pytest.approx((0.5 * 600 + 0.9 * 400) / 1000)
    assert low < level < high


def test_the_order_of_the_rows_does_not_matter():
    series = measures([0.6] * 5 + [0.9] * 4)
    assert find_level_shift(series.sample(frac=1, random_state=1)) == find_level_shift(series)


def test_five_months_are_too_few_and_six_are_not():
    assert find_level_shift(measures([0.2, 0.2, 0.9, 0.9, 0.9])) is None
    assert find_level_shift(measures([0.2, 0.2, 0.2, 0.9, 0.9, 0.9])) is not None


@pytest.mark.parametrize(
    ("months", "attempts", "rate", "spread"),
    [(18, 300, 0.75, 0.0), (18, 20, 0.9, 0.0), (12, 300, 0.75, 0.08), (36, 100, 0.75, 0.05)],
    ids=["many attempts", "few attempts", "months scatter by themselves", "three years that scatter"],
)
def test_without_a_change_one_is_said_at_most_once_in_twenty(months, attempts, rate, spread):
    random = np.random.default_rng(3)
    share = clear_share(
        random,
        HISTORIES,
        lambda: np.clip(rate + spread * random.normal(size=months), 0, 1),
        attempts=attempts,
    )
    assert share <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / HISTORIES)


def test_a_real_change_is_found_and_its_interval_and_range_hold():
    random = np.random.default_rng(4)
    rates = np.array([0.70] * 8 + [0.80] * 10)
    start = pd.Timestamp("2025-09-01", tz="UTC")
    found = [find_level_shift(measures(rates, attempts=200, random=random)) for _ in range(HISTORIES)]
    truth = [rates[-split:].mean() - rates[:-split].mean() for split in (months_since(one) for one in found)]
    assert np.mean([one.is_clear for one in found]) > 0.9
    assert np.mean([one.ci_low <= t <= one.ci_high for one, t in zip(found, truth, strict=True)]) >= 0.95
    assert np.mean([one.earliest <= start <= one.latest for one in found]) >= 0.95


def months_since(change):
    return 18 - ((change.since.year - 2025) * 12 + change.since.month - 1)


def test_a_higher_level_asks_for_a_larger_change():
    series = measures([0.70] * 9 + [0.82] * 9)
    usual, strict = find_level_shift(series), find_level_shift(series, level=0.999)
    assert strict.ci_low < usual.ci_low
    assert strict.ci_high > usual.ci_high


def test_months_that_go_up_and_down_together_widen_the_interval():
    alone = find_level_shift(measures([0.7, 0.8] * 9))
    together = find_level_shift(measures([0.7, 0.7, 0.7, 0.8, 0.8, 0.8] * 3))
    assert together.ci_high - together.ci_low > 1.3 * (alone.ci_high - alone.ci_low)


def test_precision_comes_from_the_interval_or_else_from_the_sample():
    series = measures([0.7] * 3, attempts=400)
    by_interval = standard_errors(series)
    by_sample = standard_errors(series.assign(ci_low=None, ci_high=None))
    assert by_interval == pytest.approx(np.sqrt(0.7 * 0.3 / 400), rel=0.01)
    assert by_sample == pytest.approx(by_interval, rel=0.01)
