"""Small references to test counting and testability against: readable, exact, slow.

Item sets are tuples of column numbers; which rows have an item is the bits of a Python integer.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb


def item_bits(rows):
    """Write each column of 0/1 rows as an integer whose bit r says whether row r has the item."""
    return [sum(1 << r for r, row in enumerate(rows) if row[column]) for column in range(len(rows[0]))]


def frequent_sets(items, labels, *, most_items, least):
    """Yield (item set, rows with it, rows with it and the label, their bits), of at least `least` rows."""
    for size in range(1, most_items + 1):
        for chosen in combinations(range(len(items)), size):
            bits = items[chosen[0]]
            for item in chosen[1:]:
                bits &= items[item]
            n = bits.bit_count()
            if n >= least:
                yield chosen, n, (bits & labels).bit_count(), bits


def distinct_sets(sets):
    """Keep one of the sets that have the same rows: with sets of any length these are the closed ones."""
    return list({bits: one for *one, bits in sets}.values())


def upper_tail(k, n, total, hits):
    """P(at least k of n have the label) for a draw without replacement, exactly (Fisher, `greater`)."""
    ways = sum(comb(hits, i) * comb(total - hits, n - i) for i in range(k, min(n, hits) + 1))
    return Fraction(ways, comb(total, n))


def two_sided(k, n, total, hits):
    """Fisher's exact test, two-sided by doubling the smaller tail, exactly."""
    lower = upper_tail(n - k, n, total, total - hits)
    return min(2 * min(upper_tail(k, n, total, hits), lower), Fraction(1))


def least_p_value(p_value, n, total, hits):
    """Try every table with these margins."""
    tables = range(max(0, n - (total - hits)), min(n, hits) + 1)
    return min(p_value(k, n, total, hits) for k in tables)


def lamp(sizes, least, alpha):
    """Tarone's K by its definition: raise it until at most K sets can reach alpha / K (LAMP).

    `least` is the smallest p-value by number of rows; returns K and the smallest number of rows that can.
    """
    tests = 1
    while sum(least[n] <= alpha / tests for n in sizes) > tests:
        tests += 1
    return tests, min((n for n in sizes if least[n] <= alpha / tests), default=None)
