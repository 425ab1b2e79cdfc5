"""What does every search among members have in common: its limits, and the shape of a finding?"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.labels import MemberLabels
    from memory_pipeline.analysis.members.predicates import Predicate


_ROOT = 4
CATEGORIES = (
    *("skill_cluster", "interest_theme", "collaboration_opportunity", "community_strength", "cross_domain"),
)


@dataclass(frozen=True)
class MemberSearch:
    """What a pattern among members must reach.

    Attributes
    ----------
    min_members
        Fewest members of a pattern; protects individuals.
    max_labels
        Most labels of a pattern.
    fdr
        Expected share of false findings among the reported ones, over everything searched.
    min_lift
        Least ratio of a pattern's members to those expected by chance.
    max_per_category
        Most patterns of one category, the most informative first.
    seed
        Seed of the shuffles.
    """

    min_members: int = 8
    max_labels: int = 4
    fdr: float = 0.05
    min_lift: float = 1.25
    max_per_category: int = 8
    seed: int = 0


@dataclass(frozen=True)
class Finding:
    """A pattern among members, before it is put into words.

    Attributes
    ----------
    kind
        Which search found it; determines the wording.
    category
        One of `CATEGORIES`.
    labels
        The (field, label) of each of its labels.
    predicate
        The members that it holds for, as a predicate.
    member_ids
        Those members, ascending.
    expected, lift
        Members expected by chance, and the ratio of the observed to the expected number.
    p_value, q_value
        The largest of the tests that it consists of.
    weight
        Information by which findings are ordered; see `information`.
    details
        Further figures for the wording and the evidence.
    """

    kind: str
    category: str
    labels: tuple[tuple[str, str], ...]
    predicate: Predicate
    member_ids: NDArray[np.int64]
    expected: float
    lift: float
    p_value: float
    q_value: float
    weight: float
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels without their fields, each once."""
        return tuple(dict.fromkeys(label for _, label in self.labels))

    @property
    def member_count(self) -> int:
        """How many members it holds for."""
        return len(self.member_ids)


def information(members: float, expected: float) -> float:
    """Compute the log-likelihood ratio of a count against its expectation; 0 where it is not larger.

    For a Poisson count n with mean m it is n log(n / m) - (n - m): it grows with the group and with the lift.
    """
    if members <= expected:
        return 0.0
    expected = max(expected, 0.005)
    return float(members * np.log(members / expected) - (members - expected))


def is_obvious(labels: MemberLabels, one: str, other: str) -> bool:
    """Return whether an association of two labels is obvious: a common area, or a common word.

    Words are common when they are the same or one begins with the other (four letters or more), as in
    "Shiny Server" and "shinyapps.io"; not where the vocabulary declares the two to be different things.
    """
    vocabulary = labels.vocabulary
    if vocabulary.areas_of(one) & vocabulary.areas_of(other):
        return True
    if not vocabulary.may_merge(one, other):
        return False
    words, others = (vocabulary.meaning(name).split() for name in (one, other))
    return any(a == b or (min(len(a), len(b)) >= _ROOT and _begins(a, b)) for a in words for b in others)


def obviousness(labels: MemberLabels, names: Sequence[str]) -> float:
    """Compute the share of obvious pairs among these labels."""
    pairs = list(combinations(names, 2))
    return sum(is_obvious(labels, *two) for two in pairs) / max(len(pairs), 1)


def shown_name(labels: MemberLabels, own: str, label: str) -> str:
    """Return the name of a label for readers, with its field where it occurs in several fields."""
    same = {field for field, name in zip(labels.fields, labels.names, strict=True) if name == label}
    is_plain = own in {"skills", "interests"} or len(same) == 1
    return label if is_plain else f"{label} ({own.replace('_', ' ')})"


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
