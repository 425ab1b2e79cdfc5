"""Compiled inner loops over sparse indicator matrices, stored as the columns in which each row is 1.

A row of a design has some twenty ones among hundreds of columns, so that a loop over pairs of ones takes a
fraction of the time of a dense product. See `evidence.counting.kernels` for how compiled code is cached.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from memory_pipeline.analysis.compute.compiled import compiled


@compiled
def weighted_gram(starts: Any, columns: Any, weights: Any, width: int) -> Any:
    """Compute `X' W X`, shape (width, width).

    Parameters
    ----------
    starts, columns
        Row i is 1 at `columns[starts[i]:starts[i + 1]]`, each of them once.
    weights
        Shape (rows,).
    width
        Number of columns.
    """
    sums = np.zeros((width, width))
    for row in range(len(weights)):
        weight = weights[row]
        for i in range(starts[row], starts[row + 1]):
            for j in range(i + 1, starts[row + 1]):
                sums[columns[i], columns[j]] += weight
    gram = sums + sums.T
    for row in range(len(weights)):
        for i in range(starts[row], starts[row + 1]):
            gram[columns[i], columns[i]] += weights[row]
    return gram


@compiled
def grouped_sums(starts: Any, columns: Any, weights: Any, group: Any, shape: Any) -> Any:
    """Sum the weighted rows of each group, shape (groups, width).

    Parameters
    ----------
    starts, columns, weights
        As in `weighted_gram`.
    group
        Number of each row's group, shape (rows,).
    shape
        Groups and width.
    """
    sums = np.zeros(shape)
    for row in range(len(weights)):
        for i in range(starts[row], starts[row + 1]):
            sums[group[row], columns[i]] += weights[row]
    return sums
