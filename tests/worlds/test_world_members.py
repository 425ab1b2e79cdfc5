"""The community: normal form, planted clusters, spellings, hidden and empty profiles."""

from __future__ import annotations

from collections import Counter

import pytest

from memory_pipeline.store.models import MEMBER_PATTERN_CATEGORIES, Member
from memory_pipeline.worlds import sample_organisation

NORMAL_FORM = {
    *("source_record_id", "name", "skills", "interests", "other_sets", "attributes", "profile_text"),
    *("is_visible", "source"),
}


@pytest.fixture(scope="module")
def canonical(sample):
    """Every spelling to the label as it ought to be."""
    variants = sample.truth.label_variants
    return {other: label for label, others in variants.items() for other in others}


def _labels(member, canonical):
    return {canonical.get(label, label) for label in (*member["skills"], *member["interests"])}


def test_records_have_the_normal_form(sample):
    columns = set(Member.__table__.columns.keys())
    assert len({member["source_record_id"] for member in sample.members}) == 400
    for member in sample.members:
        assert set(member) == NORMAL_FORM <= columns
        assert member["source"] == "sample"
        for labels in (member["skills"], member["interests"], *member["other_sets"].values()):
            assert len(labels) == len(set(labels))
            assert all(isinstance(label, str) and label for label in labels)
        assert columns.isdisjoint(member["attributes"])


def test_cluster_sizes_are_those_of_the_truth(sample):
    sizes = {cluster.name: cluster.size for cluster in sample.truth.member_clusters}
    assert sizes == {
        "packaging_automation": 46,
        "data_storytelling": 52,
        "web_frontend": 44,
        "makers": 40,
        "growing_by_numbers": 30,
        "visual_craft": 34,
        "would_learn_data": 36,
    }
    everyone = Counter(one for cluster in sample.truth.member_clusters for one in cluster.member_ids)
    assert set(everyone.values()) == {1}
    assert set(everyone) < {member["source_record_id"] for member in sample.members}
    assert {cluster.category for cluster in sample.truth.member_clusters} <= set(MEMBER_PATTERN_CATEGORIES)


def test_the_labels_of_a_cluster_are_far_more_common_in_it(sample, canonical):
    labels = {member["source_record_id"]: _labels(member, canonical) for member in sample.members}
    for cluster in sample.truth.member_clusters:
        inside = [labels[one] for one in cluster.member_ids]
        clustered = {one for other in sample.truth.member_clusters for one in other.member_ids}
        background = [held for one, held in labels.items() if one not in clustered]
        for label in (*cluster.skills, *cluster.interests):
            share = sum(label in held for held in inside) / len(inside)
            assert share > 0.65, (cluster.name, label)
            assert share > 2 * sum(label in held for held in background) / len(background)


def test_some_would_learn_what_others_know(sample, canonical):
    learners = next(one for one in sample.truth.member_clusters if one.wants_to_learn)
    wishes = {
        member["source_record_id"]: {
            canonical.get(one, one) for one in member["other_sets"].get("wants_to_learn", [])
        }
        for member in sample.members
    }
    for member in sample.members:
        assert wishes[member["source_record_id"]].isdisjoint(_labels(member, canonical))
    share = sum("Python" in wishes[one] for one in learners.member_ids) / learners.size
    assert share > 0.65


def test_spellings_vary_and_belong_to_one_label(sample, canonical):
    variants = sample.truth.label_variants
    assert len(canonical) == sum(map(len, variants.values()))
    assert set(canonical).isdisjoint(variants)
    used = Counter(label for member in sample.members for label in (*member["skills"], *member["interests"]))
    assert sum(used[other] > 0 for other in canonical) > 0.9 * len(canonical)
    for label in ("React", "PowerShell", "Python"):
        spelled_otherwise = sum(used[other] for other in variants[label])
        assert 0.1 < spelled_otherwise / (spelled_otherwise + used[label]) < 0.4


def test_some_are_hidden_some_empty_and_some_say_nothing(sample):
    assert sum(not member["is_visible"] for member in sample.members) == 20
    empty = [member for member in sample.members if not (member["skills"] or member["interests"])]
    assert len(empty) >= 12
    assert sum(member["attributes"] == {} for member in sample.members) == 12
    texts = [member["profile_text"] for member in sample.members]
    assert 0.5 < sum(text is not None for text in texts) / len(texts) < 0.8
    assert max(len(text) for text in texts if text) < 200


@pytest.mark.parametrize("members", [1, 6, 7, 20, 1000])
def test_communities_of_other_sizes(members):
    made = sample_organisation(2, attempts=100, applications=10, vendors=3, members=members)
    assert len(made.members) == members
    assert sum(cluster.size for cluster in made.truth.member_clusters) <= members
