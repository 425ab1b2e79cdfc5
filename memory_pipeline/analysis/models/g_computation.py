"""What a model says would have happened, had every attempt been made with one value of a setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.models.design import Design
    from memory_pipeline.analysis.models.penalised_logistic import LogisticFit


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

    def interval(self, level: float = 0.95, *, bound: float = 1.0) -> tuple[float, float]:
        """Return the t interval of the difference, kept within `bound`: 2 for a difference of differences."""
        margin = float(stats.t.ppf((1 + level) / 2, self.degrees)) * self.standard_error
        return max(-bound, self.difference - margin), min(bound, self.difference + margin)

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
    return standardised_contrast(
        fit, design, raised={column: value}, lowered={column: reference}, population=population
    )


def standardised_contrast(
    fit: LogisticFit,
    design: Design,
    *,
    raised: Mapping[str, str] | Sequence[Mapping[str, str]],
    lowered: Mapping[str, str] | Sequence[Mapping[str, str]],
    population: NDArray[np.bool_],
) -> Effect:
    """Standardise success under several sets of values, and take some of the rates from others.

    With one set on each side this is `standardised_effect` of several settings together; with two, the
    interaction of two settings: `raised` both and neither, `lowered` each alone.

    Parameters
    ----------
    fit, design, population
        As in `standardised_effect`.
    raised, lowered
        Sets of values by column. The effect's `rate` is the sum over `raised`, its `reference_rate` that
        over `lowered`.
    """
    rates, slopes = [], []
    for sides in (raised, lowered):
        each = [sides] if isinstance(sides, Mapping) else sides
        found = [_standardised_rate(fit, design, settings, population) for settings in each]
        rates.append(sum(rate for rate, _ in found))
        slopes.append(np.sum([slope for _, slope in found], axis=0))
    gradient = slopes[0] - slopes[1]
    shares = fit.exchangeable_shares(gradient)
    variance = max(float(shares.sum()), fit.jackknife_variance(gradient))
    squares = float(np.sum(shares**2))
    effective_units = float(shares.sum()) ** 2 / squares if squares > 0 else 1.0
    return Effect(rates[0], rates[1], float(np.sqrt(variance)), max(1.0, effective_units - 1), gradient)


def _standardised_rate(
    fit: LogisticFit, design: Design, settings: Mapping[str, str], population: NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Return the mean predicted rate with the columns set to their levels, and its gradient."""
    own = sorted({number for column in settings for number in design.involving(column)})
    others = fit.coefficients.copy()
    others[own] = 0
    eta = fit.matrix.dot(others)
    active = {
        i: fit.cells.where(c for c in design.terms[i] if c[0] not in settings)
        for i in own
        if all(settings.get(column, level) == level for column, level in design.terms[i])
    }
    for i, mask in active.items():
        eta = eta + fit.coefficients[i] * mask
    rates = expit(eta)
    share = np.where(population, fit.cells.n, 0.0)
    share = share / share.sum()
    pull = share * rates * (1 - rates)
    gradient = fit.matrix.sums(pull)
    gradient[own] = 0
    for i, mask in active.items():
        gradient[i] = pull @ mask
    return float(share @ rates), np.asarray(gradient)
