"""The screen for interactions finds those that are there, and hardly any where there are none."""

import numpy as np
import pandas as pd
import pytest
from made_worlds import cells_of
from scipy.special import expit

from memory_pipeline.analysis.models.design import Design, main_effects
from memory_pipeline.analysis.models.mixed_logistic import fit_mixed
from memory_pipeline.analysis.models.terms import INTERCEPT
from memory_pipeline.analysis.recommendations.interactions import promising_interactions

SETTINGS, CONTEXT = ("wrapper", "scope"), ("installer_type", "team")
VALUES = {
    "wrapper": ("psadt", "none"),
    "scope": ("system", "user"),
    "installer_type": ("msi", "exe", "msix"),
    "team": ("modern", "legacy"),
}


def screened(seed, eta, *, size=4000):
    random = np.random.default_rng(seed)
    outcomes = pd.DataFrame({name: random.choice(values, size) for name, values in VALUES.items()})
    outcomes["application_name"] = [f"app {number}" for number in random.integers(0, 100, size)]
    won = random.random(size) < expit(eta(outcomes))
    outcomes["outcome_status"] = np.where(won, "success", "failure")
    cells = cells_of(outcomes, (*SETTINGS, *CONTEXT))
    design = Design((INTERCEPT, *main_effects(cells, (*SETTINGS, *CONTEXT))))
    fit = fit_mixed(design.matrix(cells), cells, precision=np.full(len(design), 0.1), unit_precision=4.0)
    return promising_interactions(fit, cells, settings=SETTINGS, context=CONTEXT)


@pytest.mark.parametrize(
    "columns", [("wrapper", "installer_type"), ("wrapper", "scope"), ("wrapper", "scope", "installer_type")]
)
def test_an_interaction_is_found_first(columns):
    # The product of signs: what fewer columns tell is little beside what all of them tell together.
    def eta(outcomes):
        signs = [np.where(outcomes[name] == VALUES[name][0], 1, -1) for name in columns]
        return 0.8 * np.prod(signs, axis=0)

    assert screened(1, eta)[0] == columns


def test_few_are_found_where_there_are_none():
    counts = [len(screened(seed, lambda outcomes: 0.5 * (outcomes["scope"] == "user"))) for seed in range(10)]
    # Eleven sets are considered; pairs with a context column pass about every other time.
    assert np.mean(counts) < 4
