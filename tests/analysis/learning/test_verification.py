"""Did advice help: like is compared with like, and nothing is said where nothing can be.

The rates over many worlds are those of `benchmarks/verification.py`.
"""

import numpy as np
import pandas as pd
import pytest
from made_worlds import CONTEXT, UNIT, packaging_world
from statsmodels.stats.contingency_tables import StratifiedTable

from memory_pipeline.analysis.learning.prognosis import prognostic_bands, prognostic_score
from memory_pipeline.analysis.learning.verification import verify_advice


def advised(seed, *, gain, control_share=0.0, attempts=1200, units=60):
    """Easy attempts succeed more and follow more; following adds `gain`."""
    random = np.random.default_rng(seed)
    unit = random.integers(0, units, attempts)
    ease = random.integers(0, 4, attempts)
    own = random.normal(0, 0.05, units)[unit]
    is_control = random.random(attempts) < control_share
    followed = ~is_control & (random.random(attempts) < 0.2 + 0.2 * ease)
    chance = 0.35 + 0.12 * ease + own + gain * followed
    return pd.DataFrame(
        {
            UNIT: unit,
            "ease": ease,
            "is_control": is_control,
            "followed": pd.Series(followed, dtype=object).where(~is_control, None),
            "outcome_status": np.where(random.random(attempts) < chance, "success", "failure"),
        }
    )


def crude_difference(frame):
    rates = (frame["outcome_status"] == "success").groupby(frame["followed"].astype(bool)).mean()
    return rates[True] - rates[False]


@pytest.mark.statistics
def test_difficulty_confounds_the_naive_comparison_and_not_ours():
    covered, ours, naive = [], [], []
    for seed in range(60):
        frame = advised(seed, gain=0.05)
        result = verify_advice(frame, unit=UNIT, strata=["ease"])
        assert result.method == "stratified"
        covered.append(result.ci_low <= 0.05 <= result.ci_high)
        ours.append(result.gain)
        naive.append(crude_difference(frame))
    # At 95%, eight or more misses of sixty have a probability of 0.9%.
    assert np.sum(~np.array(covered)) <= 7
    assert np.mean(ours) == pytest.approx(0.05, abs=0.012)
    assert np.mean(naive) > 0.1


@pytest.mark.statistics
def test_with_a_control_share_the_served_are_compared_with_the_withheld():
    ours = []
    for seed in range(30):
        frame = advised(seed, gain=0.2, control_share=0.3)
        result = verify_advice(frame, unit=UNIT, strata=["ease"])
        assert result.method == "intention to treat"
        assert result.control == frame["is_control"].sum()
        ours.append(result.gain)
    # Half of the served attempts follow, so that serving is worth half of what following is.
    assert np.mean(ours) == pytest.approx(0.1, abs=0.015)


def test_the_pooled_difference_is_that_of_mantel_and_haenszel():
    frame = advised(3, gain=0.1)
    wins, followed = frame["outcome_status"] == "success", frame["followed"].astype(bool)
    tables = [
        [[(wins & side & here).sum(), (~wins & side & here).sum()] for side in (followed, ~followed)]
        for here in (frame["ease"] == level for level in range(4))
    ]
    counts = np.array(tables, dtype=float)
    n1, n0 = counts[:, 0].sum(axis=1), counts[:, 1].sum(axis=1)
    expected = np.sum((counts[:, 0, 0] * n0 - counts[:, 1, 0] * n1) / (n1 + n0)) / np.sum(n1 * n0 / (n1 + n0))
    result = verify_advice(frame, unit=UNIT, strata=["ease"])
    assert result.gain == pytest.approx(expected, abs=1e-12)
    # The same direction and verdict as statsmodels' test of the common odds ratio.
    assert StratifiedTable([np.array(table) for table in tables]).test_null_odds().pvalue < 0.05
    assert result.conclusive


def test_repeated_attempts_of_a_unit_widen_the_interval():
    frame = advised(4, gain=0.1, attempts=600, units=40)
    repeated = pd.concat([frame] * 10, ignore_index=True)
    one, ten = (verify_advice(rows, unit=UNIT, strata=["ease"]) for rows in (frame, repeated))
    assert ten.gain == pytest.approx(one.gain)
    assert ten.ci_high - ten.ci_low == pytest.approx(one.ci_high - one.ci_low, rel=0.01)


@pytest.mark.parametrize(
    "frame",
    [
        advised(5, gain=0.3).head(0),
        advised(5, gain=0.3).head(40),
        advised(5, gain=0.3).assign(followed=True),
        advised(5, gain=0.3).assign(followed=None),
        advised(5, gain=0.3).assign(application_name="the only one"),
        # Nobody is comparable: who follows lies in other strata than who does not.
        advised(5, gain=0.3).assign(ease=lambda rows: rows["followed"].astype(int)),
    ],
    ids=["nothing", "too few", "all followed", "not reported", "one application", "nothing comparable"],
)
def test_not_enough_evidence_is_said(frame):
    result = verify_advice(frame, unit=UNIT, strata=["ease"])
    assert not result.sufficient
    assert not result.conclusive
    assert (result.ci_low, result.ci_high) == (-1.0, 1.0)
    assert result.reason.startswith("Not enough evidence")


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="ease"):
        verify_advice(advised(1, gain=0).drop(columns="ease"), unit=UNIT, strata=["ease"])


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
