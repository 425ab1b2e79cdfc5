"""What happened: recorded attempts, and those most like an advised one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.analysis.features.unknown_values import describe_missing_value
from memory_pipeline.analysis.names import MISSING, NO, OTHER, YES, split_element_column
from memory_pipeline.analysis.spellings import spelling_key
from memory_pipeline.service.names import NameService
from memory_pipeline.service.vocabulary import VocabularyService
from memory_pipeline.store import reads
from memory_pipeline.store.cases import read_similar
from memory_pipeline.store.frames import OUTCOME_EVIDENCE, OUTCOME_FEATURES
from memory_pipeline.store.models import PatternIdentification
from memory_pipeline.store.outcome_queries import count_outcomes, read_outcome, read_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memory_pipeline.store import Store

CASES = 3
"""Most successes, and most other attempts, that an answer points to."""
_FEW = 5_000
"""Filters that select fewer outcomes are answered by sorting all of these."""


@dataclass(frozen=True)
class Case:
    """A past attempt that an answer points to, and how many of the advised settings it had."""

    outcome_id: str
    application_name: str
    occurred_at: pd.Timestamp
    outcome_status: str
    failure_reason: str | None
    settings_agreeing: int
    settings_advised: int


@dataclass(frozen=True)
class UnknownValue:
    """A filter's value that no recorded attempt has.

    Attributes
    ----------
    name
        The filter, such as `installer_type` or `approach.wrapper`.
    value
        What was asked for; None where the filter's column itself is not known.
    known
        What is: values of the column, the most frequent first, or names of columns.
    """

    name: str
    value: str | None
    known: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as a sentence, with what is nearest."""
        if self.value is None:
            return describe_missing_value("column", self.name, self.known)
        return describe_missing_value(self.name, self.value, self.known)


@dataclass(frozen=True)
class OutcomePage:
    """Some outcomes in the order that was asked for.

    Attributes
    ----------
    outcomes
        Rows of `packaging_outcomes`.
    total
        Outcomes that the filters select in all, as of the first page.
    has_more
        Whether there are more after these.
    unknown
        Where nothing was found: the values and columns of the filters that are not known.
    """

    outcomes: pd.DataFrame
    total: int
    has_more: bool
    unknown: tuple[UnknownValue, ...] = ()


class OutcomeService(VocabularyService, NameService):
    """Questions about recorded attempts."""

    def outcomes(self, **filters: Any) -> pd.DataFrame:
        """Read outcomes, the newest first; filters and order are those of `store.outcome_queries`.

        A name of an application or a context column stands for all names that count as one with it.
        """
        return read_outcomes(self.store, **self.with_spellings(filters))

    def outcome_count(self, *, at_most: int | None = None, **filters: Any) -> int:
        """Count the outcomes that filters select; see `store.outcome_queries.count_outcomes`."""
        return count_outcomes(self.store, at_most=at_most, **self.with_spellings(filters))

    def outcome_page(
        self,
        *,
        sort: str = "-occurred_at",
        after: tuple[Any, str] | None = None,
        limit: int = 50,
        total: int | None = None,
        **filters: Any,
    ) -> OutcomePage:
        """Read one page of outcomes.

        Parameters
        ----------
        sort, after, limit, filters
            As `store.outcome_queries.read_outcomes`.
        total
            Outcomes that the filters select, where they were counted before: all, or up to a bound.

        Raises
        ------
        ValueError
            When a filter or the order is not known.
        """
        spelled = self.with_spellings(filters)
        count = count_outcomes(self.store, **spelled) if total is None else total
        found = read_outcomes(
            self.store,
            sort=sort,
            after=after,
            limit=limit + 1 if count else 0,
            are_few=count < _FEW,
            **spelled,
        )
        unknown = self._unknown(filters) if found.empty and after is None else ()
        return OutcomePage(found.head(limit), count, len(found) > limit, unknown)

    def _unknown(self, filters: Mapping[str, Any]) -> tuple[UnknownValue, ...]:
        """Return the values and columns of filters that no attempt has, so that nothing can be found."""
        words = self.vocabulary()
        simple = {
            "status": words["statuses"],
            "application": words["applications"],
            "source": words["sources"],
            "failure_reason": words["failure_reasons"],
            "intervention": [*words["intervention_kinds"], {"value": "any"}],
        }
        columns = {one["name"]: one["values"] for one in words["context"]}
        for name, column in (
            ("vendor", "application_vendor"),
            ("application_type",) * 2,
            ("installer_type",) * 2,
        ):
            simple[name] = columns.get(column, [])
        found = [
            _unknown_value(name, str(filters[name]), simple[name])
            for name in simple
            if filters.get(name) is not None
        ]
        for part in ("context", "approach"):
            known = {one["name"]: one["values"] for one in words[part]}
            for key, value in (filters.get(part) or {}).items():
                if key not in known:
                    found.append(UnknownValue(f"{part}.{key}", None, tuple(f"{part}.{one}" for one in known)))
                elif value is not None:
                    found.append(_unknown_value(f"{part}.{key}", str(value), known[key]))
        return tuple(one for one in found if one is not None)

    def unknown_application_type(self, value: str | None) -> tuple[UnknownValue, ...]:
        """Return the type of application that factors are filtered by, where it never occurred."""
        name = "application_type"
        return () if value is None else self.unknown_conditions(name, value, name=name)

    def unknown_conditions(
        self, column: str | None, value: str | None, *, name: str = "condition_value"
    ) -> tuple[UnknownValue, ...]:
        """Return what of a condition, by which findings are filtered, never occurred.

        Parameters
        ----------
        column
            The column (filter `condition_column`); None: any.
        value
            The value; None: any.
        name
            The filter that the value was given by.

        Returns
        -------
        tuple of UnknownValue
            Empty where both occurred.
        """
        if column is None and value is None:
            return ()
        words = self.vocabulary()
        parts = [one for part in ("context", "approach") for one in words[part]]
        found = reads.read_table(self.store, PatternIdentification)["conditions"]
        levels = [(key, str(level)) for one in found for key, level in one.items()]
        if column is not None:
            wanted = {spelling_key(column), spelling_key(split_element_column(column)[0])}
            columns = dict.fromkeys([*(one["name"] for one in parts), *(key for key, _ in levels)])
            if not wanted & {spelling_key(one) for one in columns}:
                return (UnknownValue("condition_column", column, tuple(columns)),)
            parts = [one for one in parts if spelling_key(one["name"]) in wanted]
            levels = [(key, level) for key, level in levels if spelling_key(key) in wanted]
        if value is None:
            return ()
        cut = [one["name"] for one in parts if one["distinct"] > len(one["values"])]
        if any(self.is_recorded(one, value) for one in cut):
            return ()
        known = [*({"value": one} for _, one in levels), *(one for part in parts for one in part["values"])]
        unknown = _unknown_value(name, value, known)
        return () if unknown is None or value in {YES, NO, MISSING, OTHER} else (unknown,)

    def outcome(self, identity: str) -> dict[str, Any]:
        """Read one outcome with everything that is known about it.

        Returns
        -------
        dict
            The columns of `packaging_outcomes`; `advice`, the served answer that it names (None where it
            names none), and `patterns`, a frame of the patterns whose conditions it meets, by what the last
            rebuild knew.

        Raises
        ------
        KeyError
            When no outcome has that id.
        """
        row, advice = read_outcome(self.store, identity)
        return {**row, "advice": advice, "patterns": self._patterns_of(row)}

    def _patterns_of(self, outcome: Mapping[str, Any]) -> pd.DataFrame:
        """Read the patterns whose conditions an outcome meets, the active ones first."""
        from memory_pipeline.analysis.features import Encoding  # noqa: PLC0415 - needs scipy

        patterns = reads.read_table(self.store, PatternIdentification)
        parts, _ = self.frames.parts(OUTCOME_FEATURES)
        part = parts.get(f"{outcome['occurred_at'].astimezone(UTC):%Y-%m}")
        if part is None or patterns.empty or not self.frames.exists(OUTCOME_EVIDENCE):
            return patterns.head(0)
        features = self.frames.read_parts([part])
        features = features[features["id"] == outcome["id"]].reset_index(drop=True)
        if features.empty:
            return patterns.head(0)
        encoding = Encoding.from_dict(self.frames.read(OUTCOME_EVIDENCE, columns=[])[1]["encoding"])
        levels = {str(name): column.iloc[0] for name, column in encoding.apply(features).items()}
        meets = patterns["conditions"].map(
            lambda conditions: all(levels.get(column) == level for column, level in conditions.items())
        )
        found = patterns[meets.astype(bool)]
        return found.sort_values(
            ["active", "confidence", "id"], ascending=[False, False, True], ignore_index=True
        )

    def sources(self) -> list[str]:
        """Return the names of the sources that outcomes and members came from."""
        return reads.sources(self.store)

    def cases(
        self, context: Mapping[str, Any], approach: Mapping[str, Any] | None, *, limit: int = CASES
    ) -> tuple[Case, ...]:
        """Find past attempts in a context, those most like an approach first, as in `Answer.cases`.

        Values may be written as stored or as encoded levels. What is chosen from is bounded, so that an
        answer takes no longer as the history grows: see `store.cases.read_similar`.

        Parameters
        ----------
        context
            Columns and values that an attempt must have.
        approach
            Settings to be like; None for any approach.
        limit
            Most successes, and most others.
        """
        return find_cases(self.store, context, approach, limit=limit)


def _unknown_value(name: str, value: str, known: Sequence[Mapping[str, Any]]) -> UnknownValue | None:
    values = tuple(dict.fromkeys(str(one["value"]) for one in known))
    is_known = spelling_key(value) in {spelling_key(one) for one in values}
    return None if is_known else UnknownValue(name, value, values)


def find_cases(
    store: Store,
    context: Mapping[str, Any],
    approach: Mapping[str, Any] | None,
    *,
    limit: int = CASES,
) -> tuple[Case, ...]:
    """Find past attempts as `OutcomeService.cases` does."""
    return tuple(
        Case(
            outcome_id=row["id"],
            application_name=row["application_name"],
            occurred_at=pd.Timestamp(row["occurred_at"]).tz_convert("UTC"),
            outcome_status=row["outcome_status"],
            failure_reason=row["failure_reason"],
            settings_agreeing=row["agreeing"],
            settings_advised=len(approach or {}),
        )
        for row in read_similar(store, context, approach or {}, limit=limit)
    )
