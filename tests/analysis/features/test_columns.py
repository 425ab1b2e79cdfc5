"""Columns that are not there are named, and a missing unit is one unit whatever stands for missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_worlds import UNIT, packaging_world

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.features.columns import (
    check_columns,
    require_columns,
    rows_by_unit,
    unit_codes,
    unit_names,
)


@pytest.mark.parametrize(
    ("roles", "error", "says"),
    [
        ({"approach": ["wraper"], "context": [], "unit": UNIT}, KeyError, r"approach names \['wraper'\]"),
        (
            {"approach": ["team"], "context": ["team"], "unit": UNIT},
            ValueError,
            "a column is one or the other",
        ),
        ({"approach": ["outcome_status"], "context": [], "unit": UNIT}, ValueError, "result of an attempt"),
        ({"approach": [], "context": [], "unit": "app"}, KeyError, r"unit names \['app'\]"),
    ],
)
def test_wrong_roles_are_refused(roles, error, says):
    with pytest.raises(error, match=says):
        check_columns(packaging_world(0, attempts=10).outcomes, **roles)


def test_a_missing_column_is_named_with_those_that_are_there():
    frame = pd.DataFrame({"b": [1], "a": [1]})
    with pytest.raises(
        KeyError, match=r"the columns \['c'\] are needed, not in the frame; it has \['a', 'b'\]"
    ):
        require_columns(frame, ["a", "c"])


def test_units_are_numbered_in_the_order_of_their_names():
    units = pd.Series(["b", "a", "c", "a"])
    assert unit_codes(units).tolist() == [1, 0, 2, 0]
    assert unit_codes(units.astype("category")).tolist() == [1, 0, 2, 0]


def test_attempts_without_a_unit_are_one_unit_as_in_counted_evidence():
    units = pd.Series(["b", None, "a", np.nan, pd.NA, "a"], dtype=object)
    assert unit_names(units).tolist() == ["b", "(missing)", "a", "(missing)", "(missing)", "a"]
    frame = pd.DataFrame({"unit": units, "c": list("xyxyxy"), "end": "success"})
    evidence = count_evidence(frame, conditions=["c"], outcome="end", unit="unit")
    assert set(evidence.columns["unit"].levels) == set(unit_names(units))


def test_rows_are_listed_by_unit_and_a_unit_may_have_none():
    found = rows_by_unit(np.array([2, 0, 2, 0]), 4)
    assert [rows.tolist() for rows in found] == [[1, 3], [], [0, 2], []]
