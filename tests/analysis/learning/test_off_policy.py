"""The estimators on logs with known propensities, where the value of another policy is known exactly.

The rates over many worlds are those of `benchmarks/replay.py`.
"""

import numpy as np
import pytest

from memory_pipeline.analysis.learning.off_policy import doubly_robust, importance_weights, self_normalised
from memory_pipeline.analysis.stats.cluster_bootstrap import (
    effective_degrees,
    effective_sample_size,
    exchangeable_margin,
    unit_bootstrap,
)

CONTEXTS, ACTIONS = 4, 5


def logged(seed, attempts=2000):
    """Log attempts of a behaviour that picks each action with a known probability in each context."""
    world = np.random.default_rng(77)
    chances = world.uniform(0.2, 0.9, (CONTEXTS, ACTIONS))
    behaviour = world.dirichlet(np.full(ACTIONS, 1.5), CONTEXTS)
    target = world.dirichlet(np.full(ACTIONS, 0.5), CONTEXTS)
    random = np.random.default_rng(seed)
    context = random.integers(0, CONTEXTS, attempts)
    action = (random.random(attempts)[:, None] > behaviour[context].cumsum(axis=1)).sum(axis=1)
    action = np.minimum(action, ACTIONS - 1)
    rewards = (random.random(attempts) < chances[context, action]).astype(float)
    return chances, behaviour, target, context, action, rewards


def estimate(seed, *, model="right", propensities="right"):
    """Doubly robust and self-normalised estimates less the truth."""
    chances, behaviour, target, context, action, rewards = logged(seed)
    q = chances if model == "right" else np.full_like(chances, 0.1)
    e = behaviour if propensities == "right" else np.full_like(behaviour, 1 / ACTIONS)
    weights = importance_weights(target[context, action], e[context, action], clip=1e-6)
    scores = doubly_robust(rewards, weights, q[context, action], (target * q).sum(axis=1)[context])
    truth = float((target * chances).sum(axis=1).mean())
    return scores.mean() - truth, self_normalised(rewards, weights) - truth


@pytest.mark.statistics
@pytest.mark.parametrize(
    ("model", "propensities", "is_right"),
    [("right", "right", True), ("wrong", "right", True), ("right", "wrong", True), ("wrong", "wrong", False)],
)
def test_doubly_robust_needs_one_of_its_two_models_to_be_right(model, propensities, is_right):
    errors = np.array([estimate(seed, model=model, propensities=propensities)[0] for seed in range(40)])
    margin = 4 * errors.std() / np.sqrt(len(errors))
    assert bool(abs(errors.mean()) < margin) is is_right


@pytest.mark.statistics
def test_self_normalised_needs_no_model():
    errors = np.array([estimate(seed)[1] for seed in range(40)])
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(len(errors)) + 0.002
    # A constant reward is estimated without error, which plain importance sampling does not do.
    assert self_normalised(np.ones(3), np.array([0.2, 3.0, 1.1])) == pytest.approx(1)
    assert self_normalised(np.ones(2), np.zeros(2)) == 0


@pytest.mark.statistics
def test_the_model_takes_variance_away():
    errors = np.array([estimate(seed) for seed in range(40)])
    rough = np.array([estimate(seed, model="wrong")[0] for seed in range(40)])
    assert errors[:, 0].std() < rough.std()


def test_sizes_are_those_of_equal_weights():
    assert effective_sample_size(np.full(50, 0.3)) == pytest.approx(50)
    assert effective_sample_size(np.array([1.0, 0, 0])) == 1
    random = np.random.default_rng(0)
    assert effective_degrees(random.normal(size=2000)) > 1500
    assert effective_degrees(np.array([10.0, *random.normal(size=200) * 0.1])) < 3


@pytest.mark.statistics
def test_the_exchangeable_margin_covers_where_one_unit_dominates():
    covered = {"resampled": [], "exchangeable": []}
    for seed in range(200):
        random = np.random.default_rng(seed)
        unit = np.repeat(np.arange(20), [400, *[20] * 19])
        values = random.normal(0, 0.5, 20)[unit] + random.normal(0, 1, len(unit))
        interval = unit_bootstrap(values, unit, draws=200)
        margin = exchangeable_margin(np.zeros(len(unit)), np.ones(len(unit)), values, unit)
        covered["resampled"].append(interval.low <= 0 <= interval.high)
        covered["exchangeable"].append(abs(values.mean()) <= margin)
    assert np.mean(covered["exchangeable"]) > 0.91
    # Otherwise it would not be needed.
    assert np.mean(covered["exchangeable"]) >= np.mean(covered["resampled"])


def test_the_exchangeable_margin_of_independent_values_is_the_usual_one():
    values = np.random.default_rng(3).normal(0, 2, 4000)
    margin = exchangeable_margin(np.zeros(4000), np.ones(4000), values, np.arange(4000))
    assert margin == pytest.approx(1.96 * values.std() / np.sqrt(4000), rel=0.02)
    # What is expected varies too, and loads carry the residuals.
    doubled = exchangeable_margin(np.zeros(4000), np.full(4000, 2.0), values, np.arange(4000))
    assert doubled == pytest.approx(2 * margin)
    spread = exchangeable_margin(values, np.zeros(4000), values, np.arange(4000))
    assert spread == pytest.approx(margin, rel=0.02)
    assert exchangeable_margin(values, values, values, np.zeros(4000, dtype=int)) == np.inf
