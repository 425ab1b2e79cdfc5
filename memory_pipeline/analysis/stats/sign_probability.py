"""How probable is the sign of each of several effects (one less the local false sign rate)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Floats


_SPREADS = np.geomspace(0.001, 1.0, 60)
_USUAL_SPREAD = 0.1


def direction_confidence(effects: Floats, standard_errors: Floats) -> Floats:
    """Compute the posterior probability that each effect has the sign of its estimate.

    Effects are taken as drawn from a normal distribution around zero whose standard deviation is estimated
    from all of them (in the manner of empirical Bayes, Efron and Morris 1973), averaged over a grid of
    standard deviations with a half-Cauchy prior of scale 0.1 (Gelman 2006), so that a few effects do not
    determine it. Where all estimates look like noise it is small and the probabilities stay near one half.

    Parameters
    ----------
    effects, standard_errors
        Differences of success rates, shape (effects,); errors are positive.

    Returns
    -------
    array, shape (effects,)
        Between 0.5 and 1.
    """
    if len(effects) == 0:
        return np.zeros(0)
    spread = _SPREADS[:, None]
    total = np.sqrt(spread**2 + standard_errors**2)
    fit = stats.norm.logpdf(effects, scale=total).sum(axis=1)
    # The grid is even in log(spread), so the prior density is times the spread.
    prior = np.log(_SPREADS) - np.log1p((_SPREADS / _USUAL_SPREAD) ** 2)
    weight = np.exp(fit + prior - (fit + prior).max())
    weight /= weight.sum()
    sure = stats.norm.cdf(np.abs(effects) * spread / (standard_errors * total))
    # The weights add up to one but for rounding.
    return np.asarray(np.clip(weight @ sure, 0.5, 1.0))


def normal_equivalent_errors(effects: Floats, p_values: Floats) -> Floats:
    """Compute the standard errors with which a normal test would have had the same p-values.

    So a t-test with few degrees of freedom gets the larger standard error that its p-value implies.

    Parameters
    ----------
    effects, p_values
        Estimates and their two-sided p-values, shape (effects,).
    """
    z = stats.norm.isf(np.clip(p_values, 1e-300, 1 - 1e-6) / 2)
    return np.asarray(np.maximum(np.abs(effects), 1e-9) / z)
