"""Promises follow the level of success of today, where a change of it is shown, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from statsmodels.tsa.statespace.structural import UnobservedComponents

from memory_pipeline.analysis.recommendations import Policy, fit_policy
from memory_pipeline.analysis.recommendations.level import NO_LEVEL
from memory_pipeline.analysis.recommendations.level_fit import _filter

ROLES = {"approach": ["switch"], "context": ["installer_type"], "unit": "application_name"}


def history(seed, *, fall=0.0, attempts=2_000, units=120):
    """Attempts over two years; the log-odds of all fall evenly over the second one."""
    random = np.random.default_rng(seed)
    time = np.sort(random.random(attempts))
    unit = random.integers(0, units, attempts)
    frame = pd.DataFrame(
        {
            "application_name": [f"app {one}" for one in unit],
            "occurred_at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(730 * time, "D"),
            "installer_type": np.where(unit % 2, "msi", "exe"),
            "switch": random.choice(["/a", "/b", "/c"], attempts),
        }
    )
    ease = random.normal(0.8, 0.7, units)[unit] + 0.8 * (frame["switch"] == "/a").to_numpy()
    chance = expit(ease - fall * np.clip(2 * time - 1, 0, None))
    return frame.assign(outcome_status=np.where(random.random(attempts) < chance, "success", "failure"))


def fitted(frame) -> Policy:
    return fit_policy(frame, **ROLES)


def test_a_steady_history_keeps_its_level():
    shown = [fitted(history(seed)).level.is_shown for seed in range(20)]
    assert sum(shown) <= 3


def test_promises_are_those_of_today_where_success_fell():
    frame = history(1, fall=2.0)
    policy = fitted(frame)
    today = (frame["outcome_status"].tail(250) == "success").mean()
    usual = policy.recommend({"installer_type": "msi"}).usual_rate
    before = replace(policy, level=NO_LEVEL).recommend({"installer_type": "msi"}).usual_rate
    assert before - today > 0.1
    assert usual == pytest.approx(today, abs=0.08)
    assert policy.expected(frame).tail(250).mean() == pytest.approx(today, abs=0.05)


def test_the_level_changes_no_choice_and_is_said():
    policy = fitted(history(1, fall=2.0))
    answer, before = (
        one.recommend({"installer_type": "exe"}) for one in (policy, replace(policy, level=NO_LEVEL))
    )
    assert answer.recommended_approach == before.recommended_approach == {"switch": "/a"}
    assert answer.ci_low < answer.success_rate < answer.ci_high
    assert any("Lately fewer attempts succeed" in reason for reason in answer.reasons)
    assert not any("Lately" in reason for reason in before.reasons)


def test_a_stored_policy_has_its_level():
    policy = fitted(history(1, fall=2.0))
    again = Policy.from_dict(policy.to_dict())
    assert again.level == policy.level
    assert again.recommend({}).success_rate == policy.recommend({}).success_rate


def test_without_times_there_is_no_level():
    assert fitted(history(1, fall=2.0).drop(columns="occurred_at")).level == NO_LEVEL


def test_the_filter_is_that_of_statsmodels():
    means, noise, step = np.random.default_rng(3).normal(size=12).cumsum(), 0.5, 0.3
    reference = UnobservedComponents(means, "llevel").filter([noise, step])
    ours = _filter(means, np.full(12, noise), step)
    assert ours.level == pytest.approx(reference.filtered_state[0, -1], rel=1e-4)
    assert ours.variance == pytest.approx(reference.filtered_state_cov[0, 0, -1], rel=1e-4)
