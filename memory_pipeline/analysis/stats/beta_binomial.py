"""How far the rate of a small sample is shrunk towards its expectation (beta-binomial partial pooling).

A cell with k successes in n attempts and an expected rate m has the posterior mean rate
`(strength * m + k) / (strength + n)`. The strength is estimated from all cells, and its posterior is kept
as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, logit, logsumexp

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats


_STRENGTHS = np.geomspace(1.0, 10_000.0, 60)
_USUAL_STRENGTH = 300.0
_LOG_SPREAD = 2.0
_EDGE = 1e-4
_NO_SCATTER = 1e7
_OFFSETS = np.linspace(-1.5, 1.5, 31)
_OFFSET_SPREAD = 0.5
_COARSE = 5


N_STRENGTHS = 10
"""Quantiles by which the posterior of a strength is represented."""


@dataclass(frozen=True)
class Scatter:
    """Posterior of the pooling strength: how far the rates of cells scatter around their expectations.

    Attributes
    ----------
    strengths
        How many attempts the expectation is worth: quantiles of the posterior at 5, 15, ..., 95%,
        shape (10,).
    likelihood
        Log marginal likelihood of the cells when their rates scatter, averaged over the strength's prior.
    likelihood_without
        Log-likelihood when each cell's rate equals its expectation.
    """

    strengths: Floats
    likelihood: float
    likelihood_without: float

    @property
    def evidence(self) -> float:
        """Log Bayes factor for rates that scatter against rates that equal their expectations."""
        return self.likelihood - self.likelihood_without

    @property
    def likelihood_either_way(self) -> float:
        """Log marginal likelihood with prior probability 1/2 that rates scatter."""
        return float(np.logaddexp(self.likelihood, self.likelihood_without) - np.log(2))


def fit_strengths(attempts: Floats, successes: Floats, expected: Floats) -> Scatter:
    """Estimate how many attempts the expectation is worth, by the marginal likelihood of all cells.

    The likelihood is `prod BetaBinomial(k; n, strength * m, strength * (1 - m))` (Kleinman 1973), the prior
    log-normal around 300 (standard deviation 2); the posterior is taken on a grid from 1 to 10,000. It is
    kept as a whole: with few attempts a cell, an expectation that is worth 5 attempts and one that is worth
    500 are hard to tell apart, and to settle for the likeliest is to be too sure (Gelman et al. 2013,
    "Bayesian data analysis", section 5.3).

    Parameters
    ----------
    attempts, successes
        Per cell, shape (cells,); need not be whole (discounted for repetition).
    expected
        Expected success rate of each cell, shape (cells,).
    """
    # A single attempt carries no information about how far cells scatter.
    informative = attempts > 1
    attempts, successes = attempts[informative], successes[informative]
    m = np.clip(expected[informative], _EDGE, 1 - _EDGE)
    likelihood = _likelihoods(attempts, successes, m, np.append(_STRENGTHS, _NO_SCATTER))
    prior = np.exp(_log_prior(_STRENGTHS))
    weights = likelihood[:-1] + np.log(prior / prior.sum())
    shares = np.exp(weights - weights.max()).cumsum()
    marks = (np.arange(N_STRENGTHS) + 0.5) / N_STRENGTHS
    return Scatter(
        _STRENGTHS[np.minimum(np.searchsorted(shares / shares[-1], marks), len(_STRENGTHS) - 1)],
        float(logsumexp(weights)),
        float(likelihood[-1]),
    )


def fit_offset(attempts: Floats, successes: Floats, expected: Floats) -> float:
    """Estimate the difference, in log-odds, between the mean over cells and the mean over attempts.

    What succeeds is tried more often, so attempts succeed more often than cells do on average: for a cell
    without attempts the mean over attempts is too high. Maximises the likelihood of `fit_strengths` over
    shifts of the expectation, with a normal prior around zero (standard deviation 0.5).

    Parameters
    ----------
    attempts, successes, expected
        As in `fit_strengths`.
    """
    eta, strengths = log_odds(expected), _STRENGTHS[::6]
    prior = _log_prior(strengths)

    @cache
    def posterior(number: int) -> float:
        offset = float(_OFFSETS[number])
        m = np.clip(1 / (1 + np.exp(-eta - offset)), _EDGE, 1 - _EDGE)
        likelihood = _likelihoods(attempts, successes, m, strengths)
        return float(logsumexp(likelihood + prior)) - 0.5 * (offset / _OFFSET_SPREAD) ** 2

    # It has one maximum: found on a coarse grid first, then between the neighbours.
    best = max(range(0, len(_OFFSETS), _COARSE), key=posterior)
    near = range(max(best - _COARSE, 0), min(best + _COARSE + 1, len(_OFFSETS)))
    return float(_OFFSETS[max(near, key=posterior)])


def _likelihoods(attempts: Floats, successes: Floats, expected: Floats, strengths: Floats) -> Floats:
    """Compute the beta-binomial log-likelihood of all cells at each strength, shape (strengths,)."""
    a, b = strengths[:, None] * expected, strengths[:, None] * (1 - expected)
    return np.asarray((betaln(a + successes, b + attempts - successes) - betaln(a, b)).sum(axis=1))


def _log_prior(strengths: Floats) -> Floats:
    return np.asarray(-0.5 * (np.log(strengths / _USUAL_STRENGTH) / _LOG_SPREAD) ** 2)


def pooled_rate(attempts: Floats, successes: Floats, expected: Floats, strength: float | Floats) -> Floats:
    """Compute the posterior mean rate of cells; the arguments are broadcast against each other."""
    return np.asarray((strength * expected + successes) / (strength + attempts))


def log_odds(rates: Floats) -> Floats:
    """Compute the log-odds of rates, which are first clipped to [0.0001, 0.9999]."""
    return np.asarray(logit(np.clip(rates, _EDGE, 1 - _EDGE)))


def smoothed_shares(counts: list[Floats], *, weight: float = 5.0) -> Floats:
    """Estimate how often each choice is made in a context, from coarse counts to fine ones.

    The shares at each level are the prior of the next level, worth `weight` attempts (a
    Dirichlet-multinomial hierarchy; MacKay and Peto 1995).

    Parameters
    ----------
    counts
        Per level, from the coarsest, the attempts of each choice, each of shape (choices,).

    Returns
    -------
    array, shape (choices,)
        Positive, summing to 1.
    """
    shares = np.full(len(counts[0]), 1 / max(len(counts[0]), 1))
    for own in counts:
        shares = (own + weight * shares) / (own.sum() + weight)
    return np.asarray(shares)
