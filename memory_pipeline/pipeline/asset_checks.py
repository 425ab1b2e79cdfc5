"""Each contract as Dagster asset checks: one per expectation, all of a contract evaluated together.

Concept: https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from memory_pipeline.contracts.check import check_contract
from memory_pipeline.contracts.evaluate import Verdict, expected, parameters
from memory_pipeline.pipeline.metadata import markdown_table
from memory_pipeline.pipeline.progress import CONTRACT_SUFFIX

if TYPE_CHECKING:
    from memory_pipeline.contracts.contract import Contract, Expectation
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
        for verdict in check_contract(memory, chosen, values, log=context.log):
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
