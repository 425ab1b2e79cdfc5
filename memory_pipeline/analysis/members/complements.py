"""Which members complement each other: they share one label, and each has another that the other lacks?

Two sorts. Learners and experts: members who would like to learn something, and members who know it, with a
label in common that is associated with the wish. Complementary abilities: members with one interest, some
with one ability and some with another, both of which are associated with the interest.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.members.finding import Finding, information, is_obvious
from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.predicates import AtLeast, Has, Not, Predicate
from memory_pipeline.analysis.members.sets import set_counts
from memory_pipeline.analysis.members.vocabulary import label_key

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.finding import MemberSearch
    from memory_pipeline.analysis.members.labels import MemberLabels


PAIRS = 5
"""Most pairs of members that are returned."""
MOST_COMMON = 0.4
"""Share of members above which a label is too frequent to be a reason for a match."""
FEWEST_A_SIDE = 3
"""Fewest members on one side: a match needs a choice."""
_MOST_A_SIDE = 1000
"""Most members of one side who are compared with the other: those with the most rare labels."""
_MOST_TOGETHER = 0.6
_MOST_TRIED = 2000
_MOST_KEPT = 100
_Trio = tuple[float, float, int, int, int]


def learners_and_knowers(labels: MemberLabels, pairs: pd.DataFrame, search: MemberSearch) -> list[Finding]:
    """Find groups of members who would like to learn something, and who know it, with a common label."""
    tried: list[_Trio] = []
    for wish, other, p_value, q_value in _pairs_with_role(labels, pairs, "wish"):
        known = _known(labels, wish)
        is_wish = labels.vocabulary.role_of(labels.fields[other]) == "wish"
        if known is None or is_wish or labels.counts[other] > MOST_COMMON * labels.member_count:
            continue
        if label_key(labels.names[known]) != label_key(labels.names[other]):
            tried.append((p_value, q_value, other, wish, known))
    return _matches(labels, "learn_from", tried, search)


def complementary_members(labels: MemberLabels, pairs: pd.DataFrame, search: MemberSearch) -> list[Finding]:
    """Find groups of members with one interest whose abilities complement each other."""
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
    return _matches(labels, "complement", tried, search)


def _matches(labels: MemberLabels, kind: str, tried: list[_Trio], search: MemberSearch) -> list[Finding]:
    """Build a finding for each trio of labels: members with the first and exactly one of the other two.

    Their number, observed and expected by chance, follows from counts of sets: those with the one, plus those
    with the other, less twice those with both.
    """
    tried = sorted(tried)[:_MOST_TRIED]
    sets = [tuple(sorted(places)) for _, _, s, a, b in tried for places in ((s, a), (s, b), (s, a, b))]
    counts = set_counts(labels, sets, seed=search.seed)
    found = []
    for number, one in enumerate(tried):
        with_a, with_b, both = counts[3 * number : 3 * number + 3]
        sides = (with_a[0] - both[0], with_b[0] - both[0])
        expected = with_a[1] + with_b[1] - 2 * both[1]
        is_apart = both[0] <= _MOST_TOGETHER * min(with_a[0], with_b[0])
        is_enough = min(sides) >= FEWEST_A_SIDE and sum(sides) >= search.min_members
        if is_apart and is_enough and sum(sides) >= search.min_lift * expected:
            found.append(_finding(labels, kind, one, expected, search))
    return sorted(found, key=lambda one: (-one.weight, one.names))[:_MOST_KEPT]


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
    """Return the column of the ability that a wish is about; None where nobody has it."""
    key = label_key(labels.names[wish])
    same = [
        i
        for i, (own, name) in enumerate(zip(labels.fields, labels.names, strict=True))
        if labels.vocabulary.role_of(own) == "ability" and label_key(name) == key
    ]
    return max(same, key=lambda i: labels.counts[i], default=None)


def _complement(labels: MemberLabels, interest: int, a: int, b: int) -> bool:
    """Return whether an interest and two abilities differ, and the abilities are not obviously related."""
    names = [labels.names[i] for i in (interest, a, b)]
    if len({label_key(name) for name in names}) < len(names):
        return False
    return not is_obvious(labels, names[1], names[2])


def _either(shared: Has, one: Has, two: Has) -> Predicate:
    """Build the predicate of members with the shared label and exactly one of the two others."""
    return Predicate(AtLeast(3, (shared, AtLeast(1, (one, two)), Not(AtLeast(2, (one, two))))))


def _finding(labels: MemberLabels, kind: str, trio: _Trio, expected: float, search: MemberSearch) -> Finding:
    p_value, q_value, *places = trio
    shared, has_a, has_b = (labels.column(i) for i in places)
    one, two = shared & has_a & ~has_b, shared & has_b & ~has_a
    members = int((one | two).sum())
    # Both sides count: a match needs two.
    balance = 2 * float(min(one.sum(), two.sum())) / members
    return Finding(
        kind=kind,
        category="collaboration_opportunity",
        labels=tuple((labels.fields[i], labels.names[i]) for i in places),
        predicate=_either(*(Has(labels.fields[i], labels.names[i]) for i in places)),
        member_ids=labels.member_ids[one | two],
        expected=float(expected),
        lift=members / max(float(expected), 1 / shuffled_members(labels, seed=search.seed).count),
        p_value=p_value,
        q_value=q_value,
        weight=balance * information(members, expected),
        details={
            "sides": (int(one.sum()), int(two.sum())),
            "both": int((shared & has_a & has_b).sum()),
            "masks": (one, two),
            "places": tuple(places),
            "fewest": search.min_members,
        },
    )


def matched_pairs(labels: MemberLabels, finding: Finding) -> list[dict[str, Any]]:
    """Return pairs of members, one of each side, with the most rare labels in common besides the finding's.

    Returns
    -------
    list of dict
        At most `PAIRS`, each member once: `members` (two ids, the first of the first side) and `shared`
        (up to three labels that both carry, the rarest first; only labels of at least as many members as a
        group must have).
    """
    roles = np.array([labels.vocabulary.role_of(own) in {"interest", "habit"} for own in labels.fields])
    rare = labels.counts <= MOST_COMMON * labels.member_count
    usable = roles & rare & (labels.counts >= finding.details["fewest"])
    use = np.flatnonzero(usable & ~np.isin(np.arange(len(roles)), finding.details["places"]))
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
