"""Which sets of labels do members carry together beyond chance?

Pairs are tested with the false discovery rate controlled; a larger set is a finding only where every two of
its labels are a finding, so that no label is included only because it is frequent. FP-growth (mlxtend) lists
the frequent sets; association rules give the label that depends most on the others.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.members.finding import Finding, information, obviousness, shown_name
from memory_pipeline.analysis.members.null_model import shuffled_members
from memory_pipeline.analysis.members.predicates import every
from memory_pipeline.analysis.members.significance import tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.finding import MemberSearch
    from memory_pipeline.analysis.members.labels import MemberLabels


OBVIOUS = 0.15
"""Weight of a set of which every pair is obvious, relative to one of which none is."""
OBVIOUS_LIFT = 3.0
"""Least lift of a set of which every pair is obvious."""
_MOST_SETS = 4000


def role_sets(
    labels: MemberLabels, pairs: pd.DataFrame, role: str, category: str, search: MemberSearch
) -> list[Finding]:
    """Find sets of labels of one role, such as abilities, that members carry together.

    Parameters
    ----------
    labels
        The members.
    pairs
        The pairs that are findings, as `pairs_against_chance` returns them, with `q_value`.
    role
        Role of all labels in a set.
    category
        Category of the findings.
    search
        Limits of the search.
    """
    roles = [labels.vocabulary.role_of(own) for own in labels.fields]
    own = pairs[
        [roles[a] == role == roles[b] for a, b in zip(pairs["place_a"], pairs["place_b"], strict=True)]
    ]
    return set_findings(labels, own, category, search, kind=f"{role}_set")


def set_findings(
    labels: MemberLabels,
    pairs: pd.DataFrame,
    category: str,
    search: MemberSearch,
    *,
    kind: str,
) -> list[Finding]:
    """Find sets all of whose pairs are among the given ones, the most informative first."""
    if pairs.empty:
        return []
    sets = _frequent_sets(labels, pairs, search)
    counts = set_counts(labels, sets, seed=search.seed)
    q_of = {
        frozenset(key): (p, q)
        for *key, p, q in pairs[["place_a", "place_b", "p_value", "q_value"]].itertuples(
            index=False, name=None
        )
    }
    found = []
    for places, (observed, expected, p_value) in zip(sets, counts, strict=True):
        if observed < search.min_members or observed < search.min_lift * expected:
            continue
        own = [q_of[frozenset(two)] for two in combinations(places, 2)]
        named = tuple((labels.fields[i], labels.names[i]) for i in places)
        is_obvious = obviousness(labels, [name for _, name in named])
        if is_obvious == 1 and observed < OBVIOUS_LIFT * expected:
            continue
        weight = information(observed, expected) * (1 - (1 - OBVIOUS) * is_obvious)
        mask = np.logical_and.reduce([labels.column(i) for i in places])
        found.append(
            Finding(
                kind=kind,
                category=category,
                labels=named,
                predicate=every(*named),
                member_ids=labels.member_ids[mask],
                expected=float(expected),
                lift=float(observed / max(expected, 1 / shuffled_members(labels, seed=search.seed).count)),
                p_value=max([float(p_value), *(p for p, _ in own)]),
                q_value=max(q for _, q in own),
                weight=weight,
                details={"roles": tuple(labels.vocabulary.role_of(own) for own, _ in named)},
            )
        )
    return sorted(found, key=lambda one: (-one.weight, one.names))


def rule_of(labels: MemberLabels, named: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the association rule with the largest lift from all other labels of a set to one (mlxtend).

    Returns
    -------
    dict
        `if` and `then` (labels), `confidence` (share of the members with the first who have the second too)
        and `base_rate` (share among all who answered the same fields); empty for one label.
    """
    from mlxtend.frequent_patterns import association_rules  # noqa: PLC0415 - half a second to import

    places = [labels.find(*one) for one in named]
    if len(places) < 2 or None in places:  # noqa: PLR2004 - a rule has two sides
        return {}
    answered = np.logical_and.reduce([labels.answered(own) for own in {own for own, _ in named}])
    columns = {i: labels.column(i)[answered] for i in places if i is not None}
    subsets = [frozenset(some) for k in range(1, len(columns) + 1) for some in combinations(columns, k)]
    support = [float(np.logical_and.reduce([columns[i] for i in some]).mean()) for some in subsets]
    rules = association_rules(
        pd.DataFrame({"itemsets": subsets, "support": support}), metric="lift", min_threshold=0
    )
    whole = rules[
        [
            len(a) + len(b) == len(columns) and len(b) == 1
            for a, b in zip(rules["antecedents"], rules["consequents"], strict=True)
        ]
    ]
    best = whole.sort_values(["lift", "confidence"], ascending=False, kind="stable").iloc[0]
    return {
        "if": sorted(_name(labels, i) for i in best["antecedents"]),
        "then": [_name(labels, i) for i in best["consequents"]],
        "confidence": round(float(best["confidence"]), 4),
        "base_rate": round(float(best["consequent support"]), 4),
    }


def _name(labels: MemberLabels, place: int) -> str:
    return shown_name(labels, labels.fields[place], labels.names[place])


def _frequent_sets(labels: MemberLabels, pairs: pd.DataFrame, search: MemberSearch) -> list[tuple[int, ...]]:
    from mlxtend.frequent_patterns import fpgrowth  # noqa: PLC0415 - half a second to import

    chosen = np.unique(pairs[["place_a", "place_b"]].to_numpy())
    table = pd.DataFrame(labels.matrix[:, chosen].toarray(), columns=list(range(len(chosen))))
    table = table[table.sum(axis=1) >= 2]  # noqa: PLR2004 - a member with one label is in no set
    support = search.min_members / max(len(table), 1)
    if support > 1:
        return []
    sets = fpgrowth(table, min_support=support, max_len=search.max_labels)["itemsets"]
    together = {frozenset(two) for two in zip(pairs["place_a"], pairs["place_b"], strict=True)}
    cliques = (
        tuple(sorted(int(chosen[i]) for i in one))
        for one in sets
        if len(one) > 1
        and all(frozenset((chosen[a], chosen[b])) in together for a, b in combinations(one, 2))
    )
    return sorted(cliques, key=lambda one: (len(one), one))[:_MOST_SETS]


def set_counts(
    labels: MemberLabels, sets: list[tuple[int, ...]], *, seed: int = 0
) -> list[tuple[int, float, float]]:
    """Count the members who carry all labels of each set of columns.

    Returns
    -------
    list of (int, float, float)
        By set: members, members expected by chance, and the p-value.
    """
    from memory_pipeline.analysis.members.kernels import count_sets  # noqa: PLC0415 - compiles

    if not sets:
        return []
    chosen = sorted({i for one in sets for i in one})
    rank = np.full(len(labels.names), -1, dtype=np.int64)
    rank[chosen] = np.arange(len(chosen))
    rows = np.full((len(sets), max(map(len, sets))), -1, dtype=np.int64)
    for number, one in enumerate(sets):
        rows[number, : len(one)] = rank[list(one)]
    shuffled = shuffled_members(labels, seed=seed)

    def counted(entries: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        total, squares = np.zeros(len(sets), dtype=np.int64), np.zeros(len(sets), dtype=np.int64)
        count_sets(entries, shuffled.start, rank, len(chosen), rows, total, squares)
        return total, squares

    observed, _ = counted(labels.matrix.indices.astype(shuffled.labels.dtype)[None, :])
    total, squares = counted(shuffled.labels)
    mean = total / shuffled.count
    variance = np.maximum((squares - shuffled.count * mean**2) / (shuffled.count - 1), 0)
    p_values = tail(observed, mean, variance, shuffled.count)
    return list(zip(observed.tolist(), mean.tolist(), p_values.tolist(), strict=True))
