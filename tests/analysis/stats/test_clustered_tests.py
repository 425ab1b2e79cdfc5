"""The tests and intervals, against reference programs and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from memory_pipeline.analysis.stats.clustered_tests import cell_tests, difference_variances
from memory_pipeline.analysis.stats.exact_tests import (
    fisher_p_values,
    pooled_z_p_values,
    stratified_p_value,
)
from memory_pipeline.analysis.stats.grouped_sample import Sample
from memory_pipeline.analysis.stats.intervals import newcombe_intervals, wilson_interval
from memory_pipeline.analysis.stats.multiplicity import false_discovery_q_values


def test_fisher_equals_scipy_on_ordinary_and_extreme_tables():
    rng = np.random.default_rng(0)
    for total, hits in [(41_661, 36_507), (100, 3), (50, 25), (1_000_000, 997_000), (30, 30)]:
        n = rng.integers(1, total, 100)
        k = rng.hypergeometric(hits, total - hits, n)
        below, above = stats.hypergeom.cdf(k, total, hits, n), stats.hypergeom.sf(k - 1, total, hits, n)
        expected = np.minimum(2 * np.minimum(below, above), 1)
        got = fisher_p_values(n, k, total, hits)
        np.testing.assert_allclose(got, expected, rtol=1e-7)


@pytest.mark.parametrize(("total", "hits"), [(958, 626), (40, 9), (300, 297), (20, 10)])
def test_two_sided_by_likelihood_fisher_is_scipys(total, hits):
    rng = np.random.default_rng(total)
    n = rng.integers(1, total, 60)
    k = rng.hypergeometric(hits, total - hits, n)
    got = fisher_p_values(n, k, total, hits, method="less likely")
    tables = [[[b, a - b], [hits - b, total - a - hits + b]] for a, b in zip(n, k, strict=True)]
    expected = [stats.fisher_exact(table).pvalue for table in tables]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_fisher_far_in_the_tail_keeps_its_digits():
    # scipy.stats.fisher_exact([[100, 0], [0, 100]]) doubles one tail of 1 / C(200, 100) = 1.1043e-59.
    got = fisher_p_values(np.array([100]), np.array([100]), 200, 100)
    assert got[0] == pytest.approx(stats.fisher_exact([[100, 0], [0, 100]]).pvalue, rel=1e-9)


def test_the_unit_blind_screen_is_the_pooled_z_test():
    # statsmodels.stats.proportion.proportions_ztest([30, 50], [100, 100]) -> p = 0.003892417...
    got = pooled_z_p_values(np.array([100]), np.array([30]), 200, 80)
    assert got[0] == pytest.approx(0.0038924171227786, rel=1e-10)


def test_with_one_attempt_a_unit_the_robust_variance_is_that_of_least_squares():
    rng = np.random.default_rng(3)
    k, inside = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    sample = Sample(np.ones(400, dtype=int), k, np.arange(400))
    tests = cell_tests(sample, inside, np.array([1]), icc=0.0)
    variance = difference_variances(sample, [inside == 1], icc=0.0)
    design = sm.add_constant(inside.astype(float))
    fit = sm.OLS(k.astype(float), design).fit(cov_type="HC0")
    pooled = k.mean() * (1 - k.mean()) * (1 / inside.sum() + 1 / (400 - inside.sum()))

    assert tests.difference[0] == pytest.approx(fit.params[1])
    assert variance[0] == pytest.approx(max(fit.bse[1] ** 2, pooled))


def test_with_units_the_robust_variance_is_the_cluster_sandwich():
    rng = np.random.default_rng(4)
    unit = rng.integers(0, 40, 2000)
    inside = rng.integers(0, 2, 2000)
    k = (rng.random(2000) < 0.3 + 0.5 * rng.random(40)[unit] * inside).astype(int)
    sample = Sample(np.ones(2000, dtype=int), k, unit)
    variance = difference_variances(sample, [inside == 1], icc=0.0)
    fit = sm.OLS(k.astype(float), sm.add_constant(inside.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False}
    )

    assert variance[0] == pytest.approx(fit.bse[1] ** 2)


def months_world(seed, *, units=40, attempts=2000):
    """Attempts of units in twelve months; success and the use of a setting rise with the month."""
    rng = np.random.default_rng(seed)
    unit, month = rng.integers(0, units, attempts), rng.integers(0, 12, attempts)
    inside = (rng.random(attempts) < 0.2 + 0.05 * month).astype(int)
    chance = 0.2 + 0.03 * month + 0.3 * rng.random(units)[unit]
    k = (rng.random(attempts) < chance).astype(int)
    return Sample(np.ones(attempts, dtype=int), k, unit, month), inside


def test_the_effect_is_that_of_generalised_least_squares_with_a_level_per_month():
    sample, inside = months_world(11)
    icc = 0.3
    tests = cell_tests(sample, inside, np.array([1]), icc=icc)
    months = pd.get_dummies(sample.period).to_numpy(float)
    same_unit = sample.unit[:, None] == sample.unit[None, :]
    covariance = np.where(same_unit, icc, 0.0) + (1 - icc) * np.eye(sample.total)
    fit = sm.GLS(sample.k.astype(float), np.column_stack([inside, months]), sigma=covariance).fit()

    assert tests.effect[0] == pytest.approx(fit.params[0], rel=1e-8)
    assert 0.5 < tests.separable[0] < 1


def test_the_variance_is_that_of_leaving_out_each_unit_in_turn():
    """The jackknife by its definition, of the model fitted anew without each unit (no months)."""
    rng = np.random.default_rng(12)
    unit = np.repeat(np.arange(12), rng.integers(20, 200, 12))
    inside = (rng.random(len(unit)) < rng.random(12)[unit]).astype(int)
    # Outcomes that go together within units, beyond what a level per unit explains.
    k = (rng.random(len(unit)) < np.where(inside == 1, rng.random(12)[unit], rng.random(12)[unit])).astype(
        int
    )
    one, icc = np.ones(len(unit), dtype=int), 0.2
    whole = cell_tests(Sample(one, k, unit), inside, np.array([1]), icc=icc)
    effects = []
    for left in range(12):
        rest = unit != left
        part = Sample(one[rest], k[rest], unit[rest])
        effects.append(cell_tests(part, inside[rest], np.array([1]), icc=icc).effect[0])

    jackknife = float(((np.array(effects) - whole.effect[0]) ** 2).sum())
    assert whole.effect_variance[0] == pytest.approx(jackknife, rel=0.1)


def test_degrees_of_freedom_are_those_of_the_units_that_know_something():
    equal = np.repeat(np.arange(10), 40)
    inside = np.tile([0, 1], 200)
    k = np.random.default_rng(13).integers(0, 2, 400)
    tests = cell_tests(Sample(np.ones(400, dtype=int), k, equal), inside, np.array([1]), icc=0.2)
    assert tests.degrees[0] == pytest.approx(9)

    few = np.where(equal < 8, 0, inside)  # only two units were tried both ways
    tests = cell_tests(Sample(np.ones(400, dtype=int), k, equal), few, np.array([1]), icc=0.9)
    assert tests.degrees[0] < 2


def test_a_cell_whose_information_one_unit_has_alone_is_not_tested():
    unit, inside = np.repeat(np.arange(3), 100), np.r_[np.tile([0, 1], 50), np.ones(200, dtype=int)]
    k = np.r_[np.tile([0, 1], 50), np.ones(200, dtype=int)]
    tests = cell_tests(Sample(np.ones(300, dtype=int), k, unit), inside, np.array([1]), icc=0.99)
    assert tests.p_value.tolist() == [1.0]


def test_spells_make_attempts_of_a_unit_one_witness():
    """Each unit fails for long, then succeeds for long, and changes its setting once, at some date."""
    rng = np.random.default_rng(14)
    rejected, broken = 0, 0
    for _ in range(300):
        unit, time = np.repeat(np.arange(12), 100), np.tile(np.arange(100), 12)
        inside = (time >= rng.integers(10, 90, 12)[unit]).astype(int)
        state = rng.random((12, 5))[unit, time // 20]
        sample = Sample(np.ones(1200, dtype=int), (rng.random(1200) < state).astype(int), unit)
        tests = cell_tests(sample, inside, np.array([1]), icc=sample.intraclass_correlation())
        rejected += tests.p_value[0] <= 0.05
        attempts = stats.chi2_contingency(np.histogram2d(inside, sample.k, bins=2)[0]).pvalue
        broken += attempts <= 0.05
    assert broken > 100  # as if attempts were independent
    # Of 300 at 0.05, more than 26 have a probability of 0.2%.
    assert rejected <= 26


def test_the_exact_test_by_strata_is_that_of_enumeration_and_with_one_stratum_fishers():
    total, hits, drawn = np.array([6, 5, 4]), np.array([3, 2, 4]), np.array([2, 3, 2])
    low = [max(0, d + h - t) for t, h, d in zip(total, hits, drawn, strict=True)]
    pmfs = [stats.hypergeom(t, h, d).pmf for t, h, d in zip(total, hits, drawn, strict=True)]
    chance = {}
    for one in range(low[0], 3):
        for two in range(low[1], 4):
            both = one + two + 2  # the last unit always succeeds
            chance[both] = chance.get(both, 0.0) + pmfs[0](one) * pmfs[1](two)
    for observed in (2, 3, 4, 5):
        tails = (
            sum(p for value, p in chance.items() if value >= observed),
            sum(p for value, p in chance.items() if value <= observed),
        )
        expected = min(2 * min(tails), 1.0)
        assert stratified_p_value(total, hits, drawn, observed) == pytest.approx(expected)
    alone = stratified_p_value(np.array([50]), np.array([20]), np.array([15]), 11)
    assert alone == pytest.approx(fisher_p_values(np.array([15]), np.array([11]), 50, 20)[0])


def test_intraclass_correlation_recovers_the_one_that_made_the_data():
    rng = np.random.default_rng(5)
    icc, rate = 0.4, 0.7
    scale = (1 - icc) / icc
    units = rng.beta(rate * scale, (1 - rate) * scale, 3000)
    n = rng.integers(2, 30, 3000)
    sample = Sample(n, rng.binomial(n, units), np.arange(3000))

    assert sample.intraclass_correlation() == pytest.approx(icc, abs=0.02)
    assert Sample(n, rng.binomial(n, rate), np.arange(3000)).intraclass_correlation() < 0.01
    assert Sample(n, n // 2, None).intraclass_correlation() == 0.0


def test_one_unit_with_half_of_all_attempts_cannot_carry_a_finding():
    n = np.array([5000] + [100] * 50)
    k = np.array([5000] + [50] * 50)  # the large unit always succeeds, the others half the time
    inside = np.array([1] * 6 + [0] * 45)
    sample = Sample(n, k, np.arange(51))
    tests = cell_tests(sample, inside, np.array([1]), icc=sample.intraclass_correlation())

    assert fisher_p_values(tests.n, tests.k, sample.total, int(k.sum()))[0] < 1e-100
    assert tests.p_value[0] > 0.05


def test_splitting_rows_of_a_unit_changes_nothing():
    rng = np.random.default_rng(6)
    n, unit, inside = rng.integers(2, 20, 200), rng.integers(0, 30, 200), rng.integers(0, 3, 200)
    k = rng.binomial(n, 0.6)
    first_n, first_k = n // 2, np.minimum(k, n // 2)
    whole = cell_tests(Sample(n, k, unit), inside, np.arange(3), icc=0.3)
    cut = cell_tests(
        Sample(np.r_[first_n, n - first_n], np.r_[first_k, k - first_k], np.r_[unit, unit]),
        np.r_[inside, inside],
        np.arange(3),
        icc=0.3,
    )

    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(cut, name), values, rtol=1e-9, err_msg=name)


def test_without_units_newcombe_is_that_of_statsmodels():
    sample = Sample(np.array([80, 120]), np.array([60, 60]), None)
    tests = cell_tests(sample, np.array([1, 0]), np.array([1]), icc=0.0)
    variance = difference_variances(sample, [np.array([True, False])], icc=0.0)
    low, high = newcombe_intervals(tests, variance, sample)
    expected = confint_proportions_2indep(60, 80, 60, 120, method="newcomb", compare="diff")

    # The t quantile with 198 degrees of freedom is 0.6% wider than the normal one.
    assert (low[0], high[0]) == pytest.approx(expected, abs=2e-3)
    assert low[0] < expected[0] < expected[1] < high[0]


@pytest.mark.parametrize("condition_varies", [False, True])
def test_intervals_cover_the_true_difference_when_units_repeat(condition_varies):
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        sizes = rng.geometric(0.03, 60) + 3
        unit = np.repeat(np.arange(60), sizes)
        inside = rng.integers(0, 2, len(unit)) if condition_varies else rng.integers(0, 2, 60)[unit]
        base = rng.beta(3, 2, 60)
        k = (rng.random(len(unit)) < np.clip(base[unit] + 0.1 * inside, 0, 1)).astype(int)
        true = float(np.mean(np.clip(base + 0.1, 0, 1) - base))
        sample = Sample(np.ones(len(unit), dtype=int), k, unit)
        icc = sample.intraclass_correlation()
        tests = cell_tests(sample, inside, np.array([1]), icc=icc)
        variance = difference_variances(sample, [inside == 1], icc=icc)
        low, high = newcombe_intervals(tests, variance, sample)
        covered += low[0] <= true <= high[0]

    # 95% of 200 is 190; below 181 the interval would be too narrow with p < 0.01.
    assert covered >= 181


def test_q_values_are_those_of_benjamini_and_yekutieli_over_everything_searched():
    # R: p.adjust(c(1e-5, 2e-4, 1, 1, 1), method = "BY") -> 1.141667e-04 1.141667e-03 1 1 1
    got = false_discovery_q_values(np.array([1e-5, 2e-4]), 5)
    np.testing.assert_allclose(got, [1.1416666667e-4, 1.1416666667e-3])


def test_wilson_interval_of_seeds_and_of_nothing():
    # R: binom::binom.confint(10, 10, methods = "wilson") -> 0.7224672 to 1
    assert wilson_interval(10, 10) == pytest.approx((0.7224672, 1.0), abs=1e-6)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_cell_that_holds_everything_or_has_no_contrast_is_not_significant():
    sample = Sample(np.array([10, 10]), np.array([5, 5]), np.array([0, 1]))
    tests = cell_tests(sample, np.array([0, 0]), np.array([0]), icc=0.1)
    assert tests.p_value.tolist() == [1.0]
    assert tests.effect_variance.tolist() == [0.0]
    assert difference_variances(sample, [np.array([True, True])], icc=0.1).tolist() == [0.0]
