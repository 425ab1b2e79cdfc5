"""Predicates: what they mean, what they refuse, and that they survive JSON."""

from __future__ import annotations

import pytest
from made_members import labels_of_members, members_of

from memory_pipeline.analysis.members.predicates import (
    MAX_DEPTH,
    MAX_LABELS,
    PredicateError,
    every,
    labels_of,
    parse_predicate,
)

R, SQL, GIT = ({"field": "skills", "label": one} for one in ("R", "SQL", "Git"))


@pytest.fixture(scope="module")
def labels():
    return labels_of_members(
        members_of(
            [["R"], ["R", "SQL"], ["SQL", "Git"], ["R", "SQL", "Git"], []], [["chess"], [], [], [], []]
        )
    )


@pytest.mark.parametrize(
    ("predicate", "ids"),
    [
        (R, [1, 2, 4]),
        ({"all": [R, SQL]}, [2, 4]),
        ({"any": [R, GIT]}, [1, 2, 3, 4]),
        ({"not": R}, [3, 5]),
        ({"all": [R, {"not": SQL}]}, [1]),
        ({"at_least": 2, "of": [R, SQL, GIT]}, [2, 3, 4]),
        ({"all": [{"field": "interests", "label": "CHESS"}, R]}, [1]),
    ],
)
def test_whom_it_holds_for(labels, predicate, ids):
    parsed = parse_predicate(predicate)
    assert parsed.members(labels).tolist() == ids
    assert parse_predicate(parsed.to_json()) == parsed


def test_labels_are_named_once_in_order():
    predicate = parse_predicate({"all": [SQL, {"any": [R, {"not": SQL}]}]})
    assert labels_of(predicate) == (("skills", "SQL"), ("skills", "R"))
    assert every(("skills", "R"), ("skills", "SQL")) == parse_predicate({"all": [R, SQL]})


def nested(depth):
    return R if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("R", "predicate is 'R'; write an object"),
        ({"field": "skills"}, "has the keys \\['field'\\]"),
        ({"field": "skills", "label": 3}, "predicate.label is 3; write a text"),
        ({"all": []}, "predicate.all is \\[\\]; write a list"),
        ({"all": [R, {"any": [{"label": "x"}]}]}, "predicate.all\\[1\\].any\\[0\\] has the keys"),
        ({"at_least": 3, "of": [R, SQL]}, "at_least is 3; write a whole number from 1 to 2"),
        ({"at_least": True, "of": [R, SQL]}, "at_least is True"),
        (nested(MAX_DEPTH + 1), "nested deeper than"),
        (
            {"any": [{"field": "skills", "label": str(i)} for i in range(MAX_LABELS + 1)]},
            f"names {MAX_LABELS + 1} labels",
        ),
    ],
)
def test_what_cannot_be_read_names_the_place_the_value_and_the_remedy(value, message):
    with pytest.raises(PredicateError, match=message):
        parse_predicate(value)


@pytest.mark.parametrize(
    ("field", "label", "message"),
    [
        ("skill", "R", "no field 'skill'|has a field 'skill'; use one of \\['interests', 'skills'\\]"),
        ("skills", "SQLL", "did you mean 'SQL'"),
        ("skills", "chess", "it occurs in interests"),
    ],
)
def test_labels_that_do_not_occur_are_refused_with_those_that_do(labels, field, label, message):
    with pytest.raises(PredicateError, match=message):
        parse_predicate({"field": field, "label": label}).members(labels)
