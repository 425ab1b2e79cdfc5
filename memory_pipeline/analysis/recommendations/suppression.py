"""The posterior of the candidates without the factors that persons suppressed.

Suppressing a factor says "this setting instead of that one is no reason to choose": advice then uses nothing
that the history says about the difference of the two, and leaves the setting to those who package. For this,
the rarer of the two sides is treated as if it were the more usual one; all other comparisons stay. Advice has
to be good by this posterior; the success that it promises is still the one that the history supports.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.decisions import has_side
from memory_pipeline.analysis.recommendations.posterior import ContextPosterior
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.decisions import Settings
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel


_MOST_EQUIVALENTS = 32


@dataclass(frozen=True)
class SuppressedPosterior(ContextPosterior):
    """The posterior of the candidates in one context, without what persons suppressed.

    Attributes
    ----------
    promised
        Draws of the success rate that advice of each candidate can promise: by the whole history, with the
        suppressed settings chosen as they usually are, shape (candidates, 500).
    """

    promised: Floats


class Suppression:
    """The suppressed comparisons that concern the candidates of a context.

    Parameters
    ----------
    policy
        The fitted model with persons' decisions.
    posterior
        Of the candidates in the context.
    """

    def __init__(self, policy: PolicyModel, posterior: ContextPosterior) -> None:
        self._posterior_of = posterior
        # A comparison of a setting that approaches no longer state has no effect.
        known = set(posterior.candidates[0].settings) if posterior.candidates else set()
        self._comparisons = [pair for pair in policy.suppressed if known.issuperset(pair[0])]
        self.columns = tuple(dict.fromkeys(column for rarer, _ in self._comparisons for column in rarer))
        self._shares: dict[tuple[Any, ...], float] = {}

    def __bool__(self) -> bool:
        return bool(self._comparisons)

    def canonical(self, settings: Settings) -> dict[str, str]:
        """Return settings with each rarer side of a suppressed comparison replaced by the more usual side."""
        found = dict(settings)
        for _ in self._comparisons:
            before = dict(found)
            for rarer, usual in self._comparisons:
                if has_side(found, rarer):
                    found.update(usual)
            if found == before:
                break
        return found

    def equivalents(self, settings: Settings) -> list[tuple[dict[str, str], float]]:
        """Return the settings with the same canonical form, each with its past share among them."""
        found = [self.canonical(settings)]
        for one in found:  # grows as it goes
            for rarer, usual in self._comparisons:
                other = {**one, **rarer}
                if has_side(one, usual) and other not in found and len(found) < _MOST_EQUIVALENTS:
                    found.append(other)
        shares = np.array([self._share({column: one[column] for column in self.columns}) for one in found])
        if shares.sum() == 0:
            return [(found[0], 1.0)]
        return [
            (one, float(share)) for one, share in zip(found, shares / shares.sum(), strict=True) if share > 0
        ]

    def is_left_open(self, column: str, settings: Settings) -> bool:
        """Return whether a setting of an approach is left to those who package.

        That is so if its value is one side of a suppressed comparison, and the other side has another value.
        """
        return any(
            column in side and has_side(settings, side) and side[column] != other[column]
            for pair in self._comparisons
            for side, other in (pair, pair[::-1])
        )

    def is_suppressed(self, settings: Settings) -> bool:
        """Return whether settings have the rarer side of a suppressed comparison."""
        return self.canonical(settings) != dict(settings)

    def is_suppressed_level(self, column: str, level: str) -> bool:
        """Return whether one value of one setting is the rarer side of a suppressed comparison."""
        return self.is_suppressed({column: level})

    def _share(self, side: Settings) -> float:
        name = tuple(side.items())
        if name not in self._shares:
            having = [has_side(candidate.settings, side) for candidate in self._posterior_of.candidates]
            self._shares[name] = float(self._posterior_of.shares[having].sum())
        return self._shares[name]


def apply_suppression(policy: PolicyModel, posterior: ContextPosterior) -> ContextPosterior:
    """Compute the posterior of the candidates without the factors that persons suppressed.

    A candidate with the rarer side of a suppressed comparison gets the success rate of the same approach with
    the more usual side. Where that approach is not a candidate, the model's coefficients for the one side are
    replaced by those for the other. In every draw, the mean over the candidates, weighted by their past
    shares, is kept, so that the usual success rate stays the same.

    Parameters
    ----------
    policy
        The fitted model with persons' decisions.
    posterior
        As `posterior_in` computes it.

    Returns
    -------
    ContextPosterior
        The same object where nothing is suppressed; otherwise a `SuppressedPosterior`.
    """
    suppression = Suppression(policy, posterior)
    if not suppression or not posterior.candidates:
        return posterior
    number = {candidate.key: i for i, candidate in enumerate(posterior.candidates)}

    known: dict[tuple[Any, ...], Floats] = {}

    def draws_of(settings: Settings, like: int) -> Floats:
        """Return the draws of settings: of their candidate, or else the shifted draws of candidate `like`."""
        nearest = number.get(tuple(settings[column] for column in policy.key_columns), like)
        name = nearest, *(settings[column] for column in suppression.columns)
        if name not in known:
            known[name] = _shifted(policy, posterior, nearest, settings, suppression.columns)
        return known[name]

    draws, promised = np.empty_like(posterior.draws), np.empty_like(posterior.draws)
    for i, candidate in enumerate(posterior.candidates):
        draws[i] = draws_of(suppression.canonical(candidate.settings), i)
        equivalents = suppression.equivalents(candidate.settings)
        promised[i] = sum(weight * draws_of(settings, i) for settings, weight in equivalents)
    draws += posterior.shares @ posterior.draws - posterior.shares @ draws
    is_indifferent = policy.model_weights.is_indifferent()
    for changed in (draws, promised):
        changed[:, is_indifferent] = posterior.draws[:, is_indifferent]
    return SuppressedPosterior(
        **{one.name: getattr(posterior, one.name) for one in fields(posterior) if one.name != "draws"},
        draws=np.clip(draws, 0.0, 1.0),
        promised=promised,
    )


def promised_draws(posterior: ContextPosterior) -> Floats:
    """Return draws of the success rate that advice of each candidate can promise, shape (candidates, 500)."""
    return posterior.promised if isinstance(posterior, SuppressedPosterior) else posterior.draws


def _shifted(
    policy: PolicyModel, posterior: ContextPosterior, index: int, wanted: Settings, columns: Sequence[str]
) -> Floats:
    """Return a candidate's draws with other values of some settings, shifted by the model's coefficients."""
    draws: Floats = posterior.draws[index]
    own = posterior.candidates[index].settings
    changed = [column for column in columns if wanted[column] != own[column]]
    if not changed:
        return draws
    design = policy.structured.model.design
    involved = sorted({number for column in changed for number in design.involving(column)})
    weight = np.zeros(len(involved))
    for described, share in posterior.full_contexts:
        for sign, settings in ((share, wanted), (-share, own)):
            values = {**described, **own, **{column: settings[column] for column in changed}}
            weight += sign * np.array(
                [all(values[name] == level for name, level in design.terms[i]) for i in involved], dtype=float
            )
    shifted: Floats = expit(log_odds(draws) + weight @ policy.structured.model.coefficient_draws[involved])
    return shifted
