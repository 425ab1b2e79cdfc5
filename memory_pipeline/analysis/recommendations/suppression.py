"""Weighing approaches without the factors that persons suppressed.

A suppressed factor says "this setting instead of that one is no reason": advice then rests on nothing that
the history says of the two against each other, and the setting is left to those who package. Of the two
sides the rarer one is taken for the more usual one; all other comparisons stay. Advice has to stand that
way; what it promises stays what the history says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.decisions import has_side
from memory_pipeline.analysis.recommendations.posterior import Outlook
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.decisions import Settings
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel


_MOST_WAYS = 32


@dataclass(frozen=True)
class DecidedOutlook(Outlook):
    """The candidates in one context, weighed without what persons suppressed.

    Attributes
    ----------
    recorded
        Draws with everything that the history says, the suppressed settings chosen as they usually are:
        what advice can promise, shape (candidates, 500).
    """

    recorded: Floats


class SetAside:
    """The comparisons that count for nothing at one place, and what follows for its approaches.

    Parameters
    ----------
    policy
        With its decisions.
    outlook
        The candidates, and how often they were chosen.
    """

    def __init__(self, policy: PolicyModel, outlook: Outlook) -> None:
        self._outlook = outlook
        # A setting that approaches no longer state has nothing to be set aside.
        known = set(outlook.candidates[0].settings) if outlook.candidates else set()
        self._rules = [rule for rule in policy.suppressed if known.issuperset(rule[0])]
        self.columns = tuple(dict.fromkeys(column for rule in self._rules for column in rule[0]))
        self._shares: dict[tuple[Any, ...], float] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def taken_for(self, settings: Settings) -> dict[str, str]:
        """Return the settings that an approach is taken for: itself, where nothing of it is set aside."""
        found = dict(settings)
        for _ in self._rules:
            before = dict(found)
            for rarer, usual in self._rules:
                if has_side(found, rarer):
                    found.update(usual)
            if found == before:
                break
        return found

    def ways_of(self, settings: Settings) -> list[tuple[dict[str, str], float]]:
        """List the approaches that are taken for the same one, each with its share among them."""
        found = [self.taken_for(settings)]
        for one in found:  # grows as it goes
            for rarer, usual in self._rules:
                other = {**one, **rarer}
                if has_side(one, usual) and other not in found and len(found) < _MOST_WAYS:
                    found.append(other)
        shares = np.array([self._share({column: one[column] for column in self.columns}) for one in found])
        if shares.sum() == 0:
            return [(found[0], 1.0)]
        return [
            (one, float(share)) for one, share in zip(found, shares / shares.sum(), strict=True) if share > 0
        ]

    def is_open(self, column: str, settings: Settings) -> bool:
        """Say whether a setting of an approach is left to those who package.

        So it is where its level is one side of a comparison that was set aside.
        """
        return any(
            column in side and has_side(settings, side) and side[column] != other[column]
            for rule in self._rules
            for side, other in (rule, rule[::-1])
        )

    def is_moved(self, settings: Settings) -> bool:
        """Say whether an approach is taken for another one."""
        return self.taken_for(settings) != dict(settings)

    def is_moved_level(self, column: str, level: str) -> bool:
        """Say whether one level of one setting is taken for another level."""
        return self.is_moved({column: level})

    def _share(self, side: Settings) -> float:
        name = tuple(side.items())
        if name not in self._shares:
            having = [has_side(candidate.settings, side) for candidate in self._outlook.candidates]
            self._shares[name] = float(self._outlook.shares[having].sum())
        return self._shares[name]


def set_aside(policy: PolicyModel, outlook: Outlook) -> Outlook:
    """Weigh the candidates of a context without the factors that persons suppressed.

    A candidate that has the rarer side of a suppressed comparison is expected to do what the same approach
    with the more usual side does; where that approach is no candidate, what the model adds for the one
    side is replaced by what it adds for the other. What is usually done stays what it is: the mean over
    the candidates, in the proportions in which they were chosen, is kept in every draw.

    Parameters
    ----------
    policy
        With its decisions.
    outlook
        As `look_out` weighs it.

    Returns
    -------
    Outlook
        The same one where nothing was suppressed; otherwise a `DecidedOutlook`.
    """
    rules = SetAside(policy, outlook)
    if not rules or not outlook.candidates:
        return outlook
    number = {candidate.key: i for i, candidate in enumerate(outlook.candidates)}

    known: dict[tuple[Any, ...], Floats] = {}

    def draws_of(settings: Settings, like: int) -> Floats:
        """Draw what an approach achieves: as the candidate that it is, or as one like it would."""
        nearest = number.get(tuple(settings[column] for column in policy.key_columns), like)
        name = nearest, *(settings[column] for column in rules.columns)
        if name not in known:
            known[name] = _shifted(policy, outlook, nearest, settings, rules.columns)
        return known[name]

    draws, recorded = np.empty_like(outlook.draws), np.empty_like(outlook.draws)
    for i, candidate in enumerate(outlook.candidates):
        draws[i] = draws_of(rules.taken_for(candidate.settings), i)
        ways = rules.ways_of(candidate.settings)
        recorded[i] = sum(weight * draws_of(settings, i) for settings, weight in ways)
    draws += outlook.shares @ outlook.draws - outlook.shares @ draws
    untouched = policy.chances.is_indifferent()
    for moved in (draws, recorded):
        moved[:, untouched] = outlook.draws[:, untouched]
    return DecidedOutlook(**{**vars(outlook), "draws": np.clip(draws, 0.0, 1.0)}, recorded=recorded)


def as_recorded(outlook: Outlook) -> Floats:
    """Return the draws of what advice of each candidate can promise, shape (candidates, 500)."""
    return outlook.recorded if isinstance(outlook, DecidedOutlook) else outlook.draws


def _shifted(
    policy: PolicyModel, outlook: Outlook, index: int, wanted: Settings, columns: Sequence[str]
) -> Floats:
    """Draw the success of a candidate with other values of some settings, by what the model adds for them."""
    draws: Floats = outlook.draws[index]
    own = outlook.candidates[index].settings
    changed = [column for column in columns if wanted[column] != own[column]]
    if not changed:
        return draws
    design = policy.ruled.model.design
    involved = sorted({number for column in changed for number in design.involving(column)})
    weight = np.zeros(len(involved))
    for described, share in outlook.members:
        for sign, settings in ((share, wanted), (-share, own)):
            values = {**described, **own, **{column: settings[column] for column in changed}}
            weight += sign * np.array(
                [all(values[name] == level for name, level in design.terms[i]) for i in involved], dtype=float
            )
    moved: Floats = expit(log_odds(draws) + weight @ policy.ruled.model.coefficient_draws[involved])
    return moved
