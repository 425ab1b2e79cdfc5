"""How large is a finding likely to be, given that it was picked from many because it looked large?

The largest differences of a search are partly chance: what just passes its threshold is on average a good
deal smaller on other attempts, what passes it by far is not. Two cautious estimates allow for that:

- the median-unbiased one given that the statistic exceeds its threshold: the size at which a statistic above
  the threshold, normal with variance 1, would exceed the observed one half of the time (ref. 1);
- the posterior mean under the prior of everything searched (`replicability.EffectPrior`).

The first is far too small close to the threshold; the second is too small for large effects, since the prior
is that of many small ones. The larger of the two is reported.

The interval is the hybrid of two that hold in spite of selection (ref. 2): the conditional one of ref. 1, and
the one that holds for all combinations at once, whose width is that of the threshold. Each is too wide where
the other is not. Towards larger effects it is the plain interval. Towards 0 it goes no further than the test
does, which excludes 0: to the share of the difference by which the statistic exceeds its threshold.

References
----------
1. Zhong and Prentice (2008), Bias-reduced estimators and confidence intervals for odds ratios in genome-wide
   association studies, Biostatistics 9.
2. Andrews, Kitagawa and McCloskey (2024), Inference on winners, Quarterly Journal of Economics 139.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Numbers

_PLAIN = float(stats.norm.isf(0.025))
_HALVINGS = 60
_FAR = 6.0
"""Beyond its threshold by this much, selection changes nothing; the tails are not computed."""
_LEAST, _HIGHEST = -30.0, 30.0
"""Means and scores that are told apart."""


class Selected(NamedTuple):
    """Sizes of findings that allow for their selection, shape (findings,) each.

    Attributes
    ----------
    likely
        The difference that is likely, between 0 and the observed one.
    low, high
        Bounds of its 95% interval.
    """

    likely: Numbers
    low: Numbers
    high: Numbers


def allow_for_selection(
    difference: Numbers, bounds: tuple[Numbers, Numbers], score: Numbers, threshold: Numbers, shrunk: Numbers
) -> Selected:
    """Estimate how large findings are, given that each passed a threshold.

    Parameters
    ----------
    difference, bounds
        Observed differences with their plain 95% intervals, shape (findings,) each.
    score
        Their statistics, as absolute normal deviates, shape (findings,).
    threshold
        What each statistic had to exceed, shape (findings,).
    shrunk
        Share of each effect that its posterior mean is, in [0, 1], shape (findings,).
    """
    sign = np.where(difference < 0, -1.0, 1.0)
    size = sign * difference
    low, high = np.where(sign > 0, bounds[0], -bounds[1]), np.where(sign > 0, bounds[1], -bounds[0])
    score = np.minimum(score, _HIGHEST)
    threshold = np.minimum(threshold, score)
    median = _mean_given_passed(score, threshold, 0.5)
    least = _mean_given_passed(score, threshold, 0.025)
    share = np.divide(median, score, out=np.ones(len(score)), where=score > 0)
    likely = size * np.clip(np.maximum(share, shrunk), 0.0, 1.0)
    # The plain interval reaches 1.96 standard errors down.
    down = np.minimum(score - least, np.maximum(threshold, _PLAIN)) / _PLAIN
    excess = 1 - np.divide(threshold, score, out=np.ones(len(score)), where=score > 0)
    low = np.minimum(np.maximum(size - (size - low) * np.maximum(down, 1.0), size * excess), low)
    return Selected(sign * likely, np.where(sign > 0, low, -high), np.where(sign > 0, high, -low))


def _mean_given_passed(score: Numbers, threshold: Numbers, probability: float) -> Numbers:
    """Solve for the mean at which a statistic above its threshold exceeds the score with a probability.

    The statistic is normal with variance 1, and passes the threshold on either side. The probability rises
    with the mean, so the solution is found by halving.
    """
    plain = score - stats.norm.isf(probability)
    low, high = np.full(len(score), _LEAST), plain + 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        passes = np.logaddexp(stats.norm.logsf(threshold - middle), stats.norm.logcdf(-threshold - middle))
        is_small = stats.norm.logsf(score - middle) - passes < np.log(probability)
        low, high = np.where(is_small, middle, low), np.where(is_small, high, middle)
    mean: Numbers = np.where(score - threshold > _FAR, plain, high)
    return mean
