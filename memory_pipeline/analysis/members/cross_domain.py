"""Which pairs of labels bridge domains: unexpected even given the association of the two domains?"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.members.finding import is_obvious

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from memory_pipeline.analysis.members.labels import MemberLabels


BEYOND_DOMAINS = 1.25
"""Least ratio of a pair's lift to the lift between the two areas, for the pair to be unexpected."""


def cross_domain_pairs(
    labels: MemberLabels, pairs: pd.DataFrame, all_pairs: pd.DataFrame
) -> NDArray[np.bool_]:
    """Return which pairs bridge domains, shape (pairs,).

    A pair bridges domains when its labels have different roles (ability, interest, habit) or are interests of
    different areas; when it is not obvious; and when its lift is at least `BEYOND_DOMAINS` times that of the
    other pairs between the two areas taken together. Abilities of different areas do not: they are clusters.

    Parameters
    ----------
    labels
        The members.
    pairs
        The pairs, as `pairs_against_chance` returns them.
    all_pairs
        All pairs that were tested.
    """
    between = _BetweenAreas(labels, all_pairs)
    names, roles = labels.names, [labels.vocabulary.role_of(own) for own in labels.fields]
    marks = []
    for a, b, members, expected, lift in pairs[
        ["place_a", "place_b", "members", "expected", "lift"]
    ].itertuples(index=False, name=None):
        is_known = bool(between.areas[a] and between.areas[b])
        is_across = "wish" not in {roles[a], roles[b]} and not is_obvious(labels, names[a], names[b])
        usual = between.lift_without(a, b, members, expected)
        is_across &= roles[a] != roles[b] or (is_known and roles[a] != "ability")
        marks.append(is_across and lift >= BEYOND_DOMAINS * usual)
    return np.array(marks, dtype=bool)


class _BetweenAreas:
    """The lift between two areas, over all pairs of labels between them."""

    def __init__(self, labels: MemberLabels, all_pairs: pd.DataFrame) -> None:
        self.areas = [sorted(labels.vocabulary.areas_of(name)) for name in labels.names]
        self.sums: dict[tuple[str, str], NDArray[Any]] = defaultdict(lambda: np.zeros(2))
        for a, b, members, expected in all_pairs[["place_a", "place_b", "members", "expected"]].itertuples(
            index=False, name=None
        ):
            for key in self._keys(a, b):
                self.sums[key] += (members, expected)

    def _keys(self, a: int, b: int) -> set[tuple[str, str]]:
        return {(min(x, y), max(x, y)) for x in self.areas[a] for y in self.areas[b]}

    def lift_without(self, a: int, b: int, members: int, expected: float) -> float:
        """Compute the largest lift between areas of two labels, without this pair; at least 1."""
        rest = [self.sums[key] - (members, expected) for key in self._keys(a, b)]
        return max((float(seen / chance) for seen, chance in rest if chance > 1), default=1.0)
