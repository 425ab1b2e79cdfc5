"""Has something stopped working, or begun to? Change detection per setting and context value.

What belongs here: finding changes in how attempts end against what was expected of them, and leaving out the
evidence that a change made stale. History is at hand as a whole, so changes are looked for in all of it
at once, with an error rate, instead of by an alarm that watches attempts come in.

`learning.trend` is another detector for another question: whether one monthly measure, of which only values
and intervals are left, changed its level. Here every attempt is at hand with what was expected of it, so that
a change of the case mix is no change, hundreds of values are tested at once, and the date parts attempts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from memory_pipeline.analysis.features.columns import unit_codes
from memory_pipeline.analysis.features.encoding import encode_for_models
from memory_pipeline.analysis.features.outcomes import is_success
from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.text import name_factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats


_LEAST_ATTEMPTS = 100
_UNIT_WEIGHT = 5.0
_LEAST_UNITS = 8
_LEAST_CHANGE = 0.05
_LEAST_MONTHS = 3
"""Within a month, better times for all cannot be told from a change of one value."""


@dataclass(frozen=True)
class Change:
    """A value of a column whose attempts end otherwise than before.

    Attributes
    ----------
    column, value
        Encoded condition.
    since
        When it began, ISO 8601.
    difference
        Success against expectation after less before, compared with other attempts of the same months.
    p_value
        Adjusted for all values looked at (Bonferroni).
    before, after
        Attempts on both sides.
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
    outcomes: pd.DataFrame, expected: pd.Series, *, columns: Sequence[str], unit: str, level: float = 0.01
) -> tuple[Change, ...]:
    """Find the values of columns since when attempts end otherwise than expected.

    For each value, the residuals are summed up in the order of time: success less expectation, less the
    mean of their month (better times for all are no change), less their unit's own mean, shrunk. The
    largest distance of these sums from a straight line, over their standard deviation, is tested by
    Kolmogorov's distribution (the OLS-CUSUM test of Ploberger and Kramer 1992). The deviation is taken
    over a unit's months, within which what is broken stays broken; for a unit of one month alone it is never
    less than that of independent attempts. The change is where the distance is largest, between two moments;
    of each column the value with the largest change counts.

    Parameters
    ----------
    outcomes
        Flat attempts with `occurred_at`, shape (attempts, any).
    expected
        Expected success of each attempt, from a model that knows no time.
    columns, unit
        Approach and context columns to look at; the column whose values repeat.
    level
        Family-wise error rate over all values looked at.

    Returns
    -------
    tuple of Change
        The surest first. Values with fewer than 100 attempts or 8 units, and changes of fewer than 5
        points, are left out. A history of fewer than 3 months has none.
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
    encoded = encode_for_models(outcomes, columns, unit=unit).frame
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
    # Of a column's values, the one that changed moves most; the others only lie on its other side.
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
    """Find where the sums of residuals are furthest from a straight line, and how surprising that is."""
    count = len(residual)
    sums = np.cumsum(residual)
    bridge = sums - np.arange(1, count + 1) / count * sums[-1]
    centred = residual - residual.mean()
    squares = np.bincount(spell, centred) ** 2
    # A unit that occurs in one month alone has lost its mean, and with it nearly all that the month shows.
    lone = np.bincount(spell, is_lone) > 0
    squares[lone] = np.maximum(squares, np.bincount(spell, centred**2))[lone]
    spread = float(np.sqrt(squares.sum()))
    # Of attempts of the same moment none is before the other.
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
        p_value=float(stats.kstwobign.sf(statistic)),
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


def say_change(change: Mapping[str, Any]) -> str:
    """Write a detected change, and what follows for advice, as a sentence."""
    what = change_clause(change)
    return (
        f"{what[0].upper()}{what[1:]}: the {change['before']:,} attempts with it from before no longer count."
    )
