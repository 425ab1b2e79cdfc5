"""Who complements whom: members who share something, each with a part that the other lacks.

Two sorts. Learners and those who know: members who would like to learn a thing, and members who know it,
with something in common that goes with the wish beyond chance. Complementary: members with one interest,
some with one ability and some with another, both of which go with the interest beyond chance.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.member_findings import Finding, information, is_obvious
from memory_pipeline.analysis.member_sets import set_counts
from memory_pipeline.analysis.member_significance import chance_of
from memory_pipeline.analysis.predicates import AtLeast, Has, Not, Predicate
from memory_pipeline.analysis.vocabulary import label_key

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.member_features import MemberLabels
    from memory_pipeline.analysis.member_findings import MemberSearch

PAIRS = 5
"""Pairs of members that are named."""
MOST_COMMON = 0.4
"""Share of members above which a label is nothing special to have in common."""
FEWEST_A_SIDE = 3
"""Fewest members who bring one part: a match needs a choice."""
_MOST_A_SIDE = 1000
"""Members of one side who are compared with the other: those with most that is special."""
_MOST_TOGETHER = 0.6
_MOST_TRIED = 30
_Trio = tuple[float, float, int, int, int]


def learners_and_knowers(labels: MemberLabels, pairs: pd.DataFrame, search: MemberSearch) -> list[Finding]:
    """Match those who would like to learn a thing with those who know it, by what they have in common."""
    found = []
    for wish, other, p_value, q_value in _pairs_with_role(labels, pairs, "wish"):
        known = _known(labels, wish)
        role = labels.vocabulary.role_of(labels.fields[other])
        if known is None or role == "wish" or labels.counts[other] > MOST_COMMON * labels.member_count:
            continue
        if label_key(labels.names[known]) == label_key(labels.names[other]):
            continue
        common, wants, knows = labels.column(other), labels.column(wish), labels.column(known)
        learn, teach = common & wants & ~knows, common & knows & ~wants
        if min(learn.sum(), teach.sum()) < FEWEST_A_SIDE or (learn | teach).sum() < search.min_members:
            continue
        one, two = _has(labels, wish), _has(labels, known)
        predicate, certainty = _either(_has(labels, other), one, two), (p_value, q_value)
        found.append(
            _finding(
                labels,
                "learn_from",
                (other, wish, known),
                predicate,
                (learn, teach),
                certainty=certainty,
                search=search,
            )
        )
    return [one for one in found if one is not None]


def complementary_members(labels: MemberLabels, pairs: pd.DataFrame, search: MemberSearch) -> list[Finding]:
    """Match members with one interest whose abilities complement each other."""
    abilities: dict[int, list[tuple[int, float, float]]] = {}
    for interest, other, p_value, q_value in _pairs_with_role(labels, pairs, "interest"):
        is_ability = labels.vocabulary.role_of(labels.fields[other]) == "ability"
        if is_ability and labels.counts[interest] <= MOST_COMMON * labels.member_count:
            abilities.setdefault(interest, []).append((other, p_value, q_value))
    tried = [
        (max(p_a, p_b), max(q_a, q_b), interest, a, b)
        for interest, others in abilities.items()
        for (a, p_a, q_a), (b, p_b, q_b) in combinations(others, 2)
        if _complement(labels, interest, a, b)
    ]
    found = []
    for p_value, q_value, interest, a, b in _most_telling(labels, tried, search):
        shared, has_a, has_b = (labels.column(i) for i in (interest, a, b))
        sides = (shared & has_a & ~has_b, shared & has_b & ~has_a)
        predicate = _either(_has(labels, interest), _has(labels, a), _has(labels, b))
        both = int((shared & has_a & has_b).sum())
        certainty = (p_value, q_value)
        found.append(
            _finding(
                labels,
                "complement",
                (interest, a, b),
                predicate,
                sides,
                certainty=certainty,
                search=search,
                both=both,
            )
        )
    return [one for one in found if one is not None]


def _most_telling(labels: MemberLabels, tried: list[_Trio], search: MemberSearch) -> list[_Trio]:
    """Choose, of (p, q, interest, one ability, the other), those with most members on their smaller side."""
    sets = [sorted(places) for _, _, *trio in tried for places in (trio[:2], [trio[0], trio[2]], trio)]
    counts = set_counts(labels, [tuple(one) for one in sets], seed=search.seed)
    scored = []
    for number, one in enumerate(tried):
        with_a, with_b, both = counts[3 * number : 3 * number + 3]
        smaller = min(with_a[0], with_b[0])
        sides = smaller - both[0]
        members = with_a[0] + with_b[0] - 2 * both[0]
        expected = with_a[1] + with_b[1] - 2 * both[1]
        is_possible = sides >= FEWEST_A_SIDE and members >= search.min_members
        if is_possible and both[0] <= _MOST_TOGETHER * smaller and members >= search.min_lift * expected:
            scored.append((2 * sides / members * information(members, expected), one))
    return [one for _, one in sorted(scored, reverse=True)[:_MOST_TRIED]]


def _pairs_with_role(
    labels: MemberLabels, pairs: pd.DataFrame, role: str
) -> list[tuple[int, int, float, float]]:
    """List the pairs of which one label has a role: that label, the other, p- and q-value."""
    result = []
    for a, b, p_value, q_value in pairs[["place_a", "place_b", "p_value", "q_value"]].itertuples(
        index=False, name=None
    ):
        for one, other in ((a, b), (b, a)):
            if labels.vocabulary.role_of(labels.fields[one]) == role:
                result.append((int(one), int(other), float(p_value), float(q_value)))
    return result


def _known(labels: MemberLabels, wish: int) -> int | None:
    """Find the ability that a wish is about."""
    key = label_key(labels.names[wish])
    same = [
        i
        for i, (own, name) in enumerate(zip(labels.fields, labels.names, strict=True))
        if labels.vocabulary.role_of(own) == "ability" and label_key(name) == key
    ]
    return max(same, key=lambda i: labels.counts[i], default=None)


def _complement(labels: MemberLabels, interest: int, a: int, b: int) -> bool:
    """Say whether two abilities are different enough to complement each other."""
    names = [labels.names[i] for i in (interest, a, b)]
    if len({label_key(name) for name in names}) < len(names):
        return False
    return not is_obvious(labels, names[1], names[2])


def _has(labels: MemberLabels, place: int) -> Has:
    return Has(labels.fields[place], labels.names[place])


def _either(shared: Has, one: Has, two: Has) -> Predicate:
    """Make: has the shared label, and exactly one of the two."""
    return Predicate(AtLeast(3, (shared, AtLeast(1, (one, two)), Not(AtLeast(2, (one, two))))))


def _finding(
    labels: MemberLabels,
    kind: str,
    places: tuple[int, int, int],
    predicate: Predicate,
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    *,
    certainty: tuple[float, float],
    search: MemberSearch,
    **details: Any,
) -> Finding | None:
    chance = chance_of(labels, predicate, seed=search.seed)
    if chance.lift < search.min_lift:
        return None
    one, two = sides
    # Both sides count: a match needs two.
    balance = 2 * min(one.sum(), two.sum()) / max(int(one.sum() + two.sum()), 1)
    return Finding(
        kind=kind,
        category="collaboration_opportunity",
        labels=tuple((labels.fields[i], labels.names[i]) for i in places),
        predicate=predicate,
        member_ids=labels.member_ids[one | two],
        expected=chance.expected,
        lift=chance.lift,
        p_value=max(certainty[0], chance.p_value),
        q_value=certainty[1],
        weight=float(balance) * information(chance.member_count, chance.expected),
        details={
            "sides": (int(one.sum()), int(two.sum())),
            "masks": sides,
            "places": places,
            "fewest": search.min_members,
            **details,
        },
    )


def matched_pairs(labels: MemberLabels, finding: Finding) -> list[dict[str, Any]]:
    """Name pairs of members, one of each side, who have most in common besides what brings them together.

    Returns
    -------
    list of dict
        At most `PAIRS`, each member once: `members` (two ids, the first of the first side) and `shared`
        (up to three labels that both carry, the rarest first; none that fewer members carry than a group
        must have).
    """
    roles = np.array([labels.vocabulary.role_of(own) in {"interest", "habit"} for own in labels.fields])
    rare = labels.counts <= MOST_COMMON * labels.member_count
    told = roles & rare & (labels.counts >= finding.details["fewest"])
    use = np.flatnonzero(told & ~np.isin(np.arange(len(roles)), finding.details["places"]))
    held = labels.matrix[:, use].astype(np.float64)
    weight = np.log(labels.member_count / np.maximum(labels.counts[use], 1))
    special = np.asarray(held @ weight).ravel()
    one, two = (_foremost(np.flatnonzero(mask), special) for mask in finding.details["masks"])
    common = (held[one].multiply(weight[None, :]).tocsr() @ held[two].T).toarray()
    pairs: list[dict[str, Any]] = []
    taken_one, taken_two = set[int](), set[int]()
    for flat in np.argsort(-common, axis=None, kind="stable"):
        i, j = divmod(int(flat), len(two))
        if len(pairs) == PAIRS or common[i, j] <= 0:
            break
        if i in taken_one or j in taken_two:
            continue
        taken_one.add(i)
        taken_two.add(j)
        both = np.flatnonzero((held[[one[i]]].multiply(held[[two[j]]])).toarray().ravel() > 0)
        shared = sorted(both, key=lambda k: -weight[k])
        names = dict.fromkeys(labels.names[use[k]] for k in shared)
        ids = [int(labels.member_ids[one[i]]), int(labels.member_ids[two[j]])]
        pairs.append({"members": ids, "shared": list(names)[:3]})
    return pairs


def _foremost(members: NDArray[np.intp], special: NDArray[np.float64]) -> NDArray[np.intp]:
    return members[np.argsort(-special[members], kind="stable")][:_MOST_A_SIDE]
