"""The search through counted evidence: test every combination, keep what stands for itself.

Order of the work, for each target: screen every combination with a cheap test; test what passes with the
variance that allows for repetition; control the false discovery rate over everything searched; keep a
longer pattern only where each of its conditions adds something; keep what says something beside what
was kept before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from memory_pipeline.analysis import significance
from memory_pipeline.analysis.significance import CellTests, Sample
from memory_pipeline.analysis.tally import Tally, count_combinations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memory_pipeline.analysis.evidence import Evidence

    Ints = NDArray[Any]
    Floats = NDArray[Any]

SCREEN_LEVEL = 0.05
"""Combinations whose unit-blind p-value is above this count as searched and are not tested further."""


@dataclass(frozen=True)
class Limits:
    """What a combination must reach to be a finding; see `patterns.find_patterns`."""

    min_sample_size: int
    min_units: int
    min_effect: float
    fdr: float


@dataclass(frozen=True)
class SearchResult:
    """What a search for one target kept, the most certain first; arrays have shape (findings,).

    Attributes
    ----------
    sample
        The whole history for this target.
    conditions
        Conditions of each finding.
    tests
        Their tests.
    q_value
        The false discovery rate at which each is found.
    searched
        Combinations with enough attempts, counting once those that cover the same attempts:
        what the error rate covers.
    spread
        Variance of the true differences over everything searched, by moments.
    """

    sample: Sample
    conditions: tuple[dict[str, str], ...]
    tests: CellTests
    q_value: Floats
    searched: int
    spread: float


def search_evidence(evidence: Evidence, hits: Mapping[str, Ints], limits: Limits) -> dict[str, SearchResult]:
    """Search one history for several targets at once.

    Parameters
    ----------
    evidence
        The counted history.
    hits
        By target: attempts of each collapsed row that ended in it, shape (rows,).
    limits
        What a finding must reach.
    """
    tally = count_combinations(evidence, hits, min_sample_size=limits.min_sample_size)
    unit = None if evidence.unit is None else evidence.codes(evidence.unit)[0]
    return {
        target: TargetSearch(tally, target, Sample(evidence.n, k, unit), limits).run()
        for target, k in hits.items()
    }


@dataclass(frozen=True)
class Tested:
    """Tested combinations; `number` is their place in the tally."""

    number: Ints
    tests: CellTests
    q_value: Floats

    def take(self, chosen: Ints | list[int]) -> Tested:
        """Return some of them, in the given order."""
        index = np.asarray(chosen, dtype=np.int64)
        return Tested(self.number[index], _take(self.tests, index), self.q_value[index])


@dataclass(frozen=True)
class TargetSearch:
    """One search for one target; `run` does it all, `tested` stops before any decision is taken."""

    tally: Tally
    target: str
    sample: Sample
    limits: Limits

    def run(self) -> SearchResult:
        """Search; nothing is found where the target is always or never met."""
        hits = int(self.sample.k.sum())
        if hits in {0, self.sample.total}:
            return SearchResult(self.sample, (), _join([]), np.zeros(0), 0, 0.0)
        icc = self.sample.intraclass_correlation()
        tested = self.tested(icc)
        searched = int(self.tally.first_of_equals.sum())
        excess = tested.tests.difference**2 - tested.tests.variance
        spread = max(float(excess.sum()) / max(searched, 1), 0.0)
        found = self._significant(tested, searched)
        kept = self._without_shadows(self._productive(found, icc))
        conditions = tuple(self.tally.conditions(int(number)) for number in kept.number)
        return SearchResult(self.sample, conditions, kept.tests, kept.q_value, searched, spread)

    def tested(self, icc: float) -> Tested:
        """Test the combinations that pass the screen, of equal ones the shortest."""
        tally, sample = self.tally, self.sample
        total, hits = sample.total, int(sample.k.sum())
        blind = significance.unit_blind_p_values(tally.n, tally.k[self.target], total, hits)
        number = np.flatnonzero((blind <= SCREEN_LEVEL) & tally.first_of_equals)
        parts = []
        for table in np.unique(tally.table[number]):
            cells = tally.cell[number[tally.table[number] == table]]
            parts.append(significance.cell_tests(sample, tally.cells_of_rows(int(table)), cells, icc=icc))
        tests = _join(parts)
        exact = significance.fisher_p_values(tests.n, tests.k, total, hits)
        guarded = {**_arrays(tests), "p_value": np.maximum(tests.p_value, exact)}
        return Tested(number, CellTests(**guarded), np.ones(len(number)))

    def _significant(self, tested: Tested, searched: int) -> Tested:
        q_value = significance.false_discovery_q_values(tested.tests.p_value, searched)
        good = (
            (q_value <= self.limits.fdr)
            & (tested.tests.units >= self.limits.min_units)
            & (np.abs(tested.tests.difference) >= self.limits.min_effect)
        )
        return Tested(tested.number, tested.tests, q_value).take(np.flatnonzero(good))

    def _productive(self, found: Tested, icc: float) -> Tested:
        """Keep a longer pattern only where every one of its conditions adds something to the others.

        Each is tested inside the pattern without it, at a level shared by all longer patterns; first
        from the counts alone, which settles most, then with the variance that allows for repetition.
        """
        tally, k = self.tally, self.tally.k[self.target]
        level = self.limits.fdr / max(int((tally.length[found.number] > 1).sum()), 1)  # Bonferroni
        sign = np.sign(found.tests.difference)
        parents = tally.parents(found.number)
        adds = np.ones(len(found.number), dtype=bool)
        for parent in parents.T:
            has = np.flatnonzero(parent >= 0)
            inside, outer = found.number[has], parent[has]
            blind = np.ones(len(has))
            more = np.zeros(len(has))
            for row, (one, whole) in enumerate(zip(inside, outer, strict=True)):
                n, n_whole, hit, hit_whole = (
                    int(x) for x in (tally.n[one], tally.n[whole], k[one], k[whole])
                )
                if n_whole > n and 0 < hit_whole < n_whole:
                    blind[row] = significance.unit_blind_p_values(
                        np.array([n]), np.array([hit]), n_whole, hit_whole
                    )[0]
                    more[row] = float(sign[has[row]]) * (hit / n - (hit_whole - hit) / (n_whole - n))
            adds[has] &= (blind <= level) & (more >= self.limits.min_effect)
        for i in np.flatnonzero(adds):
            adds[i] = all(
                self._adds_inside(int(found.number[i]), int(parent), level, icc)
                for parent in parents[i]
                if parent >= 0
            )
        return found.take(np.flatnonzero(adds))

    def _adds_inside(self, number: int, parent: int, level: float, icc: float) -> bool:
        whole = self.tally.mask(self.tally.items(parent))
        inside = self.tally.mask(self.tally.items(number))[whole].astype(np.int64)
        test = significance.cell_tests(self.sample.part(whole), inside, np.array([1]), icc=icc)
        return bool(test.p_value[0] <= level)

    def _without_shadows(self, found: Tested) -> Tested:
        """Keep, from the most certain on, what still says something beside everything kept before.

        A candidate's effect beside the kept ones is its least-squares coefficient (Frisch-Waugh-Lovell),
        tested with a variance by unit. So an echo of a finding, its complement and a condition that merely
        travels with it fall away, and an interaction displaces the main effects that it makes up.
        """
        n, k = self.sample.n.astype(float), self.sample.k.astype(float)
        unit = self.sample.unit if self.sample.unit is not None else np.arange(len(n))
        rate = self.sample.rate
        root = np.sqrt(n)
        basis = (root / np.linalg.norm(root))[:, None]  # orthonormal, weighted by attempts
        outcome = k / root  # the rate times the root of its weight
        residual = outcome - basis @ (basis.T @ outcome)
        kept: list[int] = []
        level = self.limits.fdr / max(len(found.number), 1)  # Bonferroni: so many could pass by luck
        for i in np.lexsort((self.tally.length[found.number], found.tests.p_value)):
            indicator = self.tally.mask(self.tally.items(int(found.number[i]))) * root
            own = indicator - basis @ (basis.T @ indicator)
            size = float(own @ own)
            if size < 1e-3 * float(indicator @ indicator):  # nothing of it is its own
                continue
            effect = float(own @ residual) / size
            left = residual - effect * own
            variance = float((np.bincount(unit, weights=own * left) ** 2).sum()) / size**2
            variance = max(variance, rate * (1 - rate) / size)
            degrees = max(float(found.tests.degrees[i]), 1.0)
            p_value = 2 * stats.t.sf(abs(effect) / np.sqrt(variance), degrees)
            if p_value <= level and abs(effect) >= self.limits.min_effect:
                kept.append(int(i))
                basis = np.column_stack([basis, own / np.sqrt(size)])
                residual = left
        return found.take(kept)


def _arrays(tests: CellTests) -> dict[str, Any]:
    return {one.name: getattr(tests, one.name) for one in fields(tests)}


def _take(tests: CellTests, index: Ints) -> CellTests:
    return CellTests(**{name: values[index] for name, values in _arrays(tests).items()})


def _join(parts: list[CellTests]) -> CellTests:
    names = [one.name for one in fields(CellTests)]
    return CellTests(
        **{
            name: np.concatenate([getattr(one, name) for one in parts]) if parts else np.zeros(0)
            for name in names
        }
    )
