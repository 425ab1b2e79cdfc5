"""Split the difference in success between two spans into mix and rates.

The success rate of span t is a sum over the values l of a column, `R_t = sum_l w_tl r_tl`, with w the share
of attempts and r the rate of success. Kitagawa (ref. 1) splits the difference of two such sums::

    R_1 - R_0 = sum_l (w_1l - w_0l) (r_0l + r_1l) / 2      mix: other cases came
              + sum_l (r_1l - r_0l) (w_0l + w_1l) / 2      rates: the same cases, but worse

Averaging over both spans makes it symmetric. A split that takes the rates of the earlier span for the mix
and the shares of the later one for the rates gives other figures than the reverse, and an order in which
columns are changed one after the other gives others for each order (ref. 2); here nothing depends on an
order, and exchanging the spans changes the sign of every part and nothing else.

Over all columns at once there is no table of cells to sum over (most would have no attempt in one of the
spans). So success is predicted from all columns by a linear model, which extends the split to many columns
(Oaxaca 1973, Blinder 1973; ref. 4 reviews it). Both spans have the same weight in the fit and the later
one a term of its own, without which a change of the rates would be taken for the effect of whatever became
more frequent (ref. 3). The mix is the change of the mean prediction, and a sum over values; the rates are
the change of what the prediction leaves. Coefficients are deviations from the mean of their column, so that
no value is a reference.

References
----------
1. Kitagawa (1955), Components of a difference between two rates, JASA 50.
2. Das Gupta (1993), Standardization and decomposition of rates: a user's manual, US Bureau of the Census
   P23-186.
3. Jann (2008), The Blinder-Oaxaca decomposition for linear regression models, Stata Journal 8.
4. Fortin, Lemieux and Firpo (2011), Decomposition methods in economics, Handbook of Labor Economics 4A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats, Ints

PARTS = 4
"""Parts that are not by term or column: they come first in `ChangeParts.vector`."""
_PENALTY = 0.25
"""Ridge penalty of a value, in units with that value: a value of five units shrinks by a twentieth."""


@dataclass(frozen=True)
class ChangeParts:
    """Parts of a difference in success, as shares of the attempts.

    Attributes
    ----------
    total, mix, rate
        The difference, and its two parts over all columns at once: `total = mix + rate`.
    same_units
        Average change of the units with attempts in both spans; NaN where there are none.
    mix_by_term, rate_by_term
        Contribution of each value of each column, shape (terms - 1,). Those to the mix sum to it over all
        columns, those to the rates over the values of any one column.
    mix_by_column
        Sum of `mix_by_term` over each column's values, shape (columns,).
    mix_alone
        Mix of each column taken alone (ref. 1), shape (columns,).
    coefficients
        Of the intercept and the terms, shape (terms,).
    """

    total: float
    mix: float
    rate: float
    same_units: float
    mix_by_term: Floats
    rate_by_term: Floats
    mix_by_column: Floats
    mix_alone: Floats
    coefficients: Floats

    def vector(self) -> Floats:
        """Return all parts one after the other."""
        return np.concatenate(
            [
                [self.total, self.mix, self.rate, self.same_units],
                self.mix_by_term,
                self.rate_by_term,
                self.mix_by_column,
                self.mix_alone,
            ]
        )


def change_parts(
    cross: Floats,
    successes: Floats,
    shared: Floats,
    sizes: Sequence[int],
    *,
    penalty: float,
    rates_at: Floats | None = None,
) -> ChangeParts:
    """Split a difference in success.

    Parameters
    ----------
    cross, successes, shared
        Sums as in `GroupTotals`, shape (2, terms, terms), (2, terms) and (2, 2).
    sizes
        Number of values of each column.
    penalty
        See `ridge_penalty`.
    rates_at
        Shares of the attempts by span and term at which the rates contribute, shape (2, terms); by default
        those of the sums. How uncertain a change of rates is, is asked at the shares that were seen.
    """
    attempts = cross[:, 0, 0]
    moments, success = cross / attempts[:, None, None], successes / attempts[:, None]
    shares = moments[:, 0, :]
    column = np.repeat(np.arange(len(sizes)), sizes)
    beta = _coefficients(moments, success, penalty)
    mean = _sum_by(column, shares.mean(axis=0)[1:] * beta[1:], len(sizes))
    shift = shares[1, 1:] - shares[0, 1:]
    mix_by_term = shift * (beta[1:] - mean[column])
    left = success - np.einsum("tij,j->ti", moments, beta)
    weights = (shares if rates_at is None else rates_at)[:, 1:]
    left_rates = np.divide(left[:, 1:], shares[:, 1:], out=np.zeros_like(weights), where=shares[:, 1:] > 0)
    rate_by_term = weights.mean(axis=0) * (left_rates[1] - left_rates[0]) + (weights[1] - weights[0]) * (
        left_rates.mean(axis=0) - left[:, 0].mean()
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = success[:, 1:] / shares[:, 1:]
    # A value without attempts in one span has no rate there: all of its part is mix.
    known = np.where(np.isfinite(rates), rates, rates[::-1])
    alone = shift * np.nan_to_num(known.mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        same = float((shared[:, 1] / shared[:, 0]).mean())
    total = float(success[1, 0] - success[0, 0])
    mix = float(mix_by_term.sum())
    return ChangeParts(
        total=total,
        mix=mix,
        rate=total - mix,
        same_units=same,
        mix_by_term=mix_by_term,
        rate_by_term=rate_by_term,
        mix_by_column=_sum_by(column, mix_by_term, len(sizes)),
        mix_alone=_sum_by(column, alone, len(sizes)),
        coefficients=beta,
    )


def ridge_penalty(attempts: Floats) -> float:
    """Compute the ridge penalty from the attempts by span and unit, shape (2, units).

    It is a quarter of the weight that a unit of the usual size has in the fit, so that it only matters for
    values of few units, and where columns say the same.
    """
    weight = attempts / attempts.sum(axis=1, keepdims=True)
    return _PENALTY * float((weight.sum(axis=0) ** 2).sum()) / 2


def _coefficients(moments: Floats, success: Floats, penalty: float) -> Floats:
    """Fit success by all terms and a term for the later span; returns those of the terms, shape (terms,)."""
    terms = moments.shape[-1]
    matrix = np.zeros((terms + 1, terms + 1))
    matrix[:terms, :terms] = moments.sum(axis=0)
    matrix[terms, :terms] = matrix[:terms, terms] = moments[1, 0]
    matrix[terms, terms] = 1.0
    inner: Ints = np.arange(1, terms)
    matrix[inner, inner] += penalty
    right = np.append(success.sum(axis=0), success[1, 0])
    solution: Floats = np.linalg.solve(matrix, right)[:terms]
    return solution


def _sum_by(column: Ints, values: Floats, columns: int) -> Floats:
    """Sum the values of terms by column, shape (columns,)."""
    return np.bincount(column, weights=values, minlength=columns).astype(float)
