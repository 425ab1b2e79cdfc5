"""How are items and the entries that have them stored, for counting by packed bits?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.compute.threads import on_threads, parts_of
from memory_pipeline.analysis.evidence.counting.entries import mark_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Ints, Mask
    from memory_pipeline.analysis.evidence.counting.bit_kernels import Index, Strips
    from memory_pipeline.analysis.evidence.counting.entries import Entries


_RARE = 512
"""An item of fewer than one in so many entries is kept as a list of them, not as bits."""
_PIECE = 256
"""Words of a strip that are compared at a time."""
_MOST_ROW_ITEMS = 2**29
"""Items of all entries together above which they are not listed entry by entry."""
_ROW_BLOCK = 2**15
"""Entries whose items are listed at a time."""


@dataclass(frozen=True)
class ItemIndex:
    """The items of some columns, and the entries by item.

    Attributes
    ----------
    column, level
        Column of each item (position among the entries' columns) and its code, shape (items,). The items
        of a column are neighbours; those of the wide columns come first.
    rank, next_column
        Position of each item's column in the order of the items, and the first item of the column after
        it, shape (items,).
    wide
        Number of items of the wide columns.
    order
        The entry at each bit: by outcome, heavy entries first, shape (entries,).
    index
        The entries, in that order.
    """

    column: Ints
    level: Ints
    rank: Ints
    next_column: Ints
    wide: int
    order: Ints
    index: Index

    @classmethod
    def build(
        cls,
        entries: Entries,
        kept: Sequence[Mask],
        *,
        wide: Sequence[int],
        narrow: Sequence[int],
        with_marks: bool,
        threads: int,
    ) -> ItemIndex:
        """Sort the entries and list them by item.

        Parameters
        ----------
        entries
            What is counted.
        kept
            By column: which levels are items, shape (levels,).
        wide, narrow
            Columns; each combination that is counted has a wide one.
        with_marks
            Whether fingerprints are wanted.
        threads
            Most threads.
        """
        from memory_pipeline.analysis.evidence.counting.bit_kernels import Index  # noqa: PLC0415 - numba on demand

        columns = [column for column in (*wide, *narrow) if kept[column].any()]
        levels = [np.flatnonzero(kept[column]) for column in columns]
        ends = np.cumsum([0, *(len(one) for one in levels)])
        rank = np.repeat(np.arange(len(columns)), np.diff(ends))
        level = np.concatenate([*levels, np.zeros(0, dtype=np.int64)]).astype(np.int64)
        order = _sorted_entries(entries)
        codes = on_threads(
            lambda column: entries.codes[column][order], [(one,) for one in columns], threads=threads
        )
        item_of = [np.full(entries.sizes[one], -1, dtype=np.int64) for one in columns]
        for items, low, of_column in zip(item_of, ends, levels, strict=False):
            items[of_column] = np.arange(low, low + len(of_column))
        row_start, row_item = _rows(codes, item_of, len(entries), threads)
        outcome = entries.outcome[order]
        weight = np.empty(0, np.int64) if entries.weight is None else entries.weight[order]
        is_rare = np.zeros(len(level), dtype=bool)
        if len(row_item):
            is_rare = np.bincount(row_item, minlength=len(level)) * _RARE < len(entries)
        bits, bit_row, rare_start, rare_entry = _by_item(codes, rank, level, is_rare, threads)
        index = Index(
            bits,
            bit_row,
            rare_start,
            rare_entry,
            row_start,
            row_item,
            outcome,
            weight,
            mark_words(len(entries)) if with_marks else np.empty(0, np.uint64),
            _strips(outcome, weight, entries.outcomes),
        )
        column = np.array(columns, dtype=np.int64)[rank]
        wide_items = int(ends[sum(one in set(wide) for one in columns)])
        return cls(column, level, rank, ends[1:][rank], wide_items, order, index)


def _sorted_entries(entries: Entries) -> Ints:
    """Order the entries by outcome, heavy ones first, so that each strip is one run of words."""
    if entries.weight is None:
        return np.argsort(entries.outcome, kind="stable")
    return np.lexsort((-entries.weight, entries.outcome))


def _rows(codes: Sequence[Ints], item_of: Sequence[Ints], entries: int, threads: int) -> tuple[Ints, Ints]:
    """List the items of each entry; empty where there are too many in all."""
    from memory_pipeline.analysis.evidence.counting.kernels import add_row_items  # noqa: PLC0415 - numba on demand

    kind = np.uint16 if max((int(one.max()) for one in item_of), default=0) < 2**16 else np.uint32
    none = np.empty(0, dtype=kind)

    def add(row_end: Ints, row_item: Ints) -> None:
        def run(start: int, stop: int) -> None:
            # Column after column of one block, while the lists of its entries are in the cache.
            for low in range(start, stop, _ROW_BLOCK):
                high = min(low + _ROW_BLOCK, stop)
                for column, items in zip(codes, item_of, strict=True):
                    add_row_items(column[low:high], items, row_end[low:high], row_item)

        on_threads(run, parts_of(entries, threads))

    size = np.zeros(entries, dtype=np.int64)
    add(size, none)
    row_start = np.concatenate([[0], np.cumsum(size)])
    if row_start[-1] > _MOST_ROW_ITEMS:
        return np.zeros(1, dtype=np.int64), none
    row_item = np.empty(row_start[-1], dtype=kind)
    add(row_start[:-1].copy(), row_item)
    return row_start, row_item


def _by_item(
    codes: Sequence[Ints], rank: Ints, level: Ints, is_rare: Mask, threads: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Pack the entries of each item as bits, or list them where there are few."""
    bit_row = np.where(is_rare, -1, np.cumsum(~is_rare) - 1).astype(np.int64)
    bits = np.zeros((int((~is_rare).sum()), _words(len(codes[0]) if codes else 0)), dtype=np.uint64)

    def fill(item: int) -> Ints:
        inside = codes[rank[item]] == level[item]
        if is_rare[item]:
            return np.flatnonzero(inside).astype(np.int32)
        bits[bit_row[item]] = _packed(inside)
        return np.zeros(0, dtype=np.int32)

    listed = on_threads(fill, [(item,) for item in range(len(level))], threads=threads)
    rare_start = np.cumsum([0, *(len(one) for one in listed)]).astype(np.int64)
    return bits, bit_row, rare_start, np.concatenate([*listed, np.zeros(0, dtype=np.int32)])


def _words(entries: int) -> int:
    return -(-entries // 64)


def _packed(inside: Mask) -> Ints:
    """Pack one truth value per entry into words of 64."""
    octets = np.zeros(8 * _words(len(inside)), dtype=np.uint8)
    packed = np.packbits(inside, bitorder="little")
    octets[: len(packed)] = packed
    # Least significant first, whatever the machine's own order is.
    return octets.view("<u8").astype(np.uint64, copy=False)


def _strips(outcome: Ints, weight: Ints, outcomes: int) -> Strips:
    """Build the strips of the ordered entries (see `evidence.counting.bit_kernels.Strips`)."""
    from memory_pipeline.analysis.evidence.counting.bit_kernels import Strips  # noqa: PLC0415 - numba on demand

    pieces: list[tuple[int, int, int, int]] = []
    words: list[Ints] = []
    ends = np.searchsorted(outcome, np.arange(outcomes + 1))
    for number in range(outcomes):
        low, high = int(ends[number]), int(ends[number + 1])
        digits = int(weight[low]).bit_length() if len(weight) and high > low else 1
        for digit in range(digits):
            if digit:  # heavy entries come first
                high = low + int(np.searchsorted(-weight[low:high], -(2**digit), side="right"))
            inside = np.zeros(64 * _words(high), dtype=bool)
            inside[low:high] = (weight[low:high] >> digit) & 1 if len(weight) else True
            packed = _packed(inside)
            for first in range(low // 64, len(packed), _PIECE):
                piece = packed[first : first + _PIECE]
                pieces.append((first, len(piece), 2**digit, number))
                words.append(piece)
    start, length, value, label = np.array(pieces, dtype=np.int64).reshape(-1, 4).T.copy()
    offset = np.cumsum(length) - length
    return Strips(start, length, offset, value, label, np.concatenate([*words, np.zeros(0, np.uint64)]))
