"""Which pairs of labels bridge domains: unexpected even given how the two domains go together."""

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
"""How many times the lift between two areas a pair must have to be unexpected given them."""


def crossing_pairs(labels: MemberLabels, pairs: pd.DataFrame, all_pairs: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark pairs that bridge domains.

    A pair bridges when its labels are of different roles (what members can, like, do) or, interests, stand in
    different areas; when nothing about it is obvious; and when its lift is at least `BEYOND_DOMAINS` times
    that of the other pairs between the two areas, taken together. Abilities of different areas are clusters.

    Parameters
    ----------
    labels
        The members.
    pairs
        The pairs to mark, as `pairs_against_chance` gives them.
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
    """How much more often than chance labels of two areas go together, over all pairs between them."""

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
        """Return the largest lift between areas of two labels, that pair left out; at least 1."""
        rest = [self.sums[key] - (members, expected) for key in self._keys(a, b)]
        return max((float(seen / chance) for seen, chance in rest if chance > 1), default=1.0)
