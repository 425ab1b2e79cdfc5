"""How often approaches were tried in the contexts that the table of advice has rows for.

Candidates are counted by pool, which is wider: of 221 attempts with an approach for `installer_type = msi`,
40 may be for browsers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from memory_pipeline.analysis.recommendations.candidates import levels_at

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from memory_pipeline.analysis.evidence.grouped_counts import GroupedCounts
    from memory_pipeline.analysis.recommendations.candidates import Candidate
    from memory_pipeline.analysis.recommendations.pooled_records import Values


class Tried(NamedTuple):
    """Attempts with an approach, and the successes among them."""

    attempts: int
    successes: int


@dataclass(frozen=True)
class TriedByContext:
    """Counts of the candidates by context.

    Attributes
    ----------
    columns
        The encoded context columns whose values are told apart: those of the table, and the pooling column.
    counts
        By the values of the columns: by key of a candidate, how often it was tried. None in a policy of an
        earlier version, which did not count them.
    """

    columns: tuple[str, ...] = ()
    counts: Mapping[Values, Mapping[Values, Tried]] | None = None

    def within(self, described: Mapping[str, str | None], keys: Collection[Values]) -> Tried:
        """Count the attempts with some approaches in a context.

        Parameters
        ----------
        described
            Value of each encoded context column; None where any will do. Of columns that are not told apart,
            any will do too.
        keys
            The keys of the approaches.
        """
        wanted = [described.get(column) for column in self.columns]
        found = [
            own[key]
            for levels, own in (self.counts or {}).items()
            if all(want in (None, level) for want, level in zip(wanted, levels, strict=True))
            for key in keys
            if key in own
        ]
        return Tried(sum(one.attempts for one in found), sum(one.successes for one in found))

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON-able values."""
        counts = None
        if self.counts is not None:
            counts = [
                [list(levels), [[list(key), list(one)] for key, one in own.items()]]
                for levels, own in self.counts.items()
            ]
        return {"columns": list(self.columns), "counts": counts}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild the counts from `to_dict`."""
        counts = values["counts"]
        if counts is not None:
            counts = {tuple(levels): {tuple(key): Tried(*one) for key, one in own} for levels, own in counts}
        return cls(tuple(values["columns"]), counts)


NOT_COUNTED = TriedByContext()
"""What a policy of an earlier version knows."""


def count_tried(
    cells: GroupedCounts,
    candidates: Mapping[Values, Sequence[Candidate]],
    *,
    columns: Sequence[str],
    key_columns: Sequence[str],
) -> TriedByContext:
    """Count how often each candidate was tried for each combination of values of some context columns.

    Parameters
    ----------
    cells
        Counts per unit and combination.
    candidates
        By pool; what is a candidate in one is counted in all.
    columns, key_columns
        The encoded context columns, and the encoded settings by which approaches are told apart.
    """
    first, group = cells.combinations([*columns, *key_columns])
    attempts, successes = (np.bincount(group, weights=weights) for weights in (cells.n, cells.k))
    known = {one.key for ones in candidates.values() for one in ones}
    counts: dict[Values, dict[Values, Tried]] = {}
    for number, cell in enumerate(first.tolist()):
        key = levels_at(cells, key_columns, cell)
        if key in known:
            tried = Tried(int(attempts[number]), int(successes[number]))
            counts.setdefault(levels_at(cells, columns, cell), {})[key] = tried
    return TriedByContext(tuple(columns), counts)
