"""Advice and status in the few words that an agent has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.text import describe_approach, percent
from memory_pipeline.server.mcp.budgets import ADVICE_TOKENS, fit, rounded, shorten, tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_REASONS = 3
MOST_AVOIDED = 3
MOST_CASES = 4
_EXPECTED = {
    "success_rate": "success_rate",
    "ci_low": "ci_low",
    "ci_high": "ci_high",
    "usual_rate": "usual_rate",
    "confidence": "confidence",
    "attempts": "sample_size",
    "units": "units",
    "evidence": "evidence",
}
_CUT_FIRST = ("left_open", "cases", "avoid", "why", "notes")


def brief_advice(full: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer of the memory as `AdviceAnswer`, within its budget.

    Parameters
    ----------
    full
        As `Answer.to_dict`, in plain values. The advised settings are never shortened.
    """
    advice, identity = full["advice"], full["recommendation_id"]
    answer = {
        "recommendation_id": identity,
        "approach": advice["recommended_approach"],
        "left_open": list(advice["left_open"]),
        "expected": {name: rounded(advice[column]) for name, column in _EXPECTED.items()},
        "why": [shorten(one) for one in advice["reasons"][:MOST_REASONS]],
        "avoid": [
            {
                "approach": one["approach"],
                "success_rate": rounded(one["success_rate"]),
                "sentence": shorten(one["sentence"], 250),
            }
            for one in advice["avoid_approach"][:MOST_AVOIDED]
        ],
        "cases": [brief_case(one) for one in _both_kinds(full["cases"])],
        "withheld": full["withheld"],
        "notes": [shorten(one, 250) for one in full.get("notes", ())][:5],
        "how_to_report": f"report_outcome with recommendation_id {identity}, recommendation_followed true or "
        "false, outcome_status, application_name and the settings that were used",
    }
    return fit(answer, _CUT_FIRST, ADVICE_TOKENS - tokens_of(say_advice(answer)))


def say_advice(answer: Mapping[str, Any]) -> str:
    """Return a brief advice in a few lines, for clients that show no structured content."""
    expected = answer["expected"]
    lines = []
    if answer["withheld"]:
        lines.append(answer["why"][0])
    elif answer["approach"] is None:
        lines.append("No approach is advised: the evidence is not enough.")
    else:
        lines.append(f"Advised: {describe_approach(answer['approach'])}.")
        interval = f"{percent(expected['ci_low'])} to {percent(expected['ci_high'])}"
        lines.append(
            f"Expected success {percent(expected['success_rate'])} (95% interval {interval}), "
            f"usual {percent(expected['usual_rate'])}."
        )
    lines += [one["sentence"] for one in answer["avoid"][:1]]
    lines += answer["notes"][:2]
    lines.append(f"Report the outcome with recommendation_id {answer['recommendation_id']}.")
    return "\n".join(lines)


def brief_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case as `CaseAnswer`."""
    return {**case, "application_name": shorten(case["application_name"], 100)}


def _both_kinds(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose a few cases: half of them successes, where there are enough of both kinds."""
    good = [one for one in cases if one["outcome_status"] == "success"]
    others = [one for one in cases if one["outcome_status"] != "success"]
    half = MOST_CASES // 2
    kept = good[: max(half, MOST_CASES - len(others))]
    return [*kept, *others[: MOST_CASES - len(kept)]]


def say_status(answer: Mapping[str, Any]) -> str:
    """Return the status in a few lines."""
    outcomes = ", ".join(f"{count:,} {status}" for status, count in answer["outcomes"].items())
    current = "all of them in the findings" if answer["is_rebuilt"] else "some newer than the findings"
    held = (
        f"{sum(answer['outcomes'].values()):,} outcomes ({outcomes or 'none'}), {current}; "
        f"{answer['patterns']} patterns, {answer['factors']} factors, advice for "
        f"{answer['contexts_with_advice']} contexts."
    )
    return "\n".join([held, *(f"{name}: {said}" for name, said in answer["learning"].items())])
