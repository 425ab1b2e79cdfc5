"""Attempts and successes of each approach, at three levels: overall, per pool, per context.

A *pool* is all attempts that share the values of some context columns. How far a record of a pool moves what
is expected of it is fitted here (partial pooling by a beta-binomial model).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
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
"""Median prior strength from which on single attempts are not kept as records."""


@dataclass(frozen=True)
class Record:
    """Attempts and successes of one approach in one pool.

    Attributes
    ----------
    attempts, successes, units
        Counts as observed.
    effective_attempts, effective_successes
        Attempts and successes, discounted for repetition within units.
    prior_log_odds
        Log-odds that the model and the wider pools expect, averaged over its attempts.
    """

    attempts: int
    successes: int
    units: int
    effective_attempts: float
    effective_successes: float
    prior_log_odds: float


@dataclass(frozen=True)
class PoolingLevel:
    """The records of all pools that some context columns define.

    Attributes
    ----------
    columns
        The context columns; none for the one pool of all attempts.
    strengths
        Prior strength: the number of attempts that the prior mean counts for against a record. Ten equally
        probable values, shape (10,) (`stats.beta_binomial.fit_strengths`).
    records
        By pool (values of `columns`) and approach key. At most 20,000, those with most attempts; where the
        prior is strong, only records of two attempts or more.
    offset
        Log-odds added to the prior mean of every approach (`stats.beta_binomial.fit_offset`); already
        included in `Record.prior_log_odds`.
    """

    columns: tuple[str, ...]
    strengths: tuple[float, ...]
    records: Mapping[tuple[Values, Values], Record]
    offset: float = 0.0

    @cached_property
    def by_pool(self) -> dict[Values, dict[Values, Record]]:
        """The records by pool, and in it by approach key."""
        found: dict[Values, dict[Values, Record]] = {}
        for (pool, key), record in self.records.items():
            found.setdefault(pool, {})[key] = record
        return found

    def records_in(self, described: Mapping[str, str], keys: Sequence[Values]) -> list[tuple[int, Record]]:
        """Return the records of some approaches in the pool of a full context, each with its number."""
        own = self.by_pool.get(tuple(described[column] for column in self.columns))
        if own is None:
            return []
        return [(number, own[key]) for number, key in enumerate(keys) if key in own]

    def shifts(self, attempts: Floats, successes: Floats, prior: Floats) -> Floats:
        """Return by how much records move the prior mean, in log-odds, averaged over the strengths.

        Parameters
        ----------
        attempts, successes
            Effective attempts and successes, shape (records,).
        prior
            Prior log-odds, shape (records,).

        Returns
        -------
        array, shape (records,)
        """
        rates = self.rates(attempts, successes, prior)
        return np.asarray(log_odds(rates).mean(axis=1) - prior)

    def rates(self, attempts: Floats, successes: Floats, prior: Floats) -> Floats:
        """Return the pooled success rates for each strength, shape (records, strengths).

        Parameters as in `shifts`.
        """
        columns = (attempts[:, None], successes[:, None], expit(prior)[:, None])
        return pooled_rate(*columns, np.array(self.strengths))

    def to_dict(self) -> dict[str, Any]:
        """Return the level as JSON-able values."""
        rows = [
            [list(pool), list(key), *vars(record).values()] for (pool, key), record in self.records.items()
        ]
        return {
            "columns": list(self.columns),
            "strengths": list(self.strengths),
            "records": rows,
            "offset": self.offset,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PoolingLevel:
        """Rebuild a level from `to_dict`."""
        records = {(tuple(pool), tuple(key)): Record(*rest) for pool, key, *rest in values["records"]}
        return cls(tuple(values["columns"]), tuple(values["strengths"]), records, values["offset"])


@dataclass(frozen=True)
class PooledRecords:
    """The records at all levels, and how well the model predicts them.

    Attributes
    ----------
    levels
        From the widest pools to the narrowest.
    scatter
        Fitted dispersion of the records of each level around their prior means.
    """

    levels: tuple[PoolingLevel, ...]
    scatter: tuple[Scatter, ...]

    @property
    def log_bayes_factor(self) -> float:
        """Log Bayes factor of "approaches differ beyond the model" against "records do not scatter"."""
        either_way = [one.likelihood_either_way - one.likelihood_without for one in self.scatter]
        return float(np.sum(either_way))


def fit_pooling_levels(
    cells: GroupedCounts,
    attempt_weight: float,
    eta: Floats,
    *,
    correlation: float,
    levels: Sequence[Sequence[str]],
    key_columns: Sequence[str],
    recentred: bool = False,
) -> PooledRecords:
    """Count the records at each level, and fit the strength of the prior against them.

    Levels are fitted from the widest pools to the narrowest. The prior mean of a record is the mean of the
    current predictions of its attempts; its pooled rate then moves the predictions of all its attempts by
    the same log-odds.

    Parameters
    ----------
    cells
        Counts per unit and combination of encoded conditions.
    attempt_weight
        Number of independent attempts that one attempt counts for.
    eta
        Log-odds that the model predicts for each cell, shape (cells,).
    correlation
        Intraclass correlation within units; where a unit has n attempts in a record, each counts
        `1 / (1 + (n - 1) correlation)` (the design effect).
    levels
        Context columns of each level, widest pools first.
    key_columns
        The settings by which approaches are told apart.
    recentred
        Whether the prior mean is the average over approaches instead of the average over attempts.
    """
    fitted: list[PoolingLevel] = []
    scatters: list[Scatter] = []
    eta = eta.copy()
    for columns in levels:
        group, first = _grouped(cells, [*columns, *key_columns])
        size = len(first)
        _, pair = np.unique(combined_key([cells.unit, group]), return_inverse=True)
        repeats = np.bincount(pair, weights=attempt_weight * cells.n)[pair]
        weight = attempt_weight / (1 + np.maximum(repeats - 1, 0) * correlation)
        attempts, successes = _sums(group, cells.n), _sums(group, cells.k)
        counted, won = _sums(group, weight * cells.n), _sums(group, weight * cells.k)
        prior = _sums(group, weight * cells.n / (1 + np.exp(-eta))) / counted
        offset = fit_offset(counted, won, prior) if recentred else 0.0
        prior = expit(log_odds(prior) + offset)
        scatter = fit_strengths(counted, won, prior)
        level = PoolingLevel(tuple(columns), tuple(scatter.strengths.tolist()), {}, offset)
        scatters.append(scatter)
        eta += level.shifts(counted, won, log_odds(prior))[group]
        units = np.bincount(group[np.unique(pair, return_index=True)[1]], minlength=size)
        texts = _texts(cells, columns, first), _texts(cells, key_columns, first)
        rows = zip(attempts, successes, units, counted, won, log_odds(prior), strict=True)
        records = {
            (pool, key): Record(int(n), int(k), int(u), round(float(c), 9), round(float(w), 9), float(e))
            for pool, key, (n, k, u, c, w, e) in zip(*texts, rows, strict=True)
        }
        # Records are stored with the policy; under a strong prior, one attempt moves nothing.
        least = 1 if np.median(level.strengths) < _FEW else 2
        longest = sorted(records, key=lambda pair: (-records[pair].effective_attempts, pair))[:_MOST_RECORDS]
        records = {pair: records[pair] for pair in sorted(longest) if records[pair].attempts >= least}
        fitted.append(replace(level, records=records))
    return PooledRecords(tuple(fitted), tuple(scatters))


def _sums(group: NDArray[np.int64], values: Floats) -> Floats:
    return np.asarray(np.bincount(group, weights=values), dtype=float)


def _grouped(cells: GroupedCounts, columns: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each cell's combination of columns, shape (cells,), and one cell per number."""
    codes = [np.zeros(len(cells.unit), dtype=np.int64), *(cells.codes_of(column) for column in columns)]
    _, first, group = np.unique(combined_key(codes), return_index=True, return_inverse=True)
    return group, first


def _texts(cells: GroupedCounts, columns: Sequence[str], rows: NDArray[np.int64]) -> list[Values]:
    """Return the values of columns in some cells, one tuple per cell."""
    named = [np.array(cells.levels_of(c), dtype=object)[cells.codes_of(c)[rows]] for c in columns]
    return [tuple(values) for values in zip(*named, strict=True)] if named else [()] * len(rows)
