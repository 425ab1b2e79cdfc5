"""Sentences that explain an advice, or why there is none, with the numbers behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.features.levels import level_name
from memory_pipeline.analysis.features.unknown_values import describe_unknown_value
from memory_pipeline.analysis.models.change_text import drift_sentence
from memory_pipeline.analysis.names import TABLE_CONTEXT, split_element_column
from memory_pipeline.analysis.recommendations.decisions import SUPPRESS, FactorDecision, has_side
from memory_pipeline.analysis.recommendations.posterior import confidence_of, expectation_of
from memory_pipeline.analysis.text import count_units, describe_approach, setting_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.recommendations.candidates import Candidate
    from memory_pipeline.analysis.recommendations.contexts import UnknownValue
    from memory_pipeline.analysis.recommendations.essential_settings import EssentialSettings
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior
    from memory_pipeline.analysis.recommendations.selection import Choice
    from memory_pipeline.analysis.recommendations.situation import Situation
    from memory_pipeline.analysis.recommendations.tried import Tried


_FEW_SETTINGS = 5
_IN_USE = 0.05
_NOTICEABLE, _OTHER_CASES = 0.05, 0.03


_NOTABLE_LEVEL = 0.015
"""Change of success in general that an answer mentions."""


def is_untested(essential: EssentialSettings) -> bool:
    """Return whether hardly anybody did so of late: it is worth trying, but was not seen to hold."""
    return essential.recent_share < _IN_USE


def evidence_of(policy: PolicyModel, candidate: Candidate | EssentialSettings) -> str:
    """Return `whole` if an approach was tried often enough as it stands, otherwise `additive`."""
    limits = policy.limits
    is_whole = candidate.attempts >= limits.min_sample_size and candidate.units >= limits.min_units
    return "whole" if is_whole else "additive"


def explain_recommendation(
    policy: PolicyModel, posterior: ContextPosterior, choice: Choice, index: int, essential: EssentialSettings
) -> list[str]:
    """Explain why a candidate is recommended: the success expected of it, and the record behind that.

    Parameters
    ----------
    policy, posterior, choice
        The fitted model, the posterior in the context, and what was picked.
    index
        Number of the candidate.
    essential
        Its settings that make a difference.
    """
    picked = posterior.candidates[index]
    draws = essential.draws
    expected = expectation_of(draws)
    usual = posterior.usual.mean()
    expectation = (
        f"{describe_approach(essential.approach)}: {expected.rate:.0%} of attempts are expected to "
        f"succeed (95% interval {expected.low:.0%} to {expected.high:.0%}), against {usual:.0%} with what is "
        f"usually done here; the probability that it is better is "
        f"{_probability(confidence_of(draws, posterior))}."
    )
    reasons = [expectation]
    if is_untested(essential):
        reasons.insert(
            0,
            f"Worth trying, untested: {essential.recent_share:.0%} of the newest attempts"
            f"{_pool_text(policy, posterior)} did so, so whether the expectation holds today was not seen.",
        )
    tried = (
        f"{essential.successes:,} of {essential.attempts:,} attempts with it succeeded"
        f"{_pool_text(policy, posterior)}, with {count_units(essential.units, policy.unit)}"
        f"{' or more' if len(essential.group) > 1 else ''}"
    )
    if evidence_of(policy, essential) == "whole":
        reasons.append(f"{tried}{_explain_case_mix(policy, posterior, essential)}.")
    else:
        reasons.append(
            f"As a whole it is rare: {tried}. Each of its settings was tried {picked.support:,} times or "
            f"more, with {count_units(picked.support_units, policy.unit)} or more; the expectation rests on "
            "these."
        )
    decided = {
        split_element_column(column)[0]
        for one in policy.decisions
        if one.decision == SUPPRESS and has_both_sides(one, posterior)
        for column in one.settings
    }
    alike = [column for column in essential.left_open if column not in decided]
    if alike:
        reasons.append(
            f"To settle {', '.join(alike)} as well would gain less than one point here: leave it as it is."
        )
    if choice.probabilities[index] < 1:
        reasons.append(
            f"Exploration is on: this approach was drawn with probability {choice.probabilities[index]:.2f}."
        )
    return reasons


def explain_tried(policy: PolicyModel, situation: Situation, tried: Tried | None) -> list[str]:
    """Explain how often an advised approach was tried in the context, where that is narrower than the pool.

    Parameters
    ----------
    policy, situation
        The fitted model and the described context.
    tried
        How often it was tried there; None where the policy does not know.
    """
    pooled = policy.contexts.pooling_columns
    narrower = [
        f"{source} = {situation.context[source]}"
        for source in TABLE_CONTEXT
        if situation.context.get(source) is not None and policy.contexts.encoding.columns_of(source) != pooled
    ]
    if not narrower or tried is None:
        return []
    where = ", ".join(narrower)
    if not tried.attempts:
        return [f"It was never tried for {where}: the expectation rests on other cases."]
    return [f"For {where} it was tried {tried.attempts:,} times, {tried.successes:,} with success."]


def _explain_case_mix(policy: PolicyModel, posterior: ContextPosterior, essential: EssentialSettings) -> str:
    """Explain a record that differs from the promise by the cases it is from; "" if it does not differ."""
    pools = {policy.contexts.pool_of(described) for described, _ in posterior.full_contexts}
    level = next(
        (one for one in policy.structured.levels if one.columns == policy.contexts.pooling_columns), None
    )
    if len(pools) != 1 or level is None:
        return ""
    pool = pools.pop()
    found = [level.records.get((pool, posterior.candidates[number].key)) for number in essential.group]
    records = [record for record in found if record is not None]
    if not records:
        return ""
    attempts = np.array([record.attempts for record in records])
    rate = float(attempts @ expit([record.prior_log_odds for record in records]) / attempts.sum())
    promised = float(essential.draws.mean())
    if abs(essential.successes / essential.attempts - promised) < _NOTICEABLE:
        return ""
    sort = "harder" if rate < promised else "easier"
    cases = f", which were {sort} cases than this one" if abs(rate - promised) >= _OTHER_CASES else ""
    return f"; {rate:.0%} was expected of these{cases}"


def explain_no_recommendation(policy: PolicyModel, posterior: ContextPosterior, choice: Choice) -> str:
    """Explain why there is no recommendation, and what was found instead."""
    limits = policy.limits
    where = _pool_text(policy, posterior)
    if not policy.history["attempts"]:
        return "Not enough evidence: no attempts are recorded yet."
    if not posterior.candidates:
        return (
            f"Not enough evidence: no approach was tried {limits.min_attempts} times or more"
            f"{where or ' in each of the contexts that the description leaves open'} "
            f"({count_units(policy.history['attempts'], 'attempt')} in all). A fuller description may help."
        )
    usual = f"what is usually done is expected to succeed in {posterior.usual.mean():.0%} of attempts"
    if len(posterior.candidates) == 1:
        only = posterior.candidates[0]
        return (
            f"Not enough evidence: only one approach was ever tried{where} ({only.successes:,} of "
            f"{only.attempts:,} attempts with it succeeded), so there is nothing to compare it with; {usual}."
        )
    if choice.best is None:
        most = max(c.support for c in posterior.candidates)
        units = max(c.support_units for c in posterior.candidates)
        return (
            f"Not enough evidence{where}: advice needs {limits.min_sample_size:,} attempts and "
            f"{count_units(limits.min_units, policy.unit)} for every setting; the approach with the most "
            f"has {most:,} attempts and {count_units(units, policy.unit)}. Meanwhile {usual}."
        )
    if choice.confidence >= limits.confidence_threshold:
        return (
            f"Nothing to change{where}: {len(posterior.candidates)} approaches were tried, and none is "
            f"expected to gain more than one point on what is usually done; {usual}."
        )
    return (
        f"Not enough evidence{where}: {len(posterior.candidates)} approaches were tried; the most promising "
        f"({_candidate_text(posterior, posterior.candidates[choice.best])}) is expected to succeed in "
        f"{posterior.rates[choice.best]:.0%} of attempts, but the probability that it is better than what is "
        f"usually done is {_probability(choice.confidence)}, below the threshold of "
        f"{limits.confidence_threshold:.2f}; {usual}."
    )


def explain_left_open(posterior: ContextPosterior) -> str:
    """Explain that nothing is recommended because the settings that differ are left to persons."""
    return (
        "Nothing is advised: approaches differ here in settings that are left to those who package, and "
        "beside these none is sure to do better than what is usually done, which is expected to succeed in "
        f"{posterior.usual.mean():.0%} of attempts."
    )


def explain_limitations(
    policy: PolicyModel,
    posterior: ContextPosterior,
    unknown: Sequence[str],
    unfamiliar: Sequence[UnknownValue],
) -> list[str]:
    """Explain what limits an answer: parts of the description not used or not found, and detected changes."""
    notes = []
    if unknown:
        knows = ", ".join(policy.context) or "no context"
        notes.append(f"Not taken into account: {', '.join(unknown)}; the memory knows {knows}.")
    notes += [
        describe_unknown_value(column, value, policy.contexts.known_values(column) or ())
        for column, value in unfamiliar
    ]
    if unfamiliar:
        columns = ", ".join(dict.fromkeys(column for column, _ in unfamiliar))
        notes.append(f"So the answer rests on other values of {columns}, and is less sure.")
    if posterior.is_widened and posterior.full_contexts:
        notes.append("No past attempt matches the whole description; the answer rests on wider evidence.")
    notes += [drift_sentence(change) for change in policy.changes if _concerns(change, posterior)]
    if abs(policy.level.points) >= _NOTABLE_LEVEL:
        way = "more" if policy.level.points > 0 else "fewer"
        points = f"{100 * abs(policy.level.points):.0f} points"
        notes.append(
            f"Lately {way} attempts succeed than over the whole history, whatever the approach: the rates "
            f"here allow for it ({points} since {policy.level.since[:10]})."
        )
    return notes


def _concerns(change: Mapping[str, Any], posterior: ContextPosterior) -> bool:
    """Return whether a change is one of a setting, or of the context described."""
    return all(
        described.get(change["column"], change["value"]) == change["value"]
        for described, _ in posterior.full_contexts
    )


def _pool_text(policy: PolicyModel, posterior: ContextPosterior) -> str:
    """Return which pool the candidates' counts are from, in words; "" where there are several."""
    parts = []
    for column in policy.contexts.pooling_columns:
        levels = {described[column] for described, _ in posterior.full_contexts}
        if len(levels) == 1:
            parts.append(f" for {column} = {levels.pop()}")
    return "".join(parts)


def _candidate_text(posterior: ContextPosterior, candidate: Candidate) -> str:
    """Return a candidate in words: its settings or, of many, those that differ from the usual approach."""
    approach = json.loads(candidate.approach)
    usual = json.loads(posterior.candidates[int(np.argmax(posterior.shares))].approach)
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


def relevant_decisions(
    policy: PolicyModel,
    posterior: ContextPosterior,
    approach: Mapping[str, Any] | None,
    avoided: Sequence[Mapping[str, Any]],
    picked: Candidate | None,
) -> list[FactorDecision]:
    """Return the decisions that concern an advice.

    Suppressed factors, if both sides were tried in the context; others, if the advised approach, or one to
    avoid, has one of the sides.

    Parameters
    ----------
    policy, posterior
        The fitted model, and the posterior in the context.
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
            if has_both_sides(one, posterior):
                found.append(one)
            continue
        sources = {split_element_column(column)[0] for column in one.settings}
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


def has_both_sides(one: FactorDecision, posterior: ContextPosterior) -> bool:
    """Return whether both sides of a comparison were tried in a context."""
    return all(any(has_side(c.settings, side) for c in posterior.candidates) for side in one.sides)
