"""How likely is a finding to replicate on later attempts?

`confidence` of a pattern is the probability that on later attempts its difference has the same sign.
Three things lower it, and all three are estimated from the search itself: that there is no effect (the
share of all combinations without any; ref. 1), that its size is overestimated (the winner's curse: the
largest differences of a large search are partly chance) and that effects change with time (how much more
the findings differ between the earlier and the later half of the history than by chance; ref. 2).

References
----------
1. Efron (2010), Large-scale inference, chapters 2 and 5 (two groups, local false discovery rate).
2. Durbin and Koopman (2012), Time series analysis by state space methods, section 2 (local level).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.evidence.periods import later_rows
from memory_pipeline.analysis.stats.clustered_tests import CellTests, cell_tests, concatenate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats, Mask
    from memory_pipeline.analysis.evidence.evidence import Evidence
    from memory_pipeline.analysis.stats.grouped_sample import Sample


_STEPS = 200
_PRIOR_FINDINGS = 4
"""Weight of the mean drift of all findings in the drift of one, as a number of findings."""
_LARGEST_DRIFT = 0.5


@dataclass(frozen=True)
class EffectPrior:
    """The prior of effects: zero, or normal around zero (two-groups model, ref. 1).

    Attributes
    ----------
    share
        Share of the combinations that have an effect.
    variance
        Variance of the effects of those.
    """

    share: float
    variance: float

    @classmethod
    def fit(cls, difference: Floats, variance: Floats) -> EffectPrior:
        """Estimate the prior by expectation maximisation, from differences and variances, shape (tests,)."""
        known = variance > 0
        difference, variance = difference[known], variance[known]
        if len(difference) == 0:
            return cls(0.0, 0.0)
        squares = difference**2
        share, spread = 0.1, max(float((squares - variance).max()), 1e-6) / 2
        for _ in range(_STEPS):
            has = cls(share, spread).probability_of_effect(difference, variance)
            weight = spread / (spread + variance)
            moment = (weight * difference) ** 2 + weight * variance
            new_share, total = float(has.mean()), float(has.sum())
            new_spread = float((has * moment).sum()) / total if total > 0 else 0.0
            settled = abs(new_share - share) < 1e-6 and abs(new_spread - spread) < 1e-8  # noqa: PLR2004
            share, spread = new_share, new_spread
            if settled or share == 0 or spread == 0:
                break
        return cls(share, spread)

    def probability_of_effect(self, difference: Floats, variance: Floats) -> Floats:
        """Compute the posterior probability that there is an effect, shape (tests,)."""
        if self.share <= 0 or self.variance <= 0:
            return np.zeros(len(difference))
        ratio = 0.5 * difference**2 * (1 / variance - 1 / (variance + self.variance))
        ratio += 0.5 * np.log(variance / (variance + self.variance))
        odds = self.share / max(1 - self.share, 1e-12)
        with np.errstate(over="ignore"):
            probability: Floats = 1 / (1 + np.exp(-ratio) / odds)
        return probability

    def shrinkage(self, difference: Floats, variance: Floats) -> Floats:
        """Compute the share of each difference that its posterior mean is, in [0, 1], shape (tests,)."""
        total = self.variance + variance
        kept = np.divide(self.variance, total, out=np.zeros(len(variance)), where=total > 0)
        share: Floats = kept * self.probability_of_effect(difference, variance)
        return share


NO_EFFECTS = EffectPrior(0.0, 0.0)


@dataclass(frozen=True)
class Halves:
    """The same findings tested on the earlier and on the later half of the history."""

    earlier: CellTests
    later: CellTests

    def drift_variance(self) -> Floats:
        """Estimate the variance of each finding's change from one half to the next, shape (findings,).

        The moment estimate over all findings, averaged with that of each finding itself.
        """
        usable = (self.earlier.n > 0) & (self.later.n > 0)
        change = (self.later.effect - self.earlier.effect) ** 2
        noise = self.earlier.effect_variance + self.later.effect_variance
        excess = np.where(usable, change - noise, 0.0)
        common = max(float(excess[usable].mean()), 0.0) if usable.any() else 0.0
        own = (_PRIOR_FINDINGS * common + np.maximum(excess, 0.0)) / (_PRIOR_FINDINGS + 1)
        return np.minimum(own, _LARGEST_DRIFT**2)


def halves_of(evidence: Evidence, sample: Sample, inside: Sequence[Mask], *, icc: float) -> Halves | None:
    """Test findings on the earlier and on the later half of the history; None where it has no periods.

    Parameters
    ----------
    evidence, sample
        The history, and its attempts with the target.
    inside
        By finding: which collapsed rows it covers, shape (rows,).
    icc
        Intraclass correlation of the target within units.
    """
    later = later_rows(evidence, 0.5)
    if later is None or not inside:
        return None
    parts = []
    for half in (~later, later):
        part = sample.part(half)
        tests = [cell_tests(part, one[half].astype(np.int64), np.array([1]), icc=icc) for one in inside]
        parts.append(concatenate(tests))
    return Halves(*parts)


def probability_to_hold(tests: CellTests, prior: EffectPrior, halves: Halves | None) -> Floats:
    """Compute the probability that each finding has the same sign on as many later attempts.

    A finding without an effect has the same sign half of the time. One with an effect follows a local
    level model: its effect in each half of the history is the one before plus a normal step (ref. 2).

    Parameters
    ----------
    tests
        The findings.
    prior
        The prior of the effects of everything searched.
    halves
        The findings on the halves of the history; None where there is no time, and so no drift.

    Returns
    -------
    array, shape (findings,)
    """
    if len(tests.n) == 0:
        return np.zeros(0)
    effect, variance = tests.effect, np.maximum(tests.effect_variance, 1e-12)
    has = prior.probability_of_effect(effect, variance)
    if halves is None:
        weight = prior.variance / (prior.variance + variance)
        mean, spread = weight * effect, weight * variance
    else:
        step = halves.drift_variance()
        mean, spread = np.zeros(len(tests.n)), np.full(len(tests.n), prior.variance)
        for half in (halves.earlier, halves.later):
            seen = (half.n > 0) & (half.effect_variance > 0)
            gain = np.where(seen, spread / (spread + np.maximum(half.effect_variance, 1e-12)), 0.0)
            mean = mean + gain * (np.where(seen, half.effect, 0.0) - mean)
            spread = (1 - gain) * spread + step
    same = stats.norm.cdf(np.sign(effect) * mean / np.sqrt(spread + variance))
    probability: Floats = np.clip(has * same + (1 - has) * 0.5, 0.0, 1.0)
    return probability
