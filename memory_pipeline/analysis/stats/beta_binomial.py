"""Small samples borrow strength: a cell's rate is drawn towards what is expected of it.

Beta-binomial pooling: a cell that had k successes in n attempts, of which a share m was expected, is given
`(strength * m + k) / (strength + n)`. The strength is learnt, not chosen, and what
is not known about it stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
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


N_STRENGTHS = 10
"""Strengths that stand for what is known about a strength."""


@dataclass(frozen=True)
class Scatter:
    """How far cells lie from what is expected of them.

    Attributes
    ----------
    strengths
        How many attempts the expectation is worth: equally likely numbers, the posterior's quantiles at 5,
        15, ..., 95%, shape (10,).
    likelihood
        Log-likelihood of the cells when they scatter, over all that the strength may be.
    likelihood_without
        When they succeed exactly as often as expected.
    """

    strengths: Floats
    likelihood: float
    likelihood_without: float

    @property
    def evidence(self) -> float:
        """That cells scatter at all: log Bayes factor."""
        return self.likelihood - self.likelihood_without

    @property
    def likelihood_either_way(self) -> float:
        """Log-likelihood when it is as likely as not that cells scatter."""
        return float(np.logaddexp(self.likelihood, self.likelihood_without) - np.log(2))


def fit_strengths(attempts: Floats, successes: Floats, expected: Floats) -> Scatter:
    """Learn how many attempts the expectation is worth, by the marginal likelihood of all cells.

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
    # A single attempt says nothing about how far cells scatter.
    told = attempts > 1
    attempts, successes, m = attempts[told], successes[told], np.clip(expected[told], _EDGE, 1 - _EDGE)
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
    """Learn by how many log-odds the mean of cells is off the mean of their attempts.

    What succeeds is tried more often, so that attempts do better than cells do: where a cell has no attempts,
    the mean of attempts promises too much. Maximises the likelihood of `fit_strengths` over shifts of the
    expectation, with a normal prior (standard deviation 0.5) that keeps it where it is.

    Parameters
    ----------
    attempts, successes, expected
        As in `fit_strengths`.
    """
    eta, strengths = log_odds(expected), _STRENGTHS[::6]
    prior = _log_prior(strengths)
    found = []
    for offset in _OFFSETS:
        m = np.clip(1 / (1 + np.exp(-eta - offset)), _EDGE, 1 - _EDGE)
        likelihood = _likelihoods(attempts, successes, m, strengths)
        found.append(float(logsumexp(likelihood + prior)) - 0.5 * (offset / _OFFSET_SPREAD) ** 2)
    return float(_OFFSETS[int(np.argmax(found))])


def _likelihoods(attempts: Floats, successes: Floats, expected: Floats, strengths: Floats) -> Floats:
    """Beta-binomial log-likelihood of all cells at each strength, shape (strengths,)."""
    a, b = strengths[:, None] * expected, strengths[:, None] * (1 - expected)
    return np.asarray((betaln(a + successes, b + attempts - successes) - betaln(a, b)).sum(axis=1))


def _log_prior(strengths: Floats) -> Floats:
    return np.asarray(-0.5 * (np.log(strengths / _USUAL_STRENGTH) / _LOG_SPREAD) ** 2)


def pooled_rate(attempts: Floats, successes: Floats, expected: Floats, strength: float | Floats) -> Floats:
    """Return the posterior mean rate of cells, shapes as broadcast."""
    return np.asarray((strength * expected + successes) / (strength + attempts))


def log_odds(rates: Floats) -> Floats:
    """Return log-odds of rates, kept finite."""
    return np.asarray(logit(np.clip(rates, _EDGE, 1 - _EDGE)))


def smoothed_shares(counts: list[Floats], *, weight: float = 5.0) -> Floats:
    """Estimate how often each choice is made in a place, from coarse counts to fine ones.

    Each level's shares are the prior of the next, worth `weight` attempts (a Dirichlet-multinomial
    hierarchy; MacKay and Peto 1995).

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
