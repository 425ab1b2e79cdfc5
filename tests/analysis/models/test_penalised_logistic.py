"""The pooled logistic fit against statsmodels, and its allowance for repeated attempts."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from made_worlds import cells_of, packaging_world
from scipy.special import expit

from memory_pipeline.analysis.models.design import Design, main_effects, varying_terms
from memory_pipeline.analysis.models.penalised_logistic import (
    correlation_within_units,
    fit_logistic,
    fit_pooled,
    unit_weights,
    unweighted_fit,
)
from memory_pipeline.analysis.models.terms import INTERCEPT

COLUMNS = ("installer_type", "team", "wrapper")


@pytest.fixture(scope="module")
def problem():
    cells = cells_of(packaging_world(3, attempts=800, units=40, wrapper=0.1).outcomes, COLUMNS)
    design = Design((INTERCEPT, *main_effects(cells, COLUMNS)))
    return cells, design, design.matrix(cells)


def reference(cells, matrix):
    counts = np.column_stack([cells.k, cells.n - cells.k])
    return sm.GLM(counts, matrix.toarray(), family=sm.families.Binomial()).fit(tol=1e-12)


def test_coefficients_and_covariance_agree_with_statsmodels(problem):
    cells, _, matrix = problem
    precision = np.full(matrix.width, 1e-9)
    beta = fit_logistic(matrix, cells, precision=precision)
    expected = reference(cells, matrix)
    assert beta == pytest.approx(expected.params, abs=1e-6)
    fit = unweighted_fit(beta, precision, matrix, cells)
    assert fit.bread == pytest.approx(expected.cov_params(), rel=1e-5)


def test_penalty_is_that_of_a_gaussian_prior(problem):
    cells, _, matrix = problem
    precision = np.array([0.0, 4.0, 1.0, 2.0])
    beta = fit_logistic(matrix, cells, precision=precision)
    score = matrix.sums(cells.k - cells.n * expit(matrix.dot(beta)))
    assert score == pytest.approx(precision * beta, abs=1e-6)


def test_leaving_a_unit_out_is_foreseen_by_one_step(problem):
    cells, _, matrix = problem
    precision = np.full(matrix.width, 0.1)
    fit = unweighted_fit(fit_logistic(matrix, cells, precision=precision), precision, matrix, cells)
    for unit in (0, 7, 21):
        rest = np.flatnonzero(cells.unit != unit)
        without = replace(
            cells,
            codes=cells.codes[rest],
            unit=np.unique(cells.unit[rest], return_inverse=True)[1],
            n=cells.n[rest],
            k=cells.k[rest],
        )
        refitted = fit_logistic(matrix.rows(rest), without, precision=precision)
        assert fit.jackknife_shifts[unit] == pytest.approx(refitted - fit.coefficients, abs=0.01)


def test_jackknife_is_the_same_by_either_formula(problem):
    cells, _, matrix = problem
    precision = np.full(matrix.width, 0.1)
    beta = fit_logistic(matrix, cells, precision=precision)
    fit = unweighted_fit(beta, precision, matrix, cells)
    information = np.linalg.inv(fit.bread)
    residual = cells.k - cells.n * fit.rates
    for unit in range(cells.n_units):
        rows = np.flatnonzero(cells.unit == unit)
        block = matrix.rows(rows)
        own = block.gram((cells.n * fit.rates * (1 - fit.rates))[rows])
        step = -np.linalg.solve(information - own, block.sums(residual[rows]))
        assert fit.jackknife_shifts[unit] == pytest.approx(step, abs=1e-8)


def test_working_variance_without_correlation_is_the_usual_one(problem):
    cells, _, matrix = problem
    precision = np.full(matrix.width, 1e-9)
    fit = fit_pooled(matrix, cells, precision=precision, correlation=0.0)
    gradient = np.array([0.0, 1.0, -1.0, 0.5])
    usual = gradient @ reference(cells, matrix).cov_params() @ gradient
    assert fit.exchangeable_shares(gradient).sum() == pytest.approx(usual, rel=1e-5)


def test_exchangeable_shares_add_up_to_the_sandwich(problem):
    cells, _, matrix = problem
    fit = fit_pooled(matrix, cells, precision=np.full(matrix.width, 0.2), correlation=0.3)
    gradient = np.array([0.2, 1.0, -1.0, 0.5])
    sandwich = gradient @ fit.bread @ fit.exchangeable_information() @ fit.bread @ gradient
    assert fit.exchangeable_shares(gradient).sum() == pytest.approx(sandwich)


@pytest.mark.parametrize(("spread", "low", "high"), [(0.0, 0.0, 0.02), (0.35, 0.12, 0.35)])
def test_correlation_is_found_where_units_differ(spread, low, high):
    # Uniform deviations of up to d have a variance of d^2 / 3, here against p (1 - p) of about 0.2.
    found = []
    for seed in range(5):
        cells = cells_of(
            packaging_world(seed, units=60, unit_spread=spread, heavy_tail=False).outcomes, COLUMNS
        )
        design = Design((INTERCEPT, *main_effects(cells, COLUMNS)))
        matrix, precision = design.matrix(cells), np.full(len(design), 0.1)
        beta = fit_logistic(matrix, cells, precision=precision)
        found.append(correlation_within_units(unweighted_fit(beta, precision, matrix, cells)))
    assert low <= np.mean(found) <= high


def test_a_unit_weighs_no_more_than_its_design_effect_allows():
    weights = unit_weights(np.array([0, 1, 1]), np.array([1.0, 60.0, 40.0]), 0.1)
    assert weights == pytest.approx([1, 1 / 10.9, 1 / 10.9])


def test_the_design_multiplies_like_a_plain_matrix(problem):
    cells, design, _ = problem
    design = replace(design, unit_terms=tuple(varying_terms(cells, design.terms[1:])))
    assert [term[0][0] for term in design.unit_terms] == ["wrapper"]
    matrix = design.matrix(cells)
    full = matrix.toarray()
    for number, term in enumerate(design.terms):
        assert np.array_equal(full[:, number], cells.where(term))
    weights = np.linspace(0.1, 2, len(cells.unit))
    assert matrix.gram(weights) == pytest.approx(full.T @ (weights[:, None] * full))
    assert matrix.sums(weights) == pytest.approx(weights @ full)
    assert matrix.dot(np.arange(5.0)) == pytest.approx(full @ np.arange(5.0))
    by_unit = np.array([(weights * (cells.unit == u)) @ full for u in range(cells.n_units)])
    assert matrix.sums_by_unit(weights) == pytest.approx(by_unit)
    some = np.array([0, 3, 4, len(cells) - 1])
    assert matrix.sums_over(some, weights[some]) == pytest.approx(weights[some] @ full[some])
    assert matrix.dot_over(some, np.arange(5.0)) == pytest.approx(full[some] @ np.arange(5.0))
    each = np.arange(cells.n_units * 5.0).reshape(cells.n_units, 5)
    assert matrix.dot_by_unit(each) == pytest.approx((full * each[cells.unit]).sum(axis=1))
    assert matrix.rows(np.array([5, 9])).toarray() == pytest.approx(full[[5, 9]])
    keep = np.array([True, False, True, True, False])
    assert matrix.columns(keep).toarray() == pytest.approx(full[:, keep])


def test_shares_centred_on_a_place_average_to_nothing_there(problem):
    cells, design, _ = problem
    design = replace(design, unit_terms=((("wrapper", "yes"),),))
    shares = design.matrix(cells, centre_on=["installer_type"]).shares[cells.unit, 0]
    for kind in ("msi", "exe"):
        here = cells.is_at("installer_type", kind)
        assert np.average(shares[here], weights=cells.n[here]) == pytest.approx(0, abs=1e-12)
