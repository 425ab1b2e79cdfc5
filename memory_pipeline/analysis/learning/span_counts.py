"""Count two spans of the history by unit and condition: all that the explanation of a change needs.

What is estimated from these counts is in `change_parts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.evidence.periods import rows_between
from memory_pipeline.analysis.names import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats, Ints
    from memory_pipeline.analysis.evidence import Evidence

MIN_UNITS = 5
"""Units below which a value is counted among `(other)`, and a span or a value is too small for a claim."""
_MOST_GROUPS = 200


@dataclass(frozen=True)
class SpanRows:
    """The collapsed rows of two spans, with the rare values of each column taken together.

    Attributes
    ----------
    columns
        Names of the condition columns that have at least two values.
    levels
        Their values.
    codes
        By column: value of each row, shape (rows,).
    unit
        Number of the unit of each row, shape (rows,), without gaps.
    month
        Number of the month of each row, shape (rows,).
    is_after
        0 for a row of the earlier span and 1 for one of the later, shape (rows,).
    n, k
        Attempts and successes, shape (rows,).
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    codes: tuple[Ints, ...]
    unit: Ints
    month: Ints
    is_after: Ints
    n: Floats
    k: Floats

    @property
    def units(self) -> int:
        """Different units in the two spans."""
        return int(self.unit.max(initial=-1)) + 1

    @property
    def terms(self) -> tuple[tuple[int, int], ...]:
        """Column and value of each term of the model after the intercept."""
        return tuple((place, level) for place, one in enumerate(self.levels) for level in range(len(one)))

    def by_unit(self, weight: Floats) -> Floats:
        """Sum a quantity of rows by span and unit, shape (2, units)."""
        flat = np.bincount(self.is_after * self.units + self.unit, weights=weight, minlength=2 * self.units)
        return np.asarray(flat.reshape(2, self.units), dtype=float)

    def by_level(self, column: int, weight: Floats) -> Floats:
        """Sum a quantity of rows by span, unit and value of a column, shape (2, units, values)."""
        size = len(self.levels[column])
        place = (self.is_after * self.units + self.unit) * size + self.codes[column]
        flat = np.bincount(place, weights=weight, minlength=2 * self.units * size)
        return np.asarray(flat.reshape(2, self.units, size), dtype=float)


def span_rows(
    evidence: Evidence, before: tuple[str, str], after: tuple[str, str], columns: Sequence[str]
) -> SpanRows:
    """Take the rows of two spans from the evidence.

    Parameters
    ----------
    evidence
        By period and unit.
    before, after
        First and last period of each span.
    columns
        Condition columns that are to explain the change.
    """
    masks = [rows_between(evidence, *span) for span in (before, after)]
    rows = np.concatenate([np.flatnonzero(mask) for mask in masks])
    unit = without_gaps(evidence.codes(str(evidence.unit))[0][rows])
    kept, names, codes = [], [], []
    for column in columns:
        one = evidence.columns[column]
        levels, merged = _merged(one.levels, one.codes[rows], unit)
        if len(levels) > 1:
            kept.append(column)
            names.append(levels)
            codes.append(merged)
    return SpanRows(
        columns=tuple(kept),
        levels=tuple(names),
        codes=tuple(codes),
        unit=unit,
        month=evidence.codes(str(evidence.period))[0][rows].astype(np.int64),
        is_after=np.repeat([0, 1], [int(mask.sum()) for mask in masks]),
        n=evidence.n[rows].astype(float),
        k=evidence.hits("success")[rows].astype(float),
    )


def without_gaps(codes: Ints) -> Ints:
    """Return the same codes numbered anew, so that each number from 0 on occurs."""
    is_used = np.bincount(codes) > 0
    return np.asarray((np.cumsum(is_used) - 1)[codes])


def _merged(levels: tuple[str, ...], codes: Ints, unit: Ints) -> tuple[tuple[str, ...], Ints]:
    """Take the values with fewer than `MIN_UNITS` units together as `(other)`."""
    all_units = int(unit.max(initial=0)) + 1
    pairs = np.bincount(codes.astype(np.int64) * all_units + unit, minlength=len(levels) * all_units)
    units = (pairs.reshape(len(levels), all_units) > 0).sum(axis=1)
    is_kept = (units >= MIN_UNITS) | ((np.array(levels) == OTHER) & (units > 0))
    used = [level for level, keep in zip(levels, is_kept, strict=True) if keep]
    if (~is_kept & (units > 0)).any() and OTHER not in used:
        used.append(OTHER)
    place = {level: code for code, level in enumerate(used)}
    table = np.array([place.get(level, place.get(OTHER, 0)) for level in levels], dtype=np.int64)
    return tuple(used), table[codes]


@dataclass(frozen=True)
class GroupTotals:
    """Sums of the two spans over groups of units, for estimates that leave one group out.

    Attributes
    ----------
    cross
        Attempts with both of two terms (the first is the intercept, which all attempts have), shape
        (groups, 2, terms, terms).
    successes
        Successful attempts by term, shape (groups, 2, terms).
    shared
        Of units with attempts in both spans: their attempts, and attempts times the change of the unit's
        success rate, shape (groups, 2, 2): span, then which of the two.
    """

    cross: Floats
    successes: Floats
    shared: Floats

    @property
    def whole(self) -> tuple[Floats, Floats, Floats]:
        """The sums over all groups, in the order of the attributes."""
        return self.cross.sum(axis=0), self.successes.sum(axis=0), self.shared.sum(axis=0)


def group_totals(rows: SpanRows) -> GroupTotals:
    """Sum rows over groups of units; each unit is a group of its own where there are at most 200.

    Of more, the larger half of the groups are the largest units alone, and the others are dealt out to the
    rest, so that groups are alike in size.
    """
    n, k = rows.by_unit(rows.n), rows.by_unit(rows.k)
    group = _groups(n)
    groups, sizes = int(group.max()) + 1, [1, *map(len, rows.levels)]
    ends = np.cumsum(sizes)
    cross = np.zeros((groups * 2, ends[-1], ends[-1]))
    successes = np.zeros((groups * 2, ends[-1]))
    place = group[rows.unit] * 2 + rows.is_after
    codes = [np.zeros(len(rows.n), dtype=np.int64), *rows.codes]
    for one, size in enumerate(sizes):
        mine = slice(ends[one] - size, ends[one])
        key = place * size + codes[one]
        shape = (groups * 2, size)
        successes[:, mine] = np.bincount(key, rows.k, minlength=groups * 2 * size).reshape(shape)
        for other in range(one + 1):
            theirs = slice(ends[other] - sizes[other], ends[other])
            both = key * sizes[other] + codes[other]
            total = groups * 2 * size * sizes[other]
            counts = np.bincount(both, rows.n, minlength=total).reshape(*shape, sizes[other])
            cross[:, mine, theirs] = counts
            cross[:, theirs, mine] = counts.swapaxes(1, 2)
    return GroupTotals(
        cross.reshape(groups, 2, ends[-1], ends[-1]),
        successes.reshape(groups, 2, ends[-1]),
        _shared(n, k, group, groups),
    )


def _groups(n: Floats) -> Ints:
    """Return the number of each unit's group, shape (units,), from the attempts by span and unit."""
    units = n.shape[1]
    if units <= _MOST_GROUPS:
        return np.arange(units)
    weight = (n / np.maximum(n.sum(axis=1, keepdims=True), 1)).sum(axis=0)
    rank = np.empty(units, dtype=np.int64)
    rank[np.argsort(-weight, kind="stable")] = np.arange(units)
    alone = _MOST_GROUPS // 2
    return np.where(rank < alone, rank, alone + (rank - alone) % (_MOST_GROUPS - alone))


def _shared(n: Floats, k: Floats, group: Ints, groups: int) -> Floats:
    """Sum what the comparison of units with themselves needs; see `GroupTotals.shared`."""
    is_shared = (n > 0).all(axis=0)
    rates = np.divide(k, n, out=np.zeros_like(n), where=n > 0)
    change = np.where(is_shared, rates[1] - rates[0], 0.0)
    sums = [
        [np.bincount(group, weights=weight * is_shared, minlength=groups) for weight in (one, one * change)]
        for one in n
    ]
    return np.moveaxis(np.array(sums), -1, 0)
