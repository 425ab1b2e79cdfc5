"""The record of each approach, at ever narrower places: everywhere, at the installer type, in the context."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from memory_pipeline.analysis.evidence.grouped_counts import combined_key
from memory_pipeline.analysis.stats.beta_binomial import (
    Scatter,
    fit_offset,
    fit_strengths,
    log_odds,
    pooled_rate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.arrays import Floats
    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts


Values = tuple[str, ...]


_MOST_RECORDS = 20_000
_FEW = 50


@dataclass(frozen=True)
class Record:
    """How one approach did at one place.

    Attributes
    ----------
    attempts, successes, units
        As they happened.
    counted, won
        Attempts and successes discounted for repetition within units.
    expected
        Log-odds that the wider places and the model gave it, on average over its attempts.
    """

    attempts: int
    successes: int
    units: int
    counted: float
    won: float
    expected: float


@dataclass(frozen=True)
class Level:
    """The records at the places that some context columns describe.

    Attributes
    ----------
    columns
        The context columns; none for "everywhere".
    strengths
        How many attempts the expectation is worth against a record: equally likely numbers, shape (10,)
        (`stats.beta_binomial.fit_strengths`).
    records
        By place (levels of `columns`) and approach key; the 20,000 longest; of two attempts or more, where an
        expectation is worth many.
    offset
        Log-odds to be added to what is expected of any approach (`stats.beta_binomial.fit_offset`); the
        records' own expectation has it already.
    """

    columns: tuple[str, ...]
    strengths: tuple[float, ...]
    records: Mapping[tuple[Values, Values], Record]
    offset: float = 0.0

    def shifts(self, counted: Floats, won: Floats, expected: Floats) -> Floats:
        """Tell by how many log-odds records move an expectation, on average over the strengths.

        Parameters
        ----------
        counted, won
            Discounted attempts and successes, shape (records,).
        expected
            Expected log-odds, shape (records,).
        """
        rates = self.rates(counted, won, expected)
        return np.asarray(log_odds(rates).mean(axis=1) - expected)

    def rates(self, counted: Floats, won: Floats, expected: Floats) -> Floats:
        """Pool records with their expectation, for each strength, shape (records, strengths)."""
        columns = (counted[:, None], won[:, None], expit(expected)[:, None])
        return pooled_rate(*columns, np.array(self.strengths))

    def to_dict(self) -> dict[str, Any]:
        """Return the level as JSON-able values."""
        rows = [
            [list(place), list(key), *asdict(record).values()]
            for (place, key), record in self.records.items()
        ]
        return {
            "columns": list(self.columns),
            "strengths": list(self.strengths),
            "records": rows,
            "offset": self.offset,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Level:
        """Rebuild a level from `to_dict`."""
        records = {(tuple(place), tuple(key)): Record(*rest) for place, key, *rest in values["records"]}
        return cls(tuple(values["columns"]), tuple(values["strengths"]), records, values["offset"])


@dataclass(frozen=True)
class Records:
    """The records at all levels, and what they say about the model.

    Attributes
    ----------
    levels
        From the widest to the narrowest.
    scatter
        How the records of each level scatter around what is expected of them.
    """

    levels: tuple[Level, ...]
    scatter: tuple[Scatter, ...]

    @property
    def evidence(self) -> float:
        """That approaches matter beyond what the model says: log Bayes factor, against no scatter."""
        either_way = [one.likelihood_either_way - one.likelihood_without for one in self.scatter]
        return float(np.sum(either_way))


def fit_levels(
    cells: GroupedCounts,
    worth: float,
    eta: Floats,
    *,
    correlation: float,
    places: Sequence[Sequence[str]],
    key_columns: Sequence[str],
    recentred: bool = False,
) -> Records:
    """Count the records at each level, and fit how far each is to be believed against the expectation.

    From the widest place to the narrowest: the expectation of a record is the mean of what its attempts
    are given so far; its pooled rate then moves them all by the same log-odds.

    Parameters
    ----------
    cells
        Counts per unit and combination of encoded conditions.
    worth
        How many independent attempts an attempt is worth.
    eta
        What the model expects of each cell, log-odds, shape (cells,).
    correlation
        Of attempts of a unit; where it has n in a record, each counts `1 / (1 + (n - 1) correlation)`.
    places
        Context columns of each level, widest first.
    key_columns
        The settings that tell approaches apart.
    recentred
        Whether approaches are expected to do what approaches do on average, instead of what attempts do.

    """
    levels: list[Level] = []
    scatters: list[Scatter] = []
    eta = eta.copy()
    for columns in places:
        group, first = _grouped(cells, [*columns, *key_columns])
        size = len(first)
        _, pair = np.unique(combined_key([cells.unit, group]), return_inverse=True)
        repeats = np.bincount(pair, weights=worth * cells.n)[pair]
        weight = worth / (1 + np.maximum(repeats - 1, 0) * correlation)
        tried = _sums(group, cells.n)
        counted = _sums(group, weight * cells.n)
        won = _sums(group, weight * cells.k)
        expected = _sums(group, weight * cells.n / (1 + np.exp(-eta))) / counted
        offset = fit_offset(counted, won, expected) if recentred else 0.0
        expected = expit(log_odds(expected) + offset)
        scatter = fit_strengths(counted, won, expected)
        level = Level(tuple(columns), tuple(scatter.strengths.tolist()), {}, offset)
        scatters.append(scatter)
        eta += level.shifts(counted, won, log_odds(expected))[group]
        units = np.bincount(group[np.unique(pair, return_index=True)[1]], minlength=size)
        wins = _sums(group, cells.k)
        texts = _texts(cells, columns, first), _texts(cells, key_columns, first)
        rows = zip(tried, wins, units, counted, won, log_odds(expected), strict=True)
        records = {
            (place, key): Record(int(n), int(k), int(u), round(float(c), 9), round(float(w), 9), float(e))
            for place, key, (n, k, u, c, w, e) in zip(*texts, rows, strict=True)
        }
        # A policy has to be stored, and where an expectation is worth many attempts, one moves nothing.
        least = 1 if np.median(level.strengths) < _FEW else 2
        longest = sorted(records, key=lambda pair: (-records[pair].counted, pair))[:_MOST_RECORDS]
        records = {pair: records[pair] for pair in sorted(longest) if records[pair].attempts >= least}
        levels.append(replace(level, records=records))
    return Records(tuple(levels), tuple(scatters))


def _sums(group: NDArray[np.int64], values: Floats) -> Floats:
    return np.asarray(np.bincount(group, weights=values), dtype=float)


def _grouped(cells: GroupedCounts, columns: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each cell's combination of columns, and a cell of each number."""
    codes = [np.zeros(len(cells.unit), dtype=np.int64), *(cells.codes_of(column) for column in columns)]
    _, first, group = np.unique(combined_key(codes), return_index=True, return_inverse=True)
    return group, first


def _texts(cells: GroupedCounts, columns: Sequence[str], rows: NDArray[np.int64]) -> list[Values]:
    """Write the levels of columns in some cells, as one tuple a cell."""
    named = [np.array(cells.levels_of(c), dtype=object)[cells.codes_of(c)[rows]] for c in columns]
    return [tuple(values) for values in zip(*named, strict=True)] if named else [()] * len(rows)
