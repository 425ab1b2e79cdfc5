"""The maximum is found from afar, a step that overshoots is halved, and what has no maximum is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, log_expit

from memory_pipeline.analysis.models.newton import maximise


def steps_of(gradient, curvature):
    def newton_step(point):
        step = gradient(point) / curvature(point)
        return step, float(gradient(point) @ step)

    return newton_step


def test_a_step_that_overshoots_is_halved():
    """From 3, a full Newton step of log cosh leads to minus 98, and the next one to infinity."""
    found = maximise(
        lambda x: -float(np.log(np.cosh(x)).sum()),
        steps_of(lambda x: -np.tanh(x), lambda x: 1 / np.cosh(x) ** 2),
        np.array([3.0]),
        tolerance=1e-12,
        what="log cosh",
    )
    assert found == pytest.approx([0.0], abs=1e-6)


def test_the_log_odds_of_a_share_are_found():
    found = maximise(
        lambda x: float((7 * log_expit(x) + 3 * log_expit(-x)).sum()),
        steps_of(lambda x: 7 - 10 * expit(x), lambda x: 10 * expit(x) * expit(-x)),
        np.zeros(1),
        tolerance=1e-12,
        what="share",
    )
    assert found == pytest.approx([np.log(7 / 3)], abs=1e-9)


def test_what_has_no_maximum_is_refused_by_name():
    with pytest.raises(ArithmeticError, match="the straight line did not converge in 60 steps"):
        maximise(
            lambda x: float(x.sum()),
            lambda x: (np.ones_like(x), 1.0),
            np.zeros(1),
            tolerance=1e-9,
            what="straight line",
        )
