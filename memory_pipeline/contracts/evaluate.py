"""Evaluate a contract on data with Great Expectations, and tell apart what can come out.

Concept: https://docs.greatexpectations.io/docs/core/introduction/gx_overview
"""

from __future__ import annotations

import importlib
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from memory_pipeline.contracts.contract import Contract, Expectation
    from memory_pipeline.settings import Settings

Outcome = Literal["met", "nothing to check", "violated", "could not evaluate"]

MAX_EXAMPLES = 10
_ROW_COUNT = "expect_table_row_count_to_be_between"


@dataclass(frozen=True)
class Verdict:
    """What came out for one expectation.

    Parameters
    ----------
    expectation
        The rule.
    outcome
        `met`; `nothing to check` (the rule speaks of rows and there are none); `violated`;
        `could not evaluate` (a column is missing, a type does not fit, the data cannot be read).
    rows
        Rows that were looked at: those of the row condition where there is one.
    violations
        Rows that break the rule; `None` for rules about the whole table.
    observed
        What was found, as a sentence.
    examples
        Offending values and how often they occur, at most `MAX_EXAMPLES`; empty unless the contract
        allows showing them.
    """

    expectation: Expectation
    outcome: Outcome
    observed: str
    rows: int | None = None
    violations: int | None = None
    examples: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the data is as the contract wants it."""
        return self.outcome in ("met", "nothing to check")


def parameters(settings: Settings) -> dict[str, Any]:
    """Return the values that stand for `{"$PARAMETER": name}` in expectations."""
    return {
        "min_sample_size": settings.min_sample_size,
        "min_units": settings.min_units,
        "confidence_threshold": settings.confidence_threshold,
        "max_patterns": settings.max_patterns,
        "tomorrow": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }


def evaluate(contract: Contract, frame: pd.DataFrame, values: Mapping[str, Any]) -> list[Verdict]:
    """Evaluate all expectations of a contract on a frame in one pass.

    Parameters
    ----------
    contract
        The contract.
    frame
        The data, shape (rows, at least `contract.columns_read`); an absent column makes the expectations
        that need it `could not evaluate`.
    values
        The parameters, see `parameters`.

    Returns
    -------
    list of Verdict
        One per expectation, in the contract's order.
    """
    gx = _great_expectations()
    verdicts: dict[str, Verdict] = {}
    usable = []
    for one in contract.expectations:
        try:
            usable.append(_as_expectation(one))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the verdict on this rule
            verdicts[one.id] = Verdict(one, "could not evaluate", _one_line(error))
    by_id = {one.id: one for one in contract.expectations}
    for result in _validate(gx, contract.name, usable, frame, dict(values)):
        rule = by_id[result["expectation_config"]["meta"]["id"]]
        verdicts[rule.id] = _verdict(rule, result, len(frame))
    return [verdicts[one.id] for one in contract.expectations]


def could_not_evaluate(contract: Contract, error: Exception) -> list[Verdict]:
    """Return the verdict `could not evaluate` on all expectations, for data that cannot be read."""
    return [Verdict(one, "could not evaluate", _one_line(error)) for one in contract.expectations]


def _great_expectations() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports are full of other libraries' deprecations
        importlib.import_module("memory_pipeline.lean_jsonschema")
        with _without_spark():
            return importlib.import_module("great_expectations")  # takes a second or two


@contextmanager
def _without_spark() -> Iterator[None]:
    """Hide pyspark from an import: the library looks for it, and Spark Connect ends some processes there."""
    loaded = sys.modules.get("pyspark")
    sys.modules["pyspark"] = None  # type: ignore[assignment]  # importing it fails, which is expected
    try:
        yield
    finally:
        del sys.modules["pyspark"]
        if loaded is not None:
            sys.modules["pyspark"] = loaded


def _as_expectation(expectation: Expectation) -> Any:
    """Build the library's own object, which refuses unknown types and arguments that do not fit."""
    from great_expectations.expectations.expectation_configuration import (  # noqa: PLC0415
        ExpectationConfiguration,
    )

    return ExpectationConfiguration(**expectation.to_spec()).to_domain_obj()


def _validate(
    gx: Any, name: str, expectations: list[Any], frame: pd.DataFrame, values: dict[str, Any]
) -> list[dict[str, Any]]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all rows").get_batch({"dataframe": frame})
    result = batch.validate(
        gx.ExpectationSuite(name=name, expectations=expectations),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": MAX_EXAMPLES},
        expectation_parameters=values,
    )
    return [one.to_json_dict() for one in result.results]


def _verdict(expectation: Expectation, result: dict[str, Any], frame_rows: int) -> Verdict:
    problem = _exception_message(result["exception_info"])
    if problem:
        return Verdict(expectation, "could not evaluate", problem)
    details = result["result"]
    rows, violations = details.get("element_count", frame_rows), details.get("unexpected_count")
    if rows == 0 and expectation.type != _ROW_COUNT:
        return Verdict(expectation, "nothing to check", "there are no rows that the rule speaks of", rows=0)
    examples: dict[str, int] = {}
    if violations is None:
        observed = _observed(details, show_values=expectation.show_examples)
    else:
        share = details.get("unexpected_percent") or 0.0
        observed = f"{violations:,} of {rows:,} rows break the rule ({share:.3g}%)"
        if expectation.show_examples:
            examples = _counts(details)
    outcome: Outcome = "met" if result["success"] else "violated"
    return Verdict(expectation, outcome, observed, rows=rows, violations=violations, examples=examples)


def _observed(details: Mapping[str, Any], *, show_values: bool) -> str:
    found, absent = details.get("observed_value"), details.get("partial_missing_list")
    if absent and show_values:
        return f"{', '.join(map(str, absent))} does not occur"
    if isinstance(found, (int, float)):
        return f"the table has {found:,}"
    if found is not None and show_values:
        return f"the table has {str(found)[:200]}"
    return "the table as a whole does not fit" if absent else "the table as a whole"


def _counts(details: Mapping[str, Any]) -> dict[str, int]:
    """Return offending values with their counts, the most frequent first."""
    counts = [one for one in details.get("partial_unexpected_counts") or () if "value" in one]
    counts.sort(key=lambda one: -one["count"])
    return {str(one["value"])[:80]: one["count"] for one in counts[:MAX_EXAMPLES]}


def _exception_message(info: Mapping[str, Any]) -> str | None:
    """Read the message out of either of the two shapes in which exceptions are reported."""
    entries = [info] if "raised_exception" in info else list(info.values())
    messages = [str(one["exception_message"]) for one in entries if one["raised_exception"]]
    return " / ".join(dict.fromkeys(_first_line(message) for message in messages)) or None


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {_first_line(str(error))}"


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else "no message"


def expected(expectation: Expectation, values: Mapping[str, Any]) -> str:
    """Write out what an expectation wants, its parameters filled in and its row condition in words."""
    said = []
    for key, value in expectation.kwargs.items():
        if key != "row_condition":
            filled = values[value["$PARAMETER"]] if isinstance(value, dict) else value
            said.append(f"{key} = {filled}")
    condition = expectation.kwargs.get("row_condition")
    where = f" where {_condition_text(condition)}" if condition else ""
    return f"{expectation.type}({', '.join(said)}){where}"


def _condition_text(condition: Mapping[str, Any]) -> str:
    column = condition.get("column", {}).get("name")
    if condition.get("type") == "nullity":
        return f"{column} is {'' if condition['is_null'] else 'not '}null"
    if condition.get("type") == "comparison":
        return f"{column} {condition['operator']} {condition['parameter']}"
    return str(dict(condition))
