"""Each contract as Dagster asset checks: one per expectation, all of a contract evaluated together.

Concept: https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.pipeline.contracts import CONTRACT_SUFFIX
from memory_pipeline.pipeline.evaluate import (
    Verdict,
    could_not_evaluate,
    evaluate,
    expected,
    parameters,
)
from memory_pipeline.pipeline.metadata import markdown_table

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.pipeline.contracts import Contract, Expectation
    from memory_pipeline.store.session import Session


def build_contract_checks(contracts: Iterable["Contract"]) -> list[dg.AssetChecksDefinition]:
    """Make the asset checks of contracts: critical expectations block what is downstream.

    A contract is evaluated in one step after its asset, on all rows and only the columns that it needs.
    """
    return [_checks_of(contract) for contract in contracts]


def _checks_of(contract: "Contract") -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=contract.name + CONTRACT_SUFFIX,
        description=f"Evaluates the contract of {contract.name} on all its rows.",
        specs=[_spec(contract, one) for one in contract.expectations],
        compute_kind="greatexpectations",
        can_subset=True,
        required_resource_keys={"memory"},
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        memory: Session = context.resources.memory
        values = parameters(memory.settings)
        names = {key.name for key in context.selected_asset_check_keys}
        chosen = replace(
            contract, expectations=tuple(one for one in contract.expectations if one.id in names)
        )
        try:
            verdicts = evaluate(chosen, read_for_contract(memory, chosen), values)
        except Exception as error:
            context.log.exception("contract %s could not be evaluated", contract.name)
            verdicts = could_not_evaluate(chosen, error)
        for verdict in verdicts:
            yield _result(contract, verdict, values)

    return checks


def _spec(contract: "Contract", expectation: "Expectation") -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        expectation.id,
        asset=contract.name,
        description=expectation.description,
        blocking=expectation.is_critical,
        metadata={"severity": expectation.severity, "expectation": expectation.type},
    )


def _result(contract: "Contract", verdict: Verdict, values: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Show a verdict.

    What could not be evaluated is an error whatever its severity: the contract or the frame is broken.
    It blocks only where the expectation is critical.
    """
    rule = verdict.expectation
    is_error = rule.is_critical or verdict.outcome == "could not evaluate"
    metadata: dict[str, Any] = {
        "outcome": verdict.outcome,
        "observed": verdict.observed,
        "expected": expected(rule, values),
        "why": rule.description,
    }
    if verdict.rows is not None:
        metadata["rows"] = verdict.rows
    if verdict.violations is not None:
        metadata["violations"] = verdict.violations
    if verdict.examples:
        rows = [{"value": value, "rows": count} for value, count in verdict.examples.items()]
        metadata["examples"] = dg.MetadataValue.md(markdown_table(rows))
    return dg.AssetCheckResult(
        asset_key=contract.name,
        check_name=rule.id,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description=f"{verdict.outcome}: {verdict.observed}",
        metadata=metadata,
    )


def read_for_contract(memory: "Session", contract: "Contract") -> "pd.DataFrame":
    """Read the columns that a contract's expectations need, of all rows.

    Raises
    ------
    FileNotFoundError
        When the frame was not written yet.
    """
    if contract.table is None:
        frame, _ = memory.frames.read(contract.frame or contract.name, columns=list(contract.columns_read))
        return frame
    from memory_pipeline.pipeline.reading import read_columns  # noqa: PLC0415 - needs SQLAlchemy

    return read_columns(memory.store, contract.table, contract.columns_read, contract.derived)
