"""Claims about members: the threshold, the parts, duplicates, and how often chance passes.

The rates over many worlds are those of `benchmarks/members.py`.
"""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.members.claims import (
    ClaimRefusedError,
    KnownPattern,
    duplicate_of,
    known_pattern,
    threshold_of,
    verify_claim,
)
from memory_pipeline.analysis.members.labels import normalise_members
from memory_pipeline.analysis.members.pairs import pairs_against_chance
from memory_pipeline.analysis.members.predicates import every, parse_predicate


def community(rng, members=120, skills=14, planted=(), share=0.3):
    """Give labels of members who pick skills at random; the planted pairs are picked together by 30."""
    rows = []
    for number in range(members):
        picked = {f"skill {n}" for n in range(skills) if rng.random() < share}
        for pair in planted:
            picked |= set(pair) if number < 30 else set()
        rows.append(
            {
                "id": number + 1,
                "is_visible": True,
                "skills": sorted(picked),
                "interests": [],
                "other_sets": {},
            }
        )
    return normalise_members(pd.DataFrame(rows))


def conjunction(*labels):
    return every(*[("skills", one) for one in labels])


def test_the_threshold_counts_everything_that_could_have_been_picked():
    assert threshold_of(conjunction("a", "b"), 50) == pytest.approx(0.05 / 2 / 2 / comb(50, 2))
    assert threshold_of(conjunction("a", "b", "c"), 50) == pytest.approx(0.05 / 2 / 4 / comb(50, 3))
    either = parse_predicate(
        {
            "all": [
                {"field": "s", "label": "a"},
                {"any": [{"field": "s", "label": "b"}, {"field": "s", "label": "c"}]},
            ]
        }
    )
    # Five ways to put three labels into groups, each label plain or negated.
    assert threshold_of(either, 50) == pytest.approx(0.05 / 2 / 4 / (comb(50, 3) * 5 * 8))


def test_the_thresholds_of_all_claims_add_up_to_less_than_alpha():
    spent = sum(comb(40, k) * threshold_of(conjunction(*map(str, range(k))), 40) for k in range(2, 7))
    assert spent < 0.05 / 2


@pytest.mark.statistics
def test_whoever_picks_the_best_pair_of_many_is_not_fooled():
    """In worlds without any link, the pair that looks best is proposed; 5% of them may pass."""
    passed = 0
    for seed in range(40):
        labels = community(np.random.default_rng(seed))
        best = pairs_against_chance(labels, min_members=8).sort_values("p_value").iloc[0]
        assert best["p_value"] < 0.1  # it looks well
        predicate = conjunction(best["label_a"], best["label_b"])
        try:
            verify_claim(
                labels, predicate, min_group_size=8, threshold=threshold_of(predicate, 14), min_lift=1
            )
            passed += 1
        except ClaimRefusedError:
            pass
    assert passed <= 5  # at 5%, more happens once in 70 times


def test_a_planted_link_passes_and_its_shadow_does_not():
    labels = community(np.random.default_rng(1), planted=[("skill 0", "skill 1")], share=0.2)
    pair = conjunction("skill 0", "skill 1")
    claim = verify_claim(labels, pair, min_group_size=8, threshold=threshold_of(pair, 14))
    assert claim.chance.member_count == len(claim.member_ids) >= 30
    assert claim.figures()["lift"] > 1.3
    shadow = conjunction("skill 0", "skill 1", "skill 2")
    with pytest.raises(ClaimRefusedError, match=r"'skill 2'.* adds nothing"):
        verify_claim(labels, shadow, min_group_size=8, threshold=0.2)


def test_duplicates_by_labels_and_by_members():
    labels = community(np.random.default_rng(1), planted=[("skill 0", "skill 1")], share=0.2)
    pair = conjunction("skill 0", "skill 1")
    claim = verify_claim(labels, pair, min_group_size=8, threshold=0.01)
    ids = claim.member_ids.tolist()
    own = frozenset({("skills", "skill 0"), ("skills", "skill 1")})
    other = frozenset({("skills", "skill 5")})

    def stored(members, names):
        return [KnownPattern("stored", frozenset(members), names, is_active=True)]

    assert duplicate_of(claim, stored(ids[:2], own)) is not None
    assert duplicate_of(claim, stored([], own)) is None  # nobody left in it
    assert duplicate_of(claim, stored(ids, other)) is not None
    most = round(len(ids) * 0.85)
    assert duplicate_of(claim, stored(ids[:most], other)) is not None
    assert duplicate_of(claim, stored(ids[: most // 2], other)) is None
    assert duplicate_of(claim, []) is None


def test_labels_of_what_is_stored_are_those_of_its_evidence():
    row = {"name": "n", "related_member_ids": [1, 2], "is_active": True}
    found = known_pattern(row | {"evidence": {"labels": {"skills": ["R"], "tools": ["Git"]}}})
    assert found.labels == {("skills", "R"), ("tools", "Git")}
    assert known_pattern(row | {"evidence": None}).labels == frozenset()
