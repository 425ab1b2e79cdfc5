"""A contract is checked on what is stored, also where nothing can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from memory_pipeline.contracts.check import check_contract, read_for_contract
from memory_pipeline.contracts.contract import Contract, Expectation, load_contract
from memory_pipeline.contracts.evaluate import parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from memory_pipeline.store.session import Session

RULE = Expectation(
    "rule", "expect_column_values_to_not_be_null", {"column": "status"}, "critical", "It matters."
)
CONTRACT = Contract("sample", "A sample.", {}, (RULE,), frame="sample")


def test_a_frame_is_read_and_evaluated(memory: Session) -> None:
    memory.frames.write("sample", pd.DataFrame({"status": ["success", None, "failure"]}, dtype="str"), {})
    [verdict] = check_contract(memory, CONTRACT, parameters(memory.settings))
    assert (verdict.outcome, verdict.rows, verdict.violations) == ("violated", 3, 1)


def test_a_frame_that_is_not_there_cannot_be_evaluated(
    memory: Session, caplog: pytest.LogCaptureFixture
) -> None:
    [verdict] = check_contract(memory, CONTRACT, parameters(memory.settings))
    assert verdict.outcome == "could not evaluate"
    assert "FileNotFoundError" in verdict.observed
    assert "contract sample could not be evaluated" in caplog.text


def test_only_the_columns_that_a_contract_needs_are_read(
    memory: Session, add_outcomes: Callable[..., None]
) -> None:
    add_outcomes(3)
    contract = load_contract("packaging_outcomes")
    frame = read_for_contract(memory, contract)
    assert set(frame.columns) == set(contract.columns_read)
    assert len(frame) == 3
