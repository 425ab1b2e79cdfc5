"""Pick a candidate: the best expected one, or by Thompson sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.names import OTHER
from memory_pipeline.analysis.recommendations.posterior import _TIE, INDIFFERENCE, Outlook, confidence_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.recommendations.policy_model import Limits


_RESHAPING = 0.5
_SURELY_WORSE = 0.8


@dataclass(frozen=True)
class Choice:
    """What is picked in a context.

    Attributes
    ----------
    index
        The advised candidate; None where the evidence is not enough.
    best
        The candidate that looks best, advised or not; None where there is none that may be advised.
    confidence
        Probability that `best` succeeds more often than the usual mix.
    probabilities
        Of each candidate to be picked; the past shares where nothing is advised.
    """

    index: int | None
    best: int | None
    confidence: float
    probabilities: Floats


def choose(outlook: Outlook, limits: Limits, *, rng: np.random.Generator | None = None) -> Choice:
    """Pick a candidate: the best expected, or by Thompson sampling where exploration is on.

    Candidates within a percentage point of the best are a tie, and those within two that may well be as
    good (with a probability over 0.2). The most usual one of them wins: a setting that makes no
    difference stays as it is.
    """
    advisable = np.array([OTHER not in c.key for c in outlook.candidates], dtype=bool)
    if limits.exploration > 0 and advisable.any():
        return _explore(outlook, advisable, limits.exploration, rng or np.random.default_rng())
    supported = np.array(
        [
            c.support >= limits.min_sample_size and c.support_units >= limits.min_units
            for c in outlook.candidates
        ],
        dtype=bool,
    )
    eligible = advisable & supported
    if not eligible.any():
        return Choice(None, None, 0.0, outlook.shares)
    leader = int(np.argmax(np.where(eligible, outlook.rates, -np.inf)))
    best = int(np.argmax(np.where(eligible & _ties(outlook, leader), outlook.shares, -1.0)))
    confidence = confidence_of(outlook.draws[best], outlook)
    if confidence < limits.confidence_threshold:
        return Choice(None, best, confidence, outlook.shares)
    return Choice(best, best, confidence, np.eye(len(outlook.candidates))[best])


def _ties(outlook: Outlook, leader: int) -> NDArray[np.bool_]:
    """Tell which candidates are as good as the leading one, shape (candidates,)."""
    loss = outlook.draws[leader] - outlook.draws
    mean = loss.mean(axis=1)
    worse = (loss > _TIE).mean(axis=1) + (np.abs(loss) <= _TIE).mean(axis=1) / 2
    return np.asarray((mean <= INDIFFERENCE) | ((mean <= 2 * INDIFFERENCE) & (worse < _SURELY_WORSE)))


def _explore(
    outlook: Outlook, advisable: NDArray[np.bool_], floor: float, rng: np.random.Generator
) -> Choice:
    """Pick each candidate as often as it is the best in a draw (Thompson 1933), with a floor for all.

    Draws in which no approach matters have no say: there, every choice is as good. The others are drawn half
    as far from their mean as the posterior says (posterior reshaping with alpha 0.5, Chapelle and Li 2011,
    "An empirical evaluation of Thompson sampling"): with many approaches and few attempts the full spread
    goes on exploring for longer than it pays.
    """
    draws = outlook.draws[:, np.ptp(outlook.draws, axis=0) > 0]
    if not draws.size:
        draws = outlook.draws
    mean = draws.mean(axis=1, keepdims=True)
    draws = mean + _RESHAPING * (draws - mean)
    # A grain of noise shares ties out evenly.
    grain = np.random.default_rng(0).random(draws.shape) * _TIE
    winners = np.argmax(np.where(advisable[:, None], draws + grain, -1.0), axis=0)
    wins = np.bincount(winners, minlength=len(advisable)) / draws.shape[1]
    probabilities = (1 - floor) * wins + floor * advisable / advisable.sum()
    picked = int(rng.choice(len(advisable), p=probabilities))
    return Choice(picked, picked, confidence_of(outlook.draws[picked], outlook), probabilities)
