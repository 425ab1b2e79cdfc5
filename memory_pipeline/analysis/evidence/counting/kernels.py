"""Compiled inner loops of counting by cubes: what runs once per attempt.

Each function works on a part of the input and holds no lock, so that several threads share the work; none
uses numba's own threading, which neither survives `fork` nor lets two threads in at once. Compiling takes
seconds, once: the result is kept beside this module, or in the user's cache folder where that is read-only
(`NUMBA_CACHE_DIR` sets another), or not at all. Importing this module takes half a second: import it only
where there is much to count.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled

_BLOCK_BYTES = 2**18
"""Bytes of the group codes of one block of entries, which fit the second-level cache."""
_BLOCK = 8192
_SMALL_BLOCK = 1024


class Layout(NamedTuple):
    """Where entries are counted: groups of columns, and cubes of groups.

    Steps are 32 bits without sign: with a sign, every look-up would check for it.

    Attributes
    ----------
    column, step
        Group g has the columns `column[group_start[g]:group_start[g + 1]]` with these steps.
    group_start
        Shape (groups + 1,).
    cube, cube_step
        Groups of each cube and their steps, shape (cubes, groups in a cube); -1 ends short rows.
    cube_start
        Where each cube's cells begin, shape (cubes,).
    """

    column: Any
    step: Any
    group_start: Any
    cube: Any
    cube_step: Any
    cube_start: Any


@compiled
def fill_cubes(codes: Any, ends: Any, part: Any, layout: Any, cells: Any) -> None:
    """Add a part of the entries to the joint tables of groups of columns.

    Parameters
    ----------
    codes
        Shape (columns, entries).
    ends
        Two arrays. The outcome of each entry, shape (entries,), or empty where outcomes are not
        distinguished; and what each entry adds, shape (entries,), or empty where each adds 1.
    part
        First entry, and the one after the last.
    layout
        The cubes.
    cells
        All cells, cube after cube; changed in place.
    """
    label, value = ends
    groups = len(layout.group_start) - 1
    block = min(max(_BLOCK_BYTES // (4 * groups), _SMALL_BLOCK), _BLOCK)
    code = np.empty((groups, block), np.uint32)
    key = np.empty(block, np.uint32)
    for low in range(part[0], part[1], block):
        high = min(low + block, part[1])
        for g in range(groups):
            of_group = code[g, : high - low]
            of_group[:] = 0
            for j in range(layout.group_start[g], layout.group_start[g + 1]):
                _add_scaled(of_group, codes[layout.column[j], low:high], layout.step[j])
        for c in range(len(layout.cube)):
            of_cube = key[: high - low]
            of_cube[:] = layout.cube_start[c]
            for j in range(layout.cube.shape[1]):
                if layout.cube[c, j] >= 0:
                    _add_scaled(of_cube, code[layout.cube[c, j], : high - low], layout.cube_step[c, j])
            if len(label):
                _add_scaled(of_cube, label[low:high], np.uint32(1))
            _count(cells, of_cube, value[low:high])


@compiled
def _add_scaled(key: Any, codes: Any, step: Any) -> None:
    for i in range(len(key)):
        key[i] += np.uint32(codes[i]) * step


@compiled
def _count(cells: Any, key: Any, value: Any) -> None:
    if len(value):
        for i in range(len(key)):
            cells[key[i]] += value[i]
    else:
        for i in range(len(key)):
            cells[key[i]] += 1


@compiled
def count_levels(codes: Any, weight: Any, counts: Any) -> None:
    """Count the attempts of each level of one column.

    Parameters
    ----------
    codes
        Shape (entries,).
    weight
        Attempts of each entry, shape (entries,); empty where each is one.
    counts
        Shape (levels,); changed in place.
    """
    if len(weight):
        for i in range(len(codes)):
            counts[codes[i]] += weight[i]
        return
    # Four at a time: neighbours often agree, and one counter would wait for itself.
    counters = np.zeros((4, len(counts)), np.int64)
    whole = len(codes) // 4 * 4
    for i in range(0, whole, 4):
        counters[0, codes[i]] += 1
        counters[1, codes[i + 1]] += 1
        counters[2, codes[i + 2]] += 1
        counters[3, codes[i + 3]] += 1
    for i in range(whole, len(codes)):
        counters[0, codes[i]] += 1
    counts += counters.sum(axis=0)


@compiled
def add_row_items(codes: Any, item_of: Any, row_end: Any, row_item: Any) -> None:
    """Append the items of one column to the lists of items by entry, or only count them.

    Parameters
    ----------
    codes
        The column's levels, shape (entries,).
    item_of
        The item of each level, shape (levels,); -1 where it is none.
    row_end
        Position of the next item of each entry, shape (entries,); raised where one is appended.
    row_item
        All lists, one after the other; with length 0 items are only counted. Changed in place.
    """
    for entry in range(len(codes)):
        item = item_of[codes[entry]]
        if item >= 0:
            if len(row_item):
                row_item[row_end[entry]] = item
            row_end[entry] += 1
