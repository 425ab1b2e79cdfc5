"""Which parts of the history changed: a planted change is found, and chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from memory_pipeline.analysis.learning import changed_segments


def rates(column, value, months, random, attempts=200):
    """Rows of `success_rate` of a segment, with binomial months."""
    hits = random.binomial(attempts, months)
    low, high = proportion_confint(hits, attempts, method="wilson")
    return pd.DataFrame(
        {
            "measure": "success_rate",
            "period_start": pd.date_range("2025-01-01", periods=len(months), freq="MS", tz="UTC"),
            "segment_column": column,
            "segment_value": value,
            "value": hits / attempts,
            "ci_low": low,
            "ci_high": high,
            "sample_size": attempts,
        }
    )


def test_the_segment_that_changed_comes_first_with_its_month():
    random = np.random.default_rng(3)
    parts = [rates("team", name, [0.7] * 12, random) for name in "abcd"]
    parts.append(rates("team", "better", [0.5] * 7 + [0.8] * 5, random))
    parts.append(rates("", "", [0.2] * 6 + [0.9] * 6, random))  # the whole is not a segment
    found = changed_segments(pd.concat(parts, ignore_index=True))
    first = found.iloc[0]
    assert (first["segment_value"], bool(first["is_clear"])) == ("better", True)
    assert first["since"] == pd.Timestamp("2025-08-01", tz="UTC")
    assert first["difference"] == pytest.approx(0.3, abs=0.06)
    assert first["ci_low"] > 0
    assert first["sentence"].startswith("Success with team = better rose: ")
    assert len(found) == 5
    assert found["is_clear"].sum() == 1


def test_where_nothing_changed_hardly_any_history_has_a_clear_segment():
    random = np.random.default_rng(11)
    worlds = [
        pd.concat([rates("team", str(one), [0.7] * 10, random, attempts=100) for one in range(6)])
        for _ in range(20)
    ]
    # At most 5% are expected; four of twenty or more have a probability of 1.6% then.
    assert sum(changed_segments(one)["is_clear"].any() for one in worlds) <= 3


def test_without_segments_or_months_there_is_nothing_to_tell():
    random = np.random.default_rng(1)
    assert changed_segments(pd.DataFrame()).empty
    assert changed_segments(rates("", "", [0.5] * 9, random)).empty
    assert changed_segments(rates("team", "a", [0.5] * 3, random)).empty
