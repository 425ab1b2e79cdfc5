"""Small samples borrow strength: a cell's rate is drawn towards what is expected of it.

Beta-binomial pooling: a cell that had k successes in n attempts, of which a share m was expected, is given
`(strength * m + k) / (strength + n)`. The strength is fitted, not chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STRENGTHS = np.geomspace(1.0, 10_000.0, 60)
_USUAL_STRENGTH = 300.0
_LOG_SPREAD = 1.5
_EDGE = 1e-4


def fit_strength(attempts: Floats, successes: Floats, expected: Floats) -> float:
    """Fit how many attempts the expectation is worth, by the marginal likelihood of all cells.

    Maximises `sum log BetaBinomial(k; n, strength * m, strength * (1 - m))` over a grid from 1 to 10,000,
    with a log-normal prior around 30 that decides where there are few cells (Kleinman 1973; the
    empirical Bayes of Robinson's and Gelman's rat tumours).

    Parameters
    ----------
    attempts, successes
        Per cell, shape (cells,); need not be whole (discounted for repetition).
    expected
        Expected success rate of each cell, shape (cells,).
    """
    m = np.clip(expected, _EDGE, 1 - _EDGE)
    a = _STRENGTHS[:, None] * m
    b = _STRENGTHS[:, None] * (1 - m)
    likelihood = (betaln(a + successes, b + attempts - successes) - betaln(a, b)).sum(axis=1)
    prior = -0.5 * (np.log(_STRENGTHS / _USUAL_STRENGTH) / _LOG_SPREAD) ** 2
    return float(_STRENGTHS[np.argmax(likelihood + prior)])


def pooled_rate(attempts: Floats, successes: Floats, expected: Floats, strength: float) -> Floats:
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
