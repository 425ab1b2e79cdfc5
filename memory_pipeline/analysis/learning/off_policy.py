"""What another policy would have achieved, estimated from what was logged.

Estimators over arrays; which policy, which model and which history is the caller's business (`replay`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats


def importance_weights(target: Floats, logging: Floats, *, clip: float) -> Floats:
    """Weigh logged attempts by how much more often the target policy would have acted as they did.

    `w = pi(a | x) / max(e(a | x), clip)`. Clipping bounds the variance at the price of a bias towards
    the outcome model (Ionides 2008).

    Parameters
    ----------
    target, logging
        Probability of the logged action under the target policy and under the logging behaviour,
        shape (attempts,).
    clip
        Smallest logging probability that is divided by.
    """
    return np.asarray(target / np.maximum(logging, clip))


def doubly_robust(rewards: Floats, weights: Floats, model_logged: Floats, model_target: Floats) -> Floats:
    """Score each attempt with the doubly robust estimate of what the target policy gets there.

    `q(x, pi) + w * (r - q(x, a))` (Dudik, Langford and Li 2011, "Doubly robust policy evaluation and
    learning"). The mean is unbiased when the propensities or the outcome model are right.

    Parameters
    ----------
    rewards
        What was observed, shape (attempts,).
    weights
        Importance weights, shape (attempts,).
    model_logged, model_target
        What the outcome model expects of the logged action, and of the target policy, shape (attempts,).
    """
    return np.asarray(model_target + weights * (rewards - model_logged))


def self_normalised(rewards: Floats, weights: Floats) -> float:
    """Estimate the target policy's mean reward by `sum(w r) / sum(w)` (Swaminathan and Joachims 2015).

    Returns 0.0 where no attempt has a weight; its effective sample size is 0 then.
    """
    total = float(weights.sum())
    return float(weights @ rewards) / total if total > 0 else 0.0
