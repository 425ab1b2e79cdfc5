"""Described contexts: which past contexts a description, full or partial, stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.features.encoding import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from memory_pipeline.analysis.recommendations.pooled_records import Values


Pattern = tuple[str | None, ...]
Member = tuple["Mapping[str, str]", float]


_MOST_MEMBERS = 40


@dataclass(frozen=True)
class Contexts:
    """The contexts that occurred, and how to read a new one.

    Attributes
    ----------
    encoding
        How source columns become categories.
    known_levels
        Per encoded column, the levels that occurred; its order is that of a context's values.
    home
        The encoded column (at most one) whose levels are the places of the candidates.
    seen
        Context combinations with their attempts, the most frequent first.
    """

    encoding: Encoding
    known_levels: Mapping[str, tuple[str, ...]]
    home: tuple[str, ...]
    seen: tuple[tuple[Values, int], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The encoded columns."""
        return tuple(self.known_levels)

    def read(self, contexts: pd.DataFrame) -> list[Pattern]:
        """Encode contexts; None stands where a column is not described or its value never occurred."""
        encoded = self.encoding.apply(contexts)
        columns = []
        for source in self.encoding.codes:
            for column in self.encoding.columns_of(source):
                texts = encoded[column].to_numpy(dtype=object).copy()
                levels = np.array(self.known_levels[column], dtype=str)
                texts[~np.isin(texts.astype(str), levels) | (source not in contexts)] = None
                columns.append(texts)
        return list(zip(*columns, strict=True)) if columns else [()] * len(contexts)

    def members(self, pattern: Pattern) -> tuple[list[Member], bool]:
        """Spell out a description as full contexts with weights that sum to 1.

        Returns
        -------
        members
            A full description alone; for a partial one the past contexts that agree with it (40 of them,
            drawn evenly), by their attempts. Where none agree, those with the same installer type; then
            all.
        is_widened
            Whether none agreed.
        """
        if None not in pattern:
            return [(self._described(tuple(map(str, pattern))), 1.0)], False
        at_home = [self.columns.index(column) for column in self.home]
        only_home = tuple(level if i in at_home else None for i, level in enumerate(pattern))
        for attempt, wanted in enumerate((pattern, only_home, (None,) * len(pattern))):
            found = [(levels, count) for levels, count in self.seen if _agrees(wanted, levels)]
            if found:
                return [(self._described(levels), share) for levels, share in _sample(found)], attempt > 0
        return [], True

    def unseen(self, pattern: Pattern, described: Mapping[str, Any]) -> list[str]:
        """Name the encoded columns that were described with a value that never occurred."""
        return [
            column
            for column, level in zip(self.columns, pattern, strict=True)
            if level is None
            and described.get(column if column in described else column.partition(": ")[0]) is not None
        ]

    def place_of(self, described: Mapping[str, str]) -> Values:
        """Return the level of the home column in a full context."""
        return tuple(described[column] for column in self.home)

    def places_of(self, outcomes: pd.DataFrame) -> list[Values]:
        """Return the level of the home column for each attempt."""
        encoded = self.encoding.apply(outcomes)
        named = [encoded[column].to_numpy(dtype=object) for column in self.home]
        return list(zip(*named, strict=True)) if named else [()] * len(outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return the contexts as JSON-able values."""
        return {
            "encoding": self.encoding.to_dict(),
            "known_levels": [[column, list(levels)] for column, levels in self.known_levels.items()],
            "home": list(self.home),
            "seen": [[list(levels), count] for levels, count in self.seen],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Contexts:
        """Rebuild contexts from `to_dict`."""
        return cls(
            encoding=Encoding.from_dict(values["encoding"]),
            known_levels={column: tuple(levels) for column, levels in values["known_levels"]},
            home=tuple(values["home"]),
            seen=tuple((tuple(levels), count) for levels, count in values["seen"]),
        )

    def _described(self, levels: Sequence[str]) -> dict[str, str]:
        return dict(zip(self.columns, levels, strict=True))


def _sample(found: Sequence[tuple[Values, int]]) -> list[tuple[Values, float]]:
    """Stand in for many contexts with few: every fortieth of their attempts (systematic sampling)."""
    counts = np.array([count for _, count in found], dtype=float)
    if len(found) <= _MOST_MEMBERS:
        return [
            (levels, float(share)) for (levels, _), share in zip(found, counts / counts.sum(), strict=True)
        ]
    marks = (np.arange(_MOST_MEMBERS) + 0.5) / _MOST_MEMBERS
    picked, times = np.unique(np.searchsorted(counts.cumsum() / counts.sum(), marks), return_counts=True)
    return [(found[i][0], float(n) / _MOST_MEMBERS) for i, n in zip(picked, times, strict=True)]


def _agrees(wanted: Pattern, levels: Values) -> bool:
    return all(want in (None, level) for want, level in zip(wanted, levels, strict=True))
