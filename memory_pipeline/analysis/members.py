"""What members have in common beyond chance: labels that go together, within and across fields.

Statistics propose: frequent sets of labels (mlxtend's FP-growth), each tested against independence of
its parts, the false discovery rate controlled over everything searched. Only visible members count.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.analysis.significance import false_discovery_q_values, fisher_p_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SKILLS, INTERESTS = "skills", "interests"
PATTERN_COLUMNS = (
    "name",
    "description",
    "category",
    "member_count",
    "related_member_ids",
    "evidence",
    "question_prompts",
    "found_by",
)


def label_key(label: str) -> str:
    """Reduce a label to what its spellings share: case, spaces and punctuation go, `+` and `#` stay.

    >>> label_key("React.js"), label_key("Power Shell"), label_key("C++")
    ('reactjs', 'powershell', 'c++')
    """
    return re.sub(r"[^\w+#]|_", "", label.casefold()) or label.casefold().strip()


def member_labels(members: pd.DataFrame) -> pd.DataFrame:
    """List which visible member carries which label.

    Parameters
    ----------
    members
        Members as stored: `id`, `is_visible`, `skills`, `interests` (lists) and `other_sets`
        (dict of field to list).

    Returns
    -------
    DataFrame
        One row per (member, field, label), columns `member_id`, `field`, `label`; spellings with
        one `label_key` are merged under the most frequent spelling.
    """
    rows = [
        (member["id"], field, label.strip())
        for _, member in members[members["is_visible"].astype(bool)].iterrows()
        for field, labels in _fields(member)
        for label in labels
        if isinstance(label, str) and label.strip()
    ]
    frame = pd.DataFrame(rows, columns=["member_id", "field", "label"])
    if frame.empty:
        return frame
    frame["key"] = frame["label"].map(label_key)
    spellings = frame.value_counts(["key", "label"]).reset_index().sort_values(["count", "label"])
    display = spellings.drop_duplicates("key", keep="last").set_index("key")["label"]
    frame["label"] = frame["key"].map(display)
    return frame.drop(columns="key").drop_duplicates(ignore_index=True)


def _fields(member: pd.Series) -> Iterable[tuple[str, Iterable[Any]]]:
    others: Mapping[str, Any] = member["other_sets"] if isinstance(member["other_sets"], dict) else {}
    for field, labels in ((SKILLS, member["skills"]), (INTERESTS, member["interests"]), *others.items()):
        if isinstance(labels, (list, tuple, np.ndarray)):
            yield field, labels


@dataclass(frozen=True)
class MemberSearch:
    """What a set of labels must reach to be a pattern.

    Attributes
    ----------
    min_members
        Fewest members in a pattern; protects individuals.
    min_share
        Least share of all members in a pattern, for large communities.
    max_labels
        Most labels in a pattern.
    fdr
        Expected share of false findings over everything searched.
    min_lift
        How many times more often than expected the labels must go together.
    max_per_category
        Most patterns of one category, the strongest first.
    """

    min_members: int = 8
    min_share: float = 0.005
    max_labels: int = 3
    fdr: float = 0.05
    min_lift: float = 1.3
    max_per_category: int = 10


def find_member_patterns(labels: pd.DataFrame, search: MemberSearch | None = None) -> pd.DataFrame:
    """Find sets of labels that members carry together more often than chance.

    A pair is tested by Fisher's exact test of its two labels; a larger set by its least certain split
    into one label and the rest, so that it stands only where every label belongs to it.

    Parameters
    ----------
    labels
        As `member_labels` returns them.
    search
        The limits of the search.

    Returns
    -------
    DataFrame
        One row per pattern, the strongest of each category first, columns `PATTERN_COLUMNS`.
        `evidence` holds labels by field, members, expected members, lift and q-value.
    """
    search = search or MemberSearch()
    empty = pd.DataFrame({column: [] for column in PATTERN_COLUMNS})
    if labels.empty:
        return empty
    items = labels["field"] + "\n" + labels["label"]
    table = pd.crosstab(labels["member_id"], items).astype(bool)
    fewest = max(search.min_members, math.ceil(search.min_share * len(table)))
    table = table.loc[:, table.sum() >= fewest]
    if table.shape[1] < 2:  # noqa: PLR2004 - a set has two labels or more
        return empty
    candidates = _tested_sets(table, search, fewest)
    kept = _without_parts(candidates[candidates["is_finding"]])
    rows = [_pattern_row(row, table) for _, row in kept.iterrows()]
    frame = pd.DataFrame(rows, columns=list(PATTERN_COLUMNS))
    return frame.groupby("category", sort=False).head(search.max_per_category).reset_index(drop=True)


def _tested_sets(table: pd.DataFrame, search: MemberSearch, fewest: int) -> pd.DataFrame:
    from mlxtend.frequent_patterns import fpgrowth  # noqa: PLC0415 - half a second to import

    total = len(table)
    sets = fpgrowth(table, min_support=fewest / total, use_colnames=True, max_len=search.max_labels)
    sets["members"] = (sets["support"] * total).round().astype(int)
    counts = dict(zip(sets["itemsets"], sets["members"], strict=True))
    sets = sets[sets["itemsets"].map(_says_something)].reset_index(drop=True)
    worst, lift, expected = np.zeros(len(sets)), np.full(len(sets), np.inf), np.zeros(len(sets))
    for size in range(2, search.max_labels + 1):
        chosen = sets.index[sets["itemsets"].map(len) == size].to_numpy()
        for place in range(size):
            splits = [_split(sets["itemsets"][i], place) for i in chosen]
            one = np.array([counts[a] for a, _ in splits])
            rest = np.array([counts[b] for _, b in splits])
            together = sets["members"].to_numpy()[chosen]
            p_values = np.zeros(len(chosen))
            for hits in np.unique(rest):
                same = rest == hits
                p_values[same] = fisher_p_values(one[same], together[same], total, int(hits))
            expect = one * rest / total
            weaker = together / expect < lift[chosen]
            expected[chosen[weaker]] = expect[weaker]
            lift[chosen] = np.minimum(lift[chosen], together / expect)
            worst[chosen] = np.maximum(worst[chosen], p_values)
    sets["p_value"], sets["lift"], sets["expected"] = worst, lift, expected
    sets["q_value"] = false_discovery_q_values(worst, len(sets)) if len(sets) else worst
    is_finding = (sets["q_value"] <= search.fdr) & (sets["lift"] >= search.min_lift)
    tested: pd.DataFrame = sets.assign(is_finding=is_finding)
    return tested


def _says_something(items: frozenset[str]) -> bool:
    """Leave out single labels, and a label beside itself in another field."""
    return len(items) == len({item.split("\n")[1] for item in items}) > 1


def _split(labels: frozenset[str], place: int) -> tuple[frozenset[str], frozenset[str]]:
    one = frozenset({sorted(labels)[place]})
    return one, labels - one


def _without_parts(findings: pd.DataFrame) -> pd.DataFrame:
    """Drop sets that are part of a larger finding, and order the rest by strength.

    A larger set is a finding only where each of its labels belongs to it, so it says more than its parts.
    """
    strength = (findings["members"] - findings["expected"]) / np.sqrt(findings["expected"])
    named = findings.assign(strength=strength, names=findings["itemsets"].map(sorted).map(str))
    sets = sorted(named["itemsets"], key=len, reverse=True)
    whole = [labels for i, labels in enumerate(sets) if not any(labels < other for other in sets[:i])]
    kept: pd.DataFrame = named[named["itemsets"].isin(whole)]
    return kept.sort_values(["strength", "names"], ascending=[False, True])


def _category(fields: set[str]) -> str:
    if fields == {SKILLS}:
        return "skill_cluster"
    return "interest_theme" if fields == {INTERESTS} else "cross_domain"


def _pattern_row(finding: pd.Series, table: pd.DataFrame) -> dict[str, Any]:
    by_field: dict[str, list[str]] = {}
    for item in sorted(finding["itemsets"]):
        field, label = item.split("\n")
        by_field.setdefault(field, []).append(label)
    names = [label for labels in by_field.values() for label in labels]
    listed = " + ".join(names)
    members = table.index[table[sorted(finding["itemsets"])].all(axis=1)]
    times = finding["lift"]
    return {
        "name": listed[:255],
        "description": (
            f"{finding['members']} members name {_joined(names)} together, where {finding['expected']:.0f} "
            f"would by chance ({times:.1f} times as many)."
        ),
        "category": _category(set(by_field)),
        "member_count": int(finding["members"]),
        "related_member_ids": [int(member) for member in members],
        "evidence": {
            "labels": by_field,
            "expected": round(float(finding["expected"]), 2),
            "lift": round(float(times), 3),
            "p_value": float(finding["p_value"]),
            "q_value": float(finding["q_value"]),
        },
        "question_prompts": [
            f"What do you use {_joined(names)} together for?",
            f"Which of {_joined(names)} could you show to somebody who only knows the other?",
        ],
        "found_by": "statistics",
    }


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
