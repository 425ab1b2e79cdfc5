"""The search through counted evidence: test every combination, keep what stands for itself.

Order of the work: count every combination and screen it with a cheap test; test what passes with the
variance that allows for repetition; control the false discovery rate over everything searched; keep a
longer pattern only where each of its conditions adds something; keep what says something beside what
was kept before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from memory_pipeline.analysis import significance
from memory_pipeline.analysis.evidence import Evidence, iter_cells, sum_by
from memory_pipeline.analysis.features import NO, OTHER
from memory_pipeline.analysis.significance import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

SCREEN_LEVEL = 0.05
"""Cells whose unit-blind p-value is above this are counted as searched and not tested further."""


@dataclass(frozen=True)
class Candidates:
    """Tested combinations; arrays have shape (candidates,)."""

    conditions: tuple[dict[str, str], ...]
    masks: Mask
    """Collapsed rows of each candidate, shape (candidates, rows)."""
    tests: significance.CellTests
    q_value: NDArray[Any]

    def take(self, chosen: NDArray[Any] | list[int]) -> Candidates:
        """Return some candidates, in the given order."""
        index = np.asarray(chosen, dtype=np.int64)
        tests = replace(self.tests, **{name: values[index] for name, values in vars(self.tests).items()})
        return Candidates(
            tuple(self.conditions[i] for i in index), self.masks[index], tests, self.q_value[index]
        )

    def __len__(self) -> int:
        return len(self.conditions)


@dataclass(frozen=True)
class SearchResult:
    """What a search kept.

    Attributes
    ----------
    kept
        The findings, the most certain first.
    searched
        Combinations with enough attempts, counting once those that cover the same attempts:
        what the error rate covers.
    spread
        Variance of the true differences over everything searched, by moments.
    """

    kept: Candidates
    searched: int
    spread: float


@dataclass(frozen=True)
class Search:
    """One search through one history for one target."""

    evidence: Evidence
    hits: NDArray[Any]
    """Attempts that ended in the target, per collapsed row."""
    min_sample_size: int
    fdr: float
    min_units: int
    min_effect: float

    @cached_property
    def sample(self) -> Sample:
        """The whole history as collapsed rows."""
        unit = None if self.evidence.unit is None else self.evidence.codes(self.evidence.unit)[0]
        return Sample(self.evidence.n, self.hits, unit)

    @cached_property
    def icc(self) -> float:
        """How alike the outcomes of one unit are."""
        return self.sample.intraclass_correlation()

    def run(self) -> SearchResult:
        """Search, test, and keep what stands for itself; nothing where the target is always or never met."""
        if self.sample.k.sum() in {0, self.sample.total}:
            nothing = Candidates((), np.zeros((0, len(self.sample.n)), dtype=bool), _join([]), np.zeros(0))
            return SearchResult(nothing, 0, 0.0)
        candidates, searched, spread = self._significant()
        return SearchResult(self._without_shadows(self._productive(candidates)), searched, spread)

    def _significant(self) -> tuple[Candidates, int, float]:
        """Test every combination; return the significant ones, how many were searched, and the spread.

        The spread is the variance of the true differences of everything searched, by moments.
        """
        coded = [self.evidence.codes(column) for column in self.evidence.conditions]
        usable = [
            np.array([_is_usable(column, level) for level in levels])
            for column, (_, levels) in zip(self.evidence.conditions, coded, strict=True)
        ]
        sample, total, hits = self.sample, self.sample.total, int(self.sample.k.sum())
        # Rows get random marks: cells with equal sums of marks cover the same attempts (and count once).
        marks = np.random.default_rng(0).integers(1, 2**52 // max(len(sample.n), 1), len(sample.n))
        fingerprints: list[NDArray[Any]] = []
        found: list[tuple[tuple[int, ...], NDArray[Any], significance.CellTests, NDArray[Any]]] = []
        excess: list[NDArray[Any]] = []
        for columns, cell, size in iter_cells(coded, self.evidence.max_conditions):
            n = sum_by(cell, sample.n, size)
            large = np.flatnonzero((n >= self.min_sample_size) & (total - n >= self.min_sample_size))
            large = large[self._all_usable(large, columns, usable)]
            if len(large) == 0:
                continue
            k = sum_by(cell, sample.k, size)[large]
            mark = sum_by(cell, marks, size)[large]
            fingerprints.append(mark)
            screen = significance.unit_blind_p_values(n[large], k, total, hits) <= SCREEN_LEVEL
            if not screen.any():
                continue
            tests = significance.cell_tests(sample, cell, large[screen], icc=self.icc)
            excess.append(tests.difference**2 - tests.variance)
            found.append((columns, large[screen], tests, mark[screen]))
        searched = len(np.unique(np.concatenate(fingerprints))) if fingerprints else 0
        tested = _join([tests for _, _, tests, _ in found])
        exact = significance.fisher_p_values(tested.n, tested.k, total, hits)
        tested = replace(tested, p_value=np.maximum(tested.p_value, exact))
        spread = max(float(np.concatenate(excess).sum()) / max(searched, 1), 0.0) if excess else 0.0
        # Of combinations that cover the same attempts the shortest, found first, stands for all.
        marked = np.concatenate([mark for *_, mark in found]) if found else np.zeros(0)
        first = np.sort(np.unique(marked, return_index=True)[1])
        q_value = np.ones(len(marked))
        q_value[first] = significance.false_discovery_q_values(tested.p_value[first], searched)
        good = first[
            (q_value[first] <= self.fdr)
            & (tested.units[first] >= self.min_units)
            & (np.abs(tested.difference[first]) >= self.min_effect)
        ]
        places = [(columns, int(index)) for columns, cells, _, _ in found for index in cells]
        named = tuple(self.evidence.describe(places[i][0], coded, places[i][1]) for i in good)
        masks = np.array([self._mask(one) for one in named]).reshape(len(named), len(sample.n))
        tests = replace(tested, **{name: values[good] for name, values in vars(tested).items()})
        return Candidates(named, masks, tests, q_value[good]), searched, spread

    def _all_usable(
        self, cells: NDArray[Any], columns: tuple[int, ...], usable: list[Mask]
    ) -> NDArray[np.bool_]:
        """Say which cells have a usable level in each of their columns."""
        values = np.unravel_index(cells, [len(usable[column]) for column in columns])
        fine = np.ones(len(cells), dtype=bool)
        for column, value in zip(columns, values, strict=True):
            fine &= usable[column][value]
        return fine

    def _mask(self, conditions: Mapping[str, str]) -> Mask:
        mask = np.ones(len(self.sample.n), dtype=bool)
        for column, value in conditions.items():
            mask &= (self.evidence.rows[column] == value).to_numpy()
        return mask

    def _productive(self, candidates: Candidates) -> Candidates:
        """Keep a longer pattern only where every one of its conditions adds something to the others."""
        parents: dict[frozenset[tuple[str, str]], Mask] = {}
        level = self.fdr / max(sum(len(one) > 1 for one in candidates.conditions), 1)  # Bonferroni

        def adds(number: int) -> bool:
            conditions = candidates.conditions[number]
            if len(conditions) == 1:
                return True
            for column in conditions:
                rest = {c: v for c, v in conditions.items() if c != column}
                key = frozenset(rest.items())
                if key not in parents:
                    parents[key] = self._mask(rest)
                parent = parents[key]
                inside = candidates.masks[number][parent].astype(np.int64)
                test = significance.cell_tests(self.sample.part(parent), inside, np.array([1]), icc=self.icc)
                sign = np.sign(candidates.tests.difference[number])
                if test.p_value[0] > level or sign * test.difference[0] < self.min_effect:
                    return False
            return True

        return candidates.take([i for i in range(len(candidates)) if adds(i)])

    def _without_shadows(self, candidates: Candidates) -> Candidates:
        """Keep, from the most certain on, what still says something beside everything kept before.

        A candidate's effect beside the kept ones is its least-squares coefficient (Frisch-Waugh-Lovell),
        tested with a variance by unit. So an echo of a finding, its complement and a condition that merely
        travels with it fall away, and an interaction displaces the main effects that it makes up.
        """
        n, k = self.sample.n.astype(float), self.sample.k.astype(float)
        unit = self.sample.unit if self.sample.unit is not None else np.arange(len(n))
        root = np.sqrt(n)
        basis = (root / np.linalg.norm(root))[:, None]  # orthonormal, weighted by attempts
        outcome = k / root  # the rate times the root of its weight
        kept: list[int] = []
        level = self.fdr / max(len(candidates), 1)  # Bonferroni: so many could pass by luck
        lengths = np.array([len(one) for one in candidates.conditions], dtype=np.int64)
        for number in np.lexsort((lengths, candidates.tests.p_value)):
            indicator = candidates.masks[number] * root
            own = indicator - basis @ (basis.T @ indicator)
            size = float(own @ own)
            if size < 1e-3 * float(indicator @ indicator):  # nothing of it is its own
                continue
            residual = outcome - basis @ (basis.T @ outcome)
            effect = float(own @ residual) / size
            left = residual - effect * own
            variance = float((np.bincount(unit, weights=own * left) ** 2).sum()) / size**2
            variance = max(variance, self._binomial_variance(own, size))
            degrees = max(float(candidates.tests.degrees[number]), 1.0)
            p_value = 2 * stats.t.sf(abs(effect) / np.sqrt(variance), degrees)
            if p_value <= level and abs(effect) >= self.min_effect:
                kept.append(int(number))
                basis = np.column_stack([basis, own / np.sqrt(size)])
        return candidates.take(kept)

    def _binomial_variance(self, own: NDArray[Any], size: float) -> float:
        rate = self.sample.rate
        return rate * (1 - rate) * float(own @ own) / size**2


def _is_usable(column: str, level: str) -> bool:
    """Say whether a level makes a condition: `(other)` names no value that a person could look for.

    Of a list's elements only presence counts, as in market baskets: what is absent is nearly everything.
    """
    return level != OTHER and not (": " in column and level == NO)


def _join(tests: list[significance.CellTests]) -> significance.CellTests:
    names = significance.CellTests.__dataclass_fields__
    return significance.CellTests(
        **{
            name: np.concatenate([getattr(one, name) for one in tests]) if tests else np.zeros(0)
            for name in names
        }
    )
