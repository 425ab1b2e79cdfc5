"""Which combinations of conditions have enough attempts to be tested?

Sizes: one row per combination (cell of a joint table), a few hundred thousand for a wide history.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.names import NO, OTHER, split_element_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.arrays import Ints, Mask
    from memory_pipeline.analysis.evidence.evidence import Evidence


@dataclass(frozen=True)
class Tally:
    """Combinations of conditions and their counts.

    Attributes
    ----------
    evidence
        What was counted.
    tables
        The columns (positions in `evidence.conditions`) of each joint table, shorter ones first.
    table, cell
        Joint table and cell of each combination, shape (combinations,), ordered by table, then cell.
    n
        Attempts, shape (combinations,).
    k
        By target: attempts that ended in it, shape (combinations,).
    mark
        Fingerprint of the rows that a combination covers: equal where the rows are.
    """

    evidence: Evidence
    tables: tuple[tuple[int, ...], ...]
    table: Ints
    cell: Ints
    n: Ints
    k: Mapping[str, Ints]
    mark: Ints

    @cached_property
    def coded(self) -> list[tuple[Ints, list[str]]]:
        """Codes and levels of each condition column."""
        return [self.evidence.codes(column) for column in self.evidence.conditions]

    @cached_property
    def sizes(self) -> list[int]:
        """Levels of each condition column."""
        return [len(levels) for _, levels in self.coded]

    @cached_property
    def length(self) -> Ints:
        """Conditions of each combination, shape (combinations,)."""
        lengths = np.array([len(columns) for columns in self.tables] or [0])
        return lengths[self.table] if len(self.table) else np.zeros(0, dtype=np.int64)

    @cached_property
    def first_of_equals(self) -> Mask:
        """Whether a combination is the first, so the shortest, of those that cover the same attempts."""
        first = np.zeros(len(self.mark), dtype=bool)
        first[np.unique(self.mark, return_index=True)[1]] = True
        return first

    def items(self, number: int) -> tuple[tuple[int, int], ...]:
        """Return the columns and level codes of one combination."""
        columns = self.tables[self.table[number]]
        values = np.unravel_index(self.cell[number], [self.sizes[column] for column in columns])
        return tuple((column, int(value)) for column, value in zip(columns, values, strict=True))

    def conditions(self, number: int) -> dict[str, str]:
        """Return the conditions of one combination, value by column."""
        return {
            self.evidence.conditions[column]: self.coded[column][1][value]
            for column, value in self.items(number)
        }

    def rows(self, number: int) -> Mask:
        """Return which collapsed rows one combination covers, shape (rows,)."""
        return self.evidence.rows_with(self.conditions(number))

    def parents(self, numbers: Ints) -> Ints:
        """Return the numbers of the combinations with one condition less, shape (numbers, most conditions).

        -1 where there is none: for a single condition, or a parent with too few attempts outside of it.
        """
        place = {columns: i for i, columns in enumerate(self.tables)}
        starts = np.searchsorted(self.table, np.arange(len(self.tables) + 1))
        result = np.full((len(numbers), max(map(len, self.tables), default=1)), -1, dtype=np.int64)
        for table in np.unique(self.table[numbers]):
            columns = self.tables[table]
            if len(columns) == 1:
                continue
            chosen = np.flatnonzero(self.table[numbers] == table)
            values = np.unravel_index(self.cell[numbers[chosen]], [self.sizes[c] for c in columns])
            for dropped in range(len(columns)):
                rest = columns[:dropped] + columns[dropped + 1 :]
                if rest not in place:
                    continue
                cell = np.zeros(len(chosen), dtype=np.int64)
                for column, value in zip(columns, values, strict=True):
                    if column != columns[dropped]:
                        cell = cell * self.sizes[column] + value
                low, high = starts[place[rest]], starts[place[rest] + 1]
                at = low + np.searchsorted(self.cell[low:high], cell)
                known = (at < high) & (self.cell[np.minimum(at, len(self.cell) - 1)] == cell)
                result[chosen[known], dropped] = at[known]
        return result


def count_combinations(
    evidence: Evidence, targets: Mapping[str, Mask], *, min_sample_size: int, min_units: int = 1
) -> Tally:
    """List the combinations with at least `min_sample_size` attempts inside and outside.

    Parameters
    ----------
    evidence
        The counted history.
    targets
        By target: which outcomes belong to it, shape (outcomes,).
    min_sample_size
        Fewest attempts.
    min_units
        Fewest units of each single condition: with fewer, no combination with it can have as many.
    """
    usable = [_usable_levels(evidence, column, min_units) for column in evidence.conditions]
    # Outcomes that no target distinguishes are one class.
    belongs = np.array([targets[one] for one in targets], dtype=bool).reshape(len(targets), -1)
    kinds, classes = np.unique(belongs, axis=1, return_inverse=True)
    total = int(evidence.n.sum())
    tables: list[tuple[int, ...]] = []
    parts: list[tuple[Ints, ...]] = []
    for joint in evidence.joint_tables(
        min_count=min_sample_size, usable=usable, classes=classes.ravel().tolist(), with_marks=True
    ):
        large = np.flatnonzero(total - joint.n >= min_sample_size)
        if len(large) == 0 or joint.marks is None:
            continue
        hits = joint.counts[large] @ kinds.T.astype(np.int64)
        table = np.full(len(large), len(tables))
        parts.append((table, joint.cells[large], joint.n[large], joint.marks[large], *hits.T))
        tables.append(joint.columns)
    empty = np.zeros(0, dtype=np.int64)
    table, cells, n, mark, *k = (
        [np.concatenate(one) for one in zip(*parts, strict=True)] if parts else [empty] * (4 + len(targets))
    )
    return Tally(evidence, tuple(tables), table, cells, n, dict(zip(targets, k, strict=True)), mark)


def _usable_levels(evidence: Evidence, column: str, min_units: int) -> Mask:
    """Return which levels of a column make a condition of at least some units, shape (levels,)."""
    codes, levels = evidence.codes(column)
    usable = np.array([_is_usable(column, level) for level in levels], dtype=bool)
    if evidence.unit is None or min_units == 1:
        return usable
    units, names = evidence.codes(evidence.unit)
    pairs = np.unique(codes.astype(np.int64) * len(names) + units)
    return usable & (np.bincount(pairs // len(names), minlength=len(levels)) >= min_units)


def _is_usable(column: str, level: str) -> bool:
    """Return whether a level makes a condition; `(other)` does not, since it names no value.

    Of a list's elements only presence makes a condition, as in market baskets: nearly everything is absent.
    """
    return level != OTHER and not (split_element_column(column)[1] and level == NO)
