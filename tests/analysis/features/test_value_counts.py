"""Counts of values add up, and an encoding fitted from them is the one fitted from the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_pipeline.analysis.evidence import count_evidence
from memory_pipeline.analysis.evidence.periods import without_periods
from memory_pipeline.analysis.features import Encoding, encode
from memory_pipeline.analysis.features.encoding import learn_encoding
from memory_pipeline.analysis.features.recoding import recoded_months
from memory_pipeline.analysis.features.value_counts import add_tables, count_columns, value_table

COLUMNS = ["vendor", "size", "is_signed", "needs"]
LIMITS = {"min_count": 3, "min_units": 2, "max_values": 4, "bins": 2}


def history(seed, rows=60):
    rng = np.random.default_rng(seed)
    needs = [["vc"], ["vc", "net"], [], None]
    return pd.DataFrame(
        {
            "app": pd.Series(rng.choice(["p", "q", "r", None], rows), dtype="str"),
            "vendor": pd.Series(rng.choice(["a", "b", "c", "d", "e", "f", None], rows), dtype="str"),
            # Few or many different numbers, some of which are missing, some nearly all the same.
            "size": rng.choice([0.0, 0.0, 0.1 + 0.2, 0.3, 1.0, 2.5, 4.0, 1e15, np.nan], rows),
            "is_signed": pd.array(rng.choice([True, False, None], rows), dtype="boolean"),
            "needs": pd.Series([needs[i] for i in rng.integers(0, 4, rows)], dtype=object),
            "month": rng.choice(["2026-01", "2026-02", "2026-03"], rows),
        }
    )


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_the_encoding_of_parts_that_are_added_up_is_that_of_the_whole(seed, rows):
    frame = history(seed, rows)
    tables = pd.concat([value_table(part, COLUMNS, "app") for _, part in frame.groupby("month")])
    fitted = learn_encoding(add_tables(tables, COLUMNS, rows), **LIMITS)
    assert fitted == encode(frame, COLUMNS, unit="app", **LIMITS).encoding
    assert fitted.apply(frame).nunique().min() > 1 if fitted.codes else True


def test_an_encoding_survives_parquet_of_its_counts(tmp_path):
    frame = history(3)
    value_table(frame, COLUMNS, "app").to_parquet(tmp_path / "values.parquet")
    tables = pd.read_parquet(tmp_path / "values.parquet")
    fitted = learn_encoding(add_tables(tables, COLUMNS, len(frame)), **LIMITS)
    assert fitted == encode(frame, COLUMNS, unit="app", **LIMITS).encoding


def test_attempts_are_counted_by_value_element_and_unit():
    frame = pd.DataFrame(
        {
            "app": ["p", "p", "q", None],
            "vendor": ["a", "a", "a", None],
            "needs": [["vc", "net"], ["vc"], [], None],
        }
    )
    table = value_table(frame, ["vendor", "needs"], "app").astype(object)
    rows = {
        tuple(None if pd.isna(one) else one for one in row)
        for row in table[["column", "value", "unit", "attempts"]].itertuples(index=False)
    }
    assert rows == {
        ("vendor", "a", "p", 2),
        ("vendor", "a", "q", 1),
        ("vendor", None, None, 1),
        ("needs", "net", "p", 1),
        ("needs", "vc", "p", 2),
        ("needs", None, None, 1),
    }


def test_a_missing_unit_is_a_unit_of_its_own():
    frame = pd.DataFrame({"app": ["p", None, "q", "q"], "vendor": ["a", "a", "b", "b"]})
    encoding = learn_encoding(count_columns(frame, ["vendor"], "app"), min_count=2, min_units=2)
    assert encoding.codes["vendor"].levels == ("a",)


@given(seed=st.integers(0, 10_000), more=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_months_are_recoded_where_some_attempt_gets_another_category(seed, more):
    before, frame = history(seed), history(more)
    old = encode(before, COLUMNS, unit="app", **LIMITS).encoding
    new = encode(frame, COLUMNS, unit="app", **LIMITS).encoding
    tables = pd.concat(
        [value_table(part, COLUMNS, "app").assign(month=month) for month, part in frame.groupby("month")]
    )
    found = recoded_months(tables, old, new)
    first, second = old.apply(frame), new.apply(frame)
    if list(first) != list(second):
        assert found == set(frame["month"])
    else:
        differ = (first.astype(str) != second.astype(str)).any(axis=1)
        assert found == set(frame["month"][differ])


def test_the_same_encoding_recodes_nothing():
    frame = history(1)
    encoding = encode(frame, COLUMNS, unit="app", **LIMITS).encoding
    table = value_table(frame, COLUMNS, "app").assign(month="2026-01")
    assert recoded_months(table, encoding, Encoding.from_dict(encoding.to_dict())) == set()


@pytest.mark.parametrize("gone", [[], ["2026-02"], ["2026-01", "2026-03"], ["1999-01"]])
def test_evidence_without_months_is_that_of_the_other_months(gone):
    frame = history(5).assign(end=lambda one: np.where(one["month"] == "2026-02", "late", "usual"))
    frame["vendor"] = frame["vendor"].where(frame["month"] != "2026-03", "only then")
    chosen = {"conditions": ["vendor", "is_signed"], "outcome": "end", "unit": "app", "period": "month"}
    left = without_periods(count_evidence(frame, **chosen), gone)
    expected = count_evidence(frame[~frame["month"].isin(gone)], **chosen)
    assert left.outcomes == expected.outcomes
    pd.testing.assert_frame_equal(left.to_rows(), expected.to_rows())


def test_evidence_without_a_period_cannot_lose_months():
    evidence = count_evidence(history(5), conditions=["vendor"], outcome="month")
    with pytest.raises(ValueError, match="no periods to leave out"):
        without_periods(evidence, ["2026-01"])
