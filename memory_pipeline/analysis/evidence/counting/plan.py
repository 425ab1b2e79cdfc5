"""Which way of counting is quickest? A rough estimate of the time that each takes.

The figures are nanoseconds on one core of a server of 2022, measured by `benchmarks/counting.py`. They
need not be exact: the ways differ by orders of magnitude where it matters.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.evidence.counting.cubes import CubePlan, plan_cubes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.counting.entries import Entries


_NS_PER_TABLE, _NS_PER_TABLE_ENTRY = 40_000.0, 9.0
"""`bincount`: for each combination, and for each of its entries."""
_NS_TO_START = 0.7e9
"""To import numba and load what it compiled before."""
_NS_PER_WORD, _NS_PER_ROW_ITEM, _NS_PER_PREFIX = 0.13, 3.5, 2_000.0
"""`items`: 64 entries of a candidate; one item of one entry; one prefix."""
_MOST_ESTIMATED = 2_000
"""Prefixes by which the time of `items` is estimated."""
_LEAST_SHARE = 0.5
"""A narrow column has a usable level in at least this share of the entries."""


@dataclass(frozen=True)
class Plan:
    """How to count.

    Attributes
    ----------
    narrow
        Columns whose combinations among themselves are counted by cubes.
    wide
        Columns of which each combination that is counted by items has at least one.
    cubes
        The cubes of the narrow columns (by their place in `narrow`); None where there are none.
    """

    narrow: tuple[int, ...]
    wide: tuple[int, ...]
    cubes: CubePlan | None


@dataclass(frozen=True)
class Shape:
    """What the time of counting depends on: columns, entries and limits.

    Attributes
    ----------
    shares
        By column: the share of attempts of each level that makes a condition and is not too rare.
    sizes
        By column: cells that it takes in a cube, all other levels taken together as one.
    """

    shares: tuple[Floats, ...]
    sizes: tuple[int, ...]
    entries: int
    total: int
    outcomes: int
    max_conditions: int
    min_count: int


def small_cost(entries: Entries, max_conditions: int) -> float:
    """Estimate the time of one `bincount` per combination, in nanoseconds."""
    tables = sum(comb(len(entries.sizes), length) for length in range(1, max_conditions + 1))
    return tables * (_NS_PER_TABLE + len(entries) * _NS_PER_TABLE_ENTRY)


def start_cost() -> float:
    """Estimate the time to import and load the compiled loops, in nanoseconds; 0 once they are loaded."""
    return 0.0 if "memory_pipeline.analysis.evidence.counting.kernels" in sys.modules else _NS_TO_START


def plan_split(
    shape: Shape, narrow: Sequence[int], *, at_most: float = float("inf")
) -> tuple[Plan, float] | None:
    """Plan cubes for some columns and items for the others.

    None where the cubes are too large, or take longer than `at_most` nanoseconds.
    """
    usable = [column for column in range(len(shape.sizes)) if len(shape.shares[column])]
    inner = tuple(column for column in usable if column in set(narrow))
    wide = sorted(set(usable) - set(inner), key=lambda c: (float(shape.shares[c].mean()), c))
    cubes, cost = None, 0.0
    if inner:
        cubes = plan_cubes(
            [shape.sizes[column] for column in inner],
            entries=shape.entries,
            outcomes=shape.outcomes,
            max_conditions=shape.max_conditions,
            at_most=at_most,
        )
        if cubes is None:
            return None
        cost += cubes.nanoseconds
    return Plan(inner, tuple(wide), cubes), cost + _items_cost(shape, wide, inner)


def plan_by_cost(shape: Shape) -> tuple[Plan, float]:
    """Return the split of the columns with the lowest estimated time, and that time in nanoseconds."""
    planned: tuple[Plan, float] | None = None
    for narrow in _splits(shape):
        at_most = float("inf") if planned is None else planned[1]
        other = plan_split(shape, narrow, at_most=at_most)
        if other is not None and other[1] < at_most:
            planned = other
    assert planned is not None  # noqa: S101 - without cubes nothing is too large
    return planned


def _splits(shape: Shape) -> list[tuple[int, ...]]:
    """List choices of narrow columns: none, small ones, small ones mostly at usable levels, all."""
    columns = range(len(shape.sizes))
    splits: list[tuple[int, ...]] = [()]
    for most in (24, 64, 256, 1024):
        small = [column for column in columns if shape.sizes[column] <= most]
        full = [column for column in small if shape.shares[column].sum() >= _LEAST_SHARE]
        splits += [tuple(full), tuple(small)]
    splits.append(tuple(columns))
    return list(dict.fromkeys(splits))


def _items_cost(shape: Shape, wide: Sequence[int], narrow: Sequence[int]) -> float:
    """Estimate the time of `items` in nanoseconds, as if columns were independent of each other."""
    columns = [*wide, *narrow]
    if not wide:
        return 0.0
    share = np.concatenate([shape.shares[column] for column in columns])
    ends = np.cumsum([len(shape.shares[column]) for column in columns])
    next_column = np.repeat(ends, np.diff(ends, prepend=0))
    first = np.arange(int(ends[len(wide) - 1]))
    step = max(len(first) // _MOST_ESTIMATED, 1)
    per_row, words = float(share.sum()), shape.entries / 64 * _NS_PER_WORD
    cost = 0.0
    for item in first[::step]:
        after = share[next_column[item] :]
        inside = shape.entries * share[item]
        cost += _NS_PER_PREFIX + min(len(after) * words, inside * per_row * _NS_PER_ROW_ITEM)
        if shape.max_conditions > 1:
            pairs = after[share[item] * after * shape.total >= shape.min_count]
            read = inside * pairs * per_row / 2 * _NS_PER_ROW_ITEM
            longer = float(np.minimum(len(pairs) / 2 * words, read).sum()) + len(pairs) * 2 * words
            longer += len(pairs) * _NS_PER_PREFIX
            # One more condition extends again whatever has enough attempts, at most by each item of a row.
            cost += longer * max(per_row / 3, 1.0) ** max(shape.max_conditions - 3, 0)
    return cost * step + shape.entries * len(columns) * 4.0
