"""Which candidate is picked: the one expected to succeed most often, or one by Thompson sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.names import OTHER
from memory_pipeline.analysis.recommendations.posterior import (
    _TIE,
    INDIFFERENCE,
    ContextPosterior,
    confidence_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy_model import Limits


_RESHAPING = 0.5
_SURELY_WORSE = 0.8


@dataclass(frozen=True)
class Choice:
    """The candidate picked in a context.

    Attributes
    ----------
    index
        Number of the advised candidate; None where the evidence is not enough.
    best
        Number of the candidate that looks best, advised or not; None where no candidate may be advised.
    confidence
        Posterior probability that `best` succeeds more often than the usual mix.
    probabilities
        Probability that each candidate is picked, shape (candidates,); the past shares where nothing is
        advised.
    """

    index: int | None
    best: int | None
    confidence: float
    probabilities: Floats


def choose(
    posterior: ContextPosterior,
    limits: Limits,
    *,
    rng: np.random.Generator | None = None,
    picked: int | None = None,
) -> Choice:
    """Pick the candidate with the highest posterior mean, or by Thompson sampling where exploration is on.

    Candidates within one percentage point of the best are a tie, and so are those within two points that are
    as good with a probability above 0.2. Of tied candidates the one most often chosen wins, so that a setting
    that makes no difference stays as it is.

    Parameters
    ----------
    posterior
        Of the candidates in the context.
    limits
        What advice has to meet.
    rng
        Source of chance for Thompson sampling.
    picked
        Number of the candidate that was drawn already, by the `probabilities` of an earlier choice; None to
        draw one. Not used where exploration is off.
    """
    advisable = np.array([OTHER not in c.key for c in posterior.candidates], dtype=bool)
    if limits.exploration > 0 and advisable.any():
        return _explore(posterior, advisable, limits.exploration, rng or np.random.default_rng(), picked)
    supported = np.array(
        [
            c.support >= limits.min_sample_size and c.support_units >= limits.min_units
            for c in posterior.candidates
        ],
        dtype=bool,
    )
    eligible = advisable & supported
    if not eligible.any():
        return Choice(None, None, 0.0, posterior.shares)
    leader = int(np.argmax(np.where(eligible, posterior.rates, -np.inf)))
    best = int(np.argmax(np.where(eligible & _ties(posterior, leader), posterior.shares, -1.0)))
    confidence = confidence_of(posterior.draws[best], posterior)
    if confidence < limits.confidence_threshold:
        return Choice(None, best, confidence, posterior.shares)
    return Choice(best, best, confidence, np.eye(len(posterior.candidates))[best])


def _ties(posterior: ContextPosterior, leader: int) -> NDArray[np.bool_]:
    """Return which candidates are as good as the leading one, as a mask of shape (candidates,)."""
    loss = posterior.draws[leader] - posterior.draws
    mean = loss.mean(axis=1)
    worse = (loss > _TIE).mean(axis=1) + (np.abs(loss) <= _TIE).mean(axis=1) / 2
    return np.asarray((mean <= INDIFFERENCE) | ((mean <= 2 * INDIFFERENCE) & (worse < _SURELY_WORSE)))


def _explore(
    posterior: ContextPosterior,
    advisable: NDArray[np.bool_],
    floor: float,
    rng: np.random.Generator,
    picked: int | None,
) -> Choice:
    """Pick a candidate by Thompson sampling: as often as it is the best in a draw (Thompson 1933).

    A share `floor` of the probability is spread evenly over the advisable candidates. Draws in which no
    approach matters are left out, since every choice is as good there. The others are taken at half their
    distance from the mean (posterior reshaping with alpha 0.5, Chapelle and Li 2011, "An empirical evaluation
    of Thompson sampling"): with many approaches and few attempts the full spread explores for longer than it
    pays.
    """
    draws = posterior.draws[:, np.ptp(posterior.draws, axis=0) > 0]
    if not draws.size:
        draws = posterior.draws
    mean = draws.mean(axis=1, keepdims=True)
    draws = mean + _RESHAPING * (draws - mean)
    # A little noise spreads ties evenly.
    grain = np.random.default_rng(0).random(draws.shape) * _TIE
    winners = np.argmax(np.where(advisable[:, None], draws + grain, -1.0), axis=0)
    wins = np.bincount(winners, minlength=len(advisable)) / draws.shape[1]
    probabilities = (1 - floor) * wins + floor * advisable / advisable.sum()
    if picked is None:
        picked = int(rng.choice(len(advisable), p=probabilities))
    return Choice(picked, picked, confidence_of(posterior.draws[picked], posterior), probabilities)
