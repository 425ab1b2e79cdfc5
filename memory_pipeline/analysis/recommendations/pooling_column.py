"""Which context column decides what is usually done? Approaches are compared within its values first.

The values of the pooling column are the pools: candidates are approaches that were tried in the pool, small
samples borrow strength from it, and a unit's choices are compared with what is usual in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Counts
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


_MOST_LEVELS = 12
_ENOUGH_COVERAGE = 0.8


def choose_pooling_columns(
    cells: GroupedCounts, *, settings: Sequence[str], context: Sequence[str], enough: int
) -> tuple[str, ...]:
    """Choose the context column that tells most about which settings are chosen.

    The columns are compared by how much they raise the log-likelihood of the settings as chosen (the mutual
    information of column and setting, times the cells, summed over settings), penalised for the
    probabilities fitted (Schwarz 1978). A cell counts once, however often the unit repeated the approach.

    Parameters
    ----------
    cells
        Counts per unit and combination of encoded conditions.
    settings, context
        The encoded columns of approach and context.
    enough
        Attempts that a pool needs; four attempts in five have to be in such pools.

    Returns
    -------
    tuple of str
        The column; nothing where no column with 2 to 12 values tells anything beyond chance.
    """
    gains = {}
    for column in context:
        if 2 <= len(cells.levels_of(column)) <= _MOST_LEVELS:  # noqa: PLR2004 - one level pools nothing
            attempts = np.bincount(cells.codes_of(column), weights=cells.n)
            if attempts[attempts >= enough].sum() >= _ENOUGH_COVERAGE * attempts.sum():
                gains[column] = sum(_gain(cells, column, setting) for setting in settings)
    if not gains or max(gains.values()) <= 0:
        return ()
    return (max(gains, key=lambda column: gains[column]),)


def _gain(cells: GroupedCounts, column: str, setting: str) -> float:
    """Return by how much a column raises the log-likelihood of a setting's values, penalised."""
    levels, values = len(cells.levels_of(column)), len(cells.levels_of(setting))
    table = np.bincount(
        cells.codes_of(column) * values + cells.codes_of(setting), minlength=levels * values
    ).reshape(levels, values)
    raised = _entropy(table.sum(axis=0)) + _entropy(table.sum(axis=1)) - _entropy(table.ravel())
    return float(raised - 0.5 * (levels - 1) * (values - 1) * np.log(len(cells)))


def _entropy(counts: Counts) -> float:
    """Return the entropy of counts, times their sum, in nats."""
    return float(xlogy(counts.sum(), counts.sum()) - xlogy(counts, counts).sum())
