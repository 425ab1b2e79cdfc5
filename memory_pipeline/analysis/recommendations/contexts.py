"""Which past contexts a description stands for, whether it is full or partial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from memory_pipeline.analysis.features.encoding import Encoding
from memory_pipeline.analysis.features.levels import distinct_values
from memory_pipeline.analysis.names import MISSING, OTHER
from memory_pipeline.analysis.spellings import spelling_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from memory_pipeline.analysis.recommendations.pooled_records import Values


Pattern = tuple[str | None, ...]
"""Encoded values of a description in the order of the columns; None where a column is open."""
UnknownValue = tuple[str, str]
"""Source column, and the described value as text."""
WeightedContext = tuple["Mapping[str, str]", float]
"""A full context (encoded column to value) and its weight."""


_SAMPLE_SIZE = 40


@dataclass(frozen=True)
class Contexts:
    """The contexts that occurred, and how a new one is encoded.

    Attributes
    ----------
    encoding
        How source columns become categories.
    known_levels
        By encoded column, the values that occurred. The order of columns is that of a context's values.
    pooling_columns
        The encoded columns (at most one) by whose values candidates are pooled, see
        `recommendations.pooling_column`.
    constants
        By source column that had one value only: that value (of a list, its elements).
    seen
        Full contexts with their numbers of attempts, the most frequent first.
    names
        By source column, the value as which another name counts, by the `spelling_key` of that name; values
        that differ in their spelling alone need none.
    """

    encoding: Encoding
    known_levels: Mapping[str, tuple[str, ...]]
    pooling_columns: tuple[str, ...]
    constants: Mapping[str, tuple[str, ...]]
    seen: tuple[tuple[Values, int], ...]
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The encoded columns."""
        return tuple(self.known_levels)

    def read(self, contexts: pd.DataFrame) -> list[Pattern]:
        """Encode contexts, one row each; None where a column is not described or its value never occurred."""
        encoded = self.encoding.apply(contexts)
        columns = []
        for source in self.encoding.codes:
            for column in self.encoding.columns_of(source):
                texts = encoded[column].to_numpy(dtype=object).copy()
                levels = np.array(self.known_levels[column], dtype=str)
                texts[~np.isin(texts.astype(str), levels) | (source not in contexts)] = None
                columns.append(texts)
        return list(zip(*columns, strict=True)) if columns else [()] * len(contexts)

    def full_contexts(self, pattern: Pattern) -> tuple[list[WeightedContext], bool]:
        """Return the full contexts that a description stands for, with weights that sum to 1.

        Returns
        -------
        full_contexts
            For a full description, that context alone. For a partial one, the past contexts that agree with
            it, weighted by their attempts (at most 40, by systematic sampling). Where none agree: those with
            the same value of the pooling column; where there are none either: all.
        is_widened
            Whether none agreed.
        """
        if None not in pattern:
            return [(self._described(tuple(map(str, pattern))), 1.0)], False
        pooled = [self.columns.index(column) for column in self.pooling_columns]
        pool_only = tuple(level if i in pooled else None for i, level in enumerate(pattern))
        for attempt, wanted in enumerate((pattern, pool_only, (None,) * len(pattern))):
            found = [(levels, count) for levels, count in self.seen if _agrees(wanted, levels)]
            if found:
                return [(self._described(levels), share) for levels, share in _sample(found)], attempt > 0
        return [], True

    def known_values(self, source: str) -> tuple[str, ...] | None:
        """Return the values of a source column that were learned from; None for numbers, or none learned."""
        code = self.encoding.codes.get(source)
        if code is None:
            return self.constants.get(source)
        return None if code.kind == "bins" else code.levels

    def unknown_values(self, contexts: pd.DataFrame) -> list[tuple[UnknownValue, ...]]:
        """Return the described values of each row that never occurred, or too rarely to learn from."""
        found: list[tuple[UnknownValue, ...]] = [()] * len(contexts)
        for source in contexts:
            known = self.known_values(str(source))
            if known is None:
                continue
            expected = {*known, MISSING, OTHER}
            codes, values, _ = distinct_values(contexts[source])
            for number, texts in enumerate(values):
                unknown = tuple((str(source), text) for text in texts if text.strip() not in expected)
                if unknown:
                    for row in np.flatnonzero(codes == number):
                        found[row] += unknown
        return found

    def spelled_as_known(self, described: Mapping[str, Any]) -> dict[str, Any]:
        """Return a description with its values spelled as past attempts have them.

        `contoso` becomes `Contoso` where that is the one past value which is another spelling of it, and
        `Contoso Ltd` where it counts as that one (`names`); a value that occurred as it is stays.
        """
        spelled = dict(described)
        for column, value in described.items():
            levels = self.known_levels.get(column, ())
            if isinstance(value, str) and value not in levels:
                key = spelling_key(value)
                alike = [level for level in levels if spelling_key(level) == key]
                if len(alike) == 1:
                    spelled[column] = alike[0]
                elif key in self.names.get(column, {}):
                    spelled[column] = self.names[column][key]
        return spelled

    def pool_of(self, described: Mapping[str, str]) -> Values:
        """Return the pool of a full context: its values of the pooling columns."""
        return tuple(described[column] for column in self.pooling_columns)

    def pools_of(self, outcomes: pd.DataFrame) -> list[Values]:
        """Return the pool of each attempt."""
        encoded = self.encoding.apply(outcomes)
        named = [encoded[column].to_numpy(dtype=object) for column in self.pooling_columns]
        return list(zip(*named, strict=True)) if named else [()] * len(outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return the contexts as JSON-able values."""
        return {
            "encoding": self.encoding.to_dict(),
            "known_levels": [[column, list(levels)] for column, levels in self.known_levels.items()],
            "pooling_columns": list(self.pooling_columns),
            "constants": {column: list(values) for column, values in self.constants.items()},
            "seen": [[list(levels), count] for levels, count in self.seen],
            "names": {column: dict(names) for column, names in self.names.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Contexts:
        """Rebuild contexts from `to_dict`."""
        return cls(
            encoding=Encoding.from_dict(values["encoding"]),
            known_levels={column: tuple(levels) for column, levels in values["known_levels"]},
            pooling_columns=tuple(values["pooling_columns"]),
            constants={column: tuple(texts) for column, texts in values["constants"].items()},
            seen=tuple((tuple(levels), count) for levels, count in values["seen"]),
            names=values["names"],
        )

    def _described(self, levels: Sequence[str]) -> dict[str, str]:
        return dict(zip(self.columns, levels, strict=True))


def _sample(found: Sequence[tuple[Values, int]]) -> list[tuple[Values, float]]:
    """Return at most 40 contexts with their shares of the attempts, by systematic sampling of attempts."""
    counts = np.array([count for _, count in found], dtype=float)
    if len(found) <= _SAMPLE_SIZE:
        return [
            (levels, float(share)) for (levels, _), share in zip(found, counts / counts.sum(), strict=True)
        ]
    marks = (np.arange(_SAMPLE_SIZE) + 0.5) / _SAMPLE_SIZE
    picked, times = np.unique(np.searchsorted(counts.cumsum() / counts.sum(), marks), return_counts=True)
    return [(found[i][0], float(n) / _SAMPLE_SIZE) for i, n in zip(picked, times, strict=True)]


def _agrees(wanted: Pattern, levels: Values) -> bool:
    return all(want in (None, level) for want, level in zip(wanted, levels, strict=True))
