"""Off-policy evaluation: estimators of what another policy would have achieved, from logged attempts.

They work on arrays; `learning.replay` supplies the policy, the outcome model and the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats


def importance_weights(target: Floats, logging: Floats, *, clip: float) -> Floats:
    """Compute inverse propensity weights: how much more often the target policy would take the logged action.

    `w = pi(a | x) / max(e(a | x), clip)`. Clipping bounds the variance at the price of a bias towards
    the outcome model (Ionides 2008).

    Parameters
    ----------
    target, logging
        Probability of the logged action under the target policy and under the logging behaviour,
        shape (attempts,).
    clip
        Smallest logging probability that is divided by.

    Returns
    -------
    array, shape (attempts,)
    """
    return np.asarray(target / np.maximum(logging, clip))


def doubly_robust(rewards: Floats, weights: Floats, model_logged: Floats, model_target: Floats) -> Floats:
    """Compute the doubly robust score of each attempt: an estimate of the target policy's reward there.

    `q(x, pi) + w * (r - q(x, a))` (Dudik, Langford and Li 2011, "Doubly robust policy evaluation and
    learning"). The mean is unbiased when the propensities or the outcome model are right.

    Parameters
    ----------
    rewards
        Observed rewards, shape (attempts,).
    weights
        Importance weights, shape (attempts,).
    model_logged, model_target
        Rewards that the outcome model predicts for the logged action and for the target policy, shape
        (attempts,).

    Returns
    -------
    array, shape (attempts,)
    """
    return np.asarray(model_target + weights * (rewards - model_logged))


def self_normalised(rewards: Floats, weights: Floats) -> float:
    """Estimate the target policy's mean reward by `sum(w r) / sum(w)` (Swaminathan and Joachims 2015).

    Returns 0.0 where no attempt has a weight; its effective sample size is 0 then.
    """
    total = float(weights.sum())
    return float(weights @ rewards) / total if total > 0 else 0.0
