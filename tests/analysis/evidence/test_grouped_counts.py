"""Collapsed counts: nothing is lost, and the attempts' order does not matter."""

import numpy as np
import pandas as pd
from made_worlds import UNIT, cells_of, packaging_world

from memory_pipeline.analysis.evidence.grouped_counts import combined_key
from memory_pipeline.analysis.features import encode
from memory_pipeline.analysis.features.outcomes import is_success


def test_counts_add_up_and_say_what_the_attempts_say():
    outcomes = packaging_world(1, attempts=500).outcomes
    cells = cells_of(outcomes)
    assert cells.n.sum() == 500
    assert cells.k.sum() == (outcomes["outcome_status"] == "success").sum()
    here = cells.is_at("installer_type", "exe") & cells.is_at("wrapper", "yes")
    there = (outcomes["installer_type"] == "exe") & outcomes["wrapper"]
    assert cells.n[here].sum() == there.sum()
    assert cells.units_where(here) == outcomes.loc[there, UNIT].nunique()
    assert cells.n_units == outcomes[UNIT].nunique()
    assert (
        cells.codes[cells.cell_of, 0]
        == encode(outcomes, ["installer_type"]).frame["installer_type"].cat.codes
    ).all()


def test_order_of_attempts_changes_nothing():
    outcomes = packaging_world(2, attempts=300).outcomes
    one, other = cells_of(outcomes), cells_of(outcomes.sample(frac=1, random_state=0))
    for name in ("codes", "unit", "n", "k"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_partial_success_is_no_success():
    assert is_success(pd.DataFrame({"outcome_status": ["success", "partial", "failure"]})).tolist() == [
        True,
        False,
        False,
    ]


def test_combined_key_keeps_rows_apart_beyond_64_bits():
    random = np.random.default_rng(0)
    codes = [random.integers(0, 2**21, 200) for _ in range(5)]
    codes = [np.concatenate([c, c[:50]]) for c in codes]
    keys = combined_key(codes)
    rows = np.column_stack(codes)
    assert len(np.unique(keys)) == len(np.unique(rows, axis=0))
    assert np.array_equal(keys[200:], keys[:50])
    by_key = rows[np.argsort(keys, kind="stable")]
    assert [tuple(r) for r in by_key] == sorted(tuple(r) for r in by_key)
