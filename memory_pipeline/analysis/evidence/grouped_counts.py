"""How many attempts and successes are there per unit and combination of conditions?

Models are fitted to these cells, not to attempts: 41,661 package-days are some 1,500 cells, and a likelihood
needs the counts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray


_KEY_LIMIT = 2**62


@dataclass(frozen=True)
class Cells:
    """Counts per unit and combination of conditions; their order does not depend on that of the attempts.

    Attributes
    ----------
    columns
        Names of the encoded condition columns.
    levels
        Per column its levels; `codes` points into them.
    codes
        Array, shape (cells, columns).
    unit
        Array, shape (cells,): number of the unit, from 0 to `n_units - 1`.
    attempts, successes
        Arrays, shape (cells,), as floats.
    cell_of
        Array, shape (attempts,): the cell that each row of the frame went to.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int64]
    unit: NDArray[np.int64]
    attempts: NDArray[np.float64]
    successes: NDArray[np.float64]
    cell_of: NDArray[np.int64]

    @property
    def n_units(self) -> int:
        """Number of different units."""
        return int(self.unit.max()) + 1 if len(self.unit) else 0

    def levels_of(self, column: str) -> tuple[str, ...]:
        """Return the levels of a column."""
        return self.levels[self.columns.index(column)]

    def codes_of(self, column: str) -> NDArray[np.int64]:
        """Return the level numbers of a column, shape (cells,)."""
        return self.codes[:, self.columns.index(column)]

    def is_at(self, column: str, level: str) -> NDArray[np.bool_]:
        """Return which cells have the column at the level, shape (cells,); none where it does not occur."""
        levels = self.levels_of(column)
        if level not in levels:
            return np.zeros(len(self.unit), dtype=bool)
        return np.asarray(self.codes_of(column) == levels.index(level))

    def attempts_per_level(self, column: str) -> dict[str, int]:
        """Count the attempts at each level of a column."""
        levels = self.levels_of(column)
        counts = np.bincount(self.codes_of(column), weights=self.attempts, minlength=len(levels))
        return {level: int(count) for level, count in zip(levels, counts, strict=True)}

    def usual_level(self, column: str) -> str:
        """Return the most frequent level of a column; of equally frequent ones the first by name."""
        counts = self.attempts_per_level(column)
        return min(counts, key=lambda level: (-counts[level], level))

    def units_where(self, mask: NDArray[np.bool_]) -> int:
        """Count the units that have attempts in the chosen cells."""
        return len(np.unique(self.unit[mask]))


def collapse_cells(encoded: pd.DataFrame, unit: pd.Series, is_success: NDArray[np.bool_]) -> Cells:
    """Count attempts and successes per unit and combination of categories.

    Parameters
    ----------
    encoded
        Categorical columns, shape (attempts, columns), without gaps.
    unit
        Evidence unit of each attempt, shape (attempts,); missing values count as one unit.
    is_success
        Shape (attempts,).
    """
    codes = [encoded[column].cat.codes.to_numpy().astype(np.int64) for column in encoded]
    units = np.unique(unit.astype(object).map(str).to_numpy(dtype=str), return_inverse=True)[1]
    keys = combined_key([units, *codes])
    _, first, cell_of = np.unique(keys, return_index=True, return_inverse=True)
    cells = len(first)
    table = np.column_stack([column[first] for column in codes]) if codes else np.zeros((cells, 0), np.int64)
    return Cells(
        columns=tuple(map(str, encoded.columns)),
        levels=tuple(tuple(encoded[column].cat.categories) for column in encoded),
        codes=table,
        unit=units[first].astype(np.int64),
        attempts=np.bincount(cell_of, minlength=cells).astype(float),
        successes=np.bincount(cell_of, weights=is_success, minlength=cells).astype(float),
        cell_of=cell_of.astype(np.int64),
    )


def combined_key(codes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return one number per row of several integer codes, equal for equal rows, shape (rows,).

    The order of the numbers is the lexicographic order of the rows.

    Parameters
    ----------
    codes
        At least one array of non-negative whole numbers, each of shape (rows,).
    """
    key = np.asarray(codes[0], dtype=np.int64)
    size = int(key.max()) + 1 if len(key) else 1
    for column in codes[1:]:
        width = int(column.max()) + 1 if len(column) else 1
        if size * width > _KEY_LIMIT:
            uniques, key = np.unique(key, return_inverse=True)
            size = len(uniques)
        key = key * width + column
        size *= width
    return key
