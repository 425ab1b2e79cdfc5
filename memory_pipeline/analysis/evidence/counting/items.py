"""How are many or wide columns counted? Only combinations with enough attempts are extended (ref. 1).

A level of a column is an *item*. Items are counted one by one, then every pair that begins with a wide
column's item, then every triple that extends a pair with enough attempts (the attempts of a combination
never exceed those of its parts). Entries are packed as one bit per item, so that 64 are counted by one
`and` and one count of bits; a combination with few entries is extended by reading the items of each.

References
----------
1. Zaki (2000), Scalable algorithms for association mining, IEEE Transactions on Knowledge and Data
   Engineering 12 (prefix families, vertical counting).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.compute.threads import on_threads
from memory_pipeline.analysis.evidence.counting.entries import JointTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memory_pipeline.analysis.arrays import Ints
    from memory_pipeline.analysis.evidence.counting.bit_kernels import Families
    from memory_pipeline.analysis.evidence.counting.entries import Entries
    from memory_pipeline.analysis.evidence.counting.index import ItemIndex


_WORDS_PER_ITEM = 24.0
"""Words of packed bits that are compared in the time that reading one item of an entry takes."""
_MOST_CANDIDATES = 2**20
"""Candidates that are counted in one call."""
_CALLS_PER_THREAD = 8


def item_tables(
    entries: Entries, items: ItemIndex, *, max_conditions: int, min_count: int, threads: int
) -> Iterator[JointTable]:
    """Count all combinations that have an item of a wide column and enough attempts.

    Parameters
    ----------
    entries
        What is counted.
    items
        The entries by item.
    max_conditions
        Most columns in one combination.
    min_count
        Fewest attempts of a combination, at least 1.
    threads
        Most threads.

    Yields
    ------
    JointTable
        In no particular order; a combination of columns without any such cell is left out.
    """
    families = _wide_items(items)
    for _ in range(max_conditions):
        found = _extended(items, families, entries.outcomes, min_count, threads)
        yield from _tables_of(found, items, entries.sizes)
        families = _longer(found, items)
        if len(families.prefix) == 0:
            return


@dataclass(frozen=True)
class _Found:
    """Combinations with enough attempts, shape (combinations, ...)."""

    members: Ints
    """Items, shape (combinations, length): those of the prefix, and the one that extends it."""
    parent: Ints
    """Number of the prefix."""
    counts: Ints
    marks: Ints | None


def _wide_items(items: ItemIndex) -> Families:
    """Return the empty prefix, with the items of the wide columns as its candidates."""
    from memory_pipeline.analysis.evidence.counting.bit_kernels import Families  # noqa: PLC0415 - numba on demand

    candidate = np.arange(len(items.column))
    return Families(np.zeros((1, 0), dtype=np.int64), np.array([0]), np.array([items.wide]), candidate)


def _longer(found: _Found, items: ItemIndex) -> Families:
    """Return each combination as a prefix; its candidates are later siblings in other columns."""
    from memory_pipeline.analysis.evidence.counting.bit_kernels import Families  # noqa: PLC0415 - numba on demand

    last = found.members[:, -1]
    if found.members.shape[1] == 1:
        candidate = np.arange(len(items.column))
        start, stop = items.next_column[last], np.full(len(last), len(candidate))
    else:
        candidate = last
        start = _run_ends(found.parent * len(items.column) + items.rank[last])
        stop = _run_ends(found.parent)
    keep = np.flatnonzero(start < stop)
    return Families(found.members[keep], start[keep], stop[keep], candidate)


def _run_ends(values: Ints) -> Ints:
    """Return for each value the end of the run of equal values that it belongs to."""
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    ends = np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, len(values))
    return np.repeat(ends, np.diff(ends, prepend=0))


def _extended(items: ItemIndex, families: Families, outcomes: int, min_count: int, threads: int) -> _Found:
    """Count all extensions of the prefixes, on several threads."""
    from memory_pipeline.analysis.evidence.counting.bit_kernels import Families, Kept, extend  # noqa: PLC0415

    index = items.index
    words_per_entry = _WORDS_PER_ITEM * len(index.row_item) / max(len(index.outcome), 1)

    def run(low: int, high: int) -> tuple[Ints, Ints, Ints, Ints]:
        prefix, start, stop, candidate = families
        part = Families(prefix[low:high], start[low:high], stop[low:high], candidate)
        room = np.concatenate([[0], np.cumsum(part.stop - part.start)])
        kept = Kept(
            min_count,
            room[:-1],
            np.zeros(high - low, dtype=np.int64),
            np.empty(room[-1], dtype=np.int64),
            np.empty((room[-1], outcomes), dtype=np.int64),
            np.empty(room[-1] if len(index.mark_word) else 0, dtype=np.uint64),
        )
        extend(index, part, words_per_entry, kept)
        parent = np.repeat(np.arange(low, high), kept.size)
        before = np.cumsum(kept.size) - kept.size
        at = np.repeat(room[:-1] - before, kept.size) + np.arange(len(parent))
        return parent, kept.item[at], kept.counts[at], kept.mark[at] if len(kept.mark) else kept.mark

    parts = on_threads(run, _calls(families, threads), threads=threads)
    parent, item, counts, marks = (np.concatenate(one) for one in zip(*parts, strict=True))
    members = np.column_stack([families.prefix[parent], item])
    return _Found(members, parent, counts, marks if len(index.mark_word) else None)


def _calls(families: Families, threads: int) -> list[tuple[int, int]]:
    """Divide the prefixes into calls: some for each thread, none with too many candidates."""
    work = np.cumsum(families.stop - families.start)
    share = min(max(int(work[-1]) // (_CALLS_PER_THREAD * threads), 1), _MOST_CANDIDATES)
    cuts = np.unique(np.searchsorted(work, np.arange(share, int(work[-1]) + share, share)) + 1)
    return list(pairwise([0, *(int(cut) for cut in cuts if cut < len(work)), len(work)]))


def _tables_of(found: _Found, items: ItemIndex, sizes: Sequence[int]) -> Iterator[JointTable]:
    """Group combinations by their columns."""
    column, level = items.column[found.members], items.level[found.members]
    ascending = np.argsort(column, axis=1)
    column = np.take_along_axis(column, ascending, axis=1)
    level = np.take_along_axis(level, ascending, axis=1)
    size = np.array(sizes, dtype=np.int64)
    cell = np.zeros(len(column), dtype=np.int64)
    for place in range(found.members.shape[1]):
        cell = cell * size[column[:, place]] + level[:, place]
    order = np.lexsort((cell, *column.T[::-1]))
    column, cell, counts = column[order], cell[order], found.counts[order]
    n = counts.sum(axis=1)
    marks = None if found.marks is None else found.marks[order]
    changes = np.flatnonzero((column[1:] != column[:-1]).any(axis=1)) + 1
    ends = [0, *changes.tolist(), len(cell)] if len(cell) else [0]
    for low, high in pairwise(ends):
        yield JointTable(
            tuple(column[low].tolist()),
            cell[low:high],
            n[low:high],
            counts[low:high],
            None if marks is None else marks[low:high],
        )
