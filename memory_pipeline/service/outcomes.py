"""What happened: recorded attempts, and those most like an advised one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.service.session import Service
from memory_pipeline.store import reads
from memory_pipeline.store.frames import OUTCOME_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.store.frames import FrameStore

CASES = 3
"""Most successes, and most other attempts, that an answer points to."""
_SHOWN = ("id", "application_name", "occurred_at", "outcome_status", "failure_reason")


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


class OutcomeService(Service):
    """Questions about recorded attempts."""

    def outcomes(self, **filters: Any) -> pd.DataFrame:
        """Read outcomes, the newest first; the filters are those of `store.reads.read_outcomes`."""
        return reads.read_outcomes(self.store, **filters)

    def sources(self) -> list[str]:
        """Return the names of the sources that outcomes and members came from."""
        return reads.sources(self.store)

    def cases(
        self, context: Mapping[str, Any], approach: Mapping[str, Any] | None, *, limit: int = CASES
    ) -> tuple[Case, ...]:
        """Find past attempts in a context, those most like an approach first, as in `Answer.cases`.

        Parameters
        ----------
        context
            Columns and values that an attempt must have.
        approach
            Settings to be like; None for any approach.
        limit
            Most successes, and most others.
        """
        return find_cases(self.frames, context, approach, limit=limit)


def find_cases(
    frames: FrameStore,
    context: Mapping[str, Any],
    approach: Mapping[str, Any] | None,
    *,
    limit: int = CASES,
) -> tuple[Case, ...]:
    """Read the flat attempts, only the columns that are asked about; choose as `similar_cases` does."""
    columns = list(dict.fromkeys([*_SHOWN, *context, *(approach or {})]))
    features, _ = frames.read(OUTCOME_FEATURES, columns=columns)
    return similar_cases(features, context, approach, limit=limit)


def similar_cases(
    features: pd.DataFrame,
    context: Mapping[str, Any],
    approach: Mapping[str, Any] | None,
    *,
    limit: int = CASES,
) -> tuple[Case, ...]:
    """Choose past attempts in a context, those that share most settings with an approach first.

    Parameters
    ----------
    features
        One row an attempt: the columns of a case, of the context and of the approach.
    context, approach, limit
        As in `OutcomeService.cases`.
    """
    approach = approach or {}
    for column, value in context.items():
        features = features[_has(features[column], value)]
    agreeing = sum(
        (_has(features[column], value).astype(int) for column, value in approach.items()),
        start=pd.Series(0, index=features.index),
    )
    features = features.assign(agreeing=agreeing)
    features = features.sort_values(["agreeing", "occurred_at", "id"], ascending=[False, False, True])
    good = features["outcome_status"] == "success"
    chosen = pd.concat([features[good].head(limit), features[~good].head(limit)])
    chosen = chosen.astype(object).where(chosen.notna(), None)
    return tuple(
        Case(
            outcome_id=row["id"],
            application_name=row["application_name"],
            occurred_at=row["occurred_at"],
            outcome_status=row["outcome_status"],
            failure_reason=row["failure_reason"],
            settings_agreeing=row["agreeing"],
            settings_advised=len(approach),
        )
        for _, row in chosen.iterrows()
    )


def _has(column: pd.Series, value: Any) -> pd.Series:
    """Return which attempts have a value, whether it is written as stored or as an encoded level."""
    from memory_pipeline.analysis.features.levels import level_name  # noqa: PLC0415 - needs numpy only here

    if value is None:
        return column.isna()
    same: pd.Series = column.map(_setting_key, na_action="ignore") == _setting_key(value)
    return same | (column.map(level_name, na_action="ignore") == str(value))


def _setting_key(value: Any) -> Any:
    """Return a setting as what can be compared: lists without order, everything as text."""
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        return tuple(sorted(map(str, value)))
    return str(value)
