"""Predictions of models that do not know the unit, against scikit-learn's."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from memory_pipeline.analysis.models.cross_fitting import cross_fitted_rates, fitted_rates, unit_folds


def test_units_stay_whole_and_folds_are_even():
    random = np.random.default_rng(1)
    unit = random.choice(40, 1000, p=random.dirichlet(np.ones(40)))
    fold = unit_folds(unit)
    assert all(np.ptp(fold[unit == one]) == 0 for one in np.unique(unit))
    assert np.ptp(np.bincount(fold)) < 60


def test_each_fold_is_predicted_by_the_penalised_regression_on_the_others():
    random = np.random.default_rng(2)
    matrix = np.column_stack([np.ones(600), random.normal(0, 1, (600, 3)), random.random((600, 2)) < 0.2])
    target = (random.random(600) < expit(matrix @ [0.3, 1.5, -0.8, 0.0, 1.0, -2.0])).astype(float)
    fold = unit_folds(random.integers(0, 50, 600))
    rates = cross_fitted_rates(matrix, target, fold)
    # The intercept's prior of standard deviation 10 is that of 1 where the column is 10 times as large.
    scaled = matrix * np.array([10, 1, 1, 1, 1, 1])
    for one in range(5):
        others = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=1000)
        others.fit(scaled[fold != one], target[fold != one])
        expected = others.predict_proba(scaled[fold == one])[:, 1]
        assert rates[fold == one] == pytest.approx(expected, abs=1e-3)
    whole = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=1000).fit(scaled, target)
    assert fitted_rates(matrix, target) == pytest.approx(whole.predict_proba(scaled)[:, 1], abs=1e-3)


def test_what_always_succeeds_stays_finite():
    matrix = np.column_stack([np.ones(200), np.arange(200) % 2])
    rates = cross_fitted_rates(matrix, matrix[:, 1].copy(), unit_folds(np.arange(200)))
    assert rates[1] > 0.9
    assert rates[0] < 0.1
