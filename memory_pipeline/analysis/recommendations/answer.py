"""From a posterior and a choice to the advice for one described context, with its reasons in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.names import TABLE_CONTEXT
from memory_pipeline.analysis.recommendations.advice import Advice
from memory_pipeline.analysis.recommendations.avoidance import find_avoidable
from memory_pipeline.analysis.recommendations.decisions import rests_on
from memory_pipeline.analysis.recommendations.essential_settings import find_essential_settings
from memory_pipeline.analysis.recommendations.explanations import (
    evidence_of,
    explain_left_open,
    explain_limitations,
    explain_no_recommendation,
    explain_recommendation,
    explain_tried,
    is_untested,
    relevant_decisions,
)
from memory_pipeline.analysis.recommendations.posterior import Expectation, confidence_of, expectation_of
from memory_pipeline.analysis.recommendations.suppression import SuppressedPosterior
from memory_pipeline.analysis.recommendations.tried import Tried

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.recommendations.candidates import Candidate
    from memory_pipeline.analysis.recommendations.essential_settings import EssentialSettings
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior
    from memory_pipeline.analysis.recommendations.selection import Choice
    from memory_pipeline.analysis.recommendations.situation import Situation


def build_advice(policy: PolicyModel, situation: Situation, choice: Choice) -> Advice:
    """Build the advice for a context: the choice in words and numbers.

    Parameters
    ----------
    policy, situation, choice
        The fitted model, the described context with the posterior in it, and what was picked.
    """
    posterior = situation.posterior
    picked = None if choice.index is None else posterior.candidates[choice.index]
    essential = None if choice.index is None else find_essential_settings(policy, posterior, choice.index)
    confidence = choice.confidence if essential is None else confidence_of(essential.draws, posterior)
    is_left = essential is not None and _is_left_to_persons(policy, posterior, essential)
    propensity = _propensity(policy, posterior, choice, essential, is_left=is_left)
    if essential is not None and is_left:
        # Nothing is advised, and the usual mix is as good as itself.
        confidence = confidence if essential.approach else 0.5
        picked = essential = None
    draws = posterior.usual if essential is None else essential.draws
    known = bool(posterior.candidates)
    history = policy.history["attempts"], policy.history["successes"]
    anything = Expectation((history[1] + 1) / (history[0] + 2), 0.0, 1.0)
    expected = expectation_of(draws) if known else anything
    usual = int(np.argmax(posterior.shares)) if known else None
    patterns = _supporting(policy, posterior, picked)
    sample = _sample(policy, posterior, picked, essential)
    tried = _tried_here(policy, situation, essential)
    notes = explain_limitations(policy, posterior, situation.unknown, situation.unfamiliar)
    avoided = find_avoidable(policy, posterior, choice)
    approach = None if essential is None else essential.approach
    decided = relevant_decisions(policy, posterior, approach, avoided, picked)
    if choice.index is None or essential is None:
        reasons = [
            explain_left_open(posterior) if is_left else explain_no_recommendation(policy, posterior, choice)
        ]
    else:
        reasons = explain_recommendation(policy, posterior, choice, choice.index, essential)
        reasons += explain_tried(policy, situation, tried)
    reasons += [one.sentence for one in decided]
    return Advice(
        context=situation.context,
        recommended_approach=approach,
        left_open=() if essential is None else essential.left_open,
        avoid_approach=avoided,
        success_rate=expected.rate,
        ci_low=expected.low,
        ci_high=expected.high,
        confidence=confidence,
        sample_size=sample[0],
        units=sample[1],
        attempts_in_context=None if tried is None else tried.attempts,
        evidence=_evidence(policy, essential),
        usual_approach=None if usual is None else json.loads(posterior.candidates[usual].approach),
        usual_rate=float(posterior.usual.mean()) if known else expected.rate,
        supporting_patterns=[pattern["label"] for pattern in patterns],
        reasons=reasons + [f"It fits a pattern: {pattern['sentence']}" for pattern in patterns[:3]] + notes,
        candidates=_candidate_rows(policy, posterior, choice),
        propensity=propensity,
        policy_version=policy.version,
        decisions=tuple(one.to_dict() for one in decided),
    )


def _is_left_to_persons(
    policy: PolicyModel, posterior: ContextPosterior, essential: EssentialSettings
) -> bool:
    """Return whether nothing is left to advise beside what persons suppressed.

    The settings that are left also have to beat the usual mix by the whole history.
    """
    if not isinstance(posterior, SuppressedPosterior):
        return False
    is_sure = (
        policy.limits.exploration > 0
        or confidence_of(essential.draws, posterior) >= policy.limits.confidence_threshold
    )
    return not essential.approach or not is_sure


def _propensity(
    policy: PolicyModel,
    posterior: ContextPosterior,
    choice: Choice,
    essential: EssentialSettings | None,
    *,
    is_left: bool,
) -> float:
    """Return the probability of this very answer.

    It is the sum over all candidates whose essential settings are the same, or that are left to persons too.
    """
    if essential is None:
        return 1.0
    alike = range(len(posterior.candidates)) if is_left else essential.group.tolist()
    total = 0.0
    for number in alike:
        if choice.probabilities[number] > 0:
            other = (
                essential if number == choice.index else find_essential_settings(policy, posterior, number)
            )
            is_same = is_left or other.approach == essential.approach
            if is_same and _is_left_to_persons(policy, posterior, other) == is_left:
                total += float(choice.probabilities[number])
    return total


def _evidence(policy: PolicyModel, essential: EssentialSettings | None) -> str:
    """Return on what an answer rests, see `Advice.evidence`."""
    if essential is None:
        return "none"
    return "untested" if is_untested(essential) else evidence_of(policy, essential)


def _sample(
    policy: PolicyModel,
    posterior: ContextPosterior,
    picked: Candidate | None,
    essential: EssentialSettings | None,
) -> tuple[int, int]:
    """Return the attempts and units behind an answer."""
    if picked is None or essential is None:
        attempts = sum(candidate.attempts for candidate in posterior.candidates)
        return attempts, max((candidate.units for candidate in posterior.candidates), default=0)
    if evidence_of(policy, essential) == "whole":
        return essential.attempts, essential.units
    return picked.support, picked.support_units


def _tried_here(
    policy: PolicyModel, situation: Situation, essential: EssentialSettings | None
) -> Tried | None:
    """Return how often the advised approach was tried in the context; without advice, any candidate.

    A context whose described value never occurred has no attempts. None where the policy does not know.
    """
    if policy.tried.counts is None:
        return None
    if any(_tells_apart(policy, source) for source, _ in situation.unfamiliar):
        return Tried(0, 0)
    candidates = situation.posterior.candidates
    chosen = candidates if essential is None else [candidates[number] for number in essential.group]
    described = dict(zip(policy.contexts.columns, situation.pattern, strict=True))
    return policy.tried.within(described, {one.key for one in chosen})


def _tells_apart(policy: PolicyModel, source: str) -> bool:
    """Return whether attempts are counted by the value of a source column."""
    encoded = policy.contexts.encoding.columns_of(source)
    return source in TABLE_CONTEXT or any(column in policy.tried.columns for column in encoded)


def _candidate_rows(policy: PolicyModel, posterior: ContextPosterior, choice: Choice) -> list[dict[str, Any]]:
    order = np.argsort(-posterior.rates, kind="stable")
    return [
        {
            "approach": json.loads(candidate.approach),
            "success_rate": expected.rate,
            "ci_low": expected.low,
            "ci_high": expected.high,
            "attempts": candidate.attempts,
            "successes": candidate.successes,
            "units": candidate.units,
            "evidence": evidence_of(policy, candidate),
            "usual_share": float(posterior.shares[i]),
            "probability": float(choice.probabilities[i]),
        }
        for i in order.tolist()
        for candidate, expected in [(posterior.candidates[i], expectation_of(posterior.draws[i]))]
    ]


def _supporting(
    policy: PolicyModel, posterior: ContextPosterior, picked: Candidate | None
) -> list[Mapping[str, Any]]:
    """Return the patterns that hold here with the picked approach and name one of its settings.

    Patterns that rest on what a person suppressed are left out.
    """
    if picked is None:
        return []
    main = max(posterior.full_contexts, key=lambda one: one[1])[0]
    sure = {
        column: level
        for column, level in main.items()
        if all(described[column] == level for described, _ in posterior.full_contexts)
    }
    here = sure | dict(picked.settings)
    return [
        pattern
        for pattern in policy.patterns
        if any(column in picked.settings for column in pattern["conditions"])
        and all(here.get(column) == level for column, level in pattern["conditions"].items())
        and not rests_on(pattern["conditions"], policy.decisions)
    ]
