"""Contract files: every shipped one fits its table, and every mistake in one is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memory_pipeline.contracts.contract import (
    Contract,
    ContractError,
    load_contracts,
    read_contract,
)
from memory_pipeline.settings import contracts_folder
from memory_pipeline.store.columns import read_columns
from memory_pipeline.store.models import Base

if TYPE_CHECKING:
    from pathlib import Path

    from memory_pipeline.store import Store

CONTRACTS = load_contracts()
TABLES = [one for one in CONTRACTS if one.table is not None]


def test_every_stored_asset_has_a_contract() -> None:
    assert {one.name for one in CONTRACTS} == {
        "packaging_outcomes",
        "members",
        "outcome_features",
        "pattern_identifications",
        "success_factors",
        "approach_recommendations",
        "learning_measures",
        "member_features",
        "label_merges",
        "member_candidates",
        "advice_verification",
        "member_patterns",
        "discovery_runs",
        "question_prompts",
    }


@pytest.mark.parametrize("contract", TABLES, ids=lambda one: one.name)
def test_a_contract_describes_exactly_the_columns_of_its_table(contract: Contract) -> None:
    assert contract.table is not None
    assert list(contract.columns) == [column.name for column in Base.metadata.tables[contract.table].columns]


@pytest.mark.parametrize("contract", TABLES, ids=lambda one: one.name)
def test_expectations_refer_to_columns_that_the_database_gives(contract: Contract, store: Store) -> None:
    assert contract.table is not None
    frame = read_columns(store, contract.table, contract.columns_read, contract.derived)
    assert set(frame.columns) == set(contract.columns_read)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.name)
def test_every_contract_counts_rows_because_an_empty_table_meets_all_other_rules(contract: Contract) -> None:
    counting = [one for one in contract.expectations if one.type == "expect_table_row_count_to_be_between"]
    assert [one.kwargs for one in counting] == [{"min_value": 1}]
    # Empty is a warning: an organisation without members, or without outcomes, can still rebuild.
    assert [one.severity for one in counting] == ["warning"]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.name)
def test_free_text_and_names_of_people_are_never_shown_as_examples(contract: Contract) -> None:
    private = {"name", "description", "profile_text", "pattern_name", "application_name", "failure_reason"}
    shown = {column for one in contract.expectations if one.show_examples for column in one.columns}
    assert not shown & private


VALID: dict[str, Any] = {
    "name": "sample",
    "table": "packaging_outcomes",
    "description": "A sample.",
    "columns": {"id": "Identity."},
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "id"},
            "severity": "critical",
            "description": "Without identity nothing can be counted.",
            "meta": {"id": "id_is_known"},
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Copy the valid contract with one place changed; `None` takes the key away."""
    values = json.loads(json.dumps(VALID))
    *way, last = path.split("/")
    place = values
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return values


def write(folder: Path, values: Any) -> Path:
    file = folder / "sample.json"
    file.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return file


def test_a_valid_contract_is_read(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, VALID))
    assert contract.table == "packaging_outcomes"
    assert contract.frame is None
    assert contract.columns_read == ("id",)
    assert contract.expectations[0].is_critical
    assert not contract.expectations[0].show_examples


RULE = "expectations/0"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("name", "other", ["name", "'other'", "'sample'"]),
        ("name", None, ["lacks", "name"]),
        ("extra", 1, ["unknown keys", "extra"]),
        ("table", None, ["where the data is", "table", "frame"]),
        ("frame", "sample", ["where the data is", "table", "frame"]),
        ("columns", [], ["columns", "is not an object"]),
        ("columns/id", " ", ["columns.id", "is not a text"]),
        ("expectations", [], ["expectations", "has no rule"]),
        (f"{RULE}/type", "not_an_expectation", ["expectations[0].type", "'not_an_expectation'"]),
        (f"{RULE}/kwargs", "id", ["expectations[0].kwargs", "'id'"]),
        (f"{RULE}/kwargs/min_value", {"$PARAMETER": "minimum"}, ["min_value", "minimum", "min_sample_size"]),
        (f"{RULE}/kwargs/row_condition", "id == 1", ["row_condition", "'id == 1'", "comparison"]),
        (f"{RULE}/severity", "fatal", ["severity", "'fatal'", "critical", "warning"]),
        (f"{RULE}/description", "", ["description", "is not a text"]),
        (f"{RULE}/description", "because", ["description", "'because'", "full stop"]),
        (f"{RULE}/meta", {}, ["meta", "lacks", "id"]),
        (f"{RULE}/meta/id", "Not a name", ["meta.id", "'Not a name'"]),
        (f"{RULE}/meta/show_examples", "yes", ["show_examples", "'yes'"]),
        ("expectations", VALID["expectations"] * 2, ["uses an id twice", "id_is_known"]),
        ("derived", {"n": ""}, ["derived.n", "is not a text"]),
    ],
)
def test_a_mistake_is_named_with_file_place_value_and_remedy(
    tmp_path: Path, path: str, value: Any, named: list[str]
) -> None:
    with pytest.raises(ContractError) as error:
        read_contract(write(tmp_path, changed(path, value)))
    message = str(error.value)
    assert message.startswith("sample.json")
    assert "; " in message  # the remedy
    for part in named:
        assert part in message


def test_derived_columns_need_a_table(tmp_path: Path) -> None:
    values = changed("table", None) | {"frame": "sample", "derived": {"n": "1"}}
    with pytest.raises(ContractError, match="derived needs a table"):
        read_contract(write(tmp_path, values))


@pytest.mark.parametrize("content", ["{", "", '"text"', "[1]"])
def test_what_is_no_json_object_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(ContractError, match=r"sample\.json"):
        read_contract(write(tmp_path, content))


def test_the_contracts_of_the_folder_are_all_read() -> None:
    assert len(CONTRACTS) == len(list(contracts_folder().glob("*.json")))
