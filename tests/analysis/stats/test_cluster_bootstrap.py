"""Drawing a few resamples at a time gives what drawing all at once gives."""

import tracemalloc

import numpy as np
import pytest

from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
from memory_pipeline.analysis.learning.backtest_measures import _skill_interval
from memory_pipeline.analysis.models.classifiers import CHOSEN
from memory_pipeline.analysis.patterns.predictability import _calibration_bins, _Predictions, _score
from memory_pipeline.analysis.stats.cluster_bootstrap import resampled_totals, unit_bootstrap


@pytest.mark.parametrize("draws", [10, 200, 213])
def test_totals_are_those_of_all_resamples_at_once(draws):
    values = np.random.default_rng(1).normal(size=(2, 53))
    picks = np.random.default_rng(0).multinomial(53, np.full(53, 1 / 53), size=draws)
    totals = resampled_totals(np.random.default_rng(0), list(values), draws)
    np.testing.assert_allclose(totals, values @ picks.T, rtol=0, atol=1e-12)


def asked(chances):
    everywhere = np.ones(len(chances))
    hits = (np.random.default_rng(1).random(len(chances)) < chances).astype(float)
    codes, unit = np.zeros((len(chances), 1), dtype=np.int64), np.arange(len(chances))
    rows = GroupedCounts(("c",), (("a", "b"),), codes, unit, everywhere, hits)
    return _Predictions("other units", rows, everywhere / 2, {CHOSEN: chances})


@pytest.mark.parametrize(
    "interval",
    [
        lambda values: unit_bootstrap(values, np.arange(len(values))),
        lambda values: _skill_interval(values, values[::-1], np.random.default_rng(0)),
        lambda values: _score(asked(values), CHOSEN, 0),
        lambda values: _calibration_bins(asked(values), 0),
    ],
)
def test_many_units_take_little_memory(interval):
    values = np.random.default_rng(0).random(5000)
    tracemalloc.start()
    interval(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The counts of all resamples would take 40 or 80 MB.
    assert peak < 2e7
