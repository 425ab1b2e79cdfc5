"""What every search among members shares: its limits, and the shape of what it finds."""

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
        Most labels that a pattern asks for together.
    fdr
        Expected share of false findings among the reported ones, over everything searched.
    min_lift
        How many times more members than chance gives a pattern must at least have.
    max_per_category
        Most patterns of one category, the most telling first.
    seed
        Of the shuffles.
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
        Which search found it; decides the wording.
    category
        One of `CATEGORIES`.
    labels
        The (field, label) that it speaks of.
    predicate
        Whom it holds for.
    member_ids
        Those members, ascending.
    expected, lift
        Members that chance gives, and how many times more there are.
    p_value, q_value
        Of the least certain of the claims that it rests on.
    weight
        How telling it is: what decides the order.
    details
        What else the wording and the evidence say.
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
    """Say how much a count tells beyond what is expected: its log-likelihood ratio, 0 where it is no more.

    For a Poisson count n with mean m it is n log(n / m) - (n - m): large groups and large lifts both count.
    """
    if members <= expected:
        return 0.0
    expected = max(expected, 0.005)
    return float(members * np.log(members / expected) - (members - expected))


def is_obvious(labels: MemberLabels, one: str, other: str) -> bool:
    """Say whether it surprises nobody that two labels go together: a common area, or a word in common.

    Words are in common when they are the same or one begins with the other (four letters or more), as in
    "Shiny Server" and "shinyapps.io"; not where the vocabulary says that the two are different things.
    """
    vocabulary = labels.vocabulary
    if vocabulary.areas_of(one) & vocabulary.areas_of(other):
        return True
    if not vocabulary.may_merge(one, other):
        return False
    words, others = (vocabulary.meaning(name).split() for name in (one, other))
    return any(a == b or (min(len(a), len(b)) >= _ROOT and _begins(a, b)) for a in words for b in others)


def obviousness(labels: MemberLabels, names: Sequence[str]) -> float:
    """Give the share of pairs among these labels that are obvious."""
    pairs = list(combinations(names, 2))
    return sum(is_obvious(labels, *two) for two in pairs) / max(len(pairs), 1)


def shown_name(labels: MemberLabels, own: str, label: str) -> str:
    """Name a label for readers, with its field where it occurs in another field too."""
    same = {field for field, name in zip(labels.fields, labels.names, strict=True) if name == label}
    is_plain = own in {"skills", "interests"} or len(same) == 1
    return label if is_plain else f"{label} ({own.replace('_', ' ')})"


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
