"""The approaches that can be advised: wholes that were really tried, each with what speaks for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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


Support = dict[tuple["Values", str, str], tuple[int, int]]


@dataclass(frozen=True)
class Candidate:
    """A whole approach that was tried at a place.

    Attributes
    ----------
    key
        Levels of the settings that tell approaches apart.
    approach
        The approach as JSON text: the one most often tried with this key at this place.
    settings
        Its encoded settings, all of them.
    attempts, successes, units
        Of the key at the place.
    support, support_units
        Attempts and units that each single setting of the key has at the place, at least.
    """

    key: Values
    approach: str
    settings: Mapping[str, str]
    attempts: int
    successes: int
    units: int
    support: int
    support_units: int

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as JSON-able values."""
        return asdict(self) | {"key": list(self.key)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Candidate:
        """Rebuild a candidate from `to_dict`."""
        return cls(**dict(values) | {"key": tuple(values["key"])})


def choose_key_columns(
    cells: GroupedCounts,
    settings: Sequence[str],
    importance: Mapping[str, float],
    *,
    home: Sequence[str],
    enough: int,
) -> tuple[str, ...]:
    """Choose the settings by which approaches are told apart.

    All of them, unless that cuts the history so thin that fewer than four attempts in five lie in
    approaches with `enough` attempts at their place. Then settings that hardly move the
    prediction (0.15 of log-odds, some three points) are left out, the least important first; the advice
    fills them with what is usual.
    """
    kept = sorted(settings, key=lambda column: (-importance[column], column))
    while (
        kept
        and importance[kept[-1]] < _NOTICEABLE
        and _coverage(cells, [*home, *kept], enough) < (_ENOUGH_COVERAGE)
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
    home: Sequence[str],
    support: Support,
    min_attempts: int,
    most: int = 60,
) -> dict[Values, tuple[Candidate, ...]]:
    """List the approaches tried at each place, the most frequent first.

    Parameters
    ----------
    cells
        Counts per unit and combination.
    approaches
        The different approaches as JSON, and which of them each attempt took (`number_approaches`).
    settings, key_columns
        All encoded settings, and those that tell approaches apart.
    home
        The context columns (none or more) whose levels are the places.
    support
        From `count_settings`.
    min_attempts
        Attempts that an approach must have at a place.
    most
        Candidates per place, at most.
    """
    first_cell, of_cell = np.unique(
        _keys(cells, [*home, *key_columns]), return_index=True, return_inverse=True
    )[1:]
    tried, units = _attempts_and_units(cells, of_cell)
    won = np.bincount(of_cell, weights=cells.k)
    texts, taken = approaches
    usual = _usual_attempt(of_cell[cells.cell_of], taken)
    found: dict[Values, list[Candidate]] = {}
    for owner in np.flatnonzero(tried >= min_attempts):
        cell = int(first_cell[owner])
        place, key = _levels(cells, home, cell), _levels(cells, key_columns, cell)
        own = int(tried[owner]), int(units[owner])
        reach = [support[place, column, level] for column, level in zip(key_columns, key, strict=True)]
        attempt = usual[owner]
        found.setdefault(place, []).append(
            Candidate(
                key=key,
                approach=texts[taken[attempt]],
                settings=dict(
                    zip(settings, _levels(cells, settings, int(cells.cell_of[attempt])), strict=True)
                ),
                attempts=own[0],
                successes=int(won[owner]),
                units=own[1],
                support=min([attempts for attempts, _ in reach], default=own[0]),
                support_units=min([witnesses for _, witnesses in reach], default=own[1]),
            )
        )
    return {
        place: tuple(sorted(ones, key=lambda c: (-c.attempts, c.approach))[:most])
        for place, ones in found.items()
    }


def _usual_attempt(group: NDArray[np.int64], code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find an attempt with the most frequent approach of each group; a tie goes to the lower number."""
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
class Rest:
    """What was tried at a place beside its candidates: its share of the attempts, and how it differs.

    `gap` is the log-odds of what is expected of these attempts, less those of the candidates' attempts.
    """

    share: float
    gap: float


def measure_rest(
    cells: GroupedCounts,
    rates: NDArray[np.float64],
    candidates: Mapping[Values, Sequence[Candidate]],
    *,
    key_columns: Sequence[str],
    home: Sequence[str],
) -> dict[Values, Rest]:
    """Measure the attempts that are no candidate's, so that "what is usually done" leaves nothing out.

    Parameters
    ----------
    cells, rates
        Counts, and the success rate that is expected of each cell, shape (cells,).
    candidates, key_columns, home
        As in `find_candidates`.
    """
    first, group = np.unique(_keys(cells, [*home, *key_columns]), return_index=True, return_inverse=True)[1:]
    known = {(place, one.key) for place, ones in candidates.items() for one in ones}
    of_group = [(_levels(cells, home, int(cell)), _levels(cells, key_columns, int(cell))) for cell in first]
    is_candidate = np.array([pair in known for pair in of_group], dtype=bool)[group]
    place_of = np.array(
        [list(candidates).index(pair[0]) if pair[0] in candidates else -1 for pair in of_group]
    )
    rest = {}
    for number, place in enumerate(candidates):
        here = place_of[group] == number
        inside, outside = here & is_candidate, here & ~is_candidate
        total = cells.n[here].sum()
        gap = 0.0
        if outside.any():
            means = [np.average(rates[side], weights=cells.n[side]) for side in (outside, inside)]
            gap = float(np.subtract(*log_odds(np.array(means))))
        rest[place] = Rest(float(cells.n[outside].sum() / total), gap)
    return rest


def count_settings(cells: GroupedCounts, columns: Sequence[str], home: Sequence[str]) -> Support:
    """Count attempts and units of every single setting at every place."""
    support = {}
    for column in columns:
        _, first, group = np.unique(_keys(cells, [*home, column]), return_index=True, return_inverse=True)
        tried, units = _attempts_and_units(cells, group)
        for number, cell in enumerate(first):
            level = _levels(cells, [column], int(cell))[0]
            support[_levels(cells, home, int(cell)), column, level] = int(tried[number]), int(units[number])
    return support


def _keys(cells: GroupedCounts, columns: Sequence[str]) -> NDArray[np.int64]:
    return combined_key([np.zeros(len(cells.unit), dtype=np.int64), *(cells.codes_of(c) for c in columns)])


def _levels(cells: GroupedCounts, columns: Sequence[str], cell: int) -> Values:
    return tuple(cells.levels_of(column)[cells.codes_of(column)[cell]] for column in columns)
