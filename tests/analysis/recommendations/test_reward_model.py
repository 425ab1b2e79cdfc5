"""The three ways in which approaches may matter, and whether the policy tells them apart.

The rates over many worlds are those of `benchmarks/advice.py`.
"""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from made_worlds import packaging_world, roles
from scipy import stats
from scipy.special import logit

from memory_pipeline.analysis.models.design import Design
from memory_pipeline.analysis.models.terms import INTERCEPT
from memory_pipeline.analysis.recommendations import fit_policy
from memory_pipeline.analysis.recommendations.pooled_records import PoolingLevel, Record
from memory_pipeline.analysis.recommendations.reward_model import ModelWeights, RewardModel
from memory_pipeline.analysis.recommendations.success_model import SuccessModel

KINDS, SWITCHES, DETECTION = (
    ("msi", "exe", "burn", "nsis"),
    ("a", "b", "c", "d"),
    ("file", "code", "registry"),
)
CELLS = list(product(KINDS, SWITCHES, DETECTION))


def made_history(seed: int, *, is_structured: bool, attempts: int = 2500) -> tuple[pd.DataFrame, np.ndarray]:
    """Make attempts of as many applications whose chances add up, or have no structure at all."""
    random = np.random.default_rng(seed)
    if is_structured:
        parts = [
            dict(zip(names, random.normal(0, 0.6, len(names)), strict=True))
            for names in (KINDS, SWITCHES, DETECTION)
        ]
        eta = np.array([sum(part[name] for part, name in zip(parts, cell, strict=True)) for cell in CELLS])
        chances = 1 / (1 + np.exp(-eta))
    else:
        chances = random.beta(2, 2, len(CELLS))
    picked = random.integers(0, len(CELLS), attempts)
    frame = pd.DataFrame([CELLS[i] for i in picked], columns=["installer_type", "switches", "detection"])
    frame["application_name"] = [f"app-{i}" for i in range(attempts)]
    frame["outcome_status"] = np.where(random.random(attempts) < chances[picked], "success", "failure")
    return frame, chances


def fitted(frame: pd.DataFrame):
    return fit_policy(
        frame, approach=["switches", "detection"], context=["installer_type"], unit="application_name"
    )


def expected(policy) -> np.ndarray:
    cells = pd.DataFrame(CELLS, columns=["installer_type", "switches", "detection"])
    return policy.expected(cells).to_numpy()


@pytest.mark.statistics
@pytest.mark.parametrize("is_structured", [True, False])
def test_that_approaches_matter_is_found_in_structured_and_unstructured_histories(is_structured):
    for seed in range(3):
        weights = fitted(made_history(seed, is_structured=is_structured)[0]).model_weights
        assert (weights.structured if is_structured else weights.structured + weights.unstructured) > 0.95


def test_where_there_is_no_structure_each_approach_is_expected_to_do_as_its_own_record_says():
    frame, truth = made_history(5, is_structured=False)
    policy = fitted(frame)
    cell = pd.MultiIndex.from_frame(frame[["installer_type", "switches", "detection"]])
    won = (frame["outcome_status"] == "success").groupby(cell).agg(["sum", "count"]).reindex(CELLS)
    # With the true prior, beta(2, 2), nobody can do better.
    best = ((won["sum"] + 2) / (won["count"] + 4)).to_numpy()
    own, ideal = (float(np.sqrt(np.mean((rates - truth) ** 2))) for rates in (expected(policy), best))
    assert own < 1.1 * ideal
    # How sure it is of each is true as well.
    posteriors = [posterior for _, posterior in policy.posteriors(pd.DataFrame({"installer_type": KINDS}))]
    scores = [
        (draws.mean() - truth[CELLS.index((kind, *candidate.key))]) / draws.std()
        for kind, posterior in zip(KINDS, posteriors, strict=True)
        for candidate, draws in zip(posterior.candidates, posterior.draws, strict=True)
    ]
    assert len(scores) > 40
    assert 0.7 < np.std(scores) < 1.3


@pytest.mark.statistics
def test_where_nothing_matters_neither_is_believed():
    for seed in range(3):
        weights = fit_policy(packaging_world(seed, attempts=1500).outcomes, **roles()).model_weights
        assert weights.structured + weights.unstructured < 0.5


def test_model_weights_by_hand():
    # Bayes factors of 10 and 1 on 0.3 and 0.2, against 0.5.
    weights = ModelWeights.from_evidence(np.log(10), 0.0)
    assert (weights.structured, weights.unstructured) == pytest.approx((3 / 3.7, 0.2 / 3.7))
    assert ModelWeights.from_evidence(2000.0, -np.inf) == ModelWeights(1.0, 0.0)
    draws = ModelWeights(0.6, 0.3)
    kinds = np.array([draws.is_structured(), draws.is_unstructured(), draws.is_indifferent()])
    assert kinds.sum(axis=1) == pytest.approx([300, 150, 50])
    assert (kinds.sum(axis=0) == 1).all()


@pytest.mark.parametrize(
    ("strength", "attempts", "rate"), [(5, 0, 0.7), (5, 5, 0.95), (20, 0, 0.05), (50, 9, 0.9)]
)
def test_draws_are_those_of_the_beta_distribution(strength, attempts, rate):
    record = Record(attempts, 0, 1, attempts, attempts * rate, logit(rate))
    level = PoolingLevel((), (float(strength),) * 10, {((), ("own",)): record} if attempts else {})
    point = np.array([logit(rate)])
    draws = one_level(level).draws({}, [("own",)], point, np.tile(point[:, None], (1, 500)))[0]
    exact = stats.beta((strength + attempts) * rate, (strength + attempts) * (1 - rate))
    assert draws.mean() == pytest.approx(rate, abs=0.015)
    assert np.quantile(draws, [0.025, 0.975]) == pytest.approx(exact.ppf([0.025, 0.975]), abs=0.07)


def test_approaches_of_which_as_much_is_known_have_as_good_draws():
    point = np.full(12, logit(0.7))
    keys = [(f"approach {number}",) for number in range(12)]
    level = PoolingLevel((), (20.0,) * 10, {})
    draws = one_level(level).draws({}, keys, point, np.tile(point[:, None], (1, 500)))
    # Less than what counts as a tie.
    assert np.ptp(draws.mean(axis=1)) < 0.005


def one_level(level: PoolingLevel) -> RewardModel:
    return RewardModel(SuccessModel(Design((INTERCEPT,)), np.zeros(1), np.eye(1), 0.0), (level,))
