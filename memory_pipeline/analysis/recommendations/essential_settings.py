"""Which settings of an advised approach make a difference: advice names these and leaves the others open."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.names import OTHER
from memory_pipeline.analysis.recommendations.posterior import INDIFFERENCE
from memory_pipeline.analysis.recommendations.suppression import Suppression, promised_draws
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Counts, Floats
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior


_SURELY_WORSE = 0.8


@dataclass(frozen=True)
class EssentialSettings:
    """The settings of a candidate that make a difference, and the success rate expected with them.

    Attributes
    ----------
    approach
        Settings to choose, source column to value; a value of None means "leave it unset".
    left_open
        Source columns of the candidate's settings that make no difference here, or that a person left open.
    group
        Numbers of the candidates that agree with `approach`.
    draws
        Posterior draws of the success rate if `approach` is chosen and other settings go on as before: the
        mean over the group, weighted by past shares, shape (500,).
    attempts, successes, units
        Counts of `approach` in the pool; `units` is a lower bound.
    """

    approach: dict[str, Any]
    left_open: tuple[str, ...]
    group: NDArray[np.int64]
    draws: Floats
    attempts: int
    successes: int
    units: int


def find_essential_settings(
    policy: PolicyModel, posterior: ContextPosterior, index: int
) -> EssentialSettings:
    """Return the settings of a candidate that make a difference in a context.

    A setting makes a difference if an alternative to the candidate's value, tried often enough in the pool,
    is expected to lose more than one percentage point, and loses with a probability of 0.8 or more,
    everything else equal. If no single setting does (only the whole is better), all key columns are named. A
    setting that a person left open (`Suppression.is_left_open`) is never named; then the whole is not named
    either, so that nothing may be left to advise.

    Parameters
    ----------
    policy
        The fitted model.
    posterior
        Of the candidates in the context.
    index
        Number of the candidate.
    """
    candidate = posterior.candidates[index]
    suppression = Suppression(policy, posterior)
    closed = [
        (position, column)
        for position, column in enumerate(policy.key_columns)
        if not suppression.is_left_open(column, candidate.settings)
    ]
    unmet = [
        policy.structured.model.design.unmet({**described, **candidate.settings})
        for described, _ in posterior.full_contexts
    ]
    deciding = {column for position, column in closed if _matters(policy, posterior, index, position, unmet)}
    if not deciding and len(closed) == len(policy.key_columns):
        deciding = set(policy.key_columns)
    named = {
        source
        for source in policy.approach
        if deciding.intersection(policy.approach_encoding.columns_of(source))
    }
    stated: Mapping[str, Any] = json.loads(candidate.approach)
    positions = [
        position
        for position, column in enumerate(policy.key_columns)
        if any(column in policy.approach_encoding.columns_of(source) for source in named)
    ]
    group = np.array(
        [
            number
            for number, other in enumerate(posterior.candidates)
            if all(other.key[position] == candidate.key[position] for position in positions)
        ]
    )
    return EssentialSettings(
        approach={
            column: stated.get(column)
            for column in dict.fromkeys([*stated, *policy.approach])
            if column in named
        },
        left_open=tuple(column for column in stated if column not in named),
        group=group,
        draws=np.asarray(
            posterior.shares[group] @ promised_draws(posterior)[group] / posterior.shares[group].sum()
        ),
        attempts=sum(posterior.candidates[number].attempts for number in group),
        successes=sum(posterior.candidates[number].successes for number in group),
        units=max(posterior.candidates[number].units for number in group),
    )


def _matters(
    policy: PolicyModel, posterior: ContextPosterior, index: int, position: int, unmet: Sequence[Counts]
) -> bool:
    """Return whether some alternative to one setting of a candidate clearly loses.

    Parameters
    ----------
    policy, posterior, index
        As in `find_essential_settings`.
    position
        Position of the setting in the key columns.
    unmet
        For each full context of the posterior, how many conditions of each term do not hold with the
        candidate, shape (terms,).
    """
    column, level = policy.key_columns[position], posterior.candidates[index].key[position]
    others = _alternatives(policy, posterior, column, level)
    if not others:
        return False
    base = log_odds(posterior.draws[index])
    is_other_model = ~policy.model_weights.is_structured()
    elsewhere = _held_elsewhere(policy, posterior, column, level, unmet)
    ours = _contribution(policy, column, level, elsewhere)
    for other in others:
        change = _contribution(policy, column, other, elsewhere) - ours
        loss = np.where(is_other_model, 0.0, expit(base) - expit(base + change))
        if loss.mean() > INDIFFERENCE and np.mean(loss > 0) >= _SURELY_WORSE:
            return True
    return False


def _alternatives(policy: PolicyModel, posterior: ContextPosterior, column: str, level: str) -> list[str]:
    """Return the other values of a setting that were tried often enough in the pools described."""
    tried: Counter[str] = Counter()
    for pool in {policy.contexts.pool_of(described) for described, _ in posterior.full_contexts}:
        tried.update(policy.tried.get((pool, column), {}))
    enough = {other for other, attempts in tried.items() if attempts >= policy.limits.min_sample_size}
    return sorted(enough - {level, OTHER})


def _held_elsewhere(
    policy: PolicyModel, posterior: ContextPosterior, column: str, level: str, unmet: Sequence[Counts]
) -> Floats:
    """Return the share of contexts in which each term's conditions on other columns hold, shape (terms,)."""
    design = policy.structured.model.design
    by_column = np.zeros(len(design.terms), dtype=np.int64)
    by_column[design.involving(column)] = 1
    by_column[design.with_condition(column, level)] = 0
    shares = np.zeros(len(design.terms))
    for (_, weight), counts in zip(posterior.full_contexts, unmet, strict=True):
        shares += weight * (counts == by_column)
    return shares


def _contribution(policy: PolicyModel, column: str, level: str, elsewhere: Floats) -> Floats:
    """Return draws of what a setting adds to the log-odds, averaged over the full contexts, shape (500,)."""
    terms = policy.structured.model.design.with_condition(column, level)
    terms = terms[elsewhere[terms] > 0]
    return np.asarray(elsewhere[terms] @ policy.structured.model.coefficient_draws[terms])
