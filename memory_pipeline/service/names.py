"""Which names count as one: what was read as one, what looks alike, and what persons decide about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.features.unknown_values import nearest_known
from memory_pipeline.service.session import Service
from memory_pipeline.store import names, reads
from memory_pipeline.store.frames import OUTCOME_NAMES
from memory_pipeline.store.models import NameMerge
from memory_pipeline.store.outcome_queries import count_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_FILTERED = {
    "application": "application_name",
    "vendor": "application_vendor",
    "application_type": "application_type",
    "installer_type": "installer_type",
}
"""Filters of outcomes by a name, and the columns of the names."""


class NameService(Service):
    """Questions about names of applications, vendors and other values."""

    def name_merges(self, *, column: str | None = None, why: str | None = None) -> pd.DataFrame:
        """Read which names are read as another, and which look alike, the most frequent first.

        Parameters
        ----------
        column
            Only names of this column, such as `application_vendor`.
        why
            Only those with this reason: `same spelling`, `version left out`, `decided` or `looks alike`.
        """
        frame = reads.read_table(self.store, NameMerge)
        if column is not None:
            frame = frame[frame["column_name"] == column]
        if why is not None:
            frame = frame[frame["why"] == why]
        order = ["attempts", "column_name", "raw_name", "id"]
        return frame.sort_values(order, ascending=[False, True, True, True], ignore_index=True)

    def decide_name(
        self, column: str, name: str, other: str, decision: str, *, by: str, note: str | None = None
    ) -> dict[str, Any]:
        """Decide whether two names of a column are one, from the next rebuild on.

        Parameters and errors are those of `store.names.decide_names`; a column, or a name that was never
        recorded, is refused as well, with the nearest known ones.
        """
        if decision != names.RESET:
            self._check_known(column.strip(), name.strip())
        return names.decide_names(self.store, column, name, other, decision=decision, by=by, note=note)

    def name_decisions(self) -> pd.DataFrame:
        """Read all decisions about names, the newest first."""
        return names.name_decision_log(self.store)

    def with_spellings(self, filters: Mapping[str, Any]) -> dict[str, Any]:
        """Return filters of outcomes, in which a name stands for all that count as one with it."""
        found = dict(filters)
        named = {name for name in _FILTERED if isinstance(found.get(name), str)}
        if not named and not found.get("context"):
            return found
        with self.store.transaction() as connection:
            for name in named:
                found[name] = names.read_spellings(connection, _FILTERED[name], found[name])
            if found.get("context"):
                found["context"] = {
                    key: names.read_spellings(connection, key, value) if isinstance(value, str) else value
                    for key, value in found["context"].items()
                }
        return found

    def _check_known(self, column: str, name: str) -> None:
        """Raise ValueError when no attempt has a name in a column."""
        recorded, _ = self.frames.read(OUTCOME_NAMES, columns=["column_name", "raw_name"])
        columns = sorted(set(recorded["column_name"]))
        if column not in columns:
            raise ValueError(f"column is {column!r}; use one of {', '.join(columns)}")
        known = set(recorded.loc[recorded["column_name"] == column, "raw_name"])
        shown = set(self.name_merges(column=column)["name"])
        if name not in known | shown and not self.is_recorded(column, name):
            close = nearest_known(name, known | shown, most=3)
            remedy = (
                f"the nearest known: {', '.join(map(repr, close))}"
                if close
                else "write it as it was recorded"
            )
            raise ValueError(f"no attempt has the {column} {name!r}; {remedy}")

    def is_recorded(self, column: str, name: str) -> bool:
        """Return whether an attempt has a name in a column, since the last rebuild too."""
        filters: list[dict[str, Any]] = [{"context": {column: name}}, {"approach": {column: name}}]
        if column == _FILTERED["application"]:
            filters = [{"application": name}]
        return any(count_outcomes(self.store, at_most=1, **one) for one in filters)
