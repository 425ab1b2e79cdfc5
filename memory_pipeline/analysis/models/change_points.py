"""Since when do attempts with a value end differently than expected (change-point detection)?

The whole history is available, so changes are tested for in all of it at once, with an error rate, instead
of monitored attempt by attempt.

`learning.trend` detects another kind of change: whether one monthly measure, of which only values and
intervals are left, changed its level. Here every attempt is available with what was expected of it. So a
change of the case mix does not count as a change, hundreds of values are tested at once, and the date lies
between two attempts.

References
----------
1. Ploberger and Krämer (1992), The CUSUM test with OLS residuals, Econometrica 60.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import kolmogorov

from memory_pipeline.analysis.features.columns import unit_codes
from memory_pipeline.analysis.features.encoding import encode_conditions
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.text import name_factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.features.encoding import Encoding


_LEAST_ATTEMPTS = 100
_UNIT_WEIGHT = 5.0
_LEAST_UNITS = 8
_LEAST_CHANGE = 0.05
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
        Adjusted for all values tested (Bonferroni).
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
    level: float = 0.01,
) -> tuple[Change, ...]:
    """Find the values of columns with which attempts end differently from some time on.

    For each value, residuals are summed in the order of time: success less expectation, less the mean of
    their month (a trend of all attempts is no change of one value), less their unit's own mean, shrunk. The
    largest distance of these sums from a straight line, over their standard deviation, is tested by
    Kolmogorov's distribution (the OLS-CUSUM test, ref. 1). The variance is that of sums over a unit's
    months, within which attempts are correlated; for a unit with attempts in one month only it is at least
    that of independent attempts. The change is where the distance is largest, between two different times;
    of each column only the value with the largest change is returned.

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
    when = pd.to_datetime(outcomes["occurred_at"], utc=True)
    order = np.argsort(when.to_numpy(), kind="stable")
    residual = is_success(outcomes).astype(float) - expected.to_numpy()
    months = when.dt.strftime("%Y-%m").to_numpy()
    month = np.unique(months.astype(str), return_inverse=True)[1]
    if month.max() + 1 < _LEAST_MONTHS:
        return ()
    residual = residual - (np.bincount(month, residual) / np.bincount(month))[month]
    units = unit_codes(outcomes[unit])
    residual = residual - (np.bincount(units, residual) / (np.bincount(units) + _UNIT_WEIGHT))[units]
    spells = np.unique(units * (month.max() + 1) + month, return_inverse=True)[1]
    # Whether the unit of an attempt has attempts in one month alone.
    is_lone = np.bincount(units[np.unique(spells, return_index=True)[1]])[units] == 1
    encoded = encode_conditions(outcomes, columns, unit=unit, encoding=encoding).frame
    streams: list[Change] = []
    for column in encoded:
        values = encoded[column].astype(str).to_numpy()
        for value in sorted(set(values) - {OTHER, MISSING}):
            rows = order[values[order] == value]
            if len(rows) >= _LEAST_ATTEMPTS and len(np.unique(units[rows])) >= _LEAST_UNITS:
                streams.append(
                    _largest_change(
                        (str(column), value), residual[rows], spells[rows], is_lone[rows], when.iloc[rows]
                    )
                )
    # If one value of a column changes, the others seem to change the other way, by less.
    largest: dict[str, Change] = {}
    for one in sorted(streams, key=lambda one: abs(one.difference)):
        p_value = min(1.0, one.p_value * len(streams))
        if p_value <= level and abs(one.difference) >= _LEAST_CHANGE:
            largest[one.column] = replace(one, p_value=p_value)
    return tuple(sorted(largest.values(), key=lambda one: (one.p_value, one.column)))


def _largest_change(
    condition: tuple[str, str],
    residual: Floats,
    spell: NDArray[np.int64],
    is_lone: NDArray[np.bool_],
    when: pd.Series,
) -> Change:
    """Find where the sums of residuals are furthest from a straight line, and the p-value of that."""
    count = len(residual)
    sums = np.cumsum(residual)
    bridge = sums - np.arange(1, count + 1) / count * sums[-1]
    centred = residual - residual.mean()
    squares = np.bincount(spell, centred) ** 2
    # Subtracting the mean of a unit with attempts in one month only removes nearly all its variance.
    lone = np.bincount(spell, is_lone) > 0
    squares[lone] = np.maximum(squares, np.bincount(spell, centred**2))[lone]
    spread = float(np.sqrt(squares.sum()))
    # Attempts of the same time have no order: a change cannot be between them.
    moments = when.to_numpy()
    bridge[:-1][moments[1:] == moments[:-1]] = 0.0
    at = min(int(np.argmax(np.abs(bridge))), count - 2)
    difference = float(residual[at + 1 :].mean() - residual[: at + 1].mean())
    statistic = float(np.abs(bridge[at])) / spread if spread > 0 else 0.0
    return Change(
        column=condition[0],
        value=condition[1],
        since=when.iloc[at + 1].isoformat(),
        difference=difference,
        p_value=float(kolmogorov(statistic)),
        before=at + 1,
        after=count - at - 1,
    )


def change_clause(change: Mapping[str, Any]) -> str:
    """Write what a detected change is: `attempts with tool = b do worse since 2026-03-04 (by 31 points …)`.

    Parameters
    ----------
    change
        As `Change.to_dict` returns it.
    """
    direction = "better" if change["difference"] > 0 else "worse"
    return (
        f"attempts with {name_factor(change['column'], change['value'])} do {direction} since "
        f"{change['since'][:10]} (by {abs(100 * change['difference']):.0f} points against expectation)"
    )


def drift_sentence(change: Mapping[str, Any]) -> str:
    """Write a detected change, and what follows for advice, as a sentence."""
    what = change_clause(change)
    return (
        f"{what[0].upper()}{what[1:]}: the {change['before']:,} attempts with it from before no longer count."
    )
