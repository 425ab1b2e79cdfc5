"""Compiled inner loops over packed bits: one bit per entry and item, 64 entries in one operation.

An *item* is one level of one column; a *prefix* is a set of items, and counting extends it by one more
item. See `evidence.counting.items` for the order in which prefixes are extended.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled

_TOGETHER = 16
"""Prefixes that are compared with a candidate while its bits are in the cache."""


class Strips(NamedTuple):
    """Attempts by outcome as sums of set bits.

    The entries are ordered by outcome, heavy ones first. A strip is one binary digit of the weights of one
    outcome's entries: the attempts with that outcome are the sum over its strips of `value` times the bits
    set both in the strip and in what is counted. Strips come in pieces that fit the first-level cache.

    Attributes
    ----------
    first, length
        First word of each piece among the words of an entry set, and its words.
    offset
        First word of each piece in `words`.
    value, outcome
        What a set bit counts, and for which outcome.
    words
        The strips' bits, piece after piece.
    """

    first: Any
    length: Any
    offset: Any
    value: Any
    outcome: Any
    words: Any


class Index(NamedTuple):
    """Entries by item, and items by entry.

    Attributes
    ----------
    bits
        One bit per entry, packed in words of 64, shape (items with bits, words).
    bit_row
        Row of each item in `bits`, shape (items,); -1 for rare items, whose entries are listed instead.
    rare_start, rare_entry
        Entries of rare item x: `rare_entry[rare_start[x]:rare_start[x + 1]]`, ascending.
    row_start, row_item
        Items of entry e: `row_item[row_start[e]:row_start[e + 1]]`, ascending; `row_item` is empty where
        it would take too much memory.
    outcome, weight
        Of each entry, shape (entries,); `weight` is empty where each is one.
    mark_word
        Random words behind the marks (`evidence.counting.entries.mark_words`); empty where none are wanted.
    strips
        The weights and outcomes once more, as bits.
    """

    bits: Any
    bit_row: Any
    rare_start: Any
    rare_entry: Any
    row_start: Any
    row_item: Any
    outcome: Any
    weight: Any
    mark_word: Any
    strips: Strips


class Families(NamedTuple):
    """Prefixes, and the candidates that extend them.

    Attributes
    ----------
    prefix
        Items, shape (prefixes, length).
    start, stop
        Candidates of each prefix: `candidate[start:stop]`, shape (prefixes,). Neighbours with the same
        `stop` are a family: all but their last items agree, and `start` ascends.
    candidate
        Items, ascending within each family.
    """

    prefix: Any
    start: Any
    stop: Any
    candidate: Any


class Kept(NamedTuple):
    """Extensions with at least `least` attempts.

    Those of prefix p are `item[start[p]:][:size[p]]`; `counts` (by outcome) and `mark` (empty where none are
    wanted) are in the same order.
    """

    least: int
    start: Any
    size: Any
    item: Any
    counts: Any
    mark: Any


@compiled
def extend(index: Any, families: Any, words_per_entry: float, kept: Any) -> None:
    """Count every candidate item together with each prefix, and keep those with enough attempts.

    Prefixes with few entries are read entry by entry; the others are compared with each candidate by
    packed bits, several at once.

    Parameters
    ----------
    index
        The entries.
    families
        The prefixes and candidates.
    words_per_entry
        Words of packed bits that are compared in the time in which the items of one entry are read.
    kept
        Filled in place; room for every candidate of every prefix.
    """
    masks = np.empty((_TOGETHER, index.bits.shape[1]), np.uint64)
    found = np.empty(len(index.outcome), np.int32)
    counts = np.zeros((len(index.bit_row), kept.counts.shape[1]), np.int64)
    marks = np.zeros(len(index.bit_row), np.uint64)
    waiting = np.empty(_TOGETHER, np.int64)
    waits = 0
    for p in range(len(families.prefix)):
        items = families.prefix[p]
        words = (families.stop[p] - families.start[p]) * len(index.strips.words)
        most = words / words_per_entry if len(index.row_item) else -1.0
        size = _entries_to_read(index, items, most, masks[waits], found)
        if size >= 0:
            last = items[-1] if len(items) else -1
            _read_entries(index, found[:size], last, counts, marks)
            for c in range(families.start[p], families.stop[p]):
                item = families.candidate[c]
                if counts[item].sum() >= kept.least:
                    _keep(kept, p, item, counts[item], marks[item])
        else:
            waiting[waits] = p
            waits += 1
        is_last = p == len(families.prefix) - 1 or families.stop[p + 1] != families.stop[p]
        if waits == _TOGETHER or (waits > 0 and is_last):
            _extend_by_bits(index, families, masks[:waits], waiting[:waits], kept)
            waits = 0


@compiled
def _keep(kept: Any, p: int, item: int, counts: Any, mark: Any) -> None:
    at = kept.start[p] + kept.size[p]
    kept.item[at] = item
    kept.counts[at] = counts
    if len(kept.mark):
        kept.mark[at] = mark
    kept.size[p] += 1


@compiled
def _entries_to_read(index: Any, items: Any, most: float, mask: Any, found: Any) -> Any:
    """List the entries that have all items, if there are at most `most` or one of the items is rare.

    Returns the number of entries that were listed; otherwise -1, and the entries are the bits of `mask`.
    """
    for item in items:
        if index.bit_row[item] < 0:
            return _list_rare(index, item, items, found)
    size = _mask_of(index, items, mask)
    if size > most:
        return -1
    _list_bits(mask, found)
    return size


@compiled
def _list_rare(index: Any, rare: int, items: Any, found: Any) -> Any:
    size = 0
    for i in range(index.rare_start[rare], index.rare_start[rare + 1]):
        entry = index.rare_entry[i]
        has_all = True
        for item in items:
            has_all = has_all and (item == rare or _has_item(index, entry, item))
        if has_all:
            found[size] = entry
            size += 1
    return size


@compiled
def _has_item(index: Any, entry: int, item: int) -> Any:
    row = index.bit_row[item]
    if row >= 0:
        return _has_bit(index.bits[row], entry)
    for i in range(index.row_start[entry], index.row_start[entry + 1]):  # noqa: SIM110 - not compiled
        if index.row_item[i] == item:
            return True
    return False


@compiled
def _has_bit(mask: Any, entry: int) -> Any:
    return (mask[entry >> 6] >> np.uint64(entry & 63)) & np.uint64(1) != 0


@compiled
def _mask_of(index: Any, items: Any, mask: Any) -> Any:
    """Set the bits of the entries that have all items (none of them rare), and count them."""
    mask[:] = ~np.uint64(0)
    if len(index.outcome) % 64:
        mask[-1] = (np.uint64(1) << np.uint64(len(index.outcome) % 64)) - np.uint64(1)
    for item in items:
        other = index.bits[index.bit_row[item]]
        for i in range(len(mask)):
            mask[i] &= other[i]
    return _ones_of(mask, mask)


@compiled
def _ones_of(mask: Any, other: Any) -> Any:
    """Count the bits that are set in both."""
    total = np.uint64(0)
    for i in range(len(mask)):
        total += _ones(mask[i] & other[i])
    return np.int64(total)


@compiled
def _ones(word: Any) -> Any:
    """Count the set bits of a word of 64; the compiler knows this form and uses the processor's own."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def _list_bits(mask: Any, found: Any) -> None:
    """List the positions of the set bits, in ascending order."""
    size = 0
    for i in range(len(mask)):
        word = mask[i]
        while word:
            lowest = word & (~word + np.uint64(1))
            found[size] = 64 * i + np.int64(_ones(lowest - np.uint64(1)))
            size += 1
            word ^= lowest


@compiled
def _weight_of(index: Any, entry: int) -> Any:
    return index.weight[entry] if len(index.weight) else 1


@compiled
def _mark_of(index: Any, entry: int) -> Any:
    if len(index.mark_word) == 0:
        return np.uint64(0)
    return index.mark_word[entry >> 5] << np.uint64(entry & 31)


@compiled
def _read_entries(index: Any, found: Any, last: int, counts: Any, marks: Any) -> None:
    """Count the items after `last` in the entries found."""
    counts[last + 1 :] = 0
    marks[last + 1 :] = 0
    for entry in found:
        outcome, weight, mark = index.outcome[entry], _weight_of(index, entry), _mark_of(index, entry)
        for i in range(index.row_start[entry + 1] - 1, index.row_start[entry] - 1, -1):
            item = np.int64(index.row_item[i])
            if item <= last:
                break
            counts[item, outcome] += weight
            marks[item] += mark


@compiled
def _extend_by_bits(index: Any, families: Any, masks: Any, waiting: Any, kept: Any) -> None:
    """Extend some prefixes of one family, whose entries are masks."""
    low, high = families.start[waiting], families.stop[waiting[0]]
    candidate = families.candidate[low[0] : high]
    tally = np.zeros((len(masks), len(candidate), kept.counts.shape[1]), np.int64)
    _count_bits(index, masks, low - low[0], candidate, tally)
    _count_rare(index, masks, low - low[0], candidate, tally)
    for g in range(len(masks)):
        for c in range(low[g] - low[0], len(candidate)):
            if tally[g, c].sum() >= kept.least:
                mark = _mark_of_both(index, masks[g], candidate[c])
                _keep(kept, waiting[g], candidate[c], tally[g, c], mark)


@compiled
def _count_bits(index: Any, masks: Any, low: Any, candidate: Any, tally: Any) -> None:
    """Count the candidates from `low[g]` on in mask g, by outcome.

    A piece of one candidate is compared with all masks before the next is fetched from memory.
    """
    strips = index.strips
    words = np.empty((len(masks), len(strips.words)), np.uint64)
    for g in range(len(masks)):
        for s in range(len(strips.first)):
            first, offset = strips.first[s], strips.offset[s]
            for i in range(strips.length[s]):
                words[g, offset + i] = masks[g, first + i] & strips.words[offset + i]
    for s in range(len(strips.first)):
        first, offset, length = strips.first[s], strips.offset[s], strips.length[s]
        for c in range(len(candidate)):
            row = index.bit_row[candidate[c]]
            if row < 0:
                continue
            bits = index.bits[row, first : first + length]
            for g in range(len(masks)):
                if low[g] > c:
                    break
                ones = _ones_of(words[g, offset : offset + length], bits)
                tally[g, c, strips.outcome[s]] += strips.value[s] * ones


@compiled
def _count_rare(index: Any, masks: Any, low: Any, candidate: Any, tally: Any) -> None:
    """Count the rare candidates, whose entries are listed."""
    for c in range(len(candidate)):
        item = candidate[c]
        if index.bit_row[item] >= 0:
            continue
        for i in range(index.rare_start[item], index.rare_start[item + 1]):
            entry = index.rare_entry[i]
            for g in range(len(masks)):
                if low[g] <= c and _has_bit(masks[g], entry):
                    tally[g, c, index.outcome[entry]] += _weight_of(index, entry)


@compiled
def _mark_of_both(index: Any, mask: Any, item: int) -> Any:
    """Sum the marks of the entries that a mask and an item have in common; 0 where none are wanted."""
    total = np.uint64(0)
    if len(index.mark_word) == 0:
        return total
    row = index.bit_row[item]
    if row >= 0:
        bits = index.bits[row]
        for i in range(len(mask)):
            word = mask[i] & bits[i]
            total += (word & np.uint64(0xFFFFFFFF)) * index.mark_word[2 * i]
            total += (word >> np.uint64(32)) * index.mark_word[2 * i + 1]
    else:
        for i in range(index.rare_start[item], index.rare_start[item + 1]):
            entry = index.rare_entry[i]
            if _has_bit(mask, entry):
                total += _mark_of(index, entry)
    return total
