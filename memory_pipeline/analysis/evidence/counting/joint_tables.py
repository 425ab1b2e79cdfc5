"""How often does each combination of levels of up to a few columns occur, counted the quickest way?

There are three ways, and the one with the lowest estimated time is taken (`evidence.counting.plan`):

* *bincount*: one `numpy.bincount` per combination. Nothing to compile or import; for small inputs.
* *cubes*: joint histograms of groups of columns that cover all combinations (`evidence.counting.cubes`). One
  look-up per entry and cube, however many combinations; for columns with few levels.
* *items*: packed bits and counts of set bits, only for combinations with enough attempts
  (`evidence.counting.items`); for columns with thousands of levels, and for hundreds of columns, such as one
  per element of lists.

Cubes and items are combined: the narrow columns among themselves by cubes, whatever has a wide column
by items. Results are the same in every way, and come in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.compute.threads import on_threads, thread_count
from memory_pipeline.analysis.evidence.counting.cubes import cube_tables
from memory_pipeline.analysis.evidence.counting.entries import Entries, JointTable
from memory_pipeline.analysis.evidence.counting.index import ItemIndex
from memory_pipeline.analysis.evidence.counting.items import item_tables
from memory_pipeline.analysis.evidence.counting.plan import (
    Plan,
    Shape,
    plan_by_cost,
    plan_split,
    small_cost,
    start_cost,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memory_pipeline.analysis.arrays import Ints, Mask
    from memory_pipeline.analysis.evidence.counting.cubes import CubePlan


WAYS = ("bincount", "cubes", "items")
_FEW_COLUMNS, _FEW_LEVELS = 16, 64
"""Up to these sizes, cubes of all levels are quicker than looking for rare levels first."""


def joint_tables(
    codes: Sequence[Ints] | Ints,
    sizes: Sequence[int],
    outcome: Ints,
    *,
    outcomes: int,
    weight: Ints | None = None,
    max_conditions: int = 3,
    min_count: int = 1,
    usable: Sequence[Mask] | None = None,
    with_marks: bool = False,
    way: str | None = None,
    threads: int | None = None,
) -> Iterator[JointTable]:
    """Count all combinations of up to `max_conditions` columns, by outcome.

    Parameters
    ----------
    codes
        Level of each entry in each column, from 0: one array of whole numbers per column, each of shape
        (entries,), or a matrix of shape (columns, entries). An entry is an attempt, or a number of equal
        ones. A C-ordered matrix of `uint8` is counted without a copy.
    sizes
        Number of levels of each column.
    outcome
        Outcome of each entry, from 0, shape (entries,).
    outcomes
        Number of outcomes.
    weight
        Attempts of each entry, at least 1, shape (entries,); by default each is one.
    max_conditions
        Most columns in one combination, at least 1.
    min_count
        Fewest attempts of a cell, at least 1.
    usable
        By column: which levels make a condition, shape (levels,); by default all. Cells with another
        level are left out.
    with_marks
        Whether to return fingerprints, which are equal for cells that cover the same entries.
    way
        One of `WAYS` instead of the quickest.
    threads
        Most threads; by default as many as there are processors.

    Returns
    -------
    Iterator of JointTable
        By number of columns, then by columns; combinations without a cell are left out. All ways give
        the same tables but for the fingerprints, which are equal within one call where entries are.

    Raises
    ------
    ValueError
        When codes, outcomes or weights do not fit (see `Entries.checked`), a limit is below 1, the way
        is not known, or the cells of one combination are more than can be numbered.
    OverflowError
        When the attempts do not fit into 63 bits.
    """
    if max_conditions < 1 or min_count < 1:
        raise ValueError(
            f"max_conditions is {max_conditions} and min_count is {min_count}; both must be at least 1"
        )
    if way is not None and way not in WAYS:
        raise ValueError(f"way is {way!r}; use one of {', '.join(WAYS)}, or None for the quickest")
    entries = Entries.checked(codes, sizes, outcome, outcomes=outcomes, weight=weight)
    if prod(sorted(entries.sizes)[-max_conditions:]) >= 2**63:
        raise ValueError(
            f"{max_conditions} columns of sizes up to {max(entries.sizes)} have more than 2**63 cells; "
            "merge rare levels or lower max_conditions"
        )
    if usable is None:
        usable = [np.ones(size, dtype=bool) for size in entries.sizes]
    threads = thread_count() if threads is None else threads
    job = _Job(entries, list(usable), max_conditions, min_count, with_marks, threads)
    return job.run(way)


@dataclass(frozen=True)
class _Job:
    entries: Entries
    usable: list[Mask]
    max_conditions: int
    min_count: int
    with_marks: bool
    threads: int

    def run(self, way: str | None) -> Iterator[JointTable]:
        if len(self.entries) == 0:
            return iter(())
        cost = small_cost(self.entries, self.max_conditions)
        if way == "bincount" or (way is None and cost <= start_cost()):
            return self._by_bincount()
        plan, levels, compiled_cost = self._compiled_plan(way)
        if way is None and cost <= compiled_cost + start_cost():
            return self._by_bincount()
        return iter(self._by_compiled_loops(plan, levels))

    def _compiled_plan(self, way: str | None) -> tuple[Plan, list[Mask], float]:
        """Plan cubes and items; return the plan, the levels to distinguish per column, and the cost."""
        sizes, columns = self.entries.sizes, range(len(self.entries.sizes))
        everything = [np.ones(size, dtype=bool) for size in sizes]
        is_simple = len(sizes) <= _FEW_COLUMNS and max([*sizes, 0]) <= _FEW_LEVELS
        if is_simple and way != "items":
            shape = self._shape(everything, [np.ones(size) for size in sizes])
            planned = plan_split(shape, columns)
            if planned is not None:
                return planned[0], everything, planned[1]
        counts = self._level_counts()
        kept = [usable & (count >= self.min_count) for usable, count in zip(self.usable, counts, strict=True)]
        shares = [count[mask] / max(self.entries.total, 1) for count, mask in zip(counts, kept, strict=True)]
        shape = self._shape(kept, shares)
        if way is None:
            plan, cost = plan_by_cost(shape)
            return plan, kept, cost
        planned = plan_split(shape, columns if way == "cubes" else [])
        if planned is None:
            raise ValueError(f"the joint tables of columns of sizes {sizes} are too large; leave way at None")
        return planned[0], kept, planned[1]

    def _shape(self, kept: list[Mask], shares: list[Ints]) -> Shape:
        return Shape(
            tuple(shares),
            tuple(len(_local_levels(mask)) for mask in kept),
            len(self.entries),
            self.entries.total,
            self.entries.outcomes,
            self.max_conditions,
            self.min_count,
        )

    def _level_counts(self) -> list[Ints]:
        from memory_pipeline.analysis.evidence.counting.kernels import count_levels  # noqa: PLC0415 - on demand

        weight = np.empty(0, np.int64) if self.entries.weight is None else self.entries.weight
        counts = [np.zeros(size, dtype=np.int64) for size in self.entries.sizes]

        def count(column: int) -> None:
            count_levels(self.entries.codes[column], weight, counts[column])

        if counts:
            on_threads(count, [(column,) for column in range(len(counts))], threads=self.threads)
        return counts

    def _by_bincount(self) -> Iterator[JointTable]:
        entries = self.entries
        marks = entries.marks() if self.with_marks else None
        codes = [column.astype(np.int64) for column in entries.codes]
        for length in range(1, self.max_conditions + 1):
            for columns in combinations(range(len(codes)), length):
                cell = np.zeros(len(entries), dtype=np.int64)
                for column in columns:
                    cell = cell * entries.sizes[column] + codes[column]
                size = prod(entries.sizes[column] for column in columns)
                if size > 4 * len(entries):  # most cells are empty
                    cells, cell = np.unique(cell, return_inverse=True)
                else:
                    cells = np.arange(size)
                key = cell * entries.outcomes + entries.outcome
                counts = _sums(key, entries.weight, len(cells) * entries.outcomes)
                counts = counts.reshape(len(cells), entries.outcomes)
                n = counts.sum(axis=1)
                levels = np.unravel_index(cells, [entries.sizes[column] for column in columns])
                fine = n >= self.min_count
                for column, level in zip(columns, levels, strict=True):
                    fine &= self.usable[column][level]
                keep = np.flatnonzero(fine)
                if len(keep):
                    mark = None if marks is None else _sums(cell, marks, len(cells))[keep]
                    yield JointTable(columns, cells[keep], n[keep], counts[keep], mark)

    def _by_compiled_loops(self, plan: Plan, kept: list[Mask]) -> list[JointTable]:
        tables: list[JointTable] = []
        marks = self.entries.marks() if self.with_marks else None
        if plan.wide:
            items = ItemIndex.build(
                self.entries,
                kept,
                wide=plan.wide,
                narrow=plan.narrow,
                with_marks=self.with_marks,
                threads=self.threads,
            )
            tables += item_tables(
                self.entries,
                items,
                max_conditions=self.max_conditions,
                min_count=self.min_count,
                threads=self.threads,
            )
            if marks is not None:  # items draw the marks in an order of their own
                marks = marks[np.argsort(items.order)]
            del items
        if plan.cubes is not None:
            tables += self._by_cubes(plan.cubes, plan.narrow, kept, marks)
        return sorted(tables, key=lambda table: (len(table.columns), table.columns))

    def _by_cubes(
        self, cubes: CubePlan, narrow: Sequence[int], kept: list[Mask], marks: Ints | None
    ) -> Iterator[JointTable]:
        levels = [_local_levels(kept[column]) for column in narrow]
        local = _local_entries(self.entries, narrow, levels)
        fine = [
            np.array([level >= 0 and self.usable[column][level] for level in of_column], dtype=bool)
            for column, of_column in zip(narrow, levels, strict=True)
        ]
        tables = cube_tables(
            local, cubes, max_conditions=self.max_conditions, marks=marks, threads=self.threads
        )
        for columns, table, sums in tables:
            n = table.sum(axis=-1, dtype=np.int64)
            for axis, column in enumerate(columns):
                if not fine[column].all():
                    n *= fine[column].reshape([-1 if i == axis else 1 for i in range(len(columns))])
            keep = np.nonzero(n >= self.min_count)
            if len(keep[0]) == 0:
                continue
            cell = np.zeros(len(keep[0]), dtype=np.int64)
            for column, place in zip(columns, keep, strict=True):
                cell = cell * self.entries.sizes[narrow[column]] + levels[column][place]
            yield JointTable(
                tuple(narrow[column] for column in columns),
                cell,
                n[keep],
                table[keep].astype(np.int64),
                None if sums is None else sums[keep],
            )


def _sums(group: Ints, values: Ints | None, size: int) -> Ints:
    """Sum whole numbers by group, exactly (marks modulo 2**64), shape (size,)."""
    if values is None:
        return np.bincount(group, minlength=size)
    sums = np.zeros(size, dtype=values.dtype)
    np.add.at(sums, group, values)
    return sums


def _local_levels(kept: Mask) -> Ints:
    """List the levels that a column has in the cubes; -1, first, stands for all levels that are not kept.

    All levels stay where merging would save nothing.
    """
    if kept.sum() + 1 >= len(kept):
        return np.arange(len(kept))
    return np.concatenate([[-1], np.flatnonzero(kept)])


def _local_entries(entries: Entries, columns: Sequence[int], levels: Sequence[Ints]) -> Entries:
    """Return the entries with some columns as a matrix, and levels that are not kept merged."""
    sizes = tuple(len(one) for one in levels)
    is_whole = list(columns) == list(range(len(entries.sizes))) and sizes == entries.sizes
    kind = np.uint8 if max(sizes) <= 2**8 else np.uint32
    codes = entries.codes
    if is_whole and isinstance(codes, np.ndarray) and codes.dtype == kind and codes.flags.c_contiguous:
        return entries
    matrix = np.empty((len(columns), len(entries)), dtype=kind)
    for row, column, kept in zip(matrix, columns, levels, strict=True):
        if len(kept) == entries.sizes[column]:
            row[:] = codes[column]
            continue
        place = np.zeros(entries.sizes[column], dtype=kind)
        place[kept[1:]] = np.arange(1, len(kept))
        row[:] = place[codes[column]]
    return replace(entries, codes=matrix, sizes=sizes)
