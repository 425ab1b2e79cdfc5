"""Which candidates differ in one source column alone: the same in every context with these candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.analysis.arrays import Ints


@dataclass(frozen=True)
class KeyValues:
    """The values that some candidates have of one source column.

    Attributes
    ----------
    code
        Number of each candidate's value, shape (candidates,).
    first
        The first candidate with each value, shape (values,).
    like
        The candidate that is like another in all else and has a value, -1 where there is none; shape
        (candidates, values).
    """

    code: Ints
    first: Ints
    like: Ints


def key_values(keys: Ints, positions: Sequence[int]) -> KeyValues:
    """Return how candidates differ in some columns of their keys.

    Parameters
    ----------
    keys
        The keys of the candidates as numbers, each once, shape (candidates, key columns).
    positions
        Those of the source column's encoded columns.
    """
    others = [position for position in range(keys.shape[1]) if position not in positions]
    _, first, code = np.unique(keys[:, list(positions)], axis=0, return_index=True, return_inverse=True)
    _, rest = np.unique(keys[:, others], axis=0, return_inverse=True)
    code, rest = code.ravel(), rest.ravel()
    like = np.full((rest.max() + 1, len(first)), -1)
    like[rest, code] = np.arange(len(keys))
    return KeyValues(code, first, like[rest])
