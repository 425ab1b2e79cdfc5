"""Which of the members' labels may be shown to a language model, and in which form?

Only labels of a group of members are shown, so that no single person can place text in a prompt, and no label
discloses one person. Their text is shortened and has no hidden characters; it is data, inside JSON.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.agent.untrusted_text import clean
from memory_pipeline.analysis.members.predicates import AtLeast, Has, Node, Not, Predicate, resolve

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.labels import MemberLabels

LABEL_CHARACTERS = 80
FIELD_CHARACTERS = 40


@dataclass(frozen=True, eq=False)
class ShownLabels:
    """Labels as they are shown, and the stored labels that they stand for.

    Attributes
    ----------
    labels
        The members with the shown labels only, under their shown names.
    original
        (field, label) as shown, to (field, label) as stored.
    """

    labels: MemberLabels
    original: dict[tuple[str, str], tuple[str, str]]

    @property
    def count(self) -> int:
        """Number of labels that are shown."""
        return len(self.original)

    def find(self, field: str, label: str) -> int:
        """Return the column of a label in any of its spellings.

        Raises
        ------
        PredicateError
            When it is not shown; the message suggests similar ones among those shown.
        """
        return resolve(self.labels, field, label)

    def as_stored(self, predicate: Predicate) -> Predicate:
        """Return a predicate over shown labels as one over the stored labels.

        Raises
        ------
        PredicateError
            As `find`.
        """

        def walk(node: Node) -> Node:
            if isinstance(node, Not):
                return Not(walk(node.part))
            if isinstance(node, AtLeast):
                return AtLeast(node.count, tuple(walk(part) for part in node.parts))
            place = self.find(node.field, node.label)
            return Has(*self.original[self.labels.fields[place], self.labels.names[place]])

        return Predicate(walk(predicate.root))


def shown_labels(labels: MemberLabels, *, min_group_size: int) -> ShownLabels:
    """Return the labels of at least `min_group_size` members, in a form that is safe to show."""
    places = np.flatnonzero(labels.counts >= min_group_size)
    stored = [(labels.fields[i], labels.names[i]) for i in places]
    shown = _distinct([(clean(own, FIELD_CHARACTERS), clean(name, LABEL_CHARACTERS)) for own, name in stored])
    kept = [i for i, (own, name) in enumerate(shown) if own and name]
    restricted = replace(
        labels,
        names=tuple(shown[i][1] for i in kept),
        fields=tuple(shown[i][0] for i in kept),
        matrix=labels.matrix[:, places[kept]],
        merges=labels.merges.iloc[:0],
    )
    return ShownLabels(restricted, {shown[i]: stored[i] for i in kept})


def _distinct(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Append a number to labels that became equal when they were shortened."""
    seen: Counter[tuple[str, str]] = Counter()
    result = []
    for own, name in names:
        seen[own, name] += 1
        number = seen[own, name]
        result.append((own, name if number == 1 else f"{name} ({number})"))
    return result
