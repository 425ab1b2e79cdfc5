"""What who follows advice and how attempts end may depend on, as the columns of a regression.

Numbers enter as splines, so that bands are not needed; categories with each level; time as a spline; and of
the pairs of levels those in which following or success is other than the sum of both makes expect. What goes
with following *or* with success is kept (ref. 1): to leave out what goes weakly with success, and strongly
with following, biases.

References
----------
1. Belloni, Chernozhukov and Hansen (2014), Inference on treatment effects after selection among
   high-dimensional controls, Review of Economic Studies 81 (double selection).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.encoding import FLOORS
from memory_pipeline.analysis.models.cross_fitting import fitted_rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Counts, Floats
    from memory_pipeline.analysis.learning.advised import AdvisedAttempts

_KNOTS = 4
_MOST_LEVELS, _MOST_PAIRED, _MOST_PAIRS = 120, 10, 40
_ATTEMPTS_PER_COLUMN = 10
_LEAST_DEVIATE = 2.0
"""Of a pair of levels: how many standard errors its rate is from the sum of both."""


def covariate_matrix(advised: AdvisedAttempts, targets: Sequence[Floats]) -> Floats:
    """Build the regression matrix of the covariates, with the intercept first.

    Parameters
    ----------
    advised
        The attempts.
    targets
        What is going to be predicted from it: whether advice was followed, whether the attempt succeeded, 0
        or 1, shape (attempts,) each.

    Returns
    -------
    array, shape (attempts, columns)
        Columns: at most one per ten attempts, beside the splines.
    """
    frame = advised.frame
    columns = [np.ones(len(frame)), *_spline(np.asarray(frame["occurred_at"].rank(), dtype=np.float64))]
    coded: list[Counts] = []
    for name in advised.covariates:
        if pd.api.types.is_numeric_dtype(frame[name]):
            columns.extend(_spline(np.asarray(frame[name], dtype=np.float64)))
        else:
            coded.append(np.asarray(pd.factorize(frame[name], use_na_sentinel=False)[0], dtype=np.int64))
    most = len(frame) // _ATTEMPTS_PER_COLUMN
    centred = [target - target.mean() for target in targets]
    spreads = [np.full(len(frame), max(target.var(), 1e-9)) for target in targets]
    strengths = [np.abs(_deviates(codes, centred, spreads)) for codes in coded]
    levels = [
        (float(strength), number, level)
        for number, codes in enumerate(coded)
        for level, strength in enumerate(strengths[number])
        if level != np.bincount(codes).argmax() and strength > 0
    ]
    levels = sorted(levels, reverse=True)[: min(_MOST_LEVELS, most)]
    columns.extend((coded[number] == level).astype(float) for _, number, level in levels)
    main = np.column_stack(columns)
    paired = sorted(range(len(coded)), key=lambda number: -strengths[number].max(initial=0.0))[:_MOST_PAIRED]
    pairs = _pairs([coded[number] for number in sorted(paired)], main, targets)
    return np.column_stack([main, *pairs[: max(min(_MOST_PAIRS, most - len(levels)), 0)]])


def _spline(values: Floats) -> list[Floats]:
    """Return a linear spline with knots at quantiles, in standard deviations; nothing of a constant."""
    spread = values.std()
    if spread == 0:
        return []
    scaled = (values - values.mean()) / spread
    knots = np.unique(np.quantile(scaled, np.linspace(0, 1, _KNOTS + 2)[1:-1]))
    return [scaled, *(np.maximum(scaled - knot, 0.0) for knot in knots)]


def _pairs(coded: Sequence[Counts], main: Floats, targets: Sequence[Floats]) -> list[Floats]:
    """List the indicators of pairs of levels that the sum does not explain, the clearest first."""
    rates = [fitted_rates(main, target) for target in targets]
    residuals = [target - rate for target, rate in zip(targets, rates, strict=True)]
    variances = [rate * (1 - rate) for rate in rates]
    found: list[tuple[float, Counts, int]] = []
    for one, other in combinations(coded, 2):
        pair = one * (int(other.max()) + 1) + other
        strength = np.abs(_deviates(pair, residuals, variances))
        found += [
            (float(strength[cell]), pair, int(cell)) for cell in np.flatnonzero(strength > _LEAST_DEVIATE)
        ]
    found.sort(key=lambda entry: -entry[0])
    return [(pair == cell).astype(float) for _, pair, cell in found[:_MOST_PAIRS]]


def _deviates(codes: Counts, residuals: Sequence[Floats], variances: Sequence[Floats]) -> Floats:
    """Return the largest deviate of each level over the targets, shape (levels,); 0 of rare levels."""
    counts = np.bincount(codes)
    deviates = [
        np.abs(np.bincount(codes, residual)) / np.sqrt(np.maximum(np.bincount(codes, variance), 1e-9))
        for residual, variance in zip(residuals, variances, strict=True)
    ]
    largest: Floats = np.max(deviates, axis=0)
    return np.where(counts >= FLOORS.attempts, largest, 0.0)
