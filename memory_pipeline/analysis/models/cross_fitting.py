"""What does a model that knows all other units predict for an attempt (cross-fitting)?

References
----------
1. Chernozhukov, Chetverikov, Demirer, Duflo, Hansen, Newey and Robins (2018), Double/debiased machine
   learning for treatment and structural parameters, Econometrics Journal 21.
2. Gelman, Jakulin, Pittau and Su (2008), A weakly informative default prior distribution for logistic and
   other regression models, Annals of Applied Statistics 2.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg
from scipy.special import expit, log_expit

from memory_pipeline.analysis.models.newton import maximise

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats, Ints

FOLDS = 5
_TOLERANCE = 1e-4
_INTERCEPT_PRECISION = 0.01
_FIXED_STEPS = 5
"""Steps by a curvature from elsewhere; where a fold has most of a condition, they do not converge."""


def unit_folds(unit: Ints, folds: int = FOLDS) -> Ints:
    """Assign whole units to folds of about equally many attempts, the largest first, shape (attempts,).

    Parameters
    ----------
    unit
        Number of the unit of each attempt, from 0, shape (attempts,).
    folds
        How many.
    """
    sizes = np.bincount(unit)
    fold, load = np.zeros(len(sizes), dtype=np.int64), np.zeros(folds)
    for one in np.argsort(-sizes, kind="stable"):
        fold[one] = load.argmin()
        load[fold[one]] += sizes[one]
    return fold[unit]


def cross_fitted_rates(matrix: Floats, target: Floats, fold: Ints, *, spread: float = 1.0) -> Floats:
    """Predict the chance of a target for each attempt by a logistic regression on the other folds (ref. 1).

    Parameters
    ----------
    matrix
        Shape (attempts, columns); the first column is the intercept.
    target
        0 or 1, shape (attempts,).
    fold
        Fold of each attempt, from 0, shape (attempts,).
    spread
        Standard deviation of the normal prior of each coefficient but the intercept's (as in ref. 2).

    Returns
    -------
    array, shape (attempts,)
    """
    precision = _precision(matrix.shape[1], spread)
    whole = _fit(matrix, target, precision, np.zeros(matrix.shape[1]))
    # A fit without a fold lies near the whole one, whose curvature less the fold's serves for some steps.
    fitted = expit(matrix @ whole)
    held = [fold == one for one in range(int(fold.max(initial=-1)) + 1)]
    own = [_gram(matrix[rows], fitted[rows]) for rows in held]
    curvature = sum(own) + np.diag(precision)
    rates = np.empty(len(target))
    for rows, less in zip(held, own, strict=True):
        fixed = linalg.cho_factor(curvature - less)
        beta = _fit(matrix[~rows], target[~rows], precision, whole, fixed)
        rates[rows] = expit(matrix[rows] @ beta)
    return rates


def fitted_rates(matrix: Floats, target: Floats, *, spread: float = 1.0) -> Floats:
    """Predict the chance of a target by a regression on all attempts; parameters as `cross_fitted_rates`."""
    precision = _precision(matrix.shape[1], spread)
    return np.asarray(expit(matrix @ _fit(matrix, target, precision, np.zeros(matrix.shape[1]))))


def _precision(columns: int, spread: float) -> Floats:
    precision = np.full(columns, spread**-2)
    precision[0] = _INTERCEPT_PRECISION
    return precision


def _gram(matrix: Floats, rates: Floats) -> Floats:
    return np.asarray((matrix * (rates * (1 - rates))[:, None]).T @ matrix)


def _fit(
    matrix: Floats,
    target: Floats,
    precision: Floats,
    start: Floats,
    curvature: tuple[Any, bool] | None = None,
) -> Floats:
    """Maximise the penalised log-likelihood by Newton's method, first by a given, factored curvature."""
    steps = count()

    def objective(beta: Floats) -> float:
        eta = matrix @ beta
        likelihood = target @ log_expit(eta) + (1 - target) @ log_expit(-eta)
        return float(likelihood - 0.5 * precision @ beta**2)

    def step_from(beta: Floats) -> tuple[Floats, float]:
        rates = expit(matrix @ beta)
        slope = matrix.T @ (target - rates) - precision * beta
        factored = curvature if next(steps) < _FIXED_STEPS else None
        factored = factored or linalg.cho_factor(_gram(matrix, rates) + np.diag(precision))
        step: Floats = linalg.cho_solve(factored, slope)
        return step, float(slope @ step)

    return maximise(
        objective, step_from, start, tolerance=_TOLERANCE, what=f"logistic fit on {len(target)} attempts"
    )
