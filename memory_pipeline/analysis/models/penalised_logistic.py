"""How does success depend on conditions, when attempts repeat within units (penalised logistic regression)?

What belongs here: the fit, the correlation of attempts within a unit, and two covariances that allow
for it. What does not: which terms a model has (`models.design`) and what its coefficients mean (`factors`).

References
----------
1. Preisser and Qaqish (1996), Deletion diagnostics for generalised estimating equations, Biometrika 83.
2. MacKinnon, Nielsen and Webb (2023), Fast and reliable jackknife and bootstrap methods for cluster-robust
   inference, Journal of Applied Econometrics 38; Bell and McCaffrey (2002), Bias reduction in standard
   errors for linear regression with multi-stage samples, Survey Methodology 28.
3. Kish (1965), Survey sampling (design effect).
4. Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from scipy.special import expit, log_expit

from memory_pipeline.analysis.models.newton import maximise
from memory_pipeline.analysis.models.terms import INTERCEPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.models.design import Design, DesignMatrix


_TOLERANCE = 1e-9
_RESIDUAL_FLOOR = 0.02
_COEFFICIENT_SCALE, _INTERCEPT_SCALE = 2.5, 10.0


@dataclass(frozen=True)
class LogisticFit:
    """A fitted model, with everything that its covariances are computed from.

    Attributes
    ----------
    coefficients
        Log-odds, shape (terms,).
    precision
        Gaussian prior precision of each coefficient (0 means free), shape (terms,).
    matrix
        Design matrix, shape (cells, terms).
    cells
        Counts that the model was fitted to.
    weights
        Weight of each attempt of a cell, shape (cells,).
    correlation
        Working correlation of two attempts of the same unit, in [0, 1).
    """

    coefficients: Floats
    precision: Floats
    matrix: DesignMatrix
    cells: GroupedCounts
    weights: Floats
    correlation: float

    @cached_property
    def rates(self) -> Floats:
        """Fitted success rates, shape (cells,)."""
        fitted: Floats = expit(self.matrix.dot(self.coefficients))
        return fitted

    @cached_property
    def bread(self) -> Floats:
        """Inverse of the penalised information, shape (terms, terms)."""
        variance = self.rates * (1 - self.rates)
        information = self.matrix.gram(self.weights * self.cells.n * variance)
        inverse: Floats = linalg.inv(information + np.diag(self.precision))
        return (inverse + inverse.T) / 2

    def exchangeable_shares(self, gradient: Floats) -> Floats:
        """Compute each unit's share of the working variance of a linear combination of coefficients.

        In the working model every two attempts of a unit have the same correlation. The shares sum to the
        variance; the effective number of units follows from how unequal they are.

        Parameters
        ----------
        gradient
            The combination, shape (terms,).

        Returns
        -------
        array, shape (units,)
        """
        reach = self.matrix.dot(self.bread @ gradient)
        variance = self.rates * (1 - self.rates)
        attempts, unit, units = self.cells.n, self.cells.unit, self.cells.n_units
        alone = np.bincount(unit, weights=self.weights**2 * attempts * variance * reach**2, minlength=units)
        joint = np.bincount(
            unit, weights=self.weights * attempts * np.sqrt(variance) * reach, minlength=units
        )
        return np.asarray((1 - self.correlation) * alone + self.correlation * joint**2)

    def exchangeable_information(self) -> Floats:
        """Compute the variance of the score under the working correlation, shape (terms, terms)."""
        variance = self.rates * (1 - self.rates)
        alone = self.matrix.gram(self.weights**2 * self.cells.n * variance)
        scale = self.weights * self.cells.n * np.sqrt(variance)
        sums = self.matrix.sums_by_unit(scale)
        return np.asarray((1 - self.correlation) * alone + self.correlation * sums.T @ sums)

    @cached_property
    def jackknife_shifts(self) -> Floats:
        """Change of the coefficients when one unit is left out, shape (units, terms).

        One Newton step from the full fit (ref. 1), exact for a linear model. Leaving out the only unit with
        a level moves that level's coefficient to its prior, so that an estimate from few units gets a large
        variance.
        """
        from memory_pipeline.analysis.models.kernels import leave_out_shifts  # noqa: PLC0415 - takes time

        variance = self.rates * (1 - self.rates)
        spread = self.weights * self.cells.n * variance
        residual = self.weights * (self.cells.k - self.cells.n * self.rates)
        order = np.argsort(self.cells.unit, kind="stable")
        starts = np.searchsorted(self.cells.unit[order], np.arange(self.cells.n_units + 1))
        own = self.matrix.own
        shifts: Floats = leave_out_shifts(
            (own.indptr, own.indices, self.matrix.shares),
            order,
            starts,
            (spread, residual),
            (self.bread, linalg.inv(self.bread)),
        )
        return shifts

    def jackknife_variance(self, gradient: Floats) -> float:
        """Compute the cluster-robust variance of a linear combination by the jackknife over units (CV3).

        `(G - 1) / G * sum over units of (shift . gradient)^2`. With few or unequal units it tends to be too
        large, where the sandwich estimator is too small (ref. 2).
        """
        units = self.cells.n_units
        return float((units - 1) / units * np.sum((self.jackknife_shifts @ gradient) ** 2))


def weak_prior(design: Design) -> Floats:
    """Return the prior precision of each column of a design, shape (columns,): weak, and enough.

    Normal on the log-odds scale with standard deviation 2.5, of the intercept 10 (the scales of Gelman,
    Jakulin, Pittau and Su 2008, "A weakly informative default prior distribution for logistic and other
    regression models"). A change of the log-odds by 5 takes a rate from 8% to 92%: what one setting
    changes is seldom more, so the prior hardly moves an estimate that rests on data, and keeps it
    finite where all attempts with a value ended alike.
    """
    scales = [_INTERCEPT_SCALE if term == INTERCEPT else _COEFFICIENT_SCALE for term in design.terms]
    return np.array([*scales, *[_COEFFICIENT_SCALE] * len(design.unit_terms)]) ** -2


def fit_logistic(
    matrix: DesignMatrix,
    cells: GroupedCounts,
    *,
    precision: Floats,
    weights: Floats | None = None,
    start: Floats | None = None,
    tolerance: float = _TOLERANCE,
) -> Floats:
    """Maximise the weighted log-likelihood minus half of `precision * coefficient^2`, by Newton's method.

    Parameters
    ----------
    matrix
        Shape (cells, terms).
    precision
        Prior precision of each coefficient, shape (terms,). A small one keeps the estimate finite under
        complete separation.
    weights
        Weight of each attempt of a cell, shape (cells,); 1 by default.
    start
        Coefficients to start from, shape (terms,).
    tolerance
        Convergence: twice the expected gain in log-likelihood of the last step.

    Returns
    -------
    array, shape (terms,)

    Raises
    ------
    ArithmeticError
        When it does not converge in 60 steps; with a positive precision for every term it does.
    """
    weights = np.ones(len(cells.unit)) if weights is None else weights
    tried, wins = weights * cells.n, weights * cells.k

    def objective(beta: Floats) -> float:
        eta = matrix.dot(beta)
        likelihood = wins @ log_expit(eta) + (tried - wins) @ log_expit(-eta)
        return float(likelihood - 0.5 * precision @ beta**2)

    def newton_step(beta: Floats) -> tuple[Floats, float]:
        rates = expit(matrix.dot(beta))
        slope = matrix.sums(wins - tried * rates) - precision * beta
        information = matrix.gram(tried * rates * (1 - rates)) + np.diag(precision)
        step = linalg.solve(information, slope, assume_a="pos")
        return step, float(slope @ step)

    return maximise(
        objective,
        newton_step,
        np.zeros(matrix.width) if start is None else start,
        tolerance=tolerance,
        what=f"logistic fit on {len(cells)} cells",
    )


def fit_pooled(
    matrix: DesignMatrix,
    cells: GroupedCounts,
    *,
    precision: Floats,
    correlation: float | None = None,
    start: Floats | None = None,
) -> LogisticFit:
    """Fit with attempts weighted by the inverse design effect of their unit.

    A first, unweighted fit gives the correlation of attempts within a unit; the second weights an attempt
    of a unit with n attempts by `1 / (1 + (n - 1) correlation)`, the inverse of its design effect (ref. 3),
    so that an application tried a thousand times does not dominate the others.

    Parameters
    ----------
    matrix
        Shape (cells, terms).
    precision
        Prior precision of each coefficient, shape (terms,).
    correlation
        Correlation within units, where it is known already; estimated otherwise.
    start
        Coefficients to start from, shape (columns,).
    """
    if correlation is None:
        start = fit_logistic(matrix, cells, precision=precision, start=start)
        correlation = correlation_within_units(unweighted_fit(start, precision, matrix, cells))
    weights = unit_weights(cells.unit, cells.n, correlation)
    beta = fit_logistic(matrix, cells, precision=precision, weights=weights, start=start)
    return LogisticFit(beta, precision, matrix, cells, weights, correlation)


def unweighted_fit(
    beta: Floats, precision: Floats, matrix: DesignMatrix, cells: GroupedCounts
) -> LogisticFit:
    """Build a fit from coefficients in which every attempt has the weight 1."""
    return LogisticFit(beta, precision, matrix, cells, np.ones(len(cells.unit)), 0.0)


def unit_weights(unit: NDArray[np.int64], attempts: Floats, correlation: float) -> Floats:
    """Compute the inverse design effect of each cell's unit, shape (cells,)."""
    size = np.bincount(unit, weights=attempts)[unit] if len(unit) else np.zeros(0)
    return np.asarray(1 / (1 + (size - 1) * correlation))


def correlation_within_units(fit: LogisticFit) -> float:
    """Estimate the correlation of two attempts of one unit given the model, between 0 and 0.95.

    Mean product of the Pearson residuals of two attempts of the same unit, each unit weighted by its
    size (a moment estimator as in ref. 4). The residuals of a unit are those of the fit without it: a model
    with more terms than units fits each unit perfectly, and would leave no correlation.
    """
    cells = fit.cells
    left_out = fit.coefficients + fit.jackknife_shifts
    eta = fit.matrix.dot_by_unit(left_out)
    rates = np.clip(expit(eta), _RESIDUAL_FLOOR, 1 - _RESIDUAL_FLOOR)
    attempts, wins = cells.n, cells.k
    scale = np.sqrt(rates * (1 - rates))
    units = cells.n_units
    sums = np.bincount(cells.unit, weights=(wins - attempts * rates) / scale, minlength=units)
    squares = np.bincount(
        cells.unit,
        weights=wins * (1 - rates) / rates + (attempts - wins) * rates / (1 - rates),
        minlength=units,
    )
    sizes = np.bincount(cells.unit, weights=attempts, minlength=units)
    several = sizes > 1
    if not several.any():
        return 0.0
    products = (sums[several] ** 2 - squares[several]) / (sizes[several] - 1)
    return float(np.clip(products.sum() / sizes[several].sum(), 0, 0.95))
