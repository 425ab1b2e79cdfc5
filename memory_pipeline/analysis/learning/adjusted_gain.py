"""What does following advice change, where people choose whether to follow it?

Two models, each fitted without the unit that it predicts (cross-fitting, ref. 1): how likely an attempt is
followed (the propensity), and how likely it succeeds. What is left of both is compared::

    gain = sum (followed - propensity) (success - expected) / sum (followed - propensity)^2

(refs. 1 and 2). It is doubly robust: where either model is right, the other's error drops out, and where both
are nearly right, the error is the product of two small ones. Attempts weigh as much as it was open whether
they would be followed (overlap weights, ref. 3); those of which it was all but certain are left out (ref. 4).

Attempts of one unit are compared with each other first: what makes a unit easy, recorded or not, is the same
on both sides then. Only where that would leave less than half of the information, units are compared with
units too, by generalised least squares (as in `stats.unit_scores`). Units are the witnesses: the variance
leaves out one at a time (CR3), with Satterthwaite's degrees of freedom (`stats.clustered_tests`).

References
----------
1. Robinson (1988), Root-N-consistent semiparametric regression, Econometrica 56; Chernozhukov et al. (2018),
   Double/debiased machine learning for treatment and structural parameters, Econometrics Journal 21.
2. Robins, Mark and Newey (1992), Estimating exposure effects by modelling the expectation of exposure
   conditional on confounders, Biometrics 48.
3. Li, Morgan and Zaslavsky (2018), Balancing covariates via propensity score weighting, JASA 113.
4. Crump, Hotz, Imbens and Mitnik (2009), Dealing with limited overlap in estimation of average treatment
   effects, Biometrika 96.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.learning.covariates import covariate_matrix
from memory_pipeline.analysis.models.cross_fitting import cross_fitted_rates, unit_folds
from memory_pipeline.analysis.stats.clustered_tests import jackknife_variance

if TYPE_CHECKING:
    from memory_pipeline.analysis.arrays import Counts, Floats, Mask
    from memory_pipeline.analysis.learning.advised import AdvisedAttempts

CERTAIN = 0.05
"""Propensity below which, or above one less it, an attempt is left out."""
_ENOUGH_WITHIN = 0.5
_LARGEST_CORRELATION = 0.95
_LEAST_ATTEMPTS = 20


@dataclass(frozen=True)
class AdjustedGain:
    """The effect of following, and what it rests on.

    Attributes
    ----------
    gain, margin
        The estimate, and half of its 95% interval; infinite where nothing can be compared.
    followed, not_followed
        Attempts that are compared.
    units_a_side, units
        Units with attempts followed, or those with attempts not followed, whichever are fewer; all units that
        are compared.
    left_out
        Attempts of which it was all but certain whether they would be followed.
    is_within
        Whether attempts are compared within units only.
    rate
        Success that is expected of the attempts that are compared, had they not been followed.
    """

    gain: float
    margin: float
    followed: int
    not_followed: int
    units_a_side: int
    units: int
    left_out: int
    is_within: bool
    rate: float


@dataclass(frozen=True)
class Residuals:
    """What is left of following and of success once both are predicted; all arrays have shape (attempts,).

    Attributes
    ----------
    followed, wins
        0 or 1.
    propensity, expected
        Predicted chances of both.
    unit
        Number of the unit.
    """

    followed: Floats
    wins: Floats
    propensity: Floats
    expected: Floats
    unit: Counts

    @classmethod
    def of(cls, advised: AdvisedAttempts, followed: Floats, wins: Floats, unit: Counts) -> Residuals:
        """Predict both from the covariates, each unit by models that do not know it."""
        if min(followed.sum(), (1 - followed).sum()) < _LEAST_ATTEMPTS:
            return cls(followed, wins, followed, wins, unit)
        matrix = covariate_matrix(advised, (followed, wins))
        fold = unit_folds(unit)
        rates = [cross_fitted_rates(matrix, target, fold) for target in (followed, wins)]
        return cls(followed, wins, rates[0], rates[1], unit)

    def gain(self, rows: Mask) -> AdjustedGain:
        """Estimate what following changed among some attempts."""
        is_open = (self.propensity > CERTAIN) & (self.propensity < 1 - CERTAIN)
        kept = rows & is_open
        left_out = int((rows & ~is_open).sum())
        followed, wins = self.followed[kept], self.wins[kept]
        unit = np.unique(self.unit[kept], return_inverse=True)[1]
        sides = _Sides(followed - self.propensity[kept], wins - self.expected[kept], unit)
        if not len(unit) or not sides.information.sum() > 0:
            return AdjustedGain(0.0, float("inf"), 0, 0, 0, 0, left_out, True, 0.0)
        counts = np.bincount(unit, followed), np.bincount(unit, 1 - followed)
        is_both = (counts[0] > 0) & (counts[1] > 0)
        compared = is_both if sides.is_within else np.ones(len(is_both), dtype=bool)
        gain, margin = sides.estimate()
        inside = compared[unit]
        share = float(followed[inside].mean())
        return AdjustedGain(
            gain=gain,
            margin=margin,
            followed=int(counts[0][compared].sum()),
            not_followed=int(counts[1][compared].sum()),
            units_a_side=int(min(((side > 0) & compared).sum() for side in counts)),
            units=int(compared.sum()),
            left_out=left_out,
            is_within=sides.is_within,
            rate=float(wins[inside].mean()) - gain * share,
        )


class _Sides:
    """Residuals of following and success, and the score and information of each unit."""

    def __init__(self, followed: Floats, wins: Floats, unit: Counts) -> None:
        size = np.maximum(np.bincount(unit), 1)
        means = [np.bincount(unit, values) / size for values in (followed, wins)]
        own = [values - mean[unit] for values, mean in zip((followed, wins), means, strict=True)]
        score, within = np.bincount(unit, own[0] * own[1]), np.bincount(unit, own[0] ** 2)
        total = float(((followed - followed.mean()) ** 2).sum()) if len(unit) else 0.0
        self.is_within = bool(within.sum() >= _ENOUGH_WITHIN * total)
        self.score: Floats = score.astype(np.float64)
        self.information: Floats = within.astype(np.float64)
        if not self.is_within:
            correlation = _correlation(wins - wins.mean(), unit)
            weight = size / (1 + (size - 1) * correlation)
            between = [mean - np.average(mean, weights=weight) for mean in means]
            self.score = score / (1 - correlation) + weight * between[0] * between[1]
            self.information = within / (1 - correlation) + weight * between[0] ** 2

    def estimate(self) -> tuple[float, float]:
        """Return the gain and the margin of its 95% interval."""
        total = float(self.information.sum())
        gain = float(self.score.sum()) / total
        variance, degrees = jackknife_variance(self.score[None], self.information[None], np.array([gain]))
        margin = float(stats.t.ppf(0.975, degrees[0]) * np.sqrt(variance[0])) / total
        return gain, margin if np.isfinite(margin) else float("inf")


def _correlation(residual: Floats, unit: Counts) -> float:
    """Estimate the correlation of two attempts of one unit from the mean product of their residuals."""
    sizes, sums = np.bincount(unit), np.bincount(unit, residual)
    pairs = float((sizes * (sizes - 1.0)).sum())
    variance = float(residual.var())
    if pairs == 0 or variance == 0:
        return 0.0
    products = float((sums**2).sum() - (residual**2).sum()) / pairs
    return float(np.clip(products / variance, 0.0, _LARGEST_CORRELATION))
