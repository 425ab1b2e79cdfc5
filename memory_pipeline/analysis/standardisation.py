"""What a model says would have happened, had every attempt been made with one value of a setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit

from memory_pipeline.analysis.design_matrix import holds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.design_matrix import Design
    from memory_pipeline.analysis.logistic import LogisticFit

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """A difference of standardised success rates.

    Attributes
    ----------
    rate, reference_rate
        Expected success had every attempt of the population had the value, or the reference.
    standard_error
        Of the difference; see `standardised_effect`.
    degrees
        Degrees of freedom of its t distribution.
    gradient
        Of the difference by the model's coefficients, shape (terms,).
    """

    rate: float
    reference_rate: float
    standard_error: float
    degrees: float
    gradient: Floats

    @property
    def difference(self) -> float:
        """The effect: rate minus reference rate."""
        return self.rate - self.reference_rate

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the t interval of the difference, kept within -1 and 1."""
        margin = float(stats.t.ppf((1 + level) / 2, self.degrees)) * self.standard_error
        return max(-1.0, self.difference - margin), min(1.0, self.difference + margin)

    @property
    def p_value(self) -> float:
        """Two-sided p-value of "no difference"."""
        if self.standard_error == 0:
            return 1.0 if self.difference == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.difference) / self.standard_error, self.degrees))


def standardised_effect(
    fit: LogisticFit,
    design: Design,
    *,
    column: str,
    value: str,
    reference: str,
    population: NDArray[np.bool_],
) -> Effect:
    """Average marginal effect of one value against another, by standardisation (g-computation).

    The model predicts every attempt of the population twice, once with each value, all else as it was,
    the unit shares included (Robins 1986). The standard error is the delta method's. Its variance is the
    larger of two: the jackknife over units, which assumes nothing about them but is noisy with few, and
    the one under an equal correlation within units, which is not zero where all attempts of a level went
    the same way.

    The t distribution has `G* - 1` degrees, where `G* = (sum of shares)^2 / sum of shares^2` is the
    effective number of units (Carter, Schnepel and Steigerwald 2017): with 3 treated units among 200 it
    is near 3.

    Parameters
    ----------
    fit, design
        The model; interactions of the column count.
    column, value, reference
        What is compared.
    population
        Which cells to average over, shape (cells,).
    """
    rate, slope = _standardised_rate(fit, design, column, value, population)
    base, base_slope = _standardised_rate(fit, design, column, reference, population)
    gradient = slope - base_slope
    shares = fit.exchangeable_shares(gradient)
    variance = max(float(shares.sum()), fit.jackknife_variance(gradient))
    squares = float(np.sum(shares**2))
    effective_units = float(shares.sum()) ** 2 / squares if squares > 0 else 1.0
    return Effect(rate, base, float(np.sqrt(variance)), max(1.0, effective_units - 1), gradient)


def _standardised_rate(
    fit: LogisticFit, design: Design, column: str, level: str, population: NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Return the mean predicted rate with the column set to the level, and its gradient."""
    own = design.involving(column)
    others = fit.coefficients.copy()
    others[own] = 0
    eta = fit.matrix.dot(others)
    active = {
        i: holds(tuple(c for c in design.terms[i] if c[0] != column), fit.cells)
        for i in own
        if (column, level) in design.terms[i]
    }
    for i, mask in active.items():
        eta = eta + fit.coefficients[i] * mask
    rates = expit(eta)
    share = np.where(population, fit.cells.attempts, 0.0)
    share = share / share.sum()
    pull = share * rates * (1 - rates)
    gradient = fit.matrix.sums(pull)
    gradient[own] = 0
    for i, mask in active.items():
        gradient[i] = pull @ mask
    return float(share @ rates), np.asarray(gradient)
