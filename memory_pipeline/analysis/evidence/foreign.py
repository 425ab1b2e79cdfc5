"""How is evidence that others counted added to one's own?

Its values are recoded to one's own encoding, and its units stay apart: a unit of another source is a witness
of its own, whatever it is called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.evidence.collapse import Column, add_rows
from memory_pipeline.analysis.evidence.counting.entries import smallest_unsigned
from memory_pipeline.analysis.evidence.evidence import foreign_unit
from memory_pipeline.analysis.names import MISSING, NO, OTHER, YES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.evidence.evidence import Evidence
    from memory_pipeline.analysis.features.encoding import ColumnCode, Encoding


def recode_foreign(evidence: Evidence, theirs: Encoding, mine: Encoding, *, source: str) -> Evidence:
    """Return evidence of another source as one's own encoding would have counted it.

    A value that is not a level here becomes `(other)`, and so does every value of a column that they did not
    count: `(missing)` would be a condition, which says no more than which source it was. A column that is not
    a condition here is left out. Numbers were cut at other edges there: a range that lies
    within one of ours is ours, every other one is `(other)`.

    Parameters
    ----------
    evidence
        Theirs, with a unit, by period and unit as ours is.
    theirs, mine
        The encodings of the conditions.
    source
        Prefix of the units; it has no control characters.

    Raises
    ------
    ValueError
        When the evidence has no unit.
    """
    if evidence.unit is None:
        raise ValueError("foreign evidence has no unit; it cannot be told from repetition")
    columns = {key: evidence.columns[key] for key in evidence.keys if key not in evidence.conditions}
    unit = columns[evidence.unit]
    columns[evidence.unit] = Column(tuple(foreign_unit(source, level) for level in unit.levels), unit.codes)
    conditions = []
    for name, code in mine.codes.items():
        for column in code.columns_for(name):
            conditions.append(column)
            there = evidence.columns.get(column) if column in evidence.conditions else None
            if there is None:
                columns[column] = Column((OTHER,), np.zeros(len(evidence), dtype=np.uint8))
            else:
                columns[column] = _renamed(there, _names(there.levels, code, theirs.codes.get(name)))
    columns, counts = add_rows(columns, evidence.counts)
    return replace(evidence, columns=columns, counts=counts, conditions=tuple(conditions))


def _names(levels: tuple[str, ...], mine: ColumnCode, theirs: ColumnCode | None) -> Mapping[str, str]:
    """Return what each of their levels is here."""
    if mine.kind == "bins":
        known = _bins_within(mine, theirs)
    else:
        known = {one: one for one in ((NO, YES) if mine.kind == "elements" else mine.levels)}
    known = {**known, MISSING: MISSING}
    return {level: known.get(level, OTHER) for level in levels}


def _bins_within(mine: ColumnCode, theirs: ColumnCode | None) -> dict[str, str]:
    """Return the ranges of theirs that lie within one of ours; none where theirs are not numbers."""
    if theirs is None or theirs.kind != "bins":
        return {}
    ends = [-np.inf, *theirs.edges, np.inf]
    found = {}
    for level, low, high in zip(theirs.levels, ends[:-1], ends[1:], strict=True):
        place = int(np.searchsorted(mine.edges, low, side="right"))
        upper = mine.edges[place] if place < len(mine.edges) else np.inf
        if high <= upper:
            found[level] = mine.levels[place]
    return found


def _renamed(column: Column, names: Mapping[str, str]) -> Column:
    levels = tuple(sorted(set(names.values())))
    table = [levels.index(names[level]) for level in column.levels]
    return Column(levels, np.array(table, dtype=smallest_unsigned(len(levels)))[column.codes])
