"""How many attempts and successes are there per unit and combination of conditions?

Models are fitted to these cells, not to attempts: 41,661 package-days are some 1,500 cells, and a likelihood
needs the counts only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.analysis.features.columns import rows_by_unit, unit_codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Counts, Floats, Ints, Mask


_KEY_LIMIT = 2**62


@dataclass(frozen=True)
class GroupedCounts:
    """Counts per unit and combination of conditions, in an order that the attempts' order does not change.

    The one container of counts that have named columns: models of attempts (`group_attempts`) and of counted
    evidence (`Evidence.grouped`) alike work on it. Tests that know no columns take
    `stats.grouped_sample.Sample`, which stands below.

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
    n, k
        Attempts, and attempts with the target (the successes), shape (cells,), as floats.
    period
        Array, shape (cells,): number of the period, in the order of time; None where there are none.
    cell_of
        Array, shape (attempts,): the cell that each row of the frame went to; empty where the counts do not
        come from a frame.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    codes: Ints
    unit: Ints
    n: Floats
    k: Floats
    period: Ints | None = None
    cell_of: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.n)

    @property
    def rate(self) -> float:
        """Share of attempts with the target."""
        return float(self.k.sum() / self.n.sum())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of levels of each column."""
        return tuple(map(len, self.levels))

    @property
    def n_units(self) -> int:
        """Number of different units."""
        return int(self.unit.max()) + 1 if len(self.unit) else 0

    def take(self, cells: Mask | Ints) -> GroupedCounts:
        """Return some of the cells; units keep their numbers, also where one has no cell left."""
        return replace(
            self,
            codes=self.codes[cells],
            unit=self.unit[cells],
            n=self.n[cells],
            k=self.k[cells],
            period=None if self.period is None else self.period[cells],
            cell_of=np.zeros(0, dtype=np.int64),
        )

    def select(self, columns: Sequence[str]) -> GroupedCounts:
        """Return the same cells with some of the columns."""
        places = [self.columns.index(column) for column in columns]
        levels = tuple(self.levels[place] for place in places)
        return replace(self, columns=tuple(columns), levels=levels, codes=self.codes[:, places])

    def with_column(self, column: str, levels: Sequence[str], codes: Ints) -> GroupedCounts:
        """Return the same cells with one more column, of which `codes` has the level of each cell."""
        return replace(
            self,
            columns=(*self.columns, column),
            levels=(*self.levels, tuple(levels)),
            codes=np.column_stack([self.codes, codes]),
        )

    def levels_of(self, column: str) -> tuple[str, ...]:
        """Return the levels of a column."""
        return self.levels[self.columns.index(column)]

    def codes_of(self, column: str) -> NDArray[np.int64]:
        """Return the level numbers of a column, shape (cells,)."""
        return np.asarray(self._by_column[self.columns.index(column)])

    @cached_property
    def _by_column(self) -> NDArray[np.int64]:
        """The codes, shape (columns, cells): a column lies in one piece, so that reading it is quick."""
        return np.ascontiguousarray(self.codes.T)

    def is_at(self, column: str, level: str) -> NDArray[np.bool_]:
        """Return which cells have the column at the level, shape (cells,); none where it does not occur."""
        levels = self.levels_of(column)
        if level not in levels:
            return np.zeros(len(self.unit), dtype=bool)
        return np.asarray(self.codes_of(column) == levels.index(level))

    def where(self, settings: Mapping[str, str] | Iterable[tuple[str, str]]) -> Mask:
        """Return which cells have all settings (columns and their levels), shape (cells,)."""
        inside = np.ones(len(self), dtype=bool)
        for column, level in settings.items() if isinstance(settings, Mapping) else settings:
            inside &= self.is_at(column, level)
        return inside

    def combinations(self, columns: Sequence[str]) -> tuple[Ints, Ints]:
        """Return one cell of each combination of some columns that occurs, and the combination of each cell.

        Combinations are in the order of the level numbers; the second array has shape (cells,).
        """
        codes = [np.zeros(len(self), dtype=np.int64), *(self.codes_of(column) for column in columns)]
        _, first, group = np.unique(combined_key(codes), return_index=True, return_inverse=True)
        return first, group

    def attempts_per_level(self, column: str) -> dict[str, int]:
        """Count the attempts at each level of a column."""
        levels = self.levels_of(column)
        counts = np.bincount(self.codes_of(column), weights=self.n, minlength=len(levels))
        return {level: int(count) for level, count in zip(levels, counts, strict=True)}

    def usual_level(self, column: str) -> str:
        """Return the most frequent level of a column; of equally frequent ones the first by name."""
        counts = self.attempts_per_level(column)
        return min(counts, key=lambda level: (-counts[level], level))

    def rows_by_unit(self) -> list[Counts]:
        """List the cells of each unit."""
        return rows_by_unit(self.unit, self.n_units)

    def units_where(self, mask: NDArray[np.bool_]) -> int:
        """Count the units that have attempts in the chosen cells."""
        return int(np.count_nonzero(np.bincount(self.unit[mask])))


def group_attempts(encoded: pd.DataFrame, unit: pd.Series, is_success: NDArray[np.bool_]) -> GroupedCounts:
    """Count attempts and successes per unit and combination of categories.

    Parameters
    ----------
    encoded
        Categorical columns, shape (attempts, columns), without gaps.
    unit
        What repeats, shape (attempts,); as in `features.columns.unit_codes`.
    is_success
        Shape (attempts,).
    """
    codes = [encoded[column].cat.codes.to_numpy().astype(np.int64) for column in encoded]
    units = unit_codes(unit)
    keys = combined_key([units, *codes])
    _, first, cell_of = np.unique(keys, return_index=True, return_inverse=True)
    cells = len(first)
    table = np.column_stack([column[first] for column in codes]) if codes else np.zeros((cells, 0), np.int64)
    return GroupedCounts(
        columns=tuple(map(str, encoded.columns)),
        levels=tuple(tuple(encoded[column].cat.categories) for column in encoded),
        codes=np.asfortranarray(table),  # read column by column
        unit=units[first],
        n=np.bincount(cell_of, minlength=cells).astype(float),
        k=np.bincount(cell_of, weights=is_success, minlength=cells).astype(float),
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
