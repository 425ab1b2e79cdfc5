"""How is evidence made coarse enough to be given away, so that no rare combination of values is left?

A *cell* is a combination of the values of all conditions. One that few units share may tell which unit it is.
Values of such cells become `(other)`, one column after the other, until each cell has enough units
(k-anonymity by local recoding; refs. 1 and 2). Cells that have enough keep their values.

References
----------
1. Sweeney (2002), Achieving k-anonymity privacy protection using generalization and suppression,
   International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10.
2. Samarati (2001), Protecting respondents' identities in microdata release, IEEE Transactions on Knowledge
   and Data Engineering 13.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.evidence.collapse import Column, add_rows, group_rows
from memory_pipeline.analysis.names import OTHER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from memory_pipeline.analysis.arrays import Ints, Mask
    from memory_pipeline.analysis.evidence.evidence import Evidence


@dataclass(frozen=True)
class Suppressed:
    """Evidence without rare cells, and what that cost.

    Attributes
    ----------
    evidence
        Each of its cells has enough units.
    rare_cells
        Cells that had too few.
    attempts_changed
        Attempts of which at least one value became `(other)`; by `columns_changed`, those of each column.
    attempts_left_out
        Attempts that are not in it: too few units were left even with `(other)` in every column.
    columns_changed
        By condition whose values became `(other)` somewhere: the attempts.
    """

    evidence: Evidence
    rare_cells: int
    attempts_changed: int
    attempts_left_out: int
    columns_changed: Mapping[str, int]


def keep_conditions(evidence: Evidence, conditions: Collection[str]) -> Evidence:
    """Return the evidence by some of its conditions alone, in their order there.

    Raises
    ------
    KeyError
        When one of them is not a condition of the evidence.
    """
    unknown = sorted(set(conditions) - set(evidence.conditions))
    if unknown:
        raise KeyError(f"{unknown} are no conditions of the evidence; it has {sorted(evidence.conditions)}")
    kept = tuple(one for one in evidence.conditions if one in set(conditions))
    keys = [*evidence.keys[: len(evidence.keys) - len(evidence.conditions)], *kept]
    columns, counts = add_rows({key: evidence.columns[key] for key in keys}, evidence.counts)
    return replace(evidence, columns=columns, counts=counts, conditions=kept)


def suppress_rare_cells(evidence: Evidence, k: int) -> Suppressed:
    """Generalise the values of cells of fewer than `k` units to `(other)`.

    In each round, the column is taken whose generalisation leaves the fewest attempts in rare cells; of equal
    ones, that with the most values among them. What is rare with `(other)` everywhere is left out.

    Parameters
    ----------
    evidence
        With a unit.
    k
        Fewest units of a cell; with 1, nothing changes.

    Raises
    ------
    ValueError
        When the evidence has no unit.
    """
    if evidence.unit is None:
        raise ValueError("the evidence has no unit to count in cells; count it with `unit`")
    unit, n = evidence.codes(evidence.unit)[0].astype(np.int64), evidence.n
    columns = {name: _with_other(evidence.columns[name]) for name in evidence.conditions}
    rare, cells = _rare_rows(list(columns.values()), unit, k)
    first, left = rare, list(evidence.conditions)
    changed: dict[str, Mask] = {}
    while left and rare.any():
        trials = {name: {**columns, name: _generalised(columns[name], rare)} for name in left}
        found = {name: _rare_rows(list(trial.values()), unit, k)[0] for name, trial in trials.items()}
        best = min(
            left, key=lambda name: (int(n[found[name]].sum()), -len(np.unique(columns[name].codes[rare])))
        )
        changed[best] = columns[best].codes != trials[best][best].codes
        columns, rare = trials[best], found[best]
        left.remove(best)
    kept = np.flatnonzero(~rare)
    touched = np.logical_or.reduce([np.zeros(len(n), dtype=bool), *changed.values()]) & ~rare
    keys = {key: columns.get(key, evidence.columns[key]).take(kept) for key in evidence.keys}
    coarse, counts = add_rows({key: one.without_unused() for key, one in keys.items()}, evidence.counts[kept])
    used = np.flatnonzero(counts.any(axis=0))
    return Suppressed(
        evidence=replace(
            evidence,
            columns=coarse,
            counts=counts[:, used],
            outcomes=tuple(evidence.outcomes[one] for one in used),
        ),
        rare_cells=cells if first.any() else 0,
        attempts_changed=int(n[touched].sum()),
        attempts_left_out=int(n[rare].sum()),
        columns_changed={
            name: int(n[rows & ~rare].sum()) for name, rows in changed.items() if (rows & ~rare).any()
        },
    )


def suppress_rare_outcomes(evidence: Evidence, k: int) -> Evidence:
    """Return the evidence with reasons and kinds of intervention of fewer than `k` units as `(other)`.

    The outcomes are `features.outcomes.outcome_labels`.
    """
    unit = np.zeros(len(evidence)) if evidence.unit is None else evidence.codes(evidence.unit)[0]
    parts = [label.split(";") for label in evidence.outcomes]
    for place in (1, 2):
        values = np.array([part[place] for part in parts], dtype=object)
        for value in sorted(set(values) - {""}):
            rows = evidence.counts[:, values == value].any(axis=1)
            if len(np.unique(unit[rows])) < k:
                for one in np.flatnonzero(values == value):
                    parts[one][place] = OTHER
    labels = [";".join(part) for part in parts]
    outcomes = tuple(sorted(set(labels)))
    counts = np.zeros((len(evidence), len(outcomes)), dtype=np.int64)
    for old, label in enumerate(labels):
        counts[:, outcomes.index(label)] += evidence.counts[:, old]
    return replace(evidence, counts=counts, outcomes=outcomes)


def _rare_rows(columns: Sequence[Column], unit: Ints, k: int) -> tuple[Mask, int]:
    """Return which rows lie in cells of fewer than `k` units, shape (rows,), and how many such cells are."""
    order, starts = group_rows(columns, len(unit))
    cell = np.empty(len(unit), dtype=np.int64)
    cell[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    size = int(unit.max(initial=0)) + 1
    pairs = np.unique(cell * size + unit)
    rare = np.bincount(pairs // size, minlength=len(starts)) < k
    rows: Mask = rare[cell]
    return rows, int(rare.sum())


def _with_other(column: Column) -> Column:
    return column.of_levels(tuple(sorted({*column.levels, OTHER})))


def _generalised(column: Column, rows: Mask) -> Column:
    codes = column.codes.copy()
    codes[rows] = column.levels.index(OTHER)
    return Column(column.levels, codes)
