"""What following changed, adjusted: each defence fails alone where the estimator is naive."""

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.learning.adjusted_gain import Residuals
from memory_pipeline.analysis.learning.advised import AdvisedAttempts


def estimate(seed, *, attempts=4000, units=80, pair=0.0, of_unit=0.0, steep=0.0, gain=0.0, drift=0.0):
    """Draw attempts whose ease decides who follows: by a pair of conditions, the unit, a number, or time."""
    random = np.random.default_rng(seed)
    unit = random.integers(0, units, attempts)
    one, other = random.integers(0, 2, (2, attempts))
    number, when = random.normal(0, 1, attempts), np.linspace(-1, 1, attempts)
    own = random.choice([-1, 1], units)[unit]
    ease = pair * (2 * (one == other) - 1) + of_unit * own + steep * (2 * (number > 1) - 1) + drift * when
    followed = (random.random(attempts) < 0.5 + 0.35 * ease).astype(float)
    wins = (random.random(attempts) < 0.55 + 0.3 * ease + gain * followed).astype(float)
    frame = pd.DataFrame(
        {
            "one": one.astype(str),
            "other": other.astype(str),
            "number": number,
            "occurred_at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(range(attempts), unit="h"),
        }
    )
    given = AdvisedAttempts(frame, "unit", (), ("number", "one", "other"))
    found = Residuals.of(given, followed, wins, unit).gain(np.ones(attempts, dtype=bool))
    return found, wins[followed == 1].mean() - wins[followed == 0].mean()


@pytest.mark.parametrize("confounder", ["pair", "of_unit", "steep", "drift"])
def test_what_is_recorded_and_what_belongs_to_the_unit_does_not_confound(confounder):
    found, crude = estimate(3, **{confounder: 0.9})
    assert crude > 0.1
    assert found.is_within
    assert abs(found.gain) < 0.035
    assert abs(found.gain) < found.margin < 0.06


def test_a_true_gain_is_found():
    found, _ = estimate(4, pair=0.9, gain=0.12)
    assert found.gain == pytest.approx(0.12, abs=found.margin)
    assert found.gain > found.margin
    assert found.rate == pytest.approx(0.55, abs=0.05)


def test_units_that_always_do_the_same_are_compared_with_each_other():
    random = np.random.default_rng(6)
    unit = np.repeat(np.arange(400), 3)
    followed = random.integers(0, 2, 400)[unit].astype(float)
    wins = (random.random(1200) < 0.5 + 0.2 * followed).astype(float)
    frame = pd.DataFrame({"occurred_at": pd.date_range("2026-01-01", periods=1200, freq="h", tz="UTC")})
    found = Residuals.of(AdvisedAttempts(frame, "unit", ()), followed, wins, unit).gain(
        np.ones(1200, dtype=bool)
    )
    assert not found.is_within
    assert found.units == 400
    assert found.gain == pytest.approx(0.2, abs=found.margin)
    assert found.margin < 0.09


def test_who_was_certain_to_follow_is_left_out():
    found, _ = estimate(7, attempts=2000)
    assert found.left_out == 0
    random = np.random.default_rng(7)
    unit, sure = random.integers(0, 40, 2000), random.random(2000) < 0.3
    followed = np.where(sure, 1.0, random.integers(0, 2, 2000))
    wins = (random.random(2000) < 0.5 + 0.4 * sure).astype(float)
    frame = pd.DataFrame(
        {
            "sure": sure.astype(str),
            "occurred_at": pd.date_range("2026-01-01", periods=2000, freq="h", tz="UTC"),
        }
    )
    given = AdvisedAttempts(frame, "unit", (), ("sure",))
    found = Residuals.of(given, followed, wins, unit).gain(np.ones(2000, dtype=bool))
    assert found.left_out == sure.sum()
    assert found.followed + found.not_followed == 2000 - sure.sum()
    assert abs(found.gain) < found.margin
