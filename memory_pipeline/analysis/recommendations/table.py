"""The recommendation table: what a policy advises in each context that occurs, and what changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.names import MISSING
from memory_pipeline.analysis.recommendations.changes import compare_advice, same_decisions
from memory_pipeline.analysis.recommendations.decisions import FactorDecision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.recommendations.advice import Advice
    from memory_pipeline.analysis.recommendations.policy import Policy

    Row = Mapping[str, Any]


CONTEXT_COLUMNS = ("application_type", "installer_type")
"""The context columns that the table has a row for each combination of."""
MAX_CONTEXTS = 1_000
_COLUMNS = ("success_rate", "ci_low", "ci_high", "confidence", "sample_size")


def with_decisions(
    policy: Policy, decisions: Sequence[Row], patterns: tuple[Mapping[str, Any], ...] | None = None
) -> Policy:
    """Give a policy what persons decided: about factors (`FactorDecision` as dicts), and about patterns.

    Parameters
    ----------
    policy
        As it was fitted; it is not fitted again.
    decisions
        On factors.
    patterns
        Those that advice may name now (`recommendations.fit.nameable_patterns`); None: those it has.
    """
    ones = tuple(FactorDecision(**dict(one)) for one in decisions)
    return replace(policy, decisions=ones, patterns=policy.patterns if patterns is None else patterns)


def levels_of(policy: Policy) -> dict[str, set[str]]:
    """List the levels that each encoded setting has among the candidates of a policy."""
    found: dict[str, set[str]] = {}
    for ones in policy.candidates.values():
        for candidate in ones:
            for column, level in candidate.settings.items():
                found.setdefault(column, set()).add(level)
    return found


def contexts_that_occur(outcomes: pd.DataFrame) -> list[dict[str, str]]:
    """List the application types and installer types of a history, the most frequent first.

    What is not recorded is left out of a context; at most `MAX_CONTEXTS`. Where neither is a column, there
    is one context, of which nothing is known.
    """
    known = [column for column in CONTEXT_COLUMNS if column in outcomes]
    if not known:
        return [{}]
    counts = outcomes[known].value_counts(dropna=False, sort=True).head(MAX_CONTEXTS)
    return [
        {column: str(value) for column, value in zip(known, key, strict=True) if pd.notna(value)}
        for key in counts.index
    ]


def advise_contexts(
    policy: Policy, contexts: Sequence[Mapping[str, str]], *, before: Sequence[Row], policy_before: Row
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write the table anew, and say what changed in it and why.

    Parameters
    ----------
    policy
        With persons' decisions.
    contexts
        One row each.
    before, policy_before
        The table and the policy (as `Policy.to_dict`) that were there, as far as there were any.

    Returns
    -------
    rows, changes
        Columns of `approach_recommendations`, and of `recommendations.changes` (`compare_advice`).
    """
    rows = [recommendation_row(one, policy.recommend(one)) for one in contexts]
    after = policy.to_dict()
    undecided: list[dict[str, Any]] = []
    if before and not same_decisions(policy_before.get("decisions", ()), after["decisions"]):
        earlier = with_decisions(policy, policy_before.get("decisions", ()))
        undecided = [recommendation_row(one, earlier.recommend(one)) for one in contexts]
    changes = compare_advice(
        before, rows, policy_before=policy_before, policy_after=after, undecided=undecided
    )
    return rows, changes


def recommendation_row(context: Mapping[str, str], advice: Advice) -> dict[str, Any]:
    """Write an advice as a row of the table."""
    return {
        **{column: context.get(column, MISSING) for column in CONTEXT_COLUMNS},
        "conditions": dict(context),
        "recommended_approach": advice.recommended_approach,
        "avoid_approach": advice.avoid_approach,
        **{column: getattr(advice, column) for column in _COLUMNS},
        "reasons": list(advice.reasons),
        "supporting_patterns": list(advice.supporting_patterns),
    }
