"""Which settings of an advised approach make a difference: advice names these and leaves the rest open."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.names import OTHER
from memory_pipeline.analysis.recommendations.posterior import INDIFFERENCE
from memory_pipeline.analysis.recommendations.suppression import SetAside, as_recorded
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Counts, Floats
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import Outlook


_SURELY_WORSE = 0.8


@dataclass(frozen=True)
class Prescription:
    """An approach as it is advised: the settings that matter, and what to expect of them.

    Attributes
    ----------
    approach
        Settings to choose, source column to value; None where a setting is to be left unset.
    left_open
        Source columns of the picked candidate that make no difference here, or that a person left open:
        leave them as they are.
    group
        Numbers of the candidates that agree with `approach` in the settings that matter.
    draws
        Posterior draws of the success rate when `approach` is chosen and the rest goes on as before:
        the candidates of the group in the proportions in which they were chosen, shape (500,).
    attempts, successes, units
        With `approach` at the place; of the units at least as many.
    """

    approach: dict[str, Any]
    left_open: tuple[str, ...]
    group: NDArray[np.int64]
    draws: Floats
    attempts: int
    successes: int
    units: int


def prescribe(policy: PolicyModel, outlook: Outlook, index: int) -> Prescription:
    """Reduce a candidate to the settings that matter in a context.

    A setting matters where an alternative to the candidate's level, tried often enough at the place,
    is expected to lose more than a percentage point with a probability of 0.8 or more, everything else
    as in the candidate. Where no single setting does (only the whole is better), all are named that
    tell approaches apart. What a person left open (`SetAside.is_open`) is never named; then the whole is
    no reason either, so that nothing may be left to advise.
    """
    candidate = outlook.candidates[index]
    persons = SetAside(policy, outlook)
    closed = [
        (position, column)
        for position, column in enumerate(policy.key_columns)
        if not persons.is_open(column, candidate.settings)
    ]
    unmet = [
        policy.ruled.model.design.unmet({**described, **candidate.settings})
        for described, _ in outlook.members
    ]
    deciding = {column for position, column in closed if _matters(policy, outlook, index, position, unmet)}
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
            for number, other in enumerate(outlook.candidates)
            if all(other.key[position] == candidate.key[position] for position in positions)
        ]
    )
    return Prescription(
        approach={
            column: stated.get(column)
            for column in dict.fromkeys([*stated, *policy.approach])
            if column in named
        },
        left_open=tuple(column for column in stated if column not in named),
        group=group,
        draws=np.asarray(outlook.shares[group] @ as_recorded(outlook)[group] / outlook.shares[group].sum()),
        attempts=sum(outlook.candidates[number].attempts for number in group),
        successes=sum(outlook.candidates[number].successes for number in group),
        units=max(outlook.candidates[number].units for number in group),
    )


def _matters(
    policy: PolicyModel, outlook: Outlook, index: int, position: int, unmet: Sequence[Counts]
) -> bool:
    """Say whether some alternative to one setting of a candidate clearly loses.

    Parameters
    ----------
    policy, outlook, index
        The candidate.
    position
        Of the setting among those that tell approaches apart.
    unmet
        For each member of the outlook: how many conditions of each term the candidate does not meet.
    """
    column, level = policy.key_columns[position], outlook.candidates[index].key[position]
    others = _alternatives(policy, outlook, column, level)
    if not others:
        return False
    base = log_odds(outlook.draws[index])
    untouched = ~policy.chances.is_ruled()
    elsewhere = _held_elsewhere(policy, outlook, column, level, unmet)
    ours = _contribution(policy, column, level, elsewhere)
    for other in others:
        change = _contribution(policy, column, other, elsewhere) - ours
        loss = np.where(untouched, 0.0, expit(base) - expit(base + change))
        if loss.mean() > INDIFFERENCE and np.mean(loss > 0) >= _SURELY_WORSE:
            return True
    return False


def _alternatives(policy: PolicyModel, outlook: Outlook, column: str, level: str) -> list[str]:
    """List the other levels of a setting that were tried often enough at the places described."""
    tried: Counter[str] = Counter()
    for place in {policy.contexts.place_of(described) for described, _ in outlook.members}:
        tried.update(policy.tried.get((place, column), {}))
    enough = {other for other, attempts in tried.items() if attempts >= policy.limits.min_sample_size}
    return sorted(enough - {level, OTHER})


def _held_elsewhere(
    policy: PolicyModel, outlook: Outlook, column: str, level: str, unmet: Sequence[Counts]
) -> Floats:
    """Tell in which share of the members each term holds, its condition on a column aside, shape (terms,)."""
    design = policy.ruled.model.design
    by_column = np.zeros(len(design.terms), dtype=np.int64)
    by_column[design.involving(column)] = 1
    by_column[design.with_condition(column, level)] = 0
    shares = np.zeros(len(design.terms))
    for (_, weight), counts in zip(outlook.members, unmet, strict=True):
        shares += weight * (counts == by_column)
    return shares


def _contribution(policy: PolicyModel, column: str, level: str, elsewhere: Floats) -> Floats:
    """Draw what a level of a setting adds to the log-odds, on average over the members, shape (500,)."""
    terms = policy.ruled.model.design.with_condition(column, level)
    terms = terms[elsewhere[terms] > 0]
    return np.asarray(elsewhere[terms] @ policy.ruled.model.coefficient_draws[terms])
