"""How are narrow columns counted? By a few joint histograms whose exact marginals are all tables wanted.

Columns are put into m groups, and the joint histograms ("cubes") of groups are filled in one pass, so
that any three columns lie together in at least one cube. Which groups make up the cubes is a covering
design: all triples of the m groups; or, where m is a power of two, the quadruples {a, b, c, a^b^c} (a
Steiner quadruple system; ref. 1), of which each triple of groups lies in exactly one. With 8 groups,
twelve columns need 14 look-ups per attempt instead of one for each of their 298 combinations. Marginals
are summed from the smallest table that contains them (ref. 2).

A plan is the grouping with the lowest estimated cost: one look-up per entry and cube, dearer where a
cube leaves the processor's cache, and a few operations per cell to sum the marginals.

References
----------
1. Hanani (1960), On quadruple systems, Canadian Journal of Mathematics 12.
2. Gray et al. (1997), Data cube: a relational aggregation operator, Data Mining and Knowledge
   Discovery 1 (marginals from the smallest parent).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb, log, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.compute.threads import on_threads, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence.counting.entries import Entries
    from memory_pipeline.analysis.evidence.counting.kernels import Layout

    Cells = NDArray[Any]


MOST_CELLS = 2**24
"""Cells that are filled in one pass, by thread; a cube with more of them is never planned."""
_MOST_CUBES = 50_000
_QUADRUPLES_OF = 3
"""Combination length that quadruple systems cover."""
_NS_IN_CACHE, _NS_PER_DOUBLING, _CACHED_CELLS, _NS_AT_MOST = 1.3, 0.45, 2**14, 8.0
"""Time of a look-up: by the logarithm of the cube's size (measured; see benchmarks/counting.py)."""
_NS_PER_CELL = 6.0
_NS_PER_TABLE = 15_000.0


@dataclass(frozen=True)
class CubePlan:
    """Groups of columns, and the cubes of groups that are filled.

    Attributes
    ----------
    columns
        Columns of each group, as positions among the entries' columns.
    cubes
        Groups of each cube.
    cells
        Cells of each cube, by outcome.
    nanoseconds
        Estimated time on one thread.
    """

    columns: tuple[tuple[int, ...], ...]
    cubes: tuple[tuple[int, ...], ...]
    cells: tuple[int, ...]
    nanoseconds: float

    @cached_property
    def homes(self) -> dict[tuple[int, ...], int]:
        """The smallest cube that holds each set of groups."""
        homes: dict[tuple[int, ...], int] = {}
        for number in sorted(range(len(self.cubes)), key=lambda c: -self.cells[c]):
            cube = self.cubes[number]
            for size in range(1, len(cube) + 1):
                homes.update(dict.fromkeys(combinations(cube, size), number))
        return homes


def plan_cubes(
    sizes: Sequence[int],
    *,
    entries: int,
    outcomes: int,
    max_conditions: int,
    at_most: float = float("inf"),
) -> CubePlan | None:
    """Return the cheapest grouping of columns; None where none is cheap enough or has small enough cubes.

    Parameters
    ----------
    sizes
        Number of levels of each column.
    entries, outcomes
        How many entries are counted, and by how many outcomes.
    max_conditions
        Most columns in one combination.
    at_most
        Nanoseconds that the plan may take.
    """
    tables = sum(comb(len(sizes), length) for length in range(1, max_conditions + 1))
    best: tuple[tuple[tuple[int, ...], ...], Cells] | None = None
    for groups, number, power in _designs(len(sizes), max_conditions):
        if number * entries * _NS_IN_CACHE + tables * _NS_PER_TABLE > at_most:
            continue
        members = _balanced_groups(sizes, groups)
        # The last weight, 1, is that of the groups that a short cube lacks.
        weight = np.array([*(prod(sizes[column] for column in group) for group in members), 1], dtype=float)
        length = min(groups, max_conditions)
        design = _quadruples(power, groups) if power else _combinations(groups, length)
        cells = outcomes * weight[design].prod(axis=1)
        if cells.max() > MOST_CELLS:
            continue
        each = _NS_IN_CACHE + _NS_PER_DOUBLING * np.log2(np.maximum(cells / _CACHED_CELLS, 1.0))
        cost = entries * float(np.minimum(each, _NS_AT_MOST).sum())
        cost += float(cells.sum()) * _NS_PER_CELL + tables * _NS_PER_TABLE
        if cost < at_most:
            best, at_most = (members, design), cost
    if best is None:
        return None
    members, design = best
    cubes = tuple(tuple(int(group) for group in cube if group < len(members)) for cube in design)
    weights = [prod(sizes[column] for column in group) for group in members]
    cells_of = tuple(outcomes * prod(weights[group] for group in cube) for cube in cubes)
    return CubePlan(members, cubes, cells_of, at_most)


def _designs(columns: int, length: int) -> list[tuple[int, int, int]]:
    """List ways to cover all combinations of `length` groups, for several numbers of groups.

    Each is a number of groups, the number of cubes, and the power of two whose quadruples these are;
    0 where they are all combinations.
    """
    numbers = {*range(1, min(columns, 16) + 1), 20, 24, 32, 40, 48, 64, columns}
    designs = [
        (groups, comb(groups, min(groups, length)), 0)
        for groups in sorted(numbers)
        if groups <= columns and comb(groups, min(groups, length)) <= _MOST_CUBES
    ]
    if length == _QUADRUPLES_OF:
        designs += [
            (groups, len(_quadruples(power, groups)), power)
            for power in range(3, 7)
            if 2 ** (power - 1) < (groups := min(2**power, columns))
        ]
    return designs


@lru_cache(maxsize=64)
def _combinations(groups: int, length: int) -> Cells:
    """List all combinations of groups, shape (combinations, length)."""
    return np.array(list(combinations(range(groups), length)), dtype=np.int64)


@lru_cache(maxsize=64)
def _quadruples(power: int, groups: int) -> Cells:
    """List quadruples that contain each triple of 2**power groups once; `groups` stands for those beyond."""
    triples = _combinations(2**power, 3)
    blocks = np.unique(np.sort(np.column_stack([triples, np.bitwise_xor.reduce(triples, axis=1)])), axis=0)
    blocks = np.minimum(blocks, groups)
    # A block of which two groups are left is part of other blocks too.
    kept: Cells = blocks[(blocks < groups).sum(axis=1) >= _QUADRUPLES_OF]
    return kept


def _balanced_groups(sizes: Sequence[int], groups: int) -> tuple[tuple[int, ...], ...]:
    """Assign the columns to groups with about equal numbers of cells, the largest column first."""
    heap: list[tuple[float, int, list[int]]] = [(0.0, group, []) for group in range(groups)]
    for column in sorted(range(len(sizes)), key=lambda column: (-sizes[column], column)):
        filled, group, members = heapq.heappop(heap)
        members.append(column)
        # A column of one level fills its group too, or all of those would share one.
        heapq.heappush(heap, (filled + max(log(sizes[column]), 1e-6), group, members))
    return tuple(tuple(sorted(members)) for _, _, members in sorted(heap, key=lambda one: one[1]))


def cube_tables(
    entries: Entries, plan: CubePlan, *, max_conditions: int, marks: Cells | None, threads: int
) -> Iterator[tuple[tuple[int, ...], Cells, Cells | None]]:
    """Fill the cubes and sum their marginals.

    Parameters
    ----------
    entries
        What is counted.
    plan
        Grouping from `plan_cubes`.
    max_conditions
        Most columns in one table.
    marks
        Random mark of each entry, shape (entries,), where fingerprints are wanted.
    threads
        Most threads.

    Yields
    ------
    columns
        Positions of one to `max_conditions` columns, ascending.
    table
        Attempts by level of each column and outcome, shape (levels..., outcomes).
    fingerprint
        Sum of the marks by level of each column, shape (levels...).
    """
    wanted = _tables_by_cube(plan, max_conditions)
    for batch in _batches(plan):
        counts = _fill(entries, plan, batch, threads, None)
        sums = None if marks is None else _fill(entries, plan, batch, threads, marks)
        for number in batch:
            if not wanted[number]:
                continue
            parts = [plan.columns[group] for group in plan.cubes[number]]
            cube = _Marginals(counts[number], parts)
            shadow = None if sums is None else _Marginals(sums[number], parts)
            for columns in wanted[number]:
                yield columns, cube.table(columns), None if shadow is None else shadow.table(columns)


def _tables_by_cube(plan: CubePlan, max_conditions: int) -> list[list[tuple[int, ...]]]:
    """Assign each combination of columns to the smallest cube that contains it."""
    group_of = {column: group for group, columns in enumerate(plan.columns) for column in columns}
    wanted: list[list[tuple[int, ...]]] = [[] for _ in plan.cubes]
    for length in range(1, min(max_conditions, len(group_of)) + 1):
        for columns in combinations(sorted(group_of), length):
            groups = tuple(sorted({group_of[column] for column in columns}))
            wanted[plan.homes[groups]].append(columns)
    return wanted


def _batches(plan: CubePlan) -> Iterator[list[int]]:
    batch: list[int] = []
    filled = 0
    for number, cells in enumerate(plan.cells):
        if batch and filled + cells > MOST_CELLS:
            yield batch
            batch, filled = [], 0
        batch.append(number)
        filled += cells
    yield batch


def _fill(
    entries: Entries, plan: CubePlan, batch: Sequence[int], threads: int, marks: Cells | None
) -> dict[int, Cells]:
    """Fill some cubes, with attempts by outcome or, where there are marks, with sums of marks."""
    from memory_pipeline.analysis.evidence.counting.kernels import fill_cubes  # noqa: PLC0415 - numba on demand

    if marks is not None:
        kind: np.dtype[Any] = np.dtype(np.uint64)
        label, value, last = entries.outcome[:0], marks, 1
    else:
        kind = np.dtype(np.int32 if entries.total < 2**31 else np.int64)
        label, last = entries.outcome, entries.outcomes
        value = np.empty(0, kind) if entries.weight is None else entries.weight.astype(kind, copy=False)
    layout, shapes = _layout(entries.sizes, plan, batch, last)
    ends = np.cumsum([prod(shape) for shape in shapes])

    def fill(start: int, stop: int) -> Cells:
        cells = np.zeros(ends[-1], dtype=kind)
        fill_cubes(entries.codes, (label, value), (start, stop), layout, cells)
        return cells

    # Each thread has cells of its own; few may have them all at once where they are many.
    parts = parts_of(len(entries), min(threads, max(4 * MOST_CELLS // int(ends[-1]), 1)))
    total, *others = on_threads(fill, parts)
    for other in others:
        total += other
    cubes = np.split(total, ends[:-1])
    shaped = [cells.reshape(shape) for cells, shape in zip(cubes, shapes, strict=True)]
    if marks is not None:
        shaped = [cells[..., 0] for cells in shaped]
    return dict(zip(batch, shaped, strict=True))


def _layout(
    sizes: Sequence[int], plan: CubePlan, batch: Sequence[int], last: int
) -> tuple[Layout, list[list[int]]]:
    """Return the layout of some cubes one after the other, with `last` outcomes each, and their shapes."""
    from memory_pipeline.analysis.evidence.counting.kernels import Layout  # noqa: PLC0415 - numba on demand

    column = [one for columns in plan.columns for one in columns]
    step = [one for columns in plan.columns for one in _strides([sizes[c] for c in columns])]
    group_start = np.concatenate([[0], np.cumsum([len(columns) for columns in plan.columns])])
    weight = [prod(sizes[one] for one in columns) for columns in plan.columns]
    width = max(len(plan.cubes[number]) for number in batch)
    cube = np.full((len(batch), width), -1, dtype=np.int64)
    cube_step = np.zeros((len(batch), width), dtype=np.uint32)
    shapes = []
    for row, number in enumerate(batch):
        groups = plan.cubes[number]
        cube[row, : len(groups)] = groups
        cube_step[row, : len(groups)] = _strides([*(weight[group] for group in groups), last])[:-1]
        shapes.append([*(sizes[one] for group in groups for one in plan.columns[group]), last])
    cells = [prod(shape) for shape in shapes]
    layout = Layout(
        np.array(column, dtype=np.int64),
        np.array(step, dtype=np.uint32),
        group_start.astype(np.int64),
        cube,
        cube_step,
        (np.cumsum(cells) - cells).astype(np.uint32),
    )
    return layout, shapes


def _strides(sizes: Sequence[int]) -> list[int]:
    steps = [1]
    for size in reversed(sizes[1:]):
        steps.append(steps[-1] * size)
    return steps[::-1]


class _Marginals:
    """Marginals of one cube, each summed from the smallest table before it."""

    def __init__(self, cube: Cells, parts: Sequence[tuple[int, ...]]) -> None:
        self.parts = parts
        self._known: dict[tuple[tuple[int, ...], ...], Cells] = {(): cube}

    def table(self, columns: tuple[int, ...]) -> Cells:
        """Sum out all columns but these, which become the first axes, in ascending order."""
        chosen = tuple(tuple(one for one in part if one in columns) for part in self.parts)
        table = self._summed(chosen)
        order = [one for part in chosen for one in part]
        axes = [order.index(one) for one in columns]
        return np.transpose(table, [*axes, *range(len(order), table.ndim)])

    def _summed(self, chosen: tuple[tuple[int, ...], ...]) -> Cells:
        """Sum out all but the chosen columns of the first parts; the other parts stay whole."""
        if chosen not in self._known:
            before = self._summed(chosen[:-1])
            part = self.parts[len(chosen) - 1]
            first = sum(map(len, chosen[:-1]))
            out = tuple(first + i for i, one in enumerate(part) if one not in chosen[-1])
            self._known[chosen] = before.sum(axis=out, dtype=before.dtype) if out else before
        return self._known[chosen]
