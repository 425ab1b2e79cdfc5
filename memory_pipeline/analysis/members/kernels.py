"""Compiled inner loops over members: shuffling, and counting labels that occur together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled


class Segments(NamedTuple):
    """The labels of each member in each field, and which of them trade with each other.

    Attributes
    ----------
    first, last
        Segment s, one member's labels in one field, consists of the entries `first[s]:last[s]`.
    group_start
        The segments `group_start[g]:group_start[g + 1]` trade with one another.
    """

    first: Any
    last: Any
    group_start: Any


class Rounds(NamedTuple):
    """Rounds of trades before the first shuffle, and between two."""

    warm_up: int
    between: int


@compiled
def shuffle_chain(  # noqa: PLR0917 - numba knows no keyword-only arguments
    current: Any, segments: Segments, result: Any, label_count: int, rounds: Rounds, seed: int
) -> None:
    """Write shuffles into `result`, shape (shuffles, entries), each some rounds of trades after the last.

    `current`, the labels of all entries, is changed. In a round each segment trades once.
    """
    np.random.seed(seed)  # noqa: NPY002 - the one that numba compiles
    order = np.arange(len(segments.first))
    seen = np.zeros(label_count, dtype=np.uint8)
    widest = max(1, (segments.last - segments.first).max())
    place = np.empty(2 * widest, dtype=np.int64)
    pool = np.empty(2 * widest, dtype=current.dtype)
    for shuffle in range(len(result)):
        for _ in range(rounds.between if shuffle else rounds.warm_up):
            for group in range(len(segments.group_start) - 1):
                begin, end = segments.group_start[group], segments.group_start[group + 1]
                for i in range(end - 1, begin, -1):
                    other = begin + np.random.randint(0, i - begin + 1)  # noqa: NPY002
                    order[i], order[other] = order[other], order[i]
                for i in range(begin, end - 1, 2):
                    _trade(current, segments, order[i], order[i + 1], seen, place, pool)
        result[shuffle] = current


@compiled
def _trade(  # noqa: PLR0917
    current: Any, segments: Segments, one: int, two: int, seen: Any, place: Any, pool: Any
) -> None:
    """Distribute the labels that only one of two segments has at random between them (a curveball trade)."""
    for entry in range(segments.first[one], segments.last[one]):
        seen[current[entry]] = 1
    found = 0
    for entry in range(segments.first[two], segments.last[two]):
        label = current[entry]
        if seen[label]:
            seen[label] = 2
        else:
            place[found], pool[found] = entry, label
            found += 1
    only_two = found
    for entry in range(segments.first[one], segments.last[one]):
        label = current[entry]
        if seen[label] == 1:
            place[found], pool[found] = entry, label
            found += 1
        seen[label] = 0
    if only_two in (0, found):
        return
    for k in range(found - 1, 0, -1):
        other = np.random.randint(0, k + 1)  # noqa: NPY002
        pool[k], pool[other] = pool[other], pool[k]
    for k in range(found):
        current[place[k]] = pool[k]


@compiled
def count_pairs(  # noqa: PLR0917
    labels: Any, start: Any, rank: Any, chosen: int, total: Any, squares: Any
) -> None:
    """Sum, over shuffles, the number of members with each two labels, and its square.

    `labels` has shape (shuffles, entries); label l is column `rank[l]` of `total` and `squares`, shape
    (chosen, chosen), of which the part above the diagonal is filled; it is skipped where `rank[l]` is
    negative.
    """
    table = np.zeros((chosen, chosen), dtype=np.int64)
    own = np.empty(chosen, dtype=np.int64)
    for shuffle in range(len(labels)):
        table[:] = 0
        for member in range(len(start) - 1):
            found = 0
            for entry in range(start[member], start[member + 1]):
                column = rank[labels[shuffle, entry]]
                if column >= 0:
                    own[found] = column
                    found += 1
            for i in range(found):
                for j in range(i):
                    one, two = own[i], own[j]
                    if one < two:
                        table[one, two] += 1
                    else:
                        table[two, one] += 1
        total += table
        squares += table * table


@compiled
def count_sets(  # noqa: PLR0917
    labels: Any, start: Any, rank: Any, chosen: int, sets: Any, total: Any, squares: Any
) -> None:
    """Sum, over shuffles, the number of members with all labels of each set, and its square.

    `rank` is as in `count_pairs`; `sets` are ranks, shape (sets, most labels); short rows end with -1.
    """
    words = (len(start) + 62) // 64
    held = np.zeros((chosen, words), dtype=np.uint64)
    for shuffle in range(len(labels)):
        held[:] = 0
        for member in range(len(start) - 1):
            bit = np.uint64(1) << np.uint64(member & 63)
            for entry in range(start[member], start[member + 1]):
                column = rank[labels[shuffle, entry]]
                if column >= 0:
                    held[column, member >> 6] |= bit
        for number in range(len(sets)):
            count = 0
            for word in range(words):
                both = held[sets[number, 0], word]
                for k in range(1, sets.shape[1]):
                    if sets[number, k] >= 0:
                        both &= held[sets[number, k], word]
                while both:
                    both &= both - np.uint64(1)
                    count += 1
            total[number] += count
            squares[number] += count * count


@compiled
def count_deep(labels: Any, start: Any, thing: Any, things: int, least: int) -> Any:
    """Count, per shuffle, the members with at least `least` different things; label l is thing `thing[l]`.

    Labels of several fields can be one thing; a label with a negative number is none.
    """
    result = np.zeros(len(labels), dtype=np.int64)
    last_holder = np.full(max(things, 1), -1, dtype=np.int64)
    for shuffle in range(len(labels)):
        last_holder[:] = -1
        for member in range(len(start) - 1):
            held = 0
            for entry in range(start[member], start[member + 1]):
                own = thing[labels[shuffle, entry]]
                if own >= 0 and last_holder[own] != member:
                    last_holder[own] = member
                    held += 1
            if held >= least:
                result[shuffle] += 1
    return result
