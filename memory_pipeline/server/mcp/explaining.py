"""A finding and what is behind it, by its id or by how that begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.server.mcp import questions
from memory_pipeline.server.mcp.arguments import refuse
from memory_pipeline.server.mcp.budgets import LIST_TOKENS, fit, rounded, shorten
from memory_pipeline.server.mcp.searching import brief_outcome
from memory_pipeline.server.problems import FieldError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memory_pipeline.memory import Memory
    from memory_pipeline.server.mcp.arguments import ExplainArguments

_CASES = 4
_NOT_FOUND = 404
_SEVERAL = "write more"
"""How `store.decisions.find_id` ends where several ids of one kind begin so."""
_PATTERN_EVIDENCE = (
    "rate",
    "base_rate",
    "risk_difference",
    "ci_low",
    "ci_high",
    "adjusted_difference",
    "adjusted_ci_low",
    "adjusted_ci_high",
    "earlier_difference",
    "later_difference",
    "q_value",
    "family_wise_p_value",
    "tier",
    "stratified_by",
    "foreign_attempts",
    "foreign_units",
)
_FACTOR_EVIDENCE = (
    "expected_rate",
    "reference_rate",
    "crude_difference",
    "overlap",
    "q_value",
    "attempts_with_value",
    "attempts_with_reference",
    "units_with_both",
    "not_separable_from",
)
_MEMBER_EVIDENCE = ("expected", "lift", "q_value", "tests", "rule")


def explain(memory: Memory, wanted: ExplainArguments) -> tuple[str, dict[str, Any]]:
    """Return the answer of `explain_finding`.

    Raises
    ------
    ProblemError
        When no finding, or more than one, has such an id.
    """
    kinds = _KINDS if wanted.kind is None else {wanted.kind: _KINDS[wanted.kind]}
    found: dict[str, dict[str, Any]] = {}
    refused: list[ProblemError] = []
    for kind, (read, write) in kinds.items():
        try:
            found[kind] = {"kind": kind, **write(read(memory, wanted.id))}
        except ProblemError as error:
            if error.status_code != _NOT_FOUND:
                raise
            refused.append(error)
    if "member_pattern" in found and wanted.kind is None:  # its ids are whole, never beginnings
        found = {"member_pattern": found["member_pattern"]}
    elif found and any(str(one.detail).endswith(_SEVERAL) for one in refused):
        remedy = "findings of several kinds have an id that begins so; send kind, or more of the id"
        raise refuse("explain_finding", FieldError("id", wanted.id, remedy))
    if len(found) > 1:
        remedy = f"{' and '.join(found)} have an id that begins so; send kind, or more of the id"
        raise refuse("explain_finding", FieldError("id", wanted.id, remedy))
    if not found:
        said = "; ".join(str(one.detail) for one in refused)
        raise ProblemError(_NOT_FOUND, f"explain_finding found nothing: {said}")
    (answer,) = found.values()
    answer = fit({**answer, "evidence": rounded(answer["evidence"])}, ["cases", "caveats"], LIST_TOKENS)
    return " ".join([answer["sentence"], *answer["caveats"][:2]]), answer


def _pattern(row: Mapping[str, Any]) -> dict[str, Any]:
    impact = row["impact"]
    caveats = [] if row["absence_reason"] is None else [row["absence_reason"]]
    if row["retired_reason"] is not None:
        caveats.append(f"It was retired: {row['retired_reason']}.")
    return {
        "id": row["id"],
        "name": row["pattern_name"],
        "sentence": row["description"],
        "is_active": row["active"],
        "evidence": {
            "pattern_type": row["pattern_type"],
            "target": row["target"],
            "conditions": row["conditions"],
            "confidence": row["confidence"],
            "attempts": row["sample_size"],
            "units": row["units"],
            **{name: impact[name] for name in _PATTERN_EVIDENCE if name in impact},
        },
        "caveats": caveats,
        "decision": _decision(row),
        "cases": _cases(row["outcomes"]),
        "resource": f"memory://patterns/{row['id']}",
    }


def _factor(row: Mapping[str, Any]) -> dict[str, Any]:
    details = row["implementation_details"]
    half = _CASES // 2
    return {
        "id": row["id"],
        "name": row["factor_name"],
        "sentence": row["description"],
        "is_active": details["is_factor"],
        "evidence": {
            "settings": details["settings"],
            "instead_of": details["reference_settings"],
            "where": row["applicability_conditions"],
            "effect": row["effectiveness"],
            "ci_low": row["ci_low"],
            "ci_high": row["ci_high"],
            "confidence": row["confidence"],
            "attempts": row["sample_size"],
            "units": row["units"],
            **{name: details[name] for name in _FACTOR_EVIDENCE if name in details},
        },
        "caveats": [shorten(one) for one in details["caveats"]],
        "decision": _decision(row),
        "cases": [*_cases(row["with_value"])[:half], *_cases(row["with_reference"])[:half]],
        "resource": f"memory://factors/{row['id']}",
    }


def _member_pattern(row: Mapping[str, Any]) -> dict[str, Any]:
    evidence = row["evidence"]
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "sentence": row["description"],
        "is_active": row["is_active"],
        "evidence": {
            "category": row["category"],
            "members": row["member_count"],
            "found_by": row["found_by"],
            "questions": row["question_prompts"],
            **{name: evidence[name] for name in _MEMBER_EVIDENCE if name in evidence},
        },
        "caveats": [],
        "decision": _decision(row),
        "cases": [],
        "resource": None,
    }


def _decision(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a person decided or noted; None where nobody did."""
    told = {name: row.get(name) for name in ("decision", "note", "decided_by", "decided_at")}
    return told if told["decided_by"] is not None else None


def _cases(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [brief_outcome(one) for one in rows[:_CASES]]


_KINDS: dict[str, tuple[Callable[[Memory, str], dict[str, Any]], Callable[[Any], dict[str, Any]]]] = {
    "pattern": (questions.explain_pattern, _pattern),
    "factor": (questions.explain_factor, _factor),
    "member_pattern": (questions.explain_member_pattern, _member_pattern),
}
