"""Rows that leave the memory: plain Python values, and JSON whatever they hold."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_pipeline.memory import Memory
from memory_pipeline.service.records import plain_value, to_json, to_records

TEXTS = st.text('aä"\\\n\x00€', max_size=3)
SCALARS = st.one_of(
    st.sampled_from([None, True, pd.NA, pd.NaT, UUID(int=1), timedelta(hours=1), np.datetime64("NaT")]),
    st.sampled_from([np.True_, np.str_("a"), np.timedelta64(1, "h"), np.longdouble("inf"), np.array(1.5)]),
    st.integers(),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.integers(0, 2**62).map(lambda moment: np.datetime64(moment, "ns")),
    st.floats(),
    st.floats(width=32).map(np.float32),
    st.floats().map(np.float64),
    st.floats().map(Decimal),
    TEXTS,
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)).map(pd.Timestamp),  # noqa: DTZ001
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.sets(TEXTS, max_size=3),
        st.dictionaries(st.one_of(TEXTS, st.integers()), inner, max_size=3),
        st.lists(st.floats(), max_size=3).map(np.array),
        st.lists(TEXTS, max_size=3).map(lambda ones: np.array(ones, dtype=object)),
    ),
    max_leaves=5,
)
PYTHON = {type(None), bool, int, float, str, list, dict, datetime, date, time, timedelta, UUID}


def types_in(value):
    yield type(value)
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from types_in(one)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=4))
def test_whatever_a_frame_holds_becomes_json(rows):
    frame = pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in "abc"})
    records = to_records(frame)
    assert set(types_in(records)) <= PYTHON
    assert [set(record) for record in records] == [set("abc")] * len(rows)
    text = to_json(frame)
    assert text == to_json(records)
    assert plain_value(records) == records
    # `parse_constant` is called for NaN and Infinity alone.
    read = json.loads(text, parse_constant=pytest.fail)
    assert json.loads(json.dumps(read, allow_nan=False)) == read


def test_every_kind_of_column_becomes_plain_values():
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan],
            "infinite": [-np.inf, 1.0],
            "whole": pd.array([1, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "text": ["a", None],
            "time": pd.to_datetime(["2026-03-01T12:00:00.123456789+01:00", None]),
            "kind": pd.Categorical(["x", None]),
            "nested": [{"a": np.int64(1), 2: {"z", "y"}}, np.array([np.float32(0.5), np.nan])],
        }
    )
    moment = datetime(2026, 3, 1, 11, 0, 0, 123456, tzinfo=UTC)
    first, second = Memory.to_records(frame)
    assert first == {
        "float": 1.5,
        "infinite": None,
        "whole": 1,
        "flag": True,
        "text": "a",
        "time": moment,
        "kind": "x",
        "nested": {"a": 1, "2": ["y", "z"]},
    }
    assert type(first["time"]) is datetime
    assert second == dict.fromkeys(frame.columns) | {"infinite": 1.0, "nested": [0.5, None]}


def test_times_are_written_as_iso_8601_and_text_as_it_is():
    answer = {
        "at": pd.Timestamp("2026-03-01T12:00:00+01:00"),
        "day": date(2026, 3, 1),
        "hour": time(12, 30),
        "took": timedelta(minutes=90),
        "rate": Decimal("0.25"),
        "name": "Änderung",
        "rows": pd.DataFrame({"a": [np.nan]}),
    }
    assert json.loads(to_json(answer)) == {
        "at": "2026-03-01T12:00:00+01:00",
        "day": "2026-03-01",
        "hour": "12:30:00",
        "took": "P0DT1H30M0S",
        "rate": 0.25,
        "name": "Änderung",
        "rows": [{"a": None}],
    }
    assert "Änderung" in to_json(answer)
    assert to_json([1], indent=None) == "[1]"


def test_what_json_cannot_hold_is_named():
    with pytest.raises(TypeError, match="bytes cannot be written as JSON"):
        to_json({"a": b"x"})
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ValueError, match="the column 'a' is there twice; rename one"):
        to_records(frame)


def test_each_table_of_a_memory_can_leave_it(memory):
    tables = [memory.patterns(), memory.factors(), memory.members(), memory.learning(), memory.outcomes()]
    for table in tables:
        records = memory.to_records(table)
        assert len(records) == len(table) > 0
        assert set(types_in(records)) <= PYTHON
        assert len(json.loads(to_json(records))) == len(table)
