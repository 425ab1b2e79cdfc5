"""An answer for one described context, with its reasons in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.recommendations.advice import Advice
from memory_pipeline.analysis.recommendations.avoidance import find_avoidable
from memory_pipeline.analysis.recommendations.decisions import rests_on
from memory_pipeline.analysis.recommendations.essential_settings import prescribe
from memory_pipeline.analysis.recommendations.explanations import (
    evidence_of,
    left_to_persons,
    notes_on,
    said_by_persons,
    why_not,
    why_recommended,
)
from memory_pipeline.analysis.recommendations.posterior import confidence_of
from memory_pipeline.analysis.recommendations.suppression import DecidedOutlook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.recommendations.candidates import Candidate
    from memory_pipeline.analysis.recommendations.essential_settings import Prescription
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import Outlook
    from memory_pipeline.analysis.recommendations.selection import Choice


def write_advice(
    policy: PolicyModel,
    context: Mapping[str, Any],
    outlook: Outlook,
    choice: Choice,
    *,
    unknown: Sequence[str],
    unseen: Sequence[str],
) -> Advice:
    """Put a choice into words and numbers.

    Parameters
    ----------
    policy, outlook, choice
        What was weighed, and what came out.
    context
        The description, as it was given.
    unknown
        Keys of it that the policy does not know.
    unseen
        Encoded columns whose described value never occurred.
    """
    picked = None if choice.index is None else outlook.candidates[choice.index]
    prescription = None if choice.index is None else prescribe(policy, outlook, choice.index)
    confidence = choice.confidence if prescription is None else confidence_of(prescription.draws, outlook)
    is_left = prescription is not None and _is_left_to_persons(policy, outlook, prescription)
    propensity = _propensity(policy, outlook, choice, prescription, is_left=is_left)
    if prescription is not None and is_left:
        # What is usual is as good as what is usual.
        confidence = confidence if prescription.approach else 0.5
        picked = prescription = None
    draws = outlook.usual if prescription is None else prescription.draws
    known = bool(outlook.candidates)
    history = policy.history["attempts"], policy.history["successes"]
    rate = float(draws.mean()) if known else (history[1] + 1) / (history[0] + 2)
    low, high = map(float, np.quantile(draws, [0.025, 0.975])) if known else (0.0, 1.0)
    usual = int(np.argmax(outlook.shares)) if known else None
    patterns = _supporting(policy, outlook, picked)
    sample = _sample(policy, outlook, picked, prescription)
    notes = notes_on(policy, outlook, unknown, unseen)
    avoided = find_avoidable(policy, outlook, choice)
    approach = None if prescription is None else prescription.approach
    decided = said_by_persons(policy, outlook, approach, avoided, picked)
    if choice.index is None or prescription is None:
        reasons = [left_to_persons(outlook) if is_left else why_not(policy, outlook, choice)]
    else:
        reasons = why_recommended(policy, outlook, choice, choice.index, prescription)
    reasons += [one.sentence for one in decided]
    return Advice(
        context=context,
        recommended_approach=approach,
        left_open=() if prescription is None else prescription.left_open,
        avoid_approach=avoided,
        success_rate=rate,
        ci_low=low,
        ci_high=high,
        confidence=confidence,
        sample_size=sample[0],
        units=sample[1],
        evidence="none" if prescription is None else evidence_of(policy, prescription),
        usual_approach=None if usual is None else json.loads(outlook.candidates[usual].approach),
        usual_rate=float(outlook.usual.mean()) if known else rate,
        supporting_patterns=[pattern["label"] for pattern in patterns],
        reasons=reasons + [f"It fits a pattern: {pattern['sentence']}" for pattern in patterns[:3]] + notes,
        candidates=_candidate_rows(policy, outlook, choice),
        propensity=propensity,
        policy_version=policy.version,
        decisions=tuple(one.to_dict() for one in decided),
    )


def _is_left_to_persons(policy: PolicyModel, outlook: Outlook, prescription: Prescription) -> bool:
    """Say whether nothing is left to advise beside what persons suppressed.

    What looks best without it has to be better than what is usual with it, too.
    """
    if not isinstance(outlook, DecidedOutlook):
        return False
    is_sure = (
        policy.limits.exploration > 0
        or confidence_of(prescription.draws, outlook) >= policy.limits.confidence_threshold
    )
    return not prescription.approach or not is_sure


def _propensity(
    policy: PolicyModel, outlook: Outlook, choice: Choice, prescription: Prescription | None, *, is_left: bool
) -> float:
    """Probability of this very answer.

    Of all candidates that are reduced to the same settings, or that are left to persons alike.
    """
    if prescription is None:
        return 1.0
    alike = range(len(outlook.candidates)) if is_left else prescription.group.tolist()
    total = 0.0
    for number in alike:
        if choice.probabilities[number] > 0:
            other = prescription if number == choice.index else prescribe(policy, outlook, number)
            is_same = is_left or other.approach == prescription.approach
            if is_same and _is_left_to_persons(policy, outlook, other) == is_left:
                total += float(choice.probabilities[number])
    return total


def _sample(
    policy: PolicyModel, outlook: Outlook, picked: Candidate | None, prescription: Prescription | None
) -> tuple[int, int]:
    """Count the attempts and units behind an answer."""
    if picked is None or prescription is None:
        attempts = sum(candidate.attempts for candidate in outlook.candidates)
        return attempts, max((candidate.units for candidate in outlook.candidates), default=0)
    if evidence_of(policy, prescription) == "whole":
        return prescription.attempts, prescription.units
    return picked.support, picked.support_units


def _candidate_rows(policy: PolicyModel, outlook: Outlook, choice: Choice) -> list[dict[str, Any]]:
    order = np.argsort(-outlook.rates, kind="stable")
    bounds = np.quantile(outlook.draws, [0.025, 0.975], axis=1) if len(order) else np.zeros((2, 0))
    return [
        {
            "approach": json.loads(candidate.approach),
            "success_rate": float(outlook.rates[i]),
            "ci_low": float(bounds[0, i]),
            "ci_high": float(bounds[1, i]),
            "attempts": candidate.attempts,
            "successes": candidate.successes,
            "units": candidate.units,
            "evidence": evidence_of(policy, candidate),
            "usual_share": float(outlook.shares[i]),
            "probability": float(choice.probabilities[i]),
        }
        for i in order.tolist()
        for candidate in [outlook.candidates[i]]
    ]


def _supporting(policy: PolicyModel, outlook: Outlook, picked: Candidate | None) -> list[Mapping[str, Any]]:
    """Find the patterns that hold here with the picked approach and name one of its settings.

    None that rests on what a person suppressed.
    """
    if picked is None:
        return []
    main = max(outlook.members, key=lambda member: member[1])[0]
    sure = {
        column: level
        for column, level in main.items()
        if all(described[column] == level for described, _ in outlook.members)
    }
    here = sure | dict(picked.settings)
    return [
        pattern
        for pattern in policy.patterns
        if any(column in picked.settings for column in pattern["conditions"])
        and all(here.get(column) == level for column, level in pattern["conditions"].items())
        and not rests_on(pattern["conditions"], policy.decisions)
    ]
