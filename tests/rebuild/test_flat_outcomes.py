"""Flat attempts that are read in pieces are what reading them at once would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from made_history import outcome_rows
from pandas.testing import assert_frame_equal
from sqlalchemy import insert

from memory_pipeline.analysis.features import flatten_outcomes
from memory_pipeline.analysis.features.flatten import Roles
from memory_pipeline.contracts.contract import load_contract
from memory_pipeline.rebuild import flat_outcomes
from memory_pipeline.rebuild.flat_outcomes import OutcomeKeys, keys_by_month
from memory_pipeline.rebuild.months import snapshot
from memory_pipeline.store.models import PackagingOutcome

if TYPE_CHECKING:
    from memory_pipeline.store import Store
    from memory_pipeline.store.session import Session


def keys_of(store: Store) -> OutcomeKeys:
    with snapshot(store) as connection:
        return OutcomeKeys.union(keys_by_month(connection).values())


def read_flat(store: Store, keys: OutcomeKeys) -> pd.DataFrame:
    with snapshot(store) as connection:
        return flat_outcomes.read_flat(connection, keys)


def varied_rows() -> list[dict[str, Any]]:
    """Attempts whose keys and types come and go: the first ones lack what the last ones have."""
    rows = outcome_rows(30)
    for number, row in enumerate(rows):
        row["approach_details"] = {"is_quiet": bool(number % 2)} if number else {}
        row["context"] = {}
    rows[-1]["approach_details"] = {"late": ["a", "b"], "mixed": 1, "size_class": "both"}
    rows[-2]["approach_details"] = {"mixed": "one", "retries": 3, "late": None}
    rows[-3]["context"] = {"size_class": "large", "installer_type": "ignored, there is a column"}
    return rows


@pytest.fixture
def varied(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(insert(PackagingOutcome), varied_rows())


@pytest.mark.usefixtures("varied")
def test_flat_attempts_in_pieces_equal_those_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = keys_of(store)
    at_once = read_flat(store, keys)
    monkeypatch.setattr(flat_outcomes, "ROWS_AT_ONCE", 7)
    assert_frame_equal(read_flat(store, keys), at_once)
    reference, roles = flatten_outcomes(pd.DataFrame(varied_rows()).astype(object))
    assert Roles(keys.approach, keys.context) == Roles(tuple(sorted(roles.approach)), roles.context)
    assert set(at_once.columns) == set(reference.columns)
    assert list(at_once["id"]) == list(reference["id"])  # both in the order of time
    for column in ("application_name", "needed_intervention", "failure_reason", "installer_type"):
        assert list(at_once[column].fillna("none")) == list(reference[column].fillna("none")), column


@pytest.mark.usefixtures("varied")
def test_flat_columns_have_the_type_that_fits_all_their_values(store: Store) -> None:
    frame = read_flat(store, keys_of(store))
    last, before = frame.iloc[-1], frame.iloc[-2]
    assert (str(frame["is_quiet"].dtype), str(frame["retries"].dtype)) == ("boolean", "float64")
    assert (last["mixed"], before["mixed"]) == ("1", "one")
    assert last["late"] == ["a", "b"]
    assert before["late"] is None
    assert last["size_class (approach)"] == "both"
    assert frame["size_class"].iloc[-3] == "large"


@pytest.mark.usefixtures("varied")
def test_flat_attempts_survive_parquet(store: Store, memory: Session) -> None:
    keys = keys_of(store)
    frame = read_flat(store, keys)
    memory.frames.write("sample", frame, keys.to_info())
    again, info = memory.frames.read("sample")
    assert info == {"approach": list(keys.approach), "context": list(keys.context)}
    assert list(again["late"].iloc[-1]) == ["a", "b"]
    assert_frame_equal(again.drop(columns="late"), frame.drop(columns="late"))


def test_no_attempts_are_a_flat_frame_with_columns_and_types(store: Store) -> None:
    frame = read_flat(store, keys_of(store))
    assert len(frame) == 0
    assert str(frame["occurred_at"].dtype).startswith("datetime64")
    assert frame["needed_intervention"].dtype == bool
    assert list(frame.columns[:4]) == ["id", "application_name", "occurred_at", "outcome_status"]


@pytest.mark.usefixtures("varied")
def test_every_flat_column_names_where_it_comes_from(store: Store) -> None:
    keys = keys_of(store)
    sources = {column: source for column, [(_, source)] in keys.sources().items()}
    assert set(sources) == set(read_flat(store, keys).columns)
    assert set(sources.values()) <= {column.name for column in PackagingOutcome.__table__.columns}
    assert sources["late"] == "approach_details"
    assert sources["size_class"] == "context"
    assert sources["installer_type"] == "installer_type"
    assert sources["failure_reason"] == "failure_reasons"


def test_expectations_on_features_refer_to_columns_that_every_flat_frame_has() -> None:
    contract = load_contract("outcome_features")
    frame, _ = flatten_outcomes(OutcomeKeys({}, {}).template)
    assert set(contract.columns_read) <= set(frame.columns)
    assert list(contract.columns) == list(frame.columns)
