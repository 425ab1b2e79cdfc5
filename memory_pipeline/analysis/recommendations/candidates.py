"""Which approaches can be advised: whole approaches that were tried in a pool, with their support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.evidence.grouped_counts import combined_key
from memory_pipeline.analysis.stats.beta_binomial import log_odds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.recommendations.pooled_records import Values


_ENOUGH_COVERAGE = 0.8
_NOTICEABLE = 0.15
_RECENT = 0.25


Support = dict[tuple["Values", str, str], tuple[int, int]]
"""By pool, encoded setting and value: attempts and units."""


@dataclass(frozen=True)
class Candidate:
    """A whole approach that was tried in a pool.

    Attributes
    ----------
    key
        Values of the key columns (`choose_key_columns`).
    approach
        The approach as JSON text: the one most often tried with this key in this pool.
    settings
        All of its encoded settings.
    attempts, successes, units
        Counts of the key in the pool.
    recent_share
        Share of the newest quarter of the pool's attempts that had this key; of all where no time is known.
    support, support_units
        The fewest attempts and units in the pool that a single setting of the key has.
    """

    key: Values
    approach: str
    settings: Mapping[str, str]
    attempts: int
    successes: int
    units: int
    recent_share: float
    support: int
    support_units: int

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as JSON-able values."""
        return vars(self) | {"key": list(self.key), "settings": dict(self.settings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Candidate:
        """Rebuild a candidate from `to_dict`."""
        return cls(**dict(values) | {"key": tuple(values["key"])})


def choose_key_columns(
    cells: GroupedCounts,
    settings: Sequence[str],
    importance: Mapping[str, float],
    *,
    pooling_columns: Sequence[str],
    enough: int,
) -> tuple[str, ...]:
    """Choose the settings by which approaches are told apart.

    All settings, unless fewer than four attempts in five would then belong to an approach with `enough`
    attempts in its pool. In that case settings that hardly move the prediction (by less than 0.15 of
    log-odds, about three points) are left out, the least important first; advice fills them with their usual
    values.

    Parameters
    ----------
    cells
        Counts per unit and combination of encoded conditions.
    settings
        The encoded settings.
    importance
        By setting, as `success_model.setting_importance` returns it.
    pooling_columns
        The context columns (none or more) whose values are the pools.
    enough
        Attempts of an approach in its pool.
    """
    kept = sorted(settings, key=lambda column: (-importance[column], column))
    while (
        kept
        and importance[kept[-1]] < _NOTICEABLE
        and _coverage(cells, [*pooling_columns, *kept], enough) < (_ENOUGH_COVERAGE)
    ):
        kept.pop()
    return tuple(column for column in settings if column in kept)


def _coverage(cells: GroupedCounts, columns: Sequence[str], enough: int) -> float:
    group = np.unique(_keys(cells, columns), return_inverse=True)[1]
    tried = np.bincount(group, weights=cells.n)
    return float(tried[tried >= enough].sum() / tried.sum())


def find_candidates(
    cells: GroupedCounts,
    approaches: tuple[Sequence[str], NDArray[np.int64]],
    *,
    settings: Sequence[str],
    key_columns: Sequence[str],
    pooling_columns: Sequence[str],
    support: Support,
    moments: NDArray[np.int64],
    min_attempts: int,
    most: int = 60,
) -> dict[Values, tuple[Candidate, ...]]:
    """Return the approaches tried in each pool, the most frequent first.

    Parameters
    ----------
    cells
        Counts per unit and combination.
    approaches
        The distinct approaches as JSON, and the number of each attempt's approach (`number_approaches`).
    settings, key_columns
        All encoded settings, and those by which approaches are told apart.
    pooling_columns
        The context columns (none or more) whose values are the pools.
    support
        From `count_settings`.
    moments
        Time of each attempt, later ones larger, shape (attempts,).
    min_attempts
        Attempts in a pool that an approach needs to be a candidate there.
    most
        Largest number of candidates per pool.
    """
    first_cell, of_cell = np.unique(
        _keys(cells, [*pooling_columns, *key_columns]), return_index=True, return_inverse=True
    )[1:]
    tried, units = _attempts_and_units(cells, of_cell)
    won = np.bincount(of_cell, weights=cells.k)
    recent_share = _recent_shares(
        of_cell[cells.cell_of], _numbers(cells, pooling_columns)[cells.cell_of], moments
    )
    texts, taken = approaches
    usual = _usual_attempt(of_cell[cells.cell_of], taken)
    found: dict[Values, list[Candidate]] = {}
    for owner in np.flatnonzero(tried >= min_attempts):
        cell = int(first_cell[owner])
        pool, key = levels_at(cells, pooling_columns, cell), levels_at(cells, key_columns, cell)
        own = int(tried[owner]), int(units[owner])
        reach = [support[pool, column, level] for column, level in zip(key_columns, key, strict=True)]
        attempt = usual[owner]
        found.setdefault(pool, []).append(
            Candidate(
                key=key,
                approach=texts[taken[attempt]],
                settings=dict(
                    zip(settings, levels_at(cells, settings, int(cells.cell_of[attempt])), strict=True)
                ),
                attempts=own[0],
                successes=int(won[owner]),
                units=own[1],
                recent_share=float(recent_share[owner]),
                support=min([attempts for attempts, _ in reach], default=own[0]),
                support_units=min([witnesses for _, witnesses in reach], default=own[1]),
            )
        )
    return {
        pool: tuple(sorted(ones, key=lambda c: (-c.attempts, c.approach))[:most])
        for pool, ones in found.items()
    }


def _recent_shares(
    key: NDArray[np.int64], pool: NDArray[np.int64], moments: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of each key in the newest quarter of its pool's attempts, shape (keys,).

    Attempts of the moment at which the quarter begins all belong to it.

    Parameters
    ----------
    key, pool, moments
        Number of each attempt's key (which is of one pool) and pool, and its time, shape (attempts,).
    """
    order = np.lexsort((-moments, pool))
    size = np.bincount(pool)
    last = np.cumsum(size) - size + np.ceil(_RECENT * size).astype(np.int64) - 1
    is_recent = moments >= moments[order[last]][pool]
    counts = np.bincount(key[is_recent], minlength=int(key.max()) + 1)
    pool_of = np.zeros(len(counts), dtype=np.int64)
    pool_of[key] = pool
    return np.asarray(counts / np.bincount(pool[is_recent])[pool_of])


def _numbers(cells: GroupedCounts, columns: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each cell's combination of columns, from 0, shape (cells,)."""
    return cells.combinations(columns)[1]


def _usual_attempt(group: NDArray[np.int64], code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an attempt with the most frequent approach of each group; of ties, the lower number."""
    _, first, counts = np.unique(combined_key([group, code]), return_index=True, return_counts=True)
    # Ascending in group, then descending in count.
    order = np.lexsort((code[first], -counts, group[first]))
    starts = np.unique(group[first][order], return_index=True)[1]
    return np.asarray(first[order][starts])


def _attempts_and_units(
    cells: GroupedCounts, group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Count attempts and units of each group of cells."""
    witnesses = np.unique(np.column_stack([group, cells.unit]), axis=0)[:, 0]
    attempts = np.bincount(group, weights=cells.n).astype(float)
    return attempts, np.bincount(witnesses).astype(np.int64)


@dataclass(frozen=True)
class Remainder:
    """The attempts of a pool with approaches that are not candidates.

    Attributes
    ----------
    share
        Their share of the attempts of the pool.
    gap
        Log-odds of their expected success rate, minus those of the candidates' attempts.
    """

    share: float
    gap: float


def measure_remainder(
    cells: GroupedCounts,
    rates: NDArray[np.float64],
    candidates: Mapping[Values, Sequence[Candidate]],
    *,
    key_columns: Sequence[str],
    pooling_columns: Sequence[str],
) -> dict[Values, Remainder]:
    """Measure the attempts that belong to no candidate, so that the usual success rate covers all attempts.

    Parameters
    ----------
    cells, rates
        Counts, and the expected success rate of each cell, shape (cells,).
    candidates, key_columns, pooling_columns
        As in `find_candidates`.
    """
    first, group = np.unique(
        _keys(cells, [*pooling_columns, *key_columns]), return_index=True, return_inverse=True
    )[1:]
    known = {(pool, one.key) for pool, ones in candidates.items() for one in ones}
    of_group = [
        (levels_at(cells, pooling_columns, int(cell)), levels_at(cells, key_columns, int(cell)))
        for cell in first
    ]
    is_candidate = np.array([pair in known for pair in of_group], dtype=bool)[group]
    pool_number = np.array(
        [list(candidates).index(pair[0]) if pair[0] in candidates else -1 for pair in of_group]
    )
    remainder = {}
    for number, pool in enumerate(candidates):
        here = pool_number[group] == number
        inside, outside = here & is_candidate, here & ~is_candidate
        total = cells.n[here].sum()
        gap = 0.0
        if outside.any():
            means = [np.average(rates[side], weights=cells.n[side]) for side in (outside, inside)]
            gap = float(np.subtract(*log_odds(np.array(means))))
        remainder[pool] = Remainder(float(cells.n[outside].sum() / total), gap)
    return remainder


def count_settings(cells: GroupedCounts, columns: Sequence[str], pooling_columns: Sequence[str]) -> Support:
    """Count the attempts and units of every single setting in every pool."""
    support = {}
    for column in columns:
        _, first, group = np.unique(
            _keys(cells, [*pooling_columns, column]), return_index=True, return_inverse=True
        )
        tried, units = _attempts_and_units(cells, group)
        for number, cell in enumerate(first):
            level = levels_at(cells, [column], int(cell))[0]
            support[levels_at(cells, pooling_columns, int(cell)), column, level] = (
                int(tried[number]),
                int(units[number]),
            )
    return support


def _keys(cells: GroupedCounts, columns: Sequence[str]) -> NDArray[np.int64]:
    return combined_key([np.zeros(len(cells.unit), dtype=np.int64), *(cells.codes_of(c) for c in columns)])


def levels_at(cells: GroupedCounts, columns: Sequence[str], cell: int) -> Values:
    """Return the values of some columns in a cell."""
    return tuple(cells.levels_of(column)[cells.codes_of(column)[cell]] for column in columns)
