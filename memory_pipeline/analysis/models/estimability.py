"""Which contrasts do the data determine? Settings that always occur together cannot be distinguished.

References
----------
1. Searle (1971), Linear Models, section 5.4 (estimable functions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.models.design import Design, DesignMatrix


_TOLERANCE = 1e-9
_SHARE_OF_LARGEST = 1e-4


def same_partition_groups(cells: GroupedCounts, columns: Sequence[str]) -> list[list[str]]:
    """Group columns that partition the attempts in the same way, whatever their levels are called.

    Returns
    -------
    list of lists
        Every column once, groups and their members in the order of `columns`.
    """
    groups: dict[bytes, list[str]] = {}
    for column in columns:
        _, first, inverse = np.unique(cells.codes_of(column), return_index=True, return_inverse=True)
        renumbered = np.argsort(np.argsort(first))[inverse]
        groups.setdefault(renumbered.astype(np.int32).tobytes(), []).append(column)
    return list(groups.values())


class Estimability:
    """The null space of a design matrix, by which contrasts of coefficients are checked.

    A contrast is estimable, whatever the penalty, when it is orthogonal to every direction in which the
    design matrix does not vary (ref. 1).

    Parameters
    ----------
    matrix
        Design matrix.
    design
        Its terms.
    """

    def __init__(self, matrix: DesignMatrix, design: Design) -> None:
        gram = matrix.gram(np.ones(len(matrix.unit)))
        self._scale = np.sqrt(np.maximum(np.diag(gram), 1e-12))
        values, vectors = linalg.eigh(gram / np.outer(self._scale, self._scale))
        self._null_space: NDArray[np.float64] = vectors[:, values < _TOLERANCE * len(self._scale)]
        self._design = design

    def aliased_with(self, column: str, contrast: NDArray[np.float64]) -> list[str]:
        """Return the other columns that a contrast of one column is aliased with.

        Parameters
        ----------
        column
            The column whose levels are contrasted.
        contrast
            Shape (columns,).

        Returns
        -------
        list of str
            Sorted; empty where the contrast is estimable.
        """
        scaled = contrast / self._scale
        direction = self._null_space @ (self._null_space.T @ scaled)
        if np.linalg.norm(direction) < _SHARE_OF_LARGEST * np.linalg.norm(scaled):
            return []
        large = np.abs(direction) > _SHARE_OF_LARGEST * np.abs(direction).max()
        names = {
            name
            for term, is_in in zip((*self._design.terms, *self._design.unit_terms), large, strict=True)
            if is_in
            for name, _ in term
            if name != column
        }
        return sorted(names)
