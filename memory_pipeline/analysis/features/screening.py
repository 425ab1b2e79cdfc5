"""Which columns are worth a search, where a history has hundreds?

The combinations of a search grow with the third power of the columns. So of many columns those that go with
the target most by themselves are searched (sure independence screening, Fan and Lv 2008, JRSS B 70), and the
rest is left out and said to be. The cost is one pass over each column.

The choice has seen the outcome. A search of the chosen columns must not have the whole error rate for itself:
it gets the share `Screening.share`, as one of as many disjoint parts of the columns would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.features.columns import unit_codes
from memory_pipeline.analysis.features.encoding import FLOORS, Floors, learn_conditions
from memory_pipeline.analysis.names import MISSING, OTHER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from memory_pipeline.analysis.arrays import Floats, Ints, Mask


MAX_COLUMNS = 40
"""Columns that are searched at most."""
_SHOWN = 10


@dataclass(frozen=True)
class Screening:
    """Which columns stay, and which are left out.

    Attributes
    ----------
    kept, left_out
        Columns, in the order in which they were given.
    """

    kept: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of the columns that stay; of the error rate, that of their search."""
        return len(self.kept) / max(len(self.kept) + len(self.left_out), 1)


def describe_left_out(left_out: Sequence[str]) -> str:
    """Write which columns are left out: `462: c001, c002, c003 and 459 more`; `none` where none is."""
    shown = ", ".join(left_out[:_SHOWN])
    rest = len(left_out) - _SHOWN
    return (
        "none" if not left_out else f"{len(left_out):,}: {shown}{f' and {rest:,} more' if rest > 0 else ''}"
    )


def screen_columns(
    outcomes: pd.DataFrame,
    columns: Sequence[str],
    *,
    hits: Mask,
    unit: str | None,
    most: int = MAX_COLUMNS,
    always: Collection[str] = (),
    floors: Floors = FLOORS,
) -> Screening:
    """Choose the columns that go with a target most, each by itself; all of them where there are few.

    For each value of a column, the attempts with the target beyond the common rate are summed by unit; their
    sum over the units, over its standard error with units as witnesses, is tested by the t distribution. A
    column has the smallest p-value of its values, times their number.

    Parameters
    ----------
    outcomes
        Flat attempts, shape (attempts, any).
    columns
        The columns to choose from.
    hits
        Which attempts end in the target, shape (attempts,).
    unit
        Column of the evidence unit; None: attempts are the witnesses.
    most
        Columns that stay at most.
    always
        Columns that stay in any case, within `most`.
    floors
        What a value must have to count.
    """
    if len(columns) <= most:
        return Screening(tuple(columns))
    encoding = learn_conditions(outcomes, columns, unit=unit, floors=floors)
    units = np.arange(len(outcomes)) if unit is None else unit_codes(outcomes[unit])
    residual = hits - (hits.mean() if len(hits) else 0.0)
    scores = {}
    for column in columns:
        encoded = encoding.part([column]).apply(outcomes)
        p_values = [_p_value(encoded[name], residual, units) for name in encoded]
        scores[column] = min(p_values, default=1.0)
    ranked = sorted(columns, key=lambda column: (column not in always, scores[column], str(column)))
    chosen = set(ranked[:most])
    kept = tuple(column for column in columns if column in chosen)
    return Screening(kept, tuple(column for column in columns if column not in chosen))


def _p_value(column: pd.Series, residual: Floats, units: Ints) -> float:
    """Return the smallest p-value of the values of a categorical column, times their number; at most 1."""
    names = list(column.cat.categories)
    size = int(units.max(initial=0)) + 1
    cells, place = np.unique(column.cat.codes.to_numpy(dtype=np.int64) * size + units, return_inverse=True)
    level = cells // size
    sums = np.bincount(place, weights=residual)
    total = np.bincount(level, weights=sums, minlength=len(names))
    squares = np.bincount(level, weights=sums**2, minlength=len(names))
    witnesses = np.bincount(level, minlength=len(names))
    tested = np.array([name not in {MISSING, OTHER} for name in names], dtype=bool)
    tested &= (witnesses > 1) & (squares > 0)
    if not tested.any():
        return 1.0
    statistic = np.abs(total[tested]) / np.sqrt(squares[tested])
    found = 2 * stats.t.sf(statistic, witnesses[tested] - 1) * tested.sum()
    return float(min(found.min(), 1.0))
