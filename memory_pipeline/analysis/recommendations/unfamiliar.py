"""How much less is known where a described value never occurred?

How such a value changes success, and which approaches suit it, has to be guessed from how much the known
values of its column differ. So the interval widens, and what is better elsewhere is less surely better here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.recommendations.reward_model import FLATTENING
from memory_pipeline.analysis.recommendations.success_model import N_DRAWS
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Collection

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy_model import PolicyModel
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior


class Spread(NamedTuple):
    """Standard deviations in log-odds by which the values of a column differ.

    `common` is that of the success of all approaches alike, `own` that of one approach against the others.
    """

    common: float
    own: float


_ONE_VALUE_ONLY = Spread(0.7, 0.5)
"""Of a column that had one value only, so that its history cannot tell: as usual as for an installer type."""
_RANKS = np.random.default_rng(2).permutation(N_DRAWS)
_NOT_EXAMINED = 0.25
"""For `own` where the model has no interaction with the column, mostly since it has too many values."""


def widen_for_unfamiliar(
    policy: PolicyModel, posterior: ContextPosterior, columns: Collection[str]
) -> ContextPosterior:
    """Return a posterior widened for source columns whose described value never occurred.

    Each draw of a candidate's log-odds gets a normal deviation that all candidates share and one of its own,
    with the spreads of the columns. As noise on log-odds moves a mean towards one half, they are stretched
    by as much (`reward_model.RewardModel.draws`). Besides, the value may be unlike all known ones: where n
    known values have so far been alike, the next one is not with probability 1 / (n + 2) (Laplace's rule of
    succession). In that share of the draws, approaches do as well as the usual mix.
    """
    if not columns or not posterior.candidates:
        return posterior
    spreads = [_spread(policy, posterior, column) for column in columns]
    common, own = (float(np.sqrt(np.sum(np.square(part)))) for part in zip(*spreads, strict=True))
    noise = np.random.default_rng(0).standard_normal((len(posterior.candidates) + 1, N_DRAWS // 2))
    noise = np.hstack([noise, -noise])
    stretch = np.sqrt(1 + FLATTENING * (common**2 + own**2))
    draws = expit(stretch * log_odds(posterior.draws) + common * noise[0] + own * noise[1:])
    usual = np.clip(posterior.usual + posterior.shares @ (draws - posterior.draws), 0.0, 1.0)
    alike = float(np.prod([1 - 1 / (_known(policy, column) + 2) for column in columns]))
    is_indifferent = policy.model_weights.is_indifferent() | (alike * N_DRAWS <= _RANKS)
    draws[:, is_indifferent] = usual[is_indifferent]
    return replace(posterior, draws=draws, usual=usual)


def _known(policy: PolicyModel, column: str) -> int:
    """Return how many values of a source column are known."""
    encoded = policy.contexts.encoding.columns_of(column)
    return min((len(policy.contexts.known_levels[name]) for name in encoded), default=1)


def _spread(policy: PolicyModel, posterior: ContextPosterior, column: str) -> Spread:
    """Return by how much the known values of a source column differ in the structured model."""
    encoded = policy.contexts.encoding.columns_of(column)
    if not encoded:
        return _ONE_VALUE_ONLY
    design, coefficients = policy.structured.model.design, policy.structured.model.coefficients
    size = np.array([len(term) for term in design.terms])
    settings = np.array([policy.rows_by_approach[one.approach] for one in posterior.candidates])
    alone = design.without(set(policy.contexts.columns) - set(encoded))
    common, own = [], []
    for name in encoded:
        for level in policy.contexts.known_levels[name]:
            terms = design.with_condition(name, level)
            common.append(coefficients[terms[size[terms] == 1]].sum())
            terms = terms[(size[terms] > 1) & alone[terms]]
            if len(terms):
                own.append(_about_mean(settings[:, terms] @ coefficients[terms], posterior.shares))
    return Spread(_root_mean_square(common), _root_mean_square(own) if own else _NOT_EXAMINED)


def _about_mean(values: Floats, weights: Floats) -> float:
    return float(np.sqrt(np.average((values - np.average(values, weights=weights)) ** 2, weights=weights)))


def _root_mean_square(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
