"""How likely is success, when every unit has a random intercept (mixed logistic regression)?

References
----------
1. Zeger, Liang and Albert (1988), Models for longitudinal data: a generalized estimating equation approach,
   Biometrics 44.
2. McCullagh and Nelder (1989), Generalized linear models, 2nd edition, section 4.5 (dispersion).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from scipy.special import expit, log_expit

from memory_pipeline.analysis.models.newton import maximise

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.models.design import DesignMatrix


_LARGEST_CORRELATION = 0.95
# Of a normal distribution's log-odds: expit(x) is nearly the normal distribution function of x / 1.7.
_LOGISTIC_TO_NORMAL = (16 * np.sqrt(3) / (15 * np.pi)) ** 2


@dataclass(frozen=True)
class MixedFit:
    """A fitted model: the posterior mode under Gaussian priors, and its curvature.

    Attributes
    ----------
    coefficients, precision
        Log-odds and their prior precisions, shape (columns,).
    intercepts, unit_precision
        Random intercept of each unit, shape (units,), and their common prior precision.
    matrix, cells
        Design matrix and counts that the model was fitted to.
    """

    coefficients: Floats
    precision: Floats
    intercepts: Floats
    unit_precision: float
    matrix: DesignMatrix
    cells: GroupedCounts

    @cached_property
    def log_odds(self) -> Floats:
        """Fitted log-odds with each unit's own intercept, shape (cells,)."""
        return np.asarray(self.matrix.dot(self.coefficients) + self.intercepts[self.cells.unit])

    @cached_property
    def curvature(self) -> tuple[Floats, Floats]:
        """Weights of the cells, and the diagonal block of the units."""
        rates = expit(self.log_odds)
        weights = self.cells.n * rates * (1 - rates)
        units = np.bincount(self.cells.unit, weights=weights, minlength=self.cells.n_units)
        return np.asarray(weights), np.asarray(units + self.unit_precision, dtype=float)

    @cached_property
    def covariance(self) -> Floats:
        """Posterior covariance of the coefficients, the intercepts integrated out, shape (columns, columns).

        The inverse of the Schur complement `X'WX + P - C D^-1 C'`: for a setting that is constant within
        units the precision grows with the number of units, for one that varies within them with the number
        of attempts.
        """
        inverse = linalg.inv(self.information)
        return np.asarray((inverse + inverse.T) / 2)

    @cached_property
    def information(self) -> Floats:
        """Information on the coefficients, the intercepts integrated out, shape (columns, columns)."""
        weights, units = self.curvature
        return _schur(self.matrix, weights, self.precision, units, self.by_unit)

    @cached_property
    def by_unit(self) -> Floats:
        """Sums of each column over the weighted cells of each unit, shape (units, columns)."""
        return self.matrix.sums_by_unit(self.curvature[0])

    @cached_property
    def intercept_variances(self) -> Floats:
        """Posterior variances of the intercepts, shape (units,)."""
        units = self.curvature[1]
        across = self.by_unit / units[:, None]
        return np.asarray(1 / units + np.sum((across @ self.covariance) * across, axis=1))

    @property
    def determined(self) -> Floats:
        """Share of each coefficient's precision that comes from the data, 0 to 1, shape (columns,)."""
        return np.asarray(1 - np.diag(self.covariance) * self.precision)

    @property
    def log_evidence(self) -> float:
        """Log marginal likelihood, coefficients and intercepts integrated out (Laplace's approximation).

        Comparable between models of the same cells; a constant is omitted.
        """
        units = self.curvature[1]
        eta, wins = self.log_odds, self.cells.k
        fit = wins @ log_expit(eta) + (self.cells.n - wins) @ log_expit(-eta)
        fit -= 0.5 * (self.precision @ self.coefficients**2)
        fit -= 0.5 * self.unit_precision * (self.intercepts @ self.intercepts)
        prior = np.log(self.precision).sum() + len(units) * np.log(self.unit_precision)
        return float(fit + 0.5 * (prior - np.log(units).sum() - np.linalg.slogdet(self.information)[1]))

    @property
    def attenuation(self) -> float:
        """Factor by which log-odds shrink when they are averaged over units.

        `E expit(eta + b)` over random intercepts b is close to `expit(attenuation * eta)` (ref. 1).
        """
        return float(1 / np.sqrt(1 + _LOGISTIC_TO_NORMAL / self.unit_precision))

    @property
    def correlation(self) -> float:
        """Intraclass correlation of attempts that the variance of the intercepts implies, at most 0.95."""
        rates = expit(self.log_odds)
        scale = np.average(rates * (1 - rates), weights=self.cells.n)
        return float(min(scale * self.attenuation**2 / self.unit_precision, _LARGEST_CORRELATION))


def dispersion(fit: MixedFit, *, most: int = 200) -> float:
    """Estimate the ratio of the coefficients' variance to that of the model (dispersion), at least 1.

    Attempts of a unit are correlated in more ways than by an intercept: what is broken stays broken for a
    while, and a setting may suit one unit and not another. The variance of the coefficients is estimated
    from how they change when a unit is left out (the jackknife of `LogisticFit.jackknife_shifts`). Its
    ratio to the model's variance, averaged over the coefficients weighted by how far the data determine
    them, is used as the dispersion of a quasi-likelihood (ref. 2).

    Parameters
    ----------
    fit
        The fit.
    most
        Most units that are left out in turn; of more units a systematic sample is used.
    """
    cells, units = fit.cells, fit.cells.n_units
    weights, diagonal = fit.curvature
    residual = cells.k - cells.n * expit(fit.log_odds)
    blocks = cells.rows_by_unit()
    chosen = np.unique(np.linspace(0, units - 1, min(units, most)).astype(int))
    total = np.zeros(len(fit.coefficients))
    for unit in chosen:
        rows = blocks[unit]
        block = fit.matrix.rows(rows)
        across = block.sums(weights[rows])
        score = block.sums(residual[rows])
        if len(rows) >= len(total):
            own = block.gram(weights[rows]) - np.outer(across, across) / diagonal[unit]
            total += linalg.solve(fit.information - own, score, assume_a="sym") ** 2
            continue
        # What the unit adds to the information is U'SU with S = diag(1, ..., 1, -1), so that
        # (H - U'SU)^-1 s = C s + C U' (S - U C U')^-1 U C s, cheaper where a unit has few cells.
        root = np.vstack(
            [block.toarray() * np.sqrt(weights[rows])[:, None], across / np.sqrt(diagonal[unit])]
        )
        back = root @ fit.covariance
        inner = np.diag([*np.ones(len(rows)), -1.0]) - back @ root.T
        step = fit.covariance @ score
        total += (step + back.T @ linalg.solve(inner, root @ step, assume_a="sym")) ** 2
    observed = total * (units - 1) / len(chosen)
    prior_part = (fit.covariance * fit.precision) @ fit.covariance
    expected = np.diag(fit.covariance - prior_part)
    weight = np.clip(fit.determined, 0, 1)
    weight[expected <= 0] = 0
    ratio = np.divide(observed, expected, out=np.ones_like(observed), where=expected > 0)
    return max(1.0, float(np.average(ratio, weights=weight))) if weight.sum() > 0 else 1.0


def discount_cells(cells: GroupedCounts, times: float) -> GroupedCounts:
    """Return the cells with attempts and successes divided by a dispersion."""
    return replace(cells, n=cells.n / times, k=cells.k / times)


def fit_mixed(
    matrix: DesignMatrix,
    cells: GroupedCounts,
    *,
    precision: Floats,
    unit_precision: float,
    start: tuple[Floats, Floats] | None = None,
    tolerance: float = 1e-9,
) -> MixedFit:
    """Find the joint posterior mode of coefficients and intercepts, by Newton's method.

    Parameters
    ----------
    matrix, cells
        Design and counts.
    precision
        Prior precision of each coefficient, positive, shape (columns,).
    unit_precision
        Prior precision of the intercepts, positive.
    start
        Coefficients and intercepts to start from.
    tolerance
        Convergence: twice the expected gain in log-likelihood of the last step.

    Raises
    ------
    ArithmeticError
        When it does not converge in 60 steps; with positive precisions it does.
    """
    unit, width = cells.unit, matrix.width
    beta, own = start or (np.zeros(width), np.zeros(cells.n_units))

    def objective(both: Floats) -> float:
        coefficients, intercepts = both[:width], both[width:]
        eta = matrix.dot(coefficients) + intercepts[unit]
        likelihood = cells.k @ log_expit(eta) + (cells.n - cells.k) @ log_expit(-eta)
        prior = precision @ coefficients**2 + unit_precision * intercepts @ intercepts
        return float(likelihood - 0.5 * prior)

    def newton_step(both: Floats) -> tuple[Floats, float]:
        coefficients, intercepts = both[:width], both[width:]
        rates = expit(matrix.dot(coefficients) + intercepts[unit])
        residual = cells.k - cells.n * rates
        weights = cells.n * rates * (1 - rates)
        slope = matrix.sums(residual) - precision * coefficients
        unit_slope = np.bincount(unit, residual, len(intercepts)) - unit_precision * intercepts
        units = np.bincount(unit, weights, len(intercepts)).astype(float) + unit_precision
        across = matrix.sums_by_unit(weights)
        step = linalg.solve(
            _schur(matrix, weights, precision, units, across),
            slope - across.T @ (unit_slope / units),
            assume_a="pos",
        )
        unit_step = (unit_slope - across @ step) / units
        return np.concatenate([step, unit_step]), float(slope @ step + unit_slope @ unit_step)

    both = maximise(
        objective,
        newton_step,
        np.concatenate([beta, own]),
        tolerance=tolerance,
        what=f"mixed logistic fit on {len(cells)} cells",
    )
    return MixedFit(both[:width], precision, both[width:], unit_precision, matrix, cells)


def _schur(matrix: DesignMatrix, weights: Floats, precision: Floats, units: Floats, across: Floats) -> Floats:
    """Compute the information on the coefficients with the intercepts integrated out.

    `across` is `matrix.sums_by_unit(weights)`.
    """
    whole = matrix.gram(weights, across) + np.diag(precision)
    return np.asarray(whole - (across / units[:, None]).T @ across)
