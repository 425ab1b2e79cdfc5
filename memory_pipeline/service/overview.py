"""Where the memory stands today: what the last rebuild changed, and how its advice is used."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from memory_pipeline.service.versions import VersionService
from memory_pipeline.store import reads
from memory_pipeline.store.models import (
    AdviceChange,
    PackagingOutcome,
    PatternIdentification,
    ServedRecommendation,
)

_SHOWN = (
    "outcomes",
    "patterns",
    "factors",
    "recommendations",
    "learning",
    "verification",
    "members",
    "alerts",
)


class OverviewService(VersionService):
    """Questions that whoever opens the memory asks first."""

    def overview_version(self) -> str:
        """Return a text that changes when records or findings do, and when a rebuild has ended."""
        return f"{self.version(*_SHOWN)} {reads.last_rebuild(self.store)}"

    def last_changes(self) -> dict[str, Any]:
        """Return what the last rebuild changed.

        Returns
        -------
        dict
            `began` and `ended`, the times of the rebuild (None where there was none); and as frames
            `new_patterns`, `gone_patterns` (no longer found or retired) and `advice` (`advice_changes`), each
            with what changed since that rebuild began.
        """
        rebuilt = reads.last_rebuild(self.store)
        patterns = reads.read_table(self.store, PatternIdentification)
        advice = reads.read_table(self.store, AdviceChange)
        if rebuilt is None:
            nothing = patterns.head(0)
            return {
                "began": None,
                "ended": None,
                "new_patterns": nothing,
                "gone_patterns": nothing,
                "advice": advice.head(0),
            }
        began, ended = rebuilt
        return {
            "began": began,
            "ended": ended,
            "new_patterns": patterns[(patterns["created_at"] >= began) & patterns["active"].astype(bool)],
            "gone_patterns": patterns[(patterns["retired_at"] >= began).fillna(value=False).astype(bool)],
            "advice": advice[advice["changed_at"] >= began],
        }

    def usage(self) -> dict[str, int]:
        """Count how advice is used.

        Returns
        -------
        dict
            `asked`: answers given; `withheld` of them held back to measure; `reported`: attempts that name an
            answer; `followed` and `not_followed` of these, as far as they say.
        """
        served, outcome = ServedRecommendation, PackagingOutcome
        named = outcome.recommendation_id.is_not(None)
        with self.store.transaction() as connection:
            asked, withheld = connection.execute(
                select(func.count(), func.count().filter(served.withheld)).select_from(served)
            ).one()
            reported, followed, not_followed = connection.execute(
                select(
                    func.count(),
                    func.count().filter(outcome.recommendation_followed.is_(True)),
                    func.count().filter(outcome.recommendation_followed.is_(False)),
                )
                .select_from(outcome)
                .where(named)
            ).one()
        return {
            "asked": asked,
            "withheld": withheld,
            "reported": reported,
            "followed": followed,
            "not_followed": not_followed,
        }
