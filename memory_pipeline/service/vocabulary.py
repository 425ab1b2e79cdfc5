"""What can be said: columns, settings and the values that occur, for whoever asks or fills in a form."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.names import MEASURES
from memory_pipeline.service.versions import VersionService
from memory_pipeline.store import reads
from memory_pipeline.store.frames import OUTCOME_FEATURES, OUTCOME_VALUES
from memory_pipeline.store.models import MEMBER_PATTERN_CATEGORIES, OUTCOME_STATUSES, PATTERN_TYPES
from memory_pipeline.store.names import read_as_another
from memory_pipeline.store.outcome_queries import read_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store
    from memory_pipeline.store.frames import FrameStore

MOST_VALUES = 200
"""Values of a column that are listed, the most frequent; `distinct` counts all."""
_NEWEST = 2_000
"""Newest attempts that are read beside what the last rebuild knew."""
_LISTED = {
    "applications": "application_name",
    "statuses": "outcome_status",
    "failure_reasons": "failure_reason",
    "intervention_kinds": "intervention_kind",
}


class VocabularyService(VersionService):
    """The words of the memory."""

    def __init__(self, settings: Settings, store: Store, frames: FrameStore | None = None) -> None:
        super().__init__(settings, store, frames)
        self._words: tuple[str, dict[str, Any]] | None = None
        self._words_lock = Lock()

    def vocabulary(self) -> dict[str, Any]:
        """Return the columns, settings and values that attempts have, and the words that filters take.

        Counted by the last rebuild, names that count as one together; of what came later, the newest 2,000
        attempts add values that the rebuild did not know, without a count.

        Returns
        -------
        dict
            `context` and `approach`: for each column its `name`, the `values` that occur (`value` and
            `attempts`, the most frequent first, at most `MOST_VALUES`), how many `distinct` there are, and
            whether it `is_list`. `applications`, `statuses`, `failure_reasons`, `intervention_kinds`: values
            in the same form. `sources`; `measures`, `pattern_types`, `member_pattern_categories`.
        """
        with self._words_lock:
            version = self.version("outcomes", "features")
            if self._words is None or self._words[0] != version:
                self._words = (version, self._read_words())
            return self._words[1]

    def _read_words(self) -> dict[str, Any]:
        from memory_pipeline.analysis.features.flatten import flatten_outcomes  # noqa: PLC0415 - needs numpy
        from memory_pipeline.analysis.features.same_names import rename  # noqa: PLC0415 - needs numpy

        known = self._known_at_rebuild()
        newest, roles = flatten_outcomes(read_outcomes(self.store, limit=_NEWEST))
        newest = rename(newest, read_as_another(self.store))
        recent = {
            "context": _count_columns(newest, roles.context),
            "approach": _count_columns(newest, roles.approach),
            "listed": _count_columns(newest, _LISTED.values()),
        }
        words = {
            part: [
                _column(name, known[part].get(name), recent[part].get(name))
                for name in _names(known, recent, part)
            ]
            for part in ("context", "approach")
        }
        lists = {
            name: _column(column, known["listed"].get(column), recent["listed"].get(column))["values"]
            for name, column in _LISTED.items()
        }
        missing = [
            one for one in OUTCOME_STATUSES if one not in {value["value"] for value in lists["statuses"]}
        ]
        lists["statuses"] += [{"value": one, "attempts": 0} for one in missing]
        return {
            **words,
            **lists,
            "sources": [{"value": one, "attempts": None} for one in reads.sources(self.store)],
            "measures": list(MEASURES),
            "pattern_types": list(PATTERN_TYPES),
            "member_pattern_categories": list(MEMBER_PATTERN_CATEGORIES),
        }

    def _known_at_rebuild(self) -> dict[str, dict[str, pd.Series]]:
        """Count the values of each column as of the last rebuild; nothing where there was none."""
        known: dict[str, dict[str, pd.Series]] = {"context": {}, "approach": {}, "listed": {}}
        if not self.frames.exists(OUTCOME_FEATURES) or not self.frames.exists(OUTCOME_VALUES):
            return known
        features, info = self.frames.read(OUTCOME_FEATURES, columns=list(_LISTED.values()))
        known["listed"] = _count_columns(features, _LISTED.values())
        values, _ = self.frames.read(OUTCOME_VALUES, columns=["column", "is_list", "value", "attempts"])
        by_column = dict(list(values.groupby("column")))
        for part in ("context", "approach"):
            for name in info[part]:
                rows = by_column.get(name)
                if rows is None:  # the unit of the evidence is not counted as a condition
                    continue
                counted = rows.groupby("value")["attempts"].sum()
                counted.attrs["is_list"] = bool(rows["is_list"].any())
                known[part][name] = counted
        return known


def _names(known: Mapping[str, Any], recent: Mapping[str, Any], part: str) -> list[str]:
    return list(dict.fromkeys([*known[part], *recent[part]]))


def _count_columns(frame: pd.DataFrame, columns: Iterable[str]) -> dict[str, pd.Series]:
    """Count the values of columns, of lists their elements, by the names of their levels."""
    from memory_pipeline.analysis.features.value_counts import count_columns  # noqa: PLC0415 - needs numpy

    counted = {}
    for name, counts in count_columns(frame, list(columns)).items():
        series = pd.Series(counts.by_value, index=pd.Index(counts.names, dtype=object)).groupby(level=0).sum()
        series.attrs["is_list"] = counts.is_list
        counted[name] = series
    return counted


def _column(name: str, known: pd.Series | None, recent: pd.Series | None) -> dict[str, Any]:
    values: list[dict[str, Any]] = []
    if known is not None:
        values += _values(known)
    seen = {one["value"] for one in values}
    if recent is not None:
        new = [one for one in _values(recent) if one["value"] not in seen]
        # What the rebuild did not know is not counted over the whole history.
        values += [{**one, "attempts": None} for one in new] if known is not None else new
    is_list = any(one.attrs["is_list"] for one in (known, recent) if one is not None)
    return {"name": name, "is_list": is_list, "distinct": len(values), "values": values[:MOST_VALUES]}


def _values(counted: pd.Series) -> Sequence[dict[str, Any]]:
    pairs = sorted(
        ((int(count), str(value)) for value, count in counted.items()), key=lambda one: (-one[0], one[1])
    )
    return [{"value": value, "attempts": count} for count, value in pairs]
