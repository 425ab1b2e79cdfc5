"""What happened: recorded attempts, and those most like an advised one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from memory_pipeline.service.session import Service
from memory_pipeline.store import reads
from memory_pipeline.store.cases import read_similar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.store import Store

CASES = 3
"""Most successes, and most other attempts, that an answer points to."""


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
