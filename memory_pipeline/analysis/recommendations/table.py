"""The recommendation table: what a policy advises in each context that occurs, and what changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.names import MISSING, TABLE_CONTEXT
from memory_pipeline.analysis.recommendations.changes import compare_advice, same_decisions
from memory_pipeline.analysis.recommendations.decisions import FactorDecision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.recommendations.advice import Advice
    from memory_pipeline.analysis.recommendations.policy import Policy

    Row = Mapping[str, Any]


MAX_CONTEXTS = 1_000
_COLUMNS = ("success_rate", "ci_low", "ci_high", "confidence", "sample_size", "attempts_in_context")


def with_decisions(
    policy: Policy, decisions: Sequence[Row], patterns: tuple[Mapping[str, Any], ...] | None = None
) -> Policy:
    """Return a policy with persons' decisions on factors and patterns.

    Parameters
    ----------
    policy
        The fitted policy; it is not fitted again.
    decisions
        Decisions on factors, `FactorDecision` as dicts.
    patterns
        The patterns that advice may name now (`recommendations.fit.nameable_patterns`); None: those it has.
    """
    ones = tuple(FactorDecision(**dict(one)) for one in decisions)
    return replace(policy, decisions=ones, patterns=policy.patterns if patterns is None else patterns)


def levels_of(policy: Policy) -> dict[str, set[str]]:
    """Return the values that each encoded setting has among the candidates of a policy."""
    found: dict[str, set[str]] = {}
    for ones in policy.candidates.values():
        for candidate in ones:
            for column, level in candidate.settings.items():
                found.setdefault(column, set()).add(level)
    return found


def contexts_that_occur(outcomes: pd.DataFrame) -> list[dict[str, str]]:
    """Return the combinations of application type and installer type in a history, the most frequent first.

    At most `MAX_CONTEXTS`. A missing value is left out of its context. Where neither column exists, the
    result is one empty context.
    """
    known = [column for column in TABLE_CONTEXT if column in outcomes]
    if not known:
        return [{}]
    counts = outcomes[known].value_counts(dropna=False, sort=True).head(MAX_CONTEXTS)
    return [
        {column: str(value) for column, value in zip(known, key, strict=True) if pd.notna(value)}
        for key in counts.index
    ]


def recommendation_rows(policy: Policy, contexts: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the advice for each context as rows of the table."""
    return [recommendation_row(one, policy.recommend(one)) for one in contexts]


def advise_contexts(
    policy: Policy,
    contexts: Sequence[Mapping[str, str]],
    *,
    before: Sequence[Row],
    policy_before: Row,
    rows: list[dict[str, Any]] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compute the rows of the table, and what changed in it and why.

    Parameters
    ----------
    policy
        The policy with persons' decisions.
    contexts
        The contexts, one row each.
    before, policy_before
        The table and the policy (as `Policy.to_dict`) of the rebuild before; empty where there was none.
    rows
        What `recommendation_rows` gives, where it is known already.

    Returns
    -------
    rows, changes
        Columns of `approach_recommendations`, and of `recommendations.changes` (`compare_advice`).
    """
    rows = recommendation_rows(policy, contexts) if rows is None else rows
    after = policy.to_dict()
    counterfactual: list[dict[str, Any]] = []
    if before and not same_decisions(policy_before.get("decisions", ()), after["decisions"]):
        earlier = with_decisions(policy, policy_before.get("decisions", ()))
        counterfactual = recommendation_rows(earlier, contexts)
    changes = compare_advice(
        before, rows, policy_before=policy_before, policy_after=after, counterfactual=counterfactual
    )
    return rows, changes


def recommendation_row(context: Mapping[str, str], advice: Advice) -> dict[str, Any]:
    """Return an advice as a row of the table."""
    return {
        **{column: context.get(column, MISSING) for column in TABLE_CONTEXT},
        "conditions": dict(context),
        "recommended_approach": advice.recommended_approach,
        "avoid_approach": advice.avoid_approach,
        **{column: getattr(advice, column) for column in _COLUMNS},
        "reasons": list(advice.reasons),
        "supporting_patterns": list(advice.supporting_patterns),
    }
