"""Groups against all others together: independent references, error rates, repeated attempts at one task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from memory_pipeline.analysis.stats.against_rest import compare_with_rest, task_correlation


def summed(frame):
    """Return the groups of attempts (`group`, `task`, `success`) with the sums over their tasks."""
    tasks = frame.groupby(["group", "task"])["success"].agg(n="size", k="sum").astype(float).reset_index()
    tasks = tasks.assign(
        n_squared=tasks["n"] ** 2,
        n_cubed=tasks["n"] ** 3,
        k_squared=tasks["k"] ** 2,
        n_times_k=tasks["n"] * tasks["k"],
    )
    return tasks.groupby("group").sum(numeric_only=True).rename(columns={"n": "attempts", "k": "successes"})


def made(rng, *, groups=40, tasks=12, attempts=5, correlation=0.0, rates=None):
    """Make attempts; those at one task end alike with a probability that makes the wanted correlation."""
    rates = np.full(groups, 0.85) if rates is None else rates
    a, b = (
        (rates * (1 / correlation - 1), (1 - rates) * (1 / correlation - 1)) if correlation else (None,) * 2
    )
    own = rng.beta(a[:, None], b[:, None], (groups, tasks)) if correlation else np.tile(rates[:, None], tasks)
    success = rng.random((groups, tasks, attempts)) < own[:, :, None]
    group, task = np.meshgrid(np.arange(groups), np.arange(tasks), indexing="ij")
    return summed(
        pd.DataFrame(
            {
                "group": np.repeat(group.ravel(), attempts),
                "task": np.repeat(task.ravel(), attempts),
                "success": success.reshape(-1),
            }
        )
    )


def test_one_attempt_a_task_gives_the_interval_of_statsmodels():
    groups = pd.DataFrame({"attempts": [50, 400], "successes": [30, 360]})
    groups = groups.assign(
        n_squared=groups["attempts"],
        n_cubed=groups["attempts"],
        k_squared=groups["successes"],
        n_times_k=groups["successes"],
    )
    found = compare_with_rest(groups)
    assert found["is_different"].tolist() == [True, True]
    alpha = 0.05 / (1 + 1 / 2)  # both of two are selected, under any dependence
    low, high = confint_proportions_2indep(30, 50, 360, 400, method="newcomb", compare="diff", alpha=alpha)
    assert found.loc[0, ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high])
    assert found["rest_rate"].tolist() == [0.9, 0.6]


@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_how_alike_attempts_at_one_task_are_is_estimated(correlation):
    rng = np.random.default_rng(1)
    found = [task_correlation(made(rng, correlation=correlation)) for _ in range(40)]
    assert np.mean(found) == pytest.approx(correlation, abs=0.04)


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_where_all_groups_are_alike_hardly_ever_one_is_shown_as_different(correlation):
    rng = np.random.default_rng(2)
    worlds = 200
    wrong = sum(
        compare_with_rest(made(rng, correlation=correlation))["is_different"].any() for _ in range(worlds)
    )
    assert wrong <= 0.05 * worlds + 2 * np.sqrt(0.05 * 0.95 * worlds)


def test_the_group_that_fails_most_is_found_and_its_interval_covers():
    rng = np.random.default_rng(3)
    rates = np.full(40, 0.9)
    rates[7] = 0.5
    found = [compare_with_rest(made(rng, rates=rates, correlation=0.2)).loc[7] for _ in range(60)]
    assert np.mean([one["is_different"] for one in found]) > 0.9
    assert np.mean([one["ci_low"] <= -0.4 <= one["ci_high"] for one in found]) >= 0.9


def test_a_group_without_others_is_not_different_from_them():
    rng = np.random.default_rng(4)
    found = compare_with_rest(made(rng, groups=1))
    assert not found["is_different"].any()
    assert found["ci_low"].isna().all()
    assert compare_with_rest(made(rng).head(0)).empty
