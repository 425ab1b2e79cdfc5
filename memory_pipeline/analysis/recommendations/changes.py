"""What a rebuild changed in the advice, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.models.change_text import drift_sentence
from memory_pipeline.analysis.names import split_element_column
from memory_pipeline.analysis.recommendations.decisions import SUPPRESS, FactorDecision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]


NEW, WITHDRAWN, CHANGED, REESTIMATED = "new", "withdrawn", "changed", "other expectation"
_NOTEWORTHY = 0.05


def compare_advice(
    before: Sequence[Row],
    after: Sequence[Row],
    *,
    policy_before: Row,
    policy_after: Row,
    counterfactual: Sequence[Row] = (),
) -> list[dict[str, Any]]:
    """List the contexts in which a rebuild changed the advice or the expected success rate.

    Parameters
    ----------
    before, after
        Rows of the recommendation table (`conditions`, `recommended_approach`, `success_rate`) of both
        rebuilds. A context that is in only one of them is not compared.
    policy_before, policy_after
        The policies as `Policy.to_dict` returns them; of the earlier one the keys that are known.
    counterfactual
        If persons' decisions changed: what the later policy would advise under the earlier decisions, rows as
        in `after`. Where it differs from the advice, the decisions are the reason.

    Returns
    -------
    list of dict
        `conditions`, `change` (new, withdrawn, changed, or other expectation: five points or more),
        `before`, `after` (approaches), `success_rate_before`, `success_rate_after`, `why` (a sentence).
    """
    known = {_key(row["conditions"]): row for row in before}
    by_context = {_key(row["conditions"]): row for row in counterfactual}
    changes = []
    for row in after:
        old = known.get(_key(row["conditions"]))
        change = None if old is None else _kind(old, row)
        if old is None or change is None:
            continue
        changes.append(
            {
                "conditions": dict(row["conditions"]),
                "change": change,
                "before": old["recommended_approach"],
                "after": row["recommended_approach"],
                "success_rate_before": float(old["success_rate"]),
                "success_rate_after": float(row["success_rate"]),
                "why": _why(old, row, policy_before, policy_after, by_context.get(_key(row["conditions"]))),
            }
        )
    return changes


def _kind(old: Row, new: Row) -> str | None:
    ours, theirs = new["recommended_approach"], old["recommended_approach"]
    if _key(ours) != _key(theirs):
        return NEW if theirs is None else WITHDRAWN if ours is None else CHANGED
    is_far = abs(float(new["success_rate"]) - float(old["success_rate"])) >= _NOTEWORTHY
    return REESTIMATED if is_far else None


def _why(old: Row, new: Row, policy_before: Row, policy_after: Row, counterfactual: Row | None) -> str:
    """Return the reason of a change: a decision, a detected change point, new evidence, or other limits."""
    if counterfactual is not None and _kind(counterfactual, new) is not None:
        persons = describe_decisions(policy_before.get("decisions", ()), policy_after.get("decisions", ()))
        is_all = _kind(old, counterfactual) is None
        return (
            persons
            if is_all
            else f"{persons} {_other_reason(old, counterfactual, policy_before, policy_after)}"
        )
    return _other_reason(old, new, policy_before, policy_after)


def _other_reason(old: Row, new: Row, policy_before: Row, policy_after: Row) -> str:
    seen = {(change["column"], change["value"]) for change in policy_before.get("changes", ())}
    involved = {**(old["recommended_approach"] or {}), **(new["recommended_approach"] or {})}
    for change in policy_after.get("changes", ()):
        source = split_element_column(change["column"])[0]
        is_here = new["conditions"].get(change["column"]) == change["value"]
        if (change["column"], change["value"]) not in seen and (source in involved or is_here):
            return drift_sentence(change)
    more = policy_after["history"]["attempts"] - policy_before.get("history", {}).get("attempts", 0)
    if more > 0:
        return f"New evidence: {more:,} more attempts count than at the rebuild before."
    if more < 0:
        return f"Less evidence: {-more:,} fewer attempts count than at the rebuild before."
    if policy_after.get("limits") != policy_before.get("limits"):
        return "The limits for advice were set otherwise; the number of attempts is the same."
    return "Attempts were corrected, or the analysis is a newer one; the number of attempts is the same."


def describe_decisions(before: Sequence[Row], after: Sequence[Row]) -> str:
    """Return in words which factors persons suppressed, and which no longer; nothing else changes advice."""
    parts = []
    for sign, ones, others in (("", after, before), ("no longer ", before, after)):
        for one in ones:
            if one["decision"] != SUPPRESS or any(_same_decision(one, other) for other in others):
                continue
            decision = FactorDecision(**one)
            said = f"{decision.comparison} is {sign}suppressed by {decision.decided_by}"
            since = "" if sign else f" since {decision.decided_at[:10]}{decision.reason}"
            parts.append(said + since)
    return f"A person's decision: {'; '.join(parts)}."


def same_decisions(before: Sequence[Row], after: Sequence[Row]) -> bool:
    """Return whether the same comparisons are suppressed in both."""
    old, new = ([one for one in ones if one["decision"] == SUPPRESS] for ones in (before, after))
    return len(old) == len(new) and all(any(_same_decision(a, b) for b in old) for a in new)


def _same_decision(one: Row, other: Row) -> bool:
    return all(one[name] == other[name] for name in ("decision", "settings", "reference"))


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
