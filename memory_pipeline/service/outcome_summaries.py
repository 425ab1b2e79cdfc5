"""How the attempts went that filters select: totals, who fails most, why, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from memory_pipeline.service.kept import KeptValues
from memory_pipeline.service.outcomes import OutcomeService
from memory_pipeline.store.models import OUTCOME_STATUSES
from memory_pipeline.store.outcome_summaries import summarise_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store
    from memory_pipeline.store.frames import FrameStore

_KEPT = 32


@dataclass(frozen=True, eq=False)
class OutcomeSummary:
    """How the attempts of a selection went; each is equal to itself alone, and can be a key.

    Attributes
    ----------
    attempts
        How many there are.
    statuses
        How many of each status.
    success_rate, ci_low, ci_high
        Share that succeeded and its 95% interval (Wilson's, which treats attempts as independent); None
        where there are none.
    applications
        Each application against all others of the selection, as `analysis.stats.against_rest` compares them;
        the surest to fail more often come first.
    applications_sentence
        How many of them differ beyond chance.
    months
        Columns `month`, `attempts`, `success_rate`, `ci_low`, `ci_high`; by month (UTC).
    reasons
        First reasons of attempts that did not succeed: `reason` (None: not recorded), `attempts`, `share` of
        those read and `cumulative` share; the most frequent first.
    reasons_read
        Attempts whose reasons were counted: the newest that did not succeed, up to a bound.
    """

    attempts: int
    statuses: dict[str, int]
    success_rate: float | None
    ci_low: float | None
    ci_high: float | None
    applications: pd.DataFrame
    applications_sentence: str
    months: pd.DataFrame
    reasons: pd.DataFrame
    reasons_read: int


class OutcomeSummaryService(OutcomeService):
    """Questions about many attempts together."""

    def __init__(self, settings: Settings, store: Store, frames: FrameStore | None = None) -> None:
        super().__init__(settings, store, frames)
        self._summaries = KeptValues(_KEPT)

    def outcome_summary(self, **filters: Any) -> OutcomeSummary:
        """Summarise the outcomes that filters select; kept until outcomes are written.

        Parameters
        ----------
        filters
            As `store.outcome_queries.outcome_conditions`.

        Raises
        ------
        ValueError
            When a filter is not known.
        """
        chosen = _chosen(filters)
        found: OutcomeSummary = self._summaries.get(
            repr(chosen),
            self.version("outcomes"),
            lambda: _summarise(summarise_outcomes(self.store, **self.with_spellings(dict(chosen)))),
        )
        return found

    def kept_outcome_summary(self, **filters: Any) -> OutcomeSummary | None:
        """Return the summary of the outcomes that filters select where it is kept; None where it is not."""
        found: OutcomeSummary | None = self._summaries.find(repr(_chosen(filters)), self.version("outcomes"))
        return found


def _chosen(filters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in filters.items() if value is not None and value != {})


def _surest_failures_first(compared: pd.DataFrame) -> pd.DataFrame:
    is_worse = compared["is_different"].astype(bool) & (compared["difference"] < 0)
    order = pd.DataFrame(
        {"worse": ~is_worse, "high": compared["ci_high"], "name": compared["application_name"]}
    )
    return compared.loc[order.sort_values(["worse", "high", "name"]).index].reset_index(drop=True)


def _summarise(counted: dict[str, pd.DataFrame]) -> OutcomeSummary:
    from memory_pipeline.analysis.stats.against_rest import (  # noqa: PLC0415 - needs scipy
        compare_with_rest,
        describe_differences,
    )
    from memory_pipeline.analysis.stats.intervals import wilson_interval  # noqa: PLC0415 - needs scipy

    months = counted["months"]
    statuses = {name: int(months[name].sum()) for name in OUTCOME_STATUSES}
    attempts = sum(statuses.values())
    intervals = [wilson_interval(k, n) for k, n in zip(months["success"], months["attempts"], strict=True)]
    applications = compare_with_rest(counted["applications"])
    bounds = wilson_interval(statuses["success"], attempts) if attempts else (None, None)
    read = int(counted["reasons"]["attempts"].sum())
    share = counted["reasons"]["attempts"].astype(float) / max(read, 1)
    return OutcomeSummary(
        attempts=attempts,
        statuses=statuses,
        success_rate=statuses["success"] / attempts if attempts else None,
        ci_low=bounds[0],
        ci_high=bounds[1],
        applications=_surest_failures_first(applications),
        applications_sentence=describe_differences(applications, "applications"),
        months=pd.DataFrame(
            {
                "month": pd.to_datetime(months["month"], utc=True),
                "attempts": months["attempts"].astype(int),
                "success_rate": months["success"].astype(float) / months["attempts"].astype(float),
                "ci_low": np.array([low for low, _ in intervals], dtype=float),
                "ci_high": np.array([high for _, high in intervals], dtype=float),
            }
        ),
        reasons=counted["reasons"].assign(share=share, cumulative=share.cumsum()),
        reasons_read=read,
    )
