"""Which combinations pass the tests, and are not redundant given more certain ones?

Order of the work, for each target: test every combination with a variance that allows for repetition; find
by resampling whole units how large the statistics of a search of this size get by chance; keep a longer
pattern only where each of its conditions adds something; keep what adds something to the patterns kept
before, as long as it is certain enough (`TIERS`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from memory_pipeline.analysis.evidence.combinations import Tally, count_combinations
from memory_pipeline.analysis.patterns.max_statistic import Searched, is_large, search_with_resampling
from memory_pipeline.analysis.patterns.redundancy import PartialRegression
from memory_pipeline.analysis.patterns.replicability import NO_EFFECTS, EffectPrior
from memory_pipeline.analysis.stats.clustered_tests import (
    CellTests,
    cell_tests,
    concatenate,
    difference_variances,
)
from memory_pipeline.analysis.stats.exact_tests import (
    fisher_p_values,
    pooled_z_p_values,
    stratified_p_value,
)
from memory_pipeline.analysis.stats.intervals import newcombe_intervals
from memory_pipeline.analysis.stats.multiplicity import false_discovery_q_values
from memory_pipeline.analysis.stats.unit_scores import NullModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.arrays import Floats, Ints, Mask
    from memory_pipeline.analysis.evidence.evidence import Evidence
    from memory_pipeline.analysis.stats.grouped_sample import Sample


TIERS = ("strict", "default", "exploratory")
"""How certain a finding is, the most certain tier first.

* `strict`: with probability 1 - rate there is no false finding at all (family-wise, by resampling).
* `default`: about that share of the findings is false. The family-wise p-value of the r-th finding may be up
  to r times the rate: the critical values of Benjamini and Hochberg (1995, JRSS B 57), taken step-down over
  findings that are not redundant. No theorem covers this combination with resampled p-values; its error
  rate is measured on worlds with known truth. On a history without effects it is that of `strict`.
* `exploratory`: Benjamini and Hochberg's procedure over all combinations; leads to follow, whose error
  rate does not hold once redundant patterns are removed.
"""
_LEAST_CERTAIN = 0.5
"""Family-wise p-value above which nothing is a finding, however many came before."""
_NO_DOUBT = 1e-8
"""P-value of Fisher's test below which it does not bound."""
_LARGE = 5_000
"""Attempts inside that could have the target, over all units, above which the approximation is reliable."""


@dataclass(frozen=True)
class Limits:
    """What a combination must reach to be a finding; see `patterns.find.find_patterns`."""

    min_sample_size: int
    min_units: int
    min_effect: float
    fdr: float
    tier: str = "default"


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
    family_wise
        Family-wise p-values: the probability that the largest statistic of a search without effects is as
        large.
    q_value
        The least rate at which each is found in the default tier.
    tier
        One of `TIERS`.
    threshold
        Normal deviate that the statistic of each had to exceed to be kept.
    searched
        Combinations with enough attempts that the error rate covers; those that cover the same attempts
        count once.
    prior
        The prior of the effects of everything searched; `NO_EFFECTS` where there are no findings.
    icc
        Intraclass correlation of the target within units.
    """

    sample: Sample
    conditions: tuple[dict[str, str], ...]
    tests: CellTests
    family_wise: Floats
    q_value: Floats
    tier: tuple[str, ...]
    threshold: Floats
    searched: int
    prior: EffectPrior
    icc: float


def search_evidence(
    evidence: Evidence, targets: Mapping[str, Mask], limits: Mapping[str, Limits]
) -> dict[str, SearchResult]:
    """Search one history for several targets at once.

    Parameters
    ----------
    evidence
        The counted history.
    targets
        By target: which of the evidence's outcomes belong to it, shape (outcomes,).
    limits
        By target: what a finding must reach; only the rate and the tier differ between targets.
    """
    one = next(iter(limits.values()))
    tally = count_combinations(
        evidence, targets, min_sample_size=one.min_sample_size, min_units=one.min_units
    )
    searches = {
        target: TargetSearch(tally, target, evidence.sample(target), limits[target]) for target in targets
    }
    number = np.flatnonzero(tally.first_of_equals)
    samples = {target: search.sample for target, search in searches.items() if search.is_possible}
    icc = {target: sample.intraclass_correlation() for target, sample in samples.items()}
    searched = search_with_resampling(
        tally, samples, number, icc=icc, min_units=one.min_units, min_effect=one.min_effect
    )
    return {
        target: search.run(searched[target], icc[target]) if target in samples else search.empty()
        for target, search in searches.items()
    }


@dataclass(frozen=True)
class Tested:
    """Tested combinations; `number` is their position in the tally, `searched` are the tests of all."""

    number: Ints
    tests: CellTests
    family_wise: Floats
    searched: Searched

    def take(self, chosen: Ints | list[int]) -> Tested:
        """Return the combinations at some positions, in the given order."""
        index = np.asarray(chosen, dtype=np.int64)
        return Tested(self.number[index], self.tests.take(index), self.family_wise[index], self.searched)


@dataclass(frozen=True)
class TargetSearch:
    """One search for one target; `run` selects the findings, `tested` stops before."""

    tally: Tally
    target: str
    sample: Sample
    limits: Limits

    @property
    def is_possible(self) -> bool:
        """Whether there is something to search: not where the target is always or never met."""
        hits = int(self.sample.k.sum())
        return hits not in {0, self.sample.total} and bool(self.tally.first_of_equals.any())

    def empty(self) -> SearchResult:
        """Return the result of a search without findings."""
        return SearchResult(
            sample=self.sample,
            conditions=(),
            tests=concatenate([]),
            family_wise=np.zeros(0),
            q_value=np.zeros(0),
            tier=(),
            threshold=np.zeros(0),
            searched=0,
            prior=NO_EFFECTS,
            icc=0.0,
        )

    def run(self, searched: Searched, icc: float) -> SearchResult:
        """Select the findings from the tests of every combination, of those that cover the same attempts one.

        Parameters
        ----------
        searched
            Tests of the first combinations of equals, with resampling.
        icc
            Intraclass correlation of the target within units.
        """
        tested = self.tested(searched)
        kept, q_value, tier = self._without_redundant(self._productive(self._certain(tested), icc), icc)
        return SearchResult(
            sample=self.sample,
            conditions=tuple(self.tally.conditions(int(number)) for number in kept.number),
            tests=kept.tests,
            family_wise=kept.family_wise,
            q_value=q_value,
            tier=tier,
            threshold=self._thresholds(kept),
            searched=len(tested.number),
            prior=EffectPrior.fit(tested.tests.effect, tested.tests.effect_variance)
            if len(kept.number)
            else NO_EFFECTS,
            icc=icc,
        )

    def _thresholds(self, kept: Tested) -> Floats:
        """Compute the normal deviates that the statistics of findings had to exceed, shape (findings,)."""
        if self.limits.tier == "exploratory":
            # Benjamini and Hochberg's: the least certain one that passed is about at it.
            score = stats.norm.isf(kept.tests.p_value / 2)
            return np.full(len(score), score.min(initial=np.inf))
        ranks = np.arange(1, len(kept.number) + 1)
        allowed = self.limits.fdr * (np.ones(len(ranks)) if self.limits.tier == "strict" else ranks)
        return np.asarray(kept.searched.scores_at(np.minimum(allowed, _LEAST_CERTAIN)), dtype=float)

    def tested(self, searched: Searched) -> Tested:
        """Return the tests with p-values that are at least those of exact tests."""
        number = np.flatnonzero(self.tally.first_of_equals)
        searched = self._bounded_by_exact_tests(number, searched)
        return Tested(number, searched.tests, searched.family_wise_p_values(), searched)

    def _bounded_by_exact_tests(self, number: Ints, searched: Searched) -> Searched:
        """Raise p-values to at least the smaller one of two exact tests of the counts.

        In small cells the normal approximation is not reliable; in large ones all agree. One exact test is
        Fisher's; the other compares within units only, which removes what makes units differ. Where Fisher's
        leaves no doubt, nothing has to be raised.
        """
        sample, tests, score = self.sample, searched.tests, searched.score.copy()
        chosen = np.flatnonzero(searched.family_wise_p_values() <= _LEAST_CERTAIN)
        exact = fisher_p_values(tests.n[chosen], tests.k[chosen], sample.total, int(sample.k.sum()))
        in_doubt = (exact > _NO_DOUBT) & (stats.norm.isf(exact / 2) < score[chosen])
        chosen, exact = chosen[in_doubt], exact[in_doubt]
        if sample.unit is not None and len(chosen):
            total, hits = (np.bincount(sample.unit, one) for one in (sample.n, sample.k))
            for place, one in enumerate(number[chosen].tolist()):
                rows = self.tally.rows(one)
                drawn = np.bincount(sample.unit[rows], sample.n[rows], len(total))
                if np.minimum(drawn, hits).sum() > _LARGE:
                    exact[place] = 0.0
                    continue
                within = stratified_p_value(total, hits, drawn, int(sample.k[rows].sum()))
                exact[place] = min(exact[place], within)
        p_value = tests.p_value.copy()
        p_value[chosen] = np.maximum(p_value[chosen], exact)
        with np.errstate(divide="ignore"):
            score[chosen] = np.minimum(score[chosen], stats.norm.isf(exact / 2))
        return replace(searched, tests=replace(tests, p_value=p_value), score=score)

    def _certain(self, tested: Tested) -> Tested:
        """Return the combinations that can become findings in the tier asked for."""
        limits = self.limits
        if limits.tier == "exploratory":
            large = (tested.tests.units >= limits.min_units) & is_large(tested.tests, limits.min_effect)
            p_values = np.where(large, tested.tests.p_value, 1.0)
            q_values = false_discovery_q_values(p_values, len(p_values), method="fdr_bh")
            return tested.take(np.flatnonzero(large & (q_values <= limits.fdr)))
        least = limits.fdr if limits.tier == "strict" else _LEAST_CERTAIN
        if (tested.family_wise > limits.fdr).all():  # the first finding has to be this certain
            least = 0.0
        return tested.take(np.flatnonzero(tested.family_wise <= least))

    def _productive(self, found: Tested, icc: float) -> Tested:
        """Return the combinations of which every condition adds something to the others.

        Each condition is tested inside the pattern without it, at a level shared by all longer patterns;
        first from the counts only, which excludes most, then with a variance that allows for repetition.
        """
        tally, k = self.tally, self.tally.k[self.target]
        level = self.limits.fdr / max(int((tally.length[found.number] > 1).sum()), 1)  # Bonferroni
        sign = np.sign(found.tests.difference)
        parents = tally.parents(found.number)
        adds = np.ones(len(found.number), dtype=bool)
        for parent in parents.T:
            has = np.flatnonzero(parent >= 0)
            inside, outer = found.number[has], parent[has]
            n, n_whole, hit, hit_whole = tally.n[inside], tally.n[outer], k[inside], k[outer]
            pooled = np.ones(len(has))
            more = np.zeros(len(has))
            can = (n_whole > n) & (hit_whole > 0) & (hit_whole < n_whole)
            n, n_whole, hit, hit_whole = n[can], n_whole[can], hit[can], hit_whole[can]
            pooled[can] = pooled_z_p_values(n, hit, n_whole, hit_whole)
            more[can] = sign[has[can]] * (hit / n - (hit_whole - hit) / (n_whole - n))
            adds[has] &= (pooled <= level) & (more >= self.limits.min_effect)
        for parent in np.unique(parents[adds]).tolist():
            children = np.flatnonzero(adds & (parents == parent).any(axis=1))
            if parent >= 0 and len(children):
                p_values = self._p_values_inside(found.number[children], parent, icc)
                adds[children] &= p_values <= level
        return found.take(np.flatnonzero(adds))

    def _p_values_inside(self, numbers: Ints, parent: int, icc: float) -> Floats:
        """Test combinations inside a shorter one that they share, shape (numbers,)."""
        whole = self.tally.rows(parent)
        sample = self.sample.part(whole)
        null = NullModel.fit(sample, icc)
        tests = [
            cell_tests(
                sample, self.tally.rows(one)[whole].astype(np.int64), np.array([1]), icc=icc, null=null
            )
            for one in numbers.tolist()
        ]
        return concatenate(tests).p_value

    def _interval_agrees(self, test: CellTests, inside: Mask, icc: float) -> bool:
        """Return whether the interval of the plain difference lies on the side of the tested effect."""
        variance = difference_variances(self.sample, [inside], icc=icc)
        low, high = newcombe_intervals(test, variance, self.sample)
        return bool((low[0] if test.effect[0] > 0 else -high[0]) > 0)

    def _without_redundant(self, found: Tested, icc: float) -> tuple[Tested, Floats, tuple[str, ...]]:
        """Select, from the most certain on, what adds to everything selected before.

        A candidate's effect given the selected ones is its generalised least-squares coefficient
        (`patterns.redundancy`), tested with a variance by unit. So repetitions of a finding, its complement
        and conditions that are merely associated with it are removed, and an interaction displaces the main
        effects that it causes.

        Returns
        -------
        findings, q_values, tiers
            The selected combinations, the most certain first.
        """
        fdr, tier = self.limits.fdr, self.limits.tier
        regression = PartialRegression(self.sample, icc)
        kept: list[int] = []
        certain: list[float] = []
        certainty = _digits(found.tests.p_value), _digits(found.family_wise)
        for i in np.lexsort((found.tests.n, self.tally.length[found.number], *certainty)):
            # The effect given the others has to be as certain as the whole effect.
            allowed = 1.0 if tier == "exploratory" else fdr * (1 if tier == "strict" else len(kept) + 1)
            if found.family_wise[i] > allowed:
                break  # the others are less certain still
            inside = self.tally.rows(int(found.number[i]))
            partial = regression.effect_of(inside, max(float(found.tests.degrees[i]), 1.0))
            if partial is None or abs(partial.effect) < self.limits.min_effect:
                continue
            score = np.array([stats.norm.isf(partial.p_value / 2)])
            family_wise = float(found.searched.p_values_of(score)[0])
            if family_wise > allowed or partial.p_value > fdr:
                continue
            if tier != "exploratory" and not self._interval_agrees(found.tests.take([int(i)]), inside, icc):
                continue
            regression.add(partial)
            kept.append(int(i))
            certain.append(max(family_wise, float(found.family_wise[i])))
        chosen = replace(found.take(kept), family_wise=np.array(certain))
        ranks = np.arange(1, len(kept) + 1)
        q_value = np.minimum(np.maximum.accumulate(chosen.family_wise / ranks), 1.0)
        tiers = np.where(q_value <= fdr, "default", "exploratory")
        return chosen, q_value, tuple(np.where(chosen.family_wise <= fdr, "strict", tiers).tolist())


def _digits(p_values: Floats) -> Floats:
    """Return logarithms to nine places, in which a combination is as certain as its complement.

    Which of the two is reported (the one with fewer attempts) must not hang on how a sum was rounded.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.round(np.log(p_values), 9), dtype=float)
