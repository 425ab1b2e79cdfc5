"""Did advice help: like is compared with like, and nothing is said where nothing can be.

The rates over many worlds are those of `benchmarks/verification.py`.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_worlds import CONTEXT, UNIT, packaging_world

from memory_pipeline.analysis.learning.advised import AdvisedAttempts
from memory_pipeline.analysis.learning.prognosis import prognostic_bands, prognostic_score
from memory_pipeline.analysis.learning.verification import gain_rows, verify_advice


def advised(seed, *, gain, control_share=0.0, attempts=1200, units=60, hidden=0.0):
    """Easy attempts succeed more and follow more; following adds `gain`; `hidden` ease is not recorded."""
    random = np.random.default_rng(seed)
    unit = random.integers(0, units, attempts)
    ease = random.integers(0, 4, attempts)
    easy_week = random.random(attempts) < 0.5
    own = random.normal(0, 0.05, units)[unit]
    is_control = random.random(attempts) < control_share
    followed = ~is_control & (
        random.random(attempts) < 0.2 + 0.2 * ease - 0.15 * hidden * (1 - 2 * easy_week)
    )
    chance = 0.35 + 0.12 * ease + own + gain * followed - 0.15 * hidden * (1 - 2 * easy_week)
    frame = pd.DataFrame(
        {
            UNIT: unit,
            "ease": ease,
            "occurred_at": pd.Timestamp("2026-01-01", tz="UTC")
            + pd.to_timedelta(np.arange(attempts), unit="h"),
            "is_control": is_control,
            "followed": pd.Series(followed, dtype=object).where(~is_control, None),
            "outcome_status": np.where(random.random(attempts) < chance, "success", "failure"),
        }
    )
    return AdvisedAttempts(frame, UNIT, ("ease",), ("ease",))


def crude_difference(given):
    frame = given.frame
    rates = (frame["outcome_status"] == "success").groupby(frame["followed"].astype(bool)).mean()
    return rates[True] - rates[False]


def with_frame(given, change):
    return replace(given, frame=change(given.frame))


@pytest.mark.statistics
def test_difficulty_confounds_the_naive_comparison_and_not_ours():
    covered, ours, naive = [], [], []
    for seed in range(60):
        given = advised(seed, gain=0.05)
        result = verify_advice(given)
        assert result.method == "doubly robust"
        covered.append(result.ci_low <= 0.05 <= result.ci_high)
        ours.append(result.gain)
        naive.append(crude_difference(given))
    # At 95%, eight or more misses of sixty have a probability of 0.9%.
    assert np.sum(~np.array(covered)) <= 7
    assert np.mean(ours) == pytest.approx(0.05, abs=0.012)
    assert np.mean(naive) > 0.1


@pytest.mark.statistics
def test_with_a_control_share_the_served_are_compared_with_the_withheld():
    ours = []
    for seed in range(30):
        given = advised(seed, gain=0.2, control_share=0.3)
        result = verify_advice(given)
        assert result.method == "intention to treat"
        assert result.control == given.frame["is_control"].sum()
        assert result.anytime_low < result.ci_low < result.gain < result.ci_high < result.anytime_high
        ours.append(result.gain)
    # Half of the served attempts follow, so that serving is worth half of what following is.
    assert np.mean(ours) == pytest.approx(0.1, abs=0.015)


def test_without_an_experiment_nothing_helped_for_certain():
    # Nothing was gained: what nobody recorded makes attempts easy, and followed.
    result = verify_advice(advised(1, gain=0.0, hidden=1.0, attempts=4000))
    assert result.ci_low > 0
    assert (result.verdict, result.conclusive) == ("consistent with helping", False)
    assert "MEMORY_CONTROL_SHARE" in result.reason
    assert result.anytime_low is None
    assert result.e_value > result.e_value_bound > 1
    assert f"{result.e_value:.1f} times as likely" in result.reason
    few = advised(1, gain=0.0, hidden=1.0, attempts=4000, control_share=0.004)
    waits = verify_advice(few)
    assert 0 < waits.control < 30
    assert "MEMORY_CONTROL_SHARE" not in waits.reason
    assert "once 30 attempts of 5 units" in waits.reason


def test_an_experiment_shows_what_a_comparison_cannot():
    result = verify_advice(advised(1, gain=0.0, hidden=1.0, attempts=4000, control_share=0.5))
    assert result.verdict == "may be chance"
    result = verify_advice(advised(1, gain=0.3, hidden=1.0, attempts=4000, control_share=0.5))
    assert (result.verdict, result.conclusive) == ("helped", True)
    assert result.anytime_low > 0
    assert (result.e_value, result.e_value_bound) == (None, None)
    assert result.reason.endswith("holds at all of them.")


def test_repeated_attempts_of_a_unit_widen_the_interval_of_an_experiment():
    given = advised(4, gain=0.1, attempts=600, units=40, control_share=0.4)
    repeated = with_frame(given, lambda frame: pd.concat([frame] * 10, ignore_index=True))
    one, ten = verify_advice(given), verify_advice(repeated)
    assert ten.gain == pytest.approx(one.gain)
    assert ten.ci_high - ten.ci_low == pytest.approx(one.ci_high - one.ci_low, rel=0.01)


def test_months_add_up_and_the_last_is_the_verdict():
    given = advised(2, gain=0.1, attempts=2000)
    rows = gain_rows(given)
    assert [row["sample_size"] for row in rows] == sorted(row["sample_size"] for row in rows)
    assert rows[-1]["sample_size"] == 2000
    assert rows[-1]["details"] == verify_advice(given).to_dict()
    assert gain_rows(with_frame(given, lambda frame: frame.head(0))) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.head(0),
        lambda rows: rows.head(40),
        lambda rows: rows.assign(followed=True),
        lambda rows: rows.assign(followed=None),
        lambda rows: rows.assign(application_name="the only one"),
        # Nobody is comparable: who follows lies in other strata than who does not.
        lambda rows: rows.assign(ease=rows["followed"].astype(int)),
    ],
    ids=["nothing", "too few", "all followed", "not reported", "one application", "nothing comparable"],
)
def test_not_enough_evidence_is_said(change):
    result = verify_advice(with_frame(advised(5, gain=0.3), change))
    assert not result.sufficient
    assert not result.conclusive
    assert result.verdict == "not enough evidence"
    assert (result.ci_low, result.ci_high) == (-1.0, 1.0)
    assert result.reason.startswith("Not enough evidence")


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="ease"):
        verify_advice(with_frame(advised(1, gain=0), lambda frame: frame.drop(columns="ease")))


def test_difficulty_is_known_from_context_and_record():
    world = packaging_world(9, attempts=4000, units=60, heavy_tail=False, unit_spread=0.2)
    frame = world.outcomes
    later = frame.tail(1500)
    expected = prognostic_score(later, frame.head(2500), context=list(CONTEXT), unit=UNIT)
    assert np.corrcoef(expected, world.chances()[2500:])[0, 1] > 0.8
    bands = prognostic_bands(expected)
    assert bands.nunique() == 5
    assert bands.value_counts().max() < 600
    unknown = prognostic_score(later, frame.head(0), context=list(CONTEXT), unit=UNIT)
    assert set(prognostic_bands(unknown)) == {0}


def test_how_an_attempt_ended_is_no_part_of_its_difficulty():
    frame = packaging_world(10, attempts=1000).outcomes
    later, flipped = frame.tail(300), frame.tail(300).assign(outcome_status="failure")
    one, other = (
        prognostic_score(rows, frame.head(700), context=list(CONTEXT), unit=UNIT) for rows in (later, flipped)
    )
    pd.testing.assert_series_equal(one, other)
