"""Evidence without combinations of values that few units have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.evidence import Evidence, count_evidence
from memory_pipeline.analysis.evidence.suppression import (
    keep_conditions,
    suppress_rare_cells,
    suppress_rare_outcomes,
)

COLUMNS = ["colour", "shape", "size"]


def history(seed: int, rows: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    values = {
        name: random.choice([f"{name} {one}" for one in range(size)], rows, p=shares / shares.sum())
        for name, size in zip(COLUMNS, (3, 5, 8), strict=True)
        if (shares := 1 / np.arange(1, size + 1)) is not None
    }
    return pd.DataFrame(
        values
        | {
            "unit": random.choice([f"u{one}" for one in range(40)], rows),
            "month": random.choice(["2025-01", "2025-02"], rows),
            "outcome": random.choice(["success;;", "failure;disk;", "failure;net;"], rows),
        }
    )


def counted(frame: pd.DataFrame) -> Evidence:
    return count_evidence(frame, conditions=COLUMNS, outcome="outcome", unit="unit", period="month")


def cells(evidence: Evidence) -> pd.Series:
    rows = evidence.to_rows()
    names = [f"condition: {one}" for one in evidence.conditions]
    return rows.groupby(names, observed=True)["unit"].nunique()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [2, 5, 12])
def test_no_cell_below_k_is_left_and_what_was_common_is_untouched(seed: int, k: int) -> None:
    evidence = counted(history(seed))
    before = cells(evidence)
    done = suppress_rare_cells(evidence, k)
    after = cells(done.evidence)
    assert before.min() < k <= after.min()
    assert done.rare_cells == (before < k).sum()
    assert done.evidence.n.sum() + done.attempts_left_out == evidence.n.sum() == 600
    common = before[before >= k]
    pd.testing.assert_series_equal(after.reindex(common.index), common, check_dtype=False)
    rows = done.evidence.to_rows()
    other = rows[[f"condition: {one}" for one in COLUMNS]] == "(other)"
    assert done.attempts_changed == done.evidence.n[other.any(axis=1)].sum()
    by_column = {one: int(done.evidence.n[other[f"condition: {one}"]].sum()) for one in COLUMNS}
    assert done.columns_changed == {one: count for one, count in by_column.items() if count}


def test_with_k_of_one_nothing_changes() -> None:
    evidence = counted(history(0))
    done = suppress_rare_cells(evidence, 1)
    pd.testing.assert_frame_equal(done.evidence.to_rows(), evidence.to_rows())
    assert (done.rare_cells, done.attempts_changed, done.attempts_left_out) == (0, 0, 0)


def test_too_few_units_leave_nothing() -> None:
    done = suppress_rare_cells(counted(history(0)), 41)
    assert (len(done.evidence), done.attempts_left_out) == (0, 600)


def test_reasons_of_few_units_lose_their_name_and_no_count() -> None:
    frame = history(1).iloc[:60].copy()
    frame["outcome"] = ["failure;disk;"] * 50 + ["failure;odd;paid"] * 2 + ["success;;edited"] * 8
    frame.loc[frame.index[50:52], "unit"] = ["u1", "u2"]
    evidence = suppress_rare_outcomes(counted(frame), 3)
    assert set(evidence.outcomes) == {"failure;disk;", "failure;(other);(other)", "success;;edited"}
    assert evidence.attempts("failure;(other);(other)").sum() == 2
    assert evidence.n.sum() == 60


def test_conditions_that_are_not_kept_are_summed_over() -> None:
    evidence = counted(history(2))
    part = keep_conditions(evidence, ["shape"])
    frame = history(2)
    expected = frame.groupby("shape").size()
    rows = part.to_rows().groupby("condition: shape", observed=True)
    assert rows.sum(numeric_only=True).sum(axis=1).to_dict() == expected.to_dict()
    with pytest.raises(KeyError, match="weight"):
        keep_conditions(evidence, ["weight"])
