"""Shuffled members keep their margins, reach every table equally often, and give honest p-values.

The rates over many worlds are those of `benchmarks/members.py`.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from made_members import independent, labels_of_members, members_of
from scipy import stats

from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.pairs import pairs_against_chance
from memory_pipeline.analysis.members.predicates import every, parse_predicate
from memory_pipeline.analysis.members.profile import profile_analysis
from memory_pipeline.analysis.members.significance import chance_of, tail


def tables(shuffled):
    places = tuple(range(shuffled.label_count))
    return shuffled.columns(places).transpose(1, 2, 0)  # shuffles, members, labels


def test_margins_stay_in_every_field_and_stratum():
    frame = independent(0, count=60)
    frame["interests"] = [["chess", "hiking"][: i % 3] for i in range(60)]
    frame["attributes"] = [{"wave": i % 2} for i in range(60)]
    labels = labels_of_members(frame, strata=("wave",))
    shuffled = tables(shuffled_members(labels, count=50))
    own = labels.matrix.toarray()
    assert (shuffled != own).any(axis=(1, 2)).all()
    for field in ("skills", "interests"):
        of_field = np.array(labels.fields) == field
        assert (shuffled[:, :, of_field].sum(axis=2) == own[:, of_field].sum(axis=1)).all()
    for wave in (0, 1):
        inside = labels.strata == wave
        assert (shuffled[:, inside].sum(axis=1) == own[inside].sum(axis=0)).all()


@pytest.mark.statistics
def test_every_table_with_the_margins_is_as_likely_as_any_other():
    labels = labels_of_members(members_of([["a", "b"], ["a"], ["c"]]))
    found = Counter(
        table.tobytes()
        for seed in range(10)
        for table in tables(shuffled_members(labels, count=200, seed=seed))
    )
    # By hand: members with 2, 1 and 1 labels; a is held twice, b and c once. Five tables have these margins.
    assert len(found) == 5
    assert stats.chisquare(list(found.values())).pvalue > 0.001


def test_the_same_seed_gives_the_same_shuffles():
    labels = labels_of_members(independent(1))
    one, other = (shuffled_members(labels, count=50, seed=seed).labels for seed in (3, 4))
    again = shuffled_members(labels_of_members(independent(1)), count=50, seed=3).labels
    assert (one == again).all()
    assert (one != other).any()


@pytest.fixture(scope="module")
def two_fields():
    """Everybody has one skill and one interest: how they meet is hypergeometric."""
    return labels_of_members(
        members_of([["R"]] * 40 + [["SQL"]] * 60, [["chess"]] * 25 + [["hiking"]] * 60 + [["chess"]] * 15)
    )


def test_chance_is_hypergeometric_where_that_is_known(two_fields):
    chance = chance_of(two_fields, every(("skills", "R"), ("interests", "chess")))
    exact = stats.hypergeom(100, 40, 40)
    assert chance.member_count == 25
    assert chance.expected == pytest.approx(exact.mean(), abs=4 * exact.std() / 200**0.5)
    assert chance.deviation == pytest.approx(exact.std(), rel=0.2)
    assert chance.lift == pytest.approx(25 / 16, rel=0.05)
    # Mean and spread are estimated, so the p-value may only be moderately larger than the exact one.
    assert exact.sf(24) / 3 < chance.p_value < 20 * exact.sf(24)


def test_what_the_margins_fix_is_no_finding(two_fields):
    chance = chance_of(two_fields, parse_predicate({"field": "skills", "label": "R"}))
    assert (chance.member_count, chance.expected, chance.lift, chance.p_value) == (40, 40, 1, 1)


def test_nobody_is_no_finding(two_fields):
    chance = chance_of(two_fields, every(("skills", "R"), ("skills", "SQL")))
    assert (chance.member_count, chance.expected, chance.lift, chance.p_value) == (0, 0, 1, 1)


def test_pairs_and_predicates_agree():
    labels = labels_of_members(independent(2, cluster=("skill01", "skill02")))
    pairs = pairs_against_chance(labels, min_members=8)
    pair = pairs[(pairs["label_a"] == "skill01") & (pairs["label_b"] == "skill02")].iloc[0]
    chance = chance_of(labels, every(("skills", "skill01"), ("skills", "skill02")))
    assert pair["members"] == chance.member_count
    assert pair["expected"] == pytest.approx(chance.expected)
    assert pair["p_value"] == pytest.approx(chance.p_value)


@pytest.mark.statistics
def test_p_values_of_independent_labels_are_not_too_small():
    small = []
    for seed in range(12):
        pairs = pairs_against_chance(labels_of_members(independent(seed)), min_members=8)
        small.append((pairs["p_value"] <= 0.01).mean())
    # 12 x 190 pairs; discreteness makes them conservative. Three standard errors above 1% are 1.6%.
    assert np.mean(small) <= 0.016


@pytest.mark.parametrize(
    ("observed", "mean", "variance", "exact"),
    [
        (12, 5.0, 5.0, stats.poisson.sf(11, 5)),
        (12, 5.0, 2.5, stats.binom.sf(11, 10, 0.5)),
        (12, 5.0, 10.0, stats.nbinom.sf(11, 5, 0.5)),
    ],
)
def test_the_tail_is_never_below_that_of_the_distribution_with_these_moments(observed, mean, variance, exact):
    found = tail(np.array([observed]), np.array([mean]), np.array([variance]), 10_000)[0]
    assert found >= exact
    assert found < 0.1


def test_the_profile_is_aggregate_bounded_and_paged():
    frame = independent(3, cluster=("skill01", "skill02"))
    frame.loc[0, "skills"].append("something only one member does")
    labels = labels_of_members(frame)
    first = profile_analysis(labels, page_size=5)
    assert first["member_count"] == 300
    assert first["fields"]["skills"]["labels_below_group_size"] == 1
    assert [one["members"] for one in first["fields"]["skills"]["labels"]] == sorted(
        labels.counts.tolist(), reverse=True
    )[:5]
    best = first["co_occurrence"][0]
    assert (best["label_a"], best["label_b"]) == ("skill01", "skill02")
    assert best["lift"] > 2
    whole = [profile_analysis(labels, page_size=5, page=page) for page in range(1, first["pages"] + 1)]
    listed = [one["label"] for page in whole for one in page["fields"]["skills"]["labels"]]
    assert len(listed) == len(set(listed)) == 20
    assert sum(len(page["co_occurrence"]) for page in whole) == first["co_occurring_pairs"]
    assert "only one member" not in str(whole)
    with pytest.raises(ValueError, match=rf"page is {first['pages'] + 1}; there are pages 1 to"):
        profile_analysis(labels, page_size=5, page=first["pages"] + 1)
    with pytest.raises(ValueError, match=r"no member has the fields \['tools'\]; use some of \['skills'\]"):
        profile_analysis(labels, fields=("tools",))
