"""Member patterns: planted ones are found, shuffled members have none, hidden members are in none."""

from __future__ import annotations

import numpy as np
import pytest
from error_rates import check_rate
from made_members import SKILLS, independent, labels_of_members, members_of

from memory_pipeline.analysis.members import find_member_patterns
from memory_pipeline.analysis.members.finding import MemberSearch
from memory_pipeline.analysis.members.predicates import parse_predicate
from memory_pipeline.analysis.members.questions import QUESTION_COLUMNS, question_rows
from memory_pipeline.analysis.members.search import PATTERN_COLUMNS
from memory_pipeline.analysis.members.vocabulary import Vocabulary

VOCABULARY = Vocabulary.from_dict(
    {
        "version": 1,
        "areas": {
            "web": ["HTML", "CSS", "PHP", "JavaScript"],
            "maps": ["QGIS", "ArcGIS", "GRASS", "cartography"],
        },
        "field_roles": {"wish": ["wants_to_learn"], "habit": ["events"]},
    }
)


def found(frame, search=None, vocabulary=VOCABULARY):
    return find_member_patterns(labels_of_members(frame, vocabulary), search)


def of_category(patterns, category):
    return patterns[patterns["category"] == category]


def test_a_planted_cluster_is_found_with_its_members_and_evidence():
    frame = independent(1, cluster=SKILLS[:3])
    patterns = found(frame)

    assert patterns["name"].tolist() == ["Toolkit: skill00, skill01 and skill02"]
    pattern = patterns.iloc[0]
    having = [i for i, own in zip(frame["id"], frame["skills"], strict=True) if set(SKILLS[:3]) <= set(own)]
    assert pattern["category"] == "skill_cluster"
    assert pattern["related_member_ids"] == having
    assert pattern["member_count"] == len(having)
    assert pattern["found_by"] == "statistics"
    assert list(patterns.columns) == list(PATTERN_COLUMNS)

    evidence = pattern["evidence"]
    assert evidence["labels"] == {"skills": SKILLS[:3]}
    assert evidence["q_value"] < 0.05
    assert evidence["lift"] == pytest.approx(len(having) / evidence["expected"], rel=0.01)
    assert evidence["tests"] == 190
    # The pairs that it is made of are variants of it, not patterns of their own.
    assert {frozenset(one) for one in evidence["absorbed"]} >= {
        frozenset(SKILLS[:2]),
        frozenset(SKILLS[1:3]),
        frozenset([SKILLS[0], SKILLS[2]]),
    }
    again = parse_predicate(evidence["predicate"]).members(labels_of_members(frame, VOCABULARY))
    assert again.tolist() == having
    rule = evidence["rule"]
    carry = [set(own) >= set(rule["if"]) for own in frame["skills"]]
    both = [set(own) >= {*rule["if"], *rule["then"]} for own in frame["skills"]]
    assert rule["confidence"] == pytest.approx(sum(both) / sum(carry), abs=1e-4)


def test_every_pattern_has_questions_about_its_own_content():
    patterns = found(independent(1, cluster=SKILLS[:3]))
    assert len(patterns) > 0
    questions = question_rows(patterns)
    assert list(questions.columns) == list(QUESTION_COLUMNS)
    for _, pattern in patterns.iterrows():
        own = questions[questions["pattern_name"] == pattern["name"]]
        assert own["question"].tolist() == pattern["question_prompts"]
        assert 2 <= len(own) <= 3
        assert own["question"].str.contains("skill").all()
        assert own["question"].str.endswith("?").all()
        assert (own[["audience", "why"]].map(len) > 10).all(axis=None)


def test_questions_of_a_pattern_that_says_no_more_are_for_its_members():
    patterns = found(independent(1, cluster=SKILLS[:3])).assign(evidence=[{}])
    assert set(question_rows(patterns)["why"]) == {patterns.iloc[0]["description"]}


@pytest.mark.statistics
def test_members_without_structure_have_no_patterns():
    """`benchmarks/members.py` has the rate over 150 communities."""
    with_findings = sum(len(found(independent(seed))) > 0 for seed in range(20))
    check_rate(with_findings, 20, stated=0.05, broken=0.45)


def test_keen_members_alone_are_no_pattern():
    """Some members tick nearly everything, most little: by counts alone, all labels go together."""
    rng = np.random.default_rng(5)
    keen = rng.random(400) < 0.15
    skills = [[one for one in SKILLS if rng.random() < (0.7 if keen[i] else 0.08)] for i in range(400)]
    assert found(members_of(skills)).empty


def test_a_label_that_stands_in_two_fields_is_no_pattern_with_itself():
    frame = independent(2)
    frame["interests"] = frame["skills"]
    assert found(frame).empty


def test_skills_with_interests_are_cross_domain():
    frame = independent(3)
    frame["interests"] = [["gardening"] if "skill04" in own else ["chess"] for own in frame["skills"]]
    patterns = found(frame)
    assert patterns[["name", "category"]].to_numpy().tolist() == [
        ["Bridge: skill04 for gardening", "cross_domain"]
    ]


def test_a_skill_and_an_interest_of_one_area_surprise_nobody():
    frame = independent(3)
    frame["skills"] = [["HTML" if one == "skill04" else one for one in own] for own in frame["skills"]]
    frame["interests"] = [["CSS"] if "HTML" in own else ["chess"] for own in frame["skills"]]
    assert of_category(found(frame), "cross_domain").empty


def test_depth_in_an_area_is_a_strength():
    rng = np.random.default_rng(7)
    others = ["Excel", "Word", "Access", "Outlook", "Visio"]
    web = ["HTML", "CSS", "PHP", "JavaScript"]
    skills = [
        list(rng.choice(web, 3, replace=False))
        if i % 8 == 0
        else list(rng.choice(web + others, 3, replace=False))
        for i in range(400)
    ]
    frame = members_of(skills)
    (pattern,) = of_category(found(frame), "community_strength").to_dict("records")
    deep = [i for i, own in zip(frame["id"], skills, strict=True) if len({*own} & {*web}) >= 3]
    assert pattern["name"] == "Strength: depth in web"
    assert pattern["related_member_ids"] == deep


def partners(count=240):
    """Of those who like maps, half know Perl and half know statistics; hardly anybody else knows either."""
    rng = np.random.default_rng(8)
    skills, interests = [], []
    for i in range(count):
        likes = i % 4 == 0
        own = ["Perl"] if likes and i % 8 == 0 else ["statistics"] if likes else []
        skills.append([*own, *rng.choice(["Excel", "Word", "Access", "SQL"], 2, replace=False)])
        rare = ["a thing of two"] if i in {0, 4} else []  # too few to be told
        interests.append([*(["maps"] if likes else []), *rare, *rng.choice(["chess", "film", "go"], 1)])
    return members_of(skills, interests)


def test_those_who_share_an_interest_and_complement_each_other_are_matched():
    frame = partners()
    (pattern,) = of_category(found(frame), "collaboration_opportunity").to_dict("records")
    evidence = pattern["evidence"]
    assert pattern["name"] == "Together on maps: Perl with statistics"
    assert evidence["sides"] == (30, 30)
    assert evidence["both"] == 0
    again = parse_predicate(evidence["predicate"]).members(labels_of_members(frame, VOCABULARY))
    assert again.tolist() == pattern["related_member_ids"] == list(range(1, 241, 4))
    skills = dict(zip(frame["id"], frame["skills"], strict=True))
    interests = dict(zip(frame["id"], frame["interests"], strict=True))
    assert len(evidence["pairs"]) == 5
    for pair in evidence["pairs"]:
        one, other = pair["members"]
        assert "Perl" in skills[one]
        assert "statistics" in skills[other]
        assert {*pair["shared"]} <= {*interests[one]} & {*interests[other]} - {"maps", "a thing of two"}
    named = [member for pair in evidence["pairs"] for member in pair["members"]]
    assert len(named) == len(set(named))


def test_learners_are_matched_with_those_who_know_and_share_something():
    rng = np.random.default_rng(9)
    skills, interests, others = [], [], []
    for i in range(240):
        cycles = i % 4 == 0
        learns, knows = cycles and i % 8 == 0, cycles and i % 8 == 4
        skills.append(
            [*(["SQL"] if knows else []), *rng.choice(["Excel", "Word", "Go", "R"], 2, replace=False)]
        )
        interests.append(["cycling"] if cycles else list(rng.choice(["chess", "film"], 1)))
        others.append({"wants_to_learn": ["SQL" if learns else "Latin"]} if learns or i % 5 == 1 else {})
    patterns = of_category(
        found(members_of(skills, interests, other_sets=others)), "collaboration_opportunity"
    )
    assert "Learn SQL among those with cycling" in patterns["name"].tolist()
    pattern = patterns.set_index("name").loc["Learn SQL among those with cycling"]
    assert pattern["related_member_ids"] == list(range(1, 241, 4))


def test_a_small_group_is_protected():
    frame = independent(4, cluster=SKILLS[:3])
    assert found(frame, MemberSearch(min_members=80)).empty
    small = found(frame, MemberSearch(min_members=20))
    assert small["member_count"].min() >= 20


def test_hidden_members_are_in_no_pattern_and_do_not_make_one():
    frame = independent(1, cluster=SKILLS[:3])
    hidden = [i % 6 == 0 and i % 12 == 0 for i in range(len(frame))]
    frame["is_visible"] = [not one for one in hidden]
    patterns = found(frame)
    gone = set(frame.loc[hidden, "id"])
    assert len(patterns) > 0
    assert all(gone.isdisjoint(ids) for ids in patterns["related_member_ids"])
    frame["is_visible"] = [i % 6 != 0 for i in range(len(frame))]
    assert found(frame).empty


def test_one_thing_in_many_variants_is_one_pattern():
    frame = independent(6, cluster=SKILLS[:6])
    patterns = found(frame)
    assert len(patterns) <= 2
    assert len(patterns.iloc[0]["evidence"]["absorbed"]) >= 5


def test_no_members_have_no_patterns():
    patterns = found(independent(5).head(0))
    assert patterns.empty
    assert list(patterns.columns) == list(PATTERN_COLUMNS)


def test_the_same_members_give_the_same_patterns():
    one, other = (found(independent(1, cluster=SKILLS[:3])) for _ in range(2))
    assert one.to_dict() == other.to_dict()
