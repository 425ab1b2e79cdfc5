"""The joint posterior of the candidates' success rates in one described context."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.candidates import Candidate, Remainder
from memory_pipeline.analysis.recommendations.success_model import N_DRAWS
from memory_pipeline.analysis.stats.beta_binomial import log_odds, smoothed_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.contexts import WeightedContext
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.pooled_records import PoolingLevel, Values


_TIE = 1e-9
INDIFFERENCE = 0.01
"""Expected success that may be given up to name fewer settings; a gain up to this is not worth a change."""


_LARGE_SHARE = 0.1


@dataclass(frozen=True)
class ContextPosterior:
    """The posterior of the candidates' success rates in one described context.

    Attributes
    ----------
    full_contexts
        The full contexts that the description stands for, with weights that sum to 1.
    is_widened
        Whether no past attempt agrees with the whole description, so that wider evidence is used.
    candidates
        Approaches that were tried in every pool that has a tenth of the weight or more.
    draws
        Posterior draws of each candidate's success rate, shape (candidates, 500).
    shares
        Past share of each candidate among the candidates, shape (candidates,), summing to 1.
    usual
        Draws of the success rate if approaches go on being chosen as before (the logging policy), shape
        (500,).
    remainder
        The past attempts with approaches that are not candidates.
    """

    full_contexts: list[WeightedContext]
    is_widened: bool
    candidates: tuple[Candidate, ...]
    draws: Floats
    shares: Floats
    usual: Floats
    remainder: Remainder

    @cached_property
    def rates(self) -> Floats:
        """Posterior means of the success rates, shape (candidates,)."""
        return np.asarray(self.draws.mean(axis=1))

    @property
    def propensities(self) -> Floats:
        """Past share of each candidate among all attempts, shape (candidates,)."""
        return np.asarray((1 - self.remainder.share) * self.shares)


class Expectation(NamedTuple):
    """An expected success rate with its 95% credible interval."""

    rate: float
    low: float
    high: float


def expectation_of(draws: Floats) -> Expectation:
    """Return the mean of draws of a success rate, shape (500,), with their central 95% interval.

    Where the draws are so skewed that the mean lies outside (a setting that always fails: in most draws an
    approach is nearly certain to succeed, in a few it is as good as any other), the interval is widened to
    it. The mean stays the estimate, since it is what promises come to on average.
    """
    rate = float(draws.mean())
    low, high = np.quantile(draws, [0.025, 0.975])
    return Expectation(rate, min(float(low), rate), max(float(high), rate))


def posterior_in(
    policy: PolicyModel, full_contexts: list[WeightedContext], is_widened: bool
) -> ContextPosterior:
    """Compute the posterior of the candidates, averaged over the full contexts of a description.

    Parameters
    ----------
    policy
        The fitted model.
    full_contexts, is_widened
        Of `Contexts.full_contexts`.
    """
    pool, numbers = _common_candidates(policy, full_contexts)
    candidates = tuple(policy.candidates[pool][number] for number in numbers)
    draws = np.zeros((len(candidates), N_DRAWS))
    shares = np.zeros(len(candidates))
    if not candidates:
        return ContextPosterior(
            full_contexts, is_widened, (), draws, shares, np.zeros(N_DRAWS), Remainder(0.0, 0.0)
        )
    keys = [candidate.key for candidate in candidates]
    for described, weight in full_contexts:
        draws += weight * _success_draws(policy, described, pool, numbers, keys)
        counts = [_attempts(level, described, keys) for level in policy.structured.levels]
        shares += weight * smoothed_shares(counts)
    shares /= shares.sum()
    remainder = _remainder(policy, full_contexts)
    among = shares @ draws
    usual = (1 - remainder.share) * among + remainder.share * expit(log_odds(among) + remainder.gap)
    # In the draws in which approaches do not matter, each succeeds as often as the usual mix.
    is_indifferent = policy.model_weights.is_indifferent()
    draws[:, is_indifferent] = usual[is_indifferent]
    draws, usual = policy.level.move_draws(draws), policy.level.move_draws(usual)
    return ContextPosterior(full_contexts, is_widened, candidates, draws, shares, usual, remainder)


def confidence_of(draws: Floats, posterior: ContextPosterior) -> float:
    """Return the posterior probability that a success rate is above that of the usual mix; ties count half.

    Parameters
    ----------
    draws
        Draws of the success rate, shape (500,).
    posterior
        Whose `usual` it is compared with.
    """
    gain = draws - posterior.usual
    return float(np.mean(gain > _TIE) + np.mean(np.abs(gain) <= _TIE) / 2)


def _common_candidates(policy: PolicyModel, full_contexts: list[WeightedContext]) -> tuple[Values, list[int]]:
    """Return the pool with most weight, and the numbers of its candidates that were tried in all large pools.

    A pool is large if it has a tenth of the weight of the description or more.
    """
    weight_of: dict[Values, float] = {}
    for described, weight in full_contexts:
        pool = policy.contexts.pool_of(described)
        weight_of[pool] = weight_of.get(pool, 0.0) + weight
    if not weight_of:
        return (), []
    main = max(sorted(weight_of), key=lambda pool: weight_of[pool])
    keys = [
        {candidate.key for candidate in policy.candidates.get(pool, ())}
        for pool, weight in weight_of.items()
        if weight >= _LARGE_SHARE
    ]
    ours = policy.candidates.get(main, ())
    return main, [i for i, candidate in enumerate(ours) if all(candidate.key in tried for tried in keys)]


def _remainder(policy: PolicyModel, full_contexts: list[WeightedContext]) -> Remainder:
    found = [
        (policy.remainder.get(policy.contexts.pool_of(described), Remainder(0.0, 0.0)), weight)
        for described, weight in full_contexts
    ]
    share = sum(weight * one.share for one, weight in found)
    gap = sum(weight * one.share * one.gap for one, weight in found)
    return Remainder(share, gap / share if share else 0.0)


def _success_draws(
    policy: PolicyModel,
    described: Mapping[str, str],
    pool: Values,
    numbers: list[int],
    keys: Sequence[Values],
) -> Floats:
    """Draw success rates, each draw from the structured or the unstructured model by its weight.

    Parameters
    ----------
    policy
        The fitted model.
    described
        A full context.
    pool, numbers
        The pool whose candidates are meant, and the numbers of the candidates.
    keys
        Of these candidates.

    Returns
    -------
    array, shape (candidates, 500)
    """
    model = policy.structured.model
    point, eta = (
        part[numbers] for part in policy.pool_level_log_odds(pool, policy.contexts.pool_of(described))
    )
    varying = np.flatnonzero(model.design.held(described) & ~policy.is_pool_level)
    rows = policy.candidate_rows[pool][np.array(numbers)[:, None], varying]
    point, eta = point + rows @ model.coefficients[varying], eta + rows @ model.coefficient_draws[varying]
    draws = policy.structured.draws(described, keys, point, eta)
    is_unstructured = policy.model_weights.is_unstructured()
    if is_unstructured.any():
        model = policy.unstructured.model
        held = model.design.held(described)
        point = np.full(len(keys), model.coefficients[held].sum())
        eta = np.tile(model.coefficient_draws[held].sum(axis=0), (len(keys), 1))
        draws[:, is_unstructured] = policy.unstructured.draws(described, keys, point, eta)[:, is_unstructured]
    return draws


def _attempts(level: PoolingLevel, described: Mapping[str, str], keys: Sequence[Values]) -> Floats:
    attempts = np.zeros(len(keys))
    for number, record in level.records_in(described, keys):
        attempts[number] = record.attempts
    return attempts
