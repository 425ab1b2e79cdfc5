"""Since when do attempts with a value end differently than expected (change-point detection)?

The whole history is available, so changes are tested for in all of it at once, with an error rate, instead
of monitored attempt by attempt. Units, and nothing smaller, are independent: what is broken may stay broken
for as long as it likes.

`learning.trend` detects another kind of change: whether one monthly measure, of which only values and
intervals are left, changed its level. Here every attempt is available with what was expected of it. So a
change of the case mix does not count as a change, hundreds of values are tested at once, and the date lies
between two attempts.

References
----------
1. Ploberger and Krämer (1992), The CUSUM test with OLS residuals, Econometrica 60.
2. Andrews (1993), Tests for parameter instability and structural change with unknown change point,
   Econometrica 61 (the largest of the standardised statistics of all splits).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.features.columns import unit_codes
from memory_pipeline.analysis.features.encoding import encode_conditions
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.stats.clustered_tests import jackknife_variance
from memory_pipeline.analysis.stats.sign_draws import SignDraws, family_wise_p_values, normal_scores
from memory_pipeline.analysis.stats.unit_scores import UnitScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.features.encoding import Encoding


_LEAST_ATTEMPTS = 100
_UNIT_WEIGHT = 5.0
_LEAST_UNITS = 8
_LEAST_CHANGE = 0.05
_ALIKE = 0.3
"""Correlation of a unit's attempts within a month that their weights allow for."""
_SPLITS = 32
_LEAST_SIDE = 0.1
"""Least share of the attempts on either side of a split."""
_DRAWS = 499
_LEAST_MONTHS = 3
"""Within a month, a change for all attempts cannot be distinguished from a change of one value."""


@dataclass(frozen=True)
class Change:
    """A value of a column whose attempts end differently than before.

    Attributes
    ----------
    column, value
        Encoded condition.
    since
        Time of the first attempt after the change, ISO 8601.
    difference
        Mean residual (success less expectation) after the change less before it, relative to other attempts
        of the same months.
    p_value
        Family-wise, over all values and splits tested, by resampling.
    before, after
        Attempts before and after the change.
    """

    column: str
    value: str
    since: str
    difference: float
    p_value: float
    before: int
    after: int

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON-able values."""
        return asdict(self)


def find_changes(
    outcomes: pd.DataFrame,
    expected: pd.Series,
    *,
    columns: Sequence[str],
    unit: str,
    encoding: Encoding | None = None,
    encoded: pd.DataFrame | None = None,
    level: float = 0.01,
) -> tuple[Change, ...]:
    """Find the values of columns with which attempts end differently from some time on.

    For each value, residuals before and after a split are compared, for 32 splits: success less expectation,
    less the mean of their month (a trend of all attempts is no change of one value), less their unit's own
    mean, shrunk. Attempts of a unit within a month weigh `1 / (1 + 0.3 (n - 1))`, so that no unit sets the
    mean of a month alone. The variance is that between units, with each left out in turn
    (`stats.clustered_tests`), and at least that of independent attempts. The largest statistic of all splits
    (ref. 2) and values is compared with what it is where each unit's scores have random signs
    (`stats.sign_draws`). The change is where the sum of residuals is furthest from a straight line (ref. 1),
    between two different times; of each column only the value with the largest change is returned.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    expected
        Expected success of each attempt, from a model without time, shape (attempts,).
    columns, unit
        Approach and context columns to test; the column of the evidence unit.
    encoding
        Learned before on this history (`features.encoding`), as a rebuild does once; None: it is learned.
    encoded
        The columns as categories, where they are encoded already, shape (attempts, encoded columns).
    level
        Family-wise error rate over all values tested.

    Returns
    -------
    tuple of Change
        Sorted by p-value. Values with fewer than 100 attempts or 8 units, and changes of fewer than 5
        points, are left out. Empty for a history of fewer than 3 months.
    """
    if len(outcomes) < _LEAST_ATTEMPTS:
        return ()
    # A column with a time zone would become Python objects, one for each attempt.
    when = pd.to_datetime(outcomes["occurred_at"], utc=True).dt.tz_localize(None).to_numpy()
    order = np.argsort(when, kind="stable")
    residual = is_success(outcomes).astype(float) - expected.to_numpy()
    month = np.unique(when.astype("datetime64[M]"), return_inverse=True)[1]
    if month.max() + 1 < _LEAST_MONTHS:
        return ()
    units = unit_codes(outcomes[unit])
    together = np.unique(units * (month.max() + 1) + month, return_inverse=True)[1]
    weight = 1 / (1 + _ALIKE * (np.bincount(together)[together] - 1))
    residual = residual - (np.bincount(month, weight * residual) / np.bincount(month, weight))[month]
    sizes = np.bincount(units, weight)
    residual = residual - (np.bincount(units, weight * residual) / (sizes + _UNIT_WEIGHT))[units]
    if encoded is None:
        encoded = encode_conditions(outcomes, columns, unit=unit, encoding=encoding).frame
    null = SignDraws(np.bincount(units).astype(float), _DRAWS, seed=0)
    streams: list[Change] = []
    largest_score: list[float] = []
    for column in encoded:
        codes = encoded[column].cat.codes.to_numpy()[order]
        levels = {str(level): code for code, level in enumerate(encoded[column].cat.categories)}
        for value in sorted(set(levels) - {OTHER, MISSING}):
            rows = order[codes == levels[value]]
            if len(rows) < _LEAST_ATTEMPTS or len(np.unique(units[rows])) < _LEAST_UNITS:
                continue
            streams.append(_largest_change((str(column), value), residual[rows], when[rows]))
            score = _split_scores(residual[rows], weight[rows], units[rows], when[rows], null)
            largest_score.append(score)
    p_values = family_wise_p_values(np.array(largest_score), np.sort(null.maxima))
    # If one value of a column changes, the others seem to change the other way, by less.
    largest: dict[str, Change] = {}
    for one, p_value in sorted(
        zip(streams, p_values.tolist(), strict=True), key=lambda pair: abs(pair[0].difference)
    ):
        if p_value <= level and abs(one.difference) >= _LEAST_CHANGE:
            largest[one.column] = replace(one, p_value=p_value)
    return tuple(sorted(largest.values(), key=lambda one: (one.p_value, one.column)))


def _split_scores(
    residual: Floats, weight: Floats, units: NDArray[np.int64], moments: NDArray[Any], null: SignDraws
) -> float:
    """Return the largest score of all splits of one value's attempts, and test them in every draw too.

    Parameters
    ----------
    residual, weight, units, moments
        Of the attempts in the order of time, shape (attempts,).
    null
        The draws; their largest scores are updated.
    """
    ends = np.flatnonzero(moments[1:] != moments[:-1]) + 1  # a change cannot be within one time
    share = np.cumsum(weight)[ends - 1] / weight.sum()
    wanted = np.linspace(_LEAST_SIDE, 1 - _LEAST_SIDE, _SPLITS)
    ends = ends[(share >= _LEAST_SIDE) & (share <= 1 - _LEAST_SIDE)]
    if len(ends) == 0:
        return 0.0
    share = np.cumsum(weight)[ends - 1] / weight.sum()
    ends = np.unique(ends[np.minimum(np.searchsorted(share, wanted), len(ends) - 1)])
    residual = residual - np.average(residual, weights=weight)
    part = np.searchsorted(ends, np.arange(len(residual)), side="right")
    size, parts = null.units, len(ends) + 1
    key = part * size + units
    sums, before, squares = (
        np.bincount(key, one, parts * size).reshape(parts, size)
        for one in (weight * residual, weight, weight**2)
    )
    score = np.cumsum(sums, axis=0)[:-1]
    before, whole = np.cumsum(before, axis=0)[:-1], before.sum(axis=0)
    first = before.sum(axis=1, keepdims=True) / whole.sum()
    score = score - first * sums.sum(axis=0)
    information = before * (1 - first) ** 2 + (whole - before) * first**2
    early = np.cumsum(squares.sum(axis=1))[:-1]
    independent = early * (1 - first[:, 0]) ** 2 + (squares.sum() - early) * first[:, 0] ** 2
    total, sum_of_scores = information.sum(axis=1), score.sum(axis=1)
    variance, degrees = jackknife_variance(score, information, sum_of_scores / total)
    least = float(np.average(residual**2, weights=weight)) * independent
    known = np.isfinite(variance) & (least > 0)
    scores = UnitScores(sum_of_scores, score, information, total, least, 0 * total, np.ones(len(total)))
    null.update(scores, degrees, known, 0.0)
    t = np.abs(sum_of_scores) / np.sqrt(np.maximum(np.where(known, variance, np.inf), least))
    return float(np.where(known, normal_scores(t, degrees), 0.0).max())


def _largest_change(condition: tuple[str, str], residual: Floats, moments: NDArray[Any]) -> Change:
    """Find where the sums of residuals are furthest from a straight line."""
    count = len(residual)
    sums = np.cumsum(residual)
    bridge = sums - np.arange(1, count + 1) / count * sums[-1]
    # Attempts of the same time have no order: a change cannot be between them.
    bridge[:-1][moments[1:] == moments[:-1]] = 0.0
    at = min(int(np.argmax(np.abs(bridge))), count - 2)
    return Change(
        column=condition[0],
        value=condition[1],
        since=pd.Timestamp(moments[at + 1], tz="UTC").isoformat(),
        difference=float(residual[at + 1 :].mean() - residual[: at + 1].mean()),
        p_value=1.0,
        before=at + 1,
        after=count - at - 1,
    )
