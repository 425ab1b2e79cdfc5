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

    Nothing is advised where that candidate is expected to succeed at most one percentage point more often
    than the usual mix. Which of its settings have to be named, so that all others stay as they are, is
    decided afterwards (`recommendations.essential_settings`).

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
    highest = posterior.rates[eligible].max()
    is_best = eligible & (posterior.rates >= highest - _TIE)
    best = int(np.argmax(np.where(is_best, posterior.shares, -1.0)))
    confidence = confidence_of(posterior.draws[best], posterior)
    is_worthwhile = highest - posterior.usual.mean() > INDIFFERENCE
    if confidence < limits.confidence_threshold or not is_worthwhile:
        return Choice(None, best, confidence, posterior.shares)
    return Choice(best, best, confidence, np.eye(len(posterior.candidates))[best])


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
