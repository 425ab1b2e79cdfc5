"""Why an approach is advised, or none: sentences with the numbers behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.analysis.models.change_points import describe_change
from memory_pipeline.analysis.recommendations.decisions import SUPPRESS, FactorDecision, has_side
from memory_pipeline.analysis.recommendations.posterior import confidence_of
from memory_pipeline.analysis.text import count_units, describe_approach, setting_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.recommendations.candidates import Candidate
    from memory_pipeline.analysis.recommendations.essential_settings import Prescription
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import Outlook
    from memory_pipeline.analysis.recommendations.selection import Choice


_FEW_SETTINGS = 5
_NOTICEABLE, _OTHER_CASES = 0.05, 0.03


def evidence_of(policy: PolicyModel, candidate: Candidate | Prescription) -> str:
    """Tell whether an approach was tried often enough as it stands (`whole`) or only in its settings."""
    limits = policy.limits
    is_whole = candidate.attempts >= limits.min_sample_size and candidate.units >= limits.min_units
    return "whole" if is_whole else "additive"


def why_recommended(
    policy: PolicyModel, outlook: Outlook, choice: Choice, index: int, prescription: Prescription
) -> list[str]:
    """Say why the candidate of a number is recommended: what it is expected to do, and on what record."""
    picked = outlook.candidates[index]
    draws = prescription.draws
    low, high = np.quantile(draws, [0.025, 0.975])
    usual = outlook.usual.mean()
    expectation = (
        f"{describe_approach(prescription.approach)}: {draws.mean():.0%} of attempts are expected to "
        f"succeed (95% interval {low:.0%} to {high:.0%}), against {usual:.0%} with what is usually done "
        f"here; the probability that it is better is {_probability(confidence_of(draws, outlook))}."
    )
    reasons = [expectation]
    tried = (
        f"{prescription.successes:,} of {prescription.attempts:,} attempts with it succeeded"
        f"{_place(policy, outlook)}, with {count_units(prescription.units, policy.unit)}"
        f"{' or more' if len(prescription.group) > 1 else ''}"
    )
    if evidence_of(policy, prescription) == "whole":
        reasons.append(f"{tried}{_other_cases(policy, outlook, prescription)}.")
    else:
        reasons.append(
            f"As a whole it is rare: {tried}. Each of its settings was tried {picked.support:,} times or "
            f"more, with {count_units(picked.support_units, policy.unit)} or more; the expectation rests on "
            "these."
        )
    decided = {
        column.partition(": ")[0]
        for one in policy.decisions
        if one.decision == SUPPRESS and is_tried(one, outlook)
        for column in one.settings
    }
    alike = [column for column in prescription.left_open if column not in decided]
    if alike:
        reasons.append(f"No difference was found here for {', '.join(alike)}: leave it as it is.")
    if choice.probabilities[index] < 1:
        reasons.append(
            f"Exploration is on: this approach was drawn with probability {choice.probabilities[index]:.2f}."
        )
    return reasons


def _other_cases(policy: PolicyModel, outlook: Outlook, prescription: Prescription) -> str:
    """Say what was to be expected of the past attempts with an approach, where they did otherwise."""
    places = {policy.contexts.place_of(described) for described, _ in outlook.members}
    level = next((one for one in policy.ruled.levels if one.columns == policy.contexts.home), None)
    if len(places) != 1 or level is None:
        return ""
    place = places.pop()
    found = [level.records.get((place, outlook.candidates[number].key)) for number in prescription.group]
    records = [record for record in found if record is not None]
    if not records:
        return ""
    attempts = np.array([record.attempts for record in records])
    rate = float(attempts @ expit([record.expected for record in records]) / attempts.sum())
    promised = float(prescription.draws.mean())
    if abs(prescription.successes / prescription.attempts - promised) < _NOTICEABLE:
        return ""
    sort = "harder" if rate < promised else "easier"
    cases = f", which were {sort} cases than this one" if abs(rate - promised) >= _OTHER_CASES else ""
    return f"; {rate:.0%} was expected of these{cases}"


def why_not(policy: PolicyModel, outlook: Outlook, choice: Choice) -> str:
    """Say why there is no recommendation, and what there is."""
    limits = policy.limits
    where = _place(policy, outlook)
    if not policy.history["attempts"]:
        return "Not enough evidence: no attempts are recorded yet."
    if not outlook.candidates:
        return (
            f"Not enough evidence: no approach was tried {limits.min_attempts} times or more"
            f"{where or ' at every place that the description leaves open'} "
            f"({policy.history['attempts']:,} attempts in all). A fuller description may help."
        )
    usual = f"what is usually done is expected to succeed in {outlook.usual.mean():.0%} of attempts"
    if len(outlook.candidates) == 1:
        only = outlook.candidates[0]
        return (
            f"Not enough evidence: only one approach was ever tried{where} ({only.successes:,} of "
            f"{only.attempts:,} attempts with it succeeded), so there is nothing to compare it with; {usual}."
        )
    if choice.best is None:
        most = max(c.support for c in outlook.candidates)
        units = max(c.support_units for c in outlook.candidates)
        return (
            f"Not enough evidence{where}: advice needs {limits.min_sample_size:,} attempts and "
            f"{count_units(limits.min_units, policy.unit)} for every setting; the approach with the most "
            f"has {most:,} attempts and {count_units(units, policy.unit)}. Meanwhile {usual}."
        )
    return (
        f"Not enough evidence{where}: {len(outlook.candidates)} approaches were tried; the most promising "
        f"({_said(outlook, outlook.candidates[choice.best])}) is expected to succeed in "
        f"{outlook.rates[choice.best]:.0%} of attempts, but the probability that it is better than what is "
        f"usually done is {_probability(choice.confidence)}, below the threshold of "
        f"{limits.confidence_threshold:.2f}; {usual}."
    )


def left_to_persons(outlook: Outlook) -> str:
    """Say that there is no recommendation because the settings that differ are left to persons."""
    return (
        "Nothing is advised: approaches differ here in settings that are left to those who package, and "
        "beside these none is sure to do better than what is usually done, which is expected to succeed in "
        f"{outlook.usual.mean():.0%} of attempts."
    )


def notes_on(
    policy: PolicyModel, outlook: Outlook, unknown: Sequence[str], unseen: Sequence[str]
) -> list[str]:
    """Say what of the description was not used, or not found."""
    notes = []
    if unknown:
        knows = ", ".join(policy.context) or "no context"
        notes.append(f"Not taken into account: {', '.join(unknown)}; the memory knows {knows}.")
    notes += [f"The described value of {column} never occurred; it was averaged over." for column in unseen]
    if outlook.is_widened and outlook.members:
        notes.append("No past attempt matches the whole description; the answer rests on wider evidence.")
    notes += [describe_change(change) for change in policy.changes if _concerns(change, outlook)]
    return notes


def _concerns(change: Mapping[str, Any], outlook: Outlook) -> bool:
    """Say whether a change is one of a setting, or of the context described."""
    return all(
        described.get(change["column"], change["value"]) == change["value"]
        for described, _ in outlook.members
    )


def _place(policy: PolicyModel, outlook: Outlook) -> str:
    """Say where the candidates' counts are from, as far as it is one place."""
    parts = []
    for column in policy.contexts.home:
        levels = {described[column] for described, _ in outlook.members}
        if len(levels) == 1:
            parts.append(f" for {column} = {levels.pop()}")
    return "".join(parts)


def _said(outlook: Outlook, candidate: Candidate) -> str:
    """Write a candidate in words: its settings; where they are many, what differs from the usual ones."""
    approach = json.loads(candidate.approach)
    usual = json.loads(outlook.candidates[int(np.argmax(outlook.shares))].approach)
    if len(approach) <= _FEW_SETTINGS:
        return describe_approach(approach)
    if approach == usual:
        return "the most common approach"
    changes = [
        f"{column} = {setting_text(approach[column]) if column in approach else 'not stated'} instead of "
        f"{setting_text(usual[column]) if column in usual else 'not stated'}"
        for column in sorted({*approach, *usual})
        if approach.get(column) != usual.get(column)
    ]
    return f"the most common approach, but with {', '.join(changes)}"


def _probability(confidence: float) -> str:
    return "over 0.99" if confidence > 0.99 else f"{confidence:.2f}"  # noqa: PLR2004 - two decimals


def said_by_persons(
    policy: PolicyModel,
    outlook: Outlook,
    approach: Mapping[str, Any] | None,
    avoided: Sequence[Mapping[str, Any]],
    picked: Candidate | None,
) -> list[FactorDecision]:
    """List the decisions that bear on an advice.

    Suppressed factors, where both sides were tried in the context; others, where the advised approach, or
    one to avoid, has one of the sides.

    Parameters
    ----------
    policy, outlook
        What was weighed.
    approach
        The advised settings, source column to value; None where nothing is advised.
    avoided
        Entries of `avoid_approach`.
    picked
        The candidate behind the advice.
    """
    found = []
    for one in policy.decisions:
        if one.decision == SUPPRESS:
            if is_tried(one, outlook):
                found.append(one)
            continue
        sources = {column.partition(": ")[0] for column in one.settings}
        is_advised = (
            approach is not None
            and picked is not None
            and sources <= set(approach)
            and any(has_side(picked.settings, side) for side in one.sides)
        )
        is_avoided = any(
            has_side({str(key): level_name(value) for key, value in entry["approach"].items()}, side)
            for entry in avoided
            for side in one.sides
        )
        if is_advised or is_avoided:
            found.append(one)
    return found


def is_tried(one: FactorDecision, outlook: Outlook) -> bool:
    """Say whether both sides of a comparison were tried in a context."""
    return all(any(has_side(c.settings, side) for c in outlook.candidates) for side in one.sides)
