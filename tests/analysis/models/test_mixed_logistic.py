"""The mixed fit against the same model written out with one column per unit."""

from dataclasses import replace

import numpy as np
import pytest
from made_worlds import cells_of, packaging_world
from scipy.special import expit, log_expit

from memory_pipeline.analysis.models.design import Design, main_effects
from memory_pipeline.analysis.models.mixed_logistic import discount_cells, dispersion, fit_mixed
from memory_pipeline.analysis.models.terms import INTERCEPT

COLUMNS = ("installer_type", "team", "wrapper")


def problem(seed=3, **world):
    cells = cells_of(packaging_world(seed, **({"attempts": 800, "units": 40} | world)).outcomes, COLUMNS)
    design = Design((INTERCEPT, *main_effects(cells, COLUMNS)))
    return cells, design.matrix(cells)


@pytest.fixture(scope="module")
def written_out():
    cells, matrix = problem()
    fit = fit_mixed(matrix, cells, precision=np.array([0.01, 1, 1, 2.0]), unit_precision=1.5)
    units = np.eye(cells.n_units)[cells.unit]
    full = np.hstack([matrix.toarray(), units])
    prior = np.concatenate([fit.precision, np.full(cells.n_units, 1.5)])
    return cells, fit, full, prior


def test_the_mode_has_no_slope(written_out):
    cells, fit, full, prior = written_out
    both = np.concatenate([fit.coefficients, fit.intercepts])
    slope = full.T @ (cells.k - cells.n * expit(full @ both)) - prior * both
    assert slope == pytest.approx(np.zeros(len(slope)), abs=1e-6)


def test_covariances_are_blocks_of_the_whole_inverse(written_out):
    cells, fit, full, prior = written_out
    rates = expit(fit.log_odds)
    weights = cells.n * rates * (1 - rates)
    inverse = np.linalg.inv(full.T @ (weights[:, None] * full) + np.diag(prior))
    assert fit.covariance == pytest.approx(inverse[:4, :4])
    assert fit.intercept_variances == pytest.approx(np.diag(inverse)[4:])
    assert fit.determined == pytest.approx(1 - np.diag(inverse)[:4] * prior[:4])


def test_evidence_is_laplaces(written_out):
    cells, fit, full, prior = written_out
    both = np.concatenate([fit.coefficients, fit.intercepts])
    eta = full @ both
    weights = cells.n * expit(eta) * (1 - expit(eta))
    fitted = cells.k @ log_expit(eta) + (cells.n - cells.k) @ log_expit(-eta)
    hessian = full.T @ (weights[:, None] * full) + np.diag(prior)
    whole = fitted - 0.5 * prior @ both**2 + 0.5 * np.log(prior).sum() - 0.5 * np.linalg.slogdet(hessian)[1]
    assert fit.log_evidence == pytest.approx(whole)


@pytest.mark.parametrize(("eta", "variance"), [(1.0, 0.5), (2.0, 2.0), (-0.5, 1.0)])
def test_attenuation_averages_over_units(eta, variance):
    cells, matrix = problem()
    fit = fit_mixed(matrix, cells, precision=np.ones(4), unit_precision=1 / variance)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    average = weights @ expit(eta + np.sqrt(variance) * nodes) / weights.sum()
    assert expit(fit.attenuation * eta) == pytest.approx(average, abs=0.01)


def test_dispersion_is_one_for_independent_attempts_and_counts_copies():
    plain, copied = [], []
    for seed in range(6):
        cells, matrix = problem(seed, unit_spread=0.1, heavy_tail=False, units=80, attempts=1500)
        prior = {"precision": np.full(4, 0.3), "unit_precision": 4.0}
        plain.append(dispersion(fit_mixed(matrix, cells, **prior)))
        fivefold = replace(cells, n=5 * cells.n, k=5 * cells.k)
        copied.append(dispersion(fit_mixed(matrix, fivefold, **prior)))
        assert dispersion(fit_mixed(matrix, discount_cells(fivefold, 5), **prior)) == pytest.approx(plain[-1])
    assert 1 <= np.mean(plain) < 1.4
    assert np.mean(copied) > 2 * np.mean(plain)
