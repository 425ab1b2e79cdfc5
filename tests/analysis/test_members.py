"""Member patterns: planted ones are found, shuffled members have none, hidden members are in none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from memory_pipeline.analysis.members import (
    PATTERN_COLUMNS,
    MemberSearch,
    find_member_patterns,
    label_key,
    member_labels,
)

SKILLS = [f"skill {i}" for i in range(20)]


def members(seed, *, count=300, cluster=()):
    """Members with independent skills; a sixth of them has the whole cluster as well."""
    rng = np.random.default_rng(seed)
    skills = [
        sorted({s for s in SKILLS if rng.random() < 0.12} | (set(cluster) if i % 6 == 0 else set()))
        for i in range(count)
    ]
    return pd.DataFrame(
        {
            "id": range(1, count + 1),
            "is_visible": True,
            "skills": skills,
            "interests": [[] for _ in skills],
            "other_sets": [{} for _ in skills],
        }
    )


@pytest.mark.parametrize("spelling", ["React.js", "ReactJS", "react js", "REACT_JS"])
def test_spellings_share_a_key(spelling):
    assert label_key(spelling) == "reactjs"


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("C", "C#"), ("Java", "JavaScript"), ("R", "R+")])
def test_different_things_do_not(one, other):
    assert label_key(one) != label_key(other)


def test_variants_are_merged_under_the_most_frequent_spelling_and_hidden_members_left_out():
    frame = members(0, count=4)
    frame["skills"] = [["React.js"], ["ReactJS", " "], ["ReactJS", "react js"], ["Secret"]]
    frame["interests"] = [["Maps"], [], [], []]
    frame["other_sets"] = [{"tools": ["Git"]}, {}, {}, {}]
    frame.loc[3, "is_visible"] = False
    labels = member_labels(frame)

    assert sorted(labels.itertuples(index=False, name=None)) == [
        (1, "interests", "Maps"),
        (1, "skills", "ReactJS"),
        (1, "tools", "Git"),
        (2, "skills", "ReactJS"),
        (3, "skills", "ReactJS"),
    ]


def test_a_planted_cluster_is_found_with_its_members():
    frame = members(1, cluster=SKILLS[:3])
    found = find_member_patterns(member_labels(frame))

    assert found["name"].tolist() == ["skill 0 + skill 1 + skill 2"]
    pattern = found.iloc[0]
    having = [i for i, s in zip(frame["id"], frame["skills"], strict=True) if set(SKILLS[:3]) <= set(s)]
    assert pattern["category"] == "skill_cluster"
    assert pattern["related_member_ids"] == having
    assert pattern["member_count"] == len(having)
    assert pattern["evidence"]["labels"] == {"skills": SKILLS[:3]}
    assert pattern["evidence"]["q_value"] < 0.05
    assert len(pattern["question_prompts"]) == 2
    assert list(found.columns) == list(PATTERN_COLUMNS)


def test_members_without_structure_have_no_patterns():
    with_findings = sum(len(find_member_patterns(member_labels(members(seed)))) > 0 for seed in range(40))
    # With a true rate of 5%, seven or more of 40 have a probability of 0.3%.
    assert with_findings <= 6


def test_a_label_that_stands_in_two_fields_is_no_pattern_with_itself():
    frame = members(2)
    frame["interests"] = frame["skills"]
    assert find_member_patterns(member_labels(frame)).empty


def test_skills_with_interests_are_cross_domain():
    frame = members(3)
    frame["interests"] = [["gardening"] if "skill 4" in skills else [] for skills in frame["skills"]]
    found = find_member_patterns(member_labels(frame))
    assert found[["name", "category"]].to_numpy().tolist() == [["gardening + skill 4", "cross_domain"]]


def test_a_small_group_is_protected():
    frame = members(4, cluster=SKILLS[:3])
    assert find_member_patterns(member_labels(frame), MemberSearch(min_members=80)).empty


def test_no_members_have_no_patterns():
    assert find_member_patterns(member_labels(members(5).head(0))).empty
