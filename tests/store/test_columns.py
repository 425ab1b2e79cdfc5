"""Columns of a table that are read in pieces are what reading them at once would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pandas.testing import assert_frame_equal

from memory_pipeline.store import columns
from memory_pipeline.store.columns import read_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.store import Store

COLUMNS = ["application_name", "occurred_at", "installer_type", "recommendation_followed", "n"]
DERIVED = {"n": "(select count(*) from jsonb_object_keys(approach_details))"}


def test_columns_have_types_that_do_not_depend_on_the_rows(
    store: Store, add_outcomes: Callable[..., None]
) -> None:
    empty = read_columns(store, "packaging_outcomes", COLUMNS, DERIVED)
    add_outcomes(5, installer_type=None)
    filled = read_columns(store, "packaging_outcomes", COLUMNS, DERIVED)
    assert list(filled["n"]) == [3] * 5
    assert filled["installer_type"].isna().all()
    for column in COLUMNS[:-1]:
        assert filled[column].dtype == empty[column].dtype, column
    assert str(filled["occurred_at"].dt.tz) == "UTC"


def test_pieces_add_up(
    store: Store, add_outcomes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_outcomes(25)
    whole = read_columns(store, "packaging_outcomes", ["id", "occurred_at"])
    monkeypatch.setattr(columns, "ROWS_AT_ONCE", 10)
    in_pieces = read_columns(store, "packaging_outcomes", ["id", "occurred_at"])
    assert_frame_equal(in_pieces.sort_values("id"), whole.sort_values("id"))
    assert len(whole) == 25


def test_unknown_columns_are_left_out_and_unknown_tables_named(store: Store) -> None:
    assert list(read_columns(store, "packaging_outcomes", ["id", "absent"]).columns) == ["id"]
    with pytest.raises(KeyError, match="'absent'"):
        read_columns(store, "absent", ["id"])
