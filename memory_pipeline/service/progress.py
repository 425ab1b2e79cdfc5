"""Is it getting better: the learning measures, and what the memory holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from memory_pipeline.analysis.names import DRIFT_CHANGE, MEASURES, SUCCESS_RATE
from memory_pipeline.service.session import Service
from memory_pipeline.store import reads
from memory_pipeline.store.alerts import count_open
from memory_pipeline.store.decisions import read_decision_log
from memory_pipeline.store.frames import OUTCOME_FEATURES
from memory_pipeline.store.models import (
    ApproachRecommendation,
    Ingest,
    LearningHistory,
    LearningMeasure,
    Member,
    MemberPattern,
    NameMerge,
    PackagingOutcome,
    PatternIdentification,
    QuarantinedRecord,
    ServedRecommendation,
    SuccessFactor,
)
from memory_pipeline.store.names import LOOKS_ALIKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from memory_pipeline.analysis.learning.change_explanation import ChangeExplanation

_EVENTS = 200
WHOLE = "whole"
"""Names the history as a whole where a split of it is asked for."""


class ProgressService(Service):
    """Questions about what the memory holds and what it is worth."""

    def learning(
        self,
        measure: str | None = None,
        *,
        history: bool = False,
        segment_column: str | None = None,
        segment_value: str | None = None,
    ) -> pd.DataFrame:
        """Read the learning measures in the order of time.

        Parameters
        ----------
        measure
            One of `analysis.measures.MEASURES`; None for all.
        history
            What each rebuild measured, with `recorded_at`, instead of what the newest says: a row for
            each change.

        segment_column, segment_value
            Only of this split of the history, and this part of it, without regard to case; `whole` is the
            history as a whole.

        Raises
        ------
        ValueError
            When there is no such measure.
        """
        if measure is not None and measure not in MEASURES:
            raise ValueError(f"measure is {measure!r}; use one of {', '.join(MEASURES)}")
        table = LearningHistory if history else LearningMeasure
        frame = reads.read_table(self.store, table, **({} if measure is None else {"measure": measure}))
        if segment_column is not None:
            wanted = "" if segment_column.casefold() == WHOLE else segment_column.casefold()
            frame = frame[frame["segment_column"].str.casefold() == wanted]
        if segment_value is not None:
            frame = frame[frame["segment_value"].str.casefold() == segment_value.casefold()]
        by = ["measure", "segment_column", "segment_value", "period_start", "id"]
        return frame.sort_values(by, ignore_index=True).drop(columns="id")

    def learning_summary(self) -> dict[str, str]:
        """Return one sentence per measure: where the memory stands; see `analysis.learning.text`."""
        from memory_pipeline.analysis.learning.text import learning_sentences  # noqa: PLC0415

        return learning_sentences(self.learning())

    def success_change(self) -> str:
        """Return one sentence: whether the success rate changed over the history, and since when."""
        from memory_pipeline.analysis.learning.trend_text import describe_change  # noqa: PLC0415 - needs scipy

        return describe_change(self.learning("success_rate"))

    def explain_change(
        self,
        *,
        before: str | tuple[str, str] | None = None,
        after: str | tuple[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> ChangeExplanation:
        """Explain why success differs between two spans: other cases, or the same with other results.

        Parameters
        ----------
        before, after
            The earlier and the later span: a month such as `2026-06`, or its first and last month. By
            default the last month that is over, against up to twelve months with attempts before it.
        columns
            Columns that are to explain it, without regard to case; a column of lists stands for all of its
            elements. By default all conditions.

        Returns
        -------
        ChangeExplanation
            See `analysis.learning.explain_change`; `sentences` has it in words.

        Raises
        ------
        FileNotFoundError
            When nothing was rebuilt yet.
        ValueError
            When the spans cannot be compared, or there is no such column.
        """
        from memory_pipeline.analysis.learning.explain_change import explain_change  # noqa: PLC0415
        from memory_pipeline.rebuild.evidence import read_evidence  # noqa: PLC0415

        evidence, _ = read_evidence(self.frames)
        return explain_change(
            evidence,
            before=(before, before) if isinstance(before, str) else before,
            after=(after, after) if isinstance(after, str) else after,
            columns=None if columns is None else _conditions_of(columns, evidence.conditions),
            current=current_month(),
        )

    def changed_segments(self) -> pd.DataFrame:
        """Find which parts of the history got better or worse; see `analysis.learning.changed_segments`."""
        from memory_pipeline.analysis.learning import changed_segments  # noqa: PLC0415 - keeps answers quick

        return changed_segments(self.learning(SUCCESS_RATE))

    def learning_events(self) -> pd.DataFrame:
        """Read what may have moved the measures: rebuilds, detected changes, decisions, the first advice.

        Returns
        -------
        DataFrame
            `at` (UTC), `kind` and `what` (in words), the oldest first, shape (events, 3); of rebuilds and
            decisions at most the newest 200.
        """
        import pandas as pd  # noqa: PLC0415 - keeps answers quick

        from memory_pipeline.analysis.models.change_text import change_clause  # noqa: PLC0415

        runs, _ = reads.rebuild_runs(self.store, limit=_EVENTS)
        found = [(one["created_at"], "rebuild", f"rebuild: {one['status']}") for one in runs]
        changes = self.learning(DRIFT_CHANGE)["details"]
        since = {(one["since"], change_clause(one)) for one in changes}
        found += [(pd.Timestamp(when), "drift", what) for when, what in since]
        decided, _ = read_decision_log(self.store, limit=_EVENTS)
        for one in decided:
            about = (
                f"{one['decision'] or 'note'} of a {one['kind'].replace('_', ' ')}, by {one['decided_by']}"
            )
            found.append((one["decided_at"], "decision", f"{about}: {one['note']}" if one["note"] else about))
        with self.store.transaction() as connection:
            first = connection.scalar(select(func.min(ServedRecommendation.served_at)))
        if first is not None:
            found.append((first, "advice", "the first advice was given"))
        frame = pd.DataFrame(found, columns=["at", "kind", "what"])
        frame["at"] = pd.to_datetime(frame["at"], utc=True)
        return frame.sort_values(["at", "kind", "what"], ignore_index=True)

    def rebuild_runs(
        self, *, limit: int = 50, before: tuple[datetime, str] | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Read the runs of the rebuild, the newest first; see `store.reads.rebuild_runs`."""
        return reads.rebuild_runs(self.store, limit=limit, before=before)

    def ingests(self, *, limit: int = 50, skip: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Read the runs of the ingest, the newest first, and count all; see `store.reads.ingest_runs`."""
        return reads.ingest_runs(self.store, limit=limit, skip=skip)

    def is_rebuilt(self) -> bool:
        """Return whether the last rebuild that succeeded began after every change of outcomes and members."""
        rebuilt = reads.last_rebuild(self.store)
        fed = [reads.latest(self.store, model, "updated_at") for model in (PackagingOutcome, Member)]
        return rebuilt is not None and all(moment is None or moment <= rebuilt[0] for moment in fed)

    def status(self) -> dict[str, Any]:
        """Return what the memory holds, where, when it was last fed and rebuilt, and what it is worth."""
        from memory_pipeline.analysis.features.screening import describe_left_out  # noqa: PLC0415 - needs scipy

        ingests = reads.read_table(self.store, Ingest, order_by="finished_at")
        recommendations = reads.read_table(self.store, ApproachRecommendation)
        last = None if ingests.empty else ingests.iloc[-1]
        rebuilt = reads.last_rebuild(self.store)
        alike = reads.count_rows(self.store, NameMerge, why=LOOKS_ALIKE)
        return {
            "database": self.store.url.render_as_string(hide_password=True),
            "storage": self.settings.storage,
            "outcomes": reads.outcome_counts(self.store),
            "members": reads.count_rows(self.store, Member),
            "quarantined": reads.count_rows(self.store, QuarantinedRecord, resolved_at=None),
            "patterns": reads.count_rows(self.store, PatternIdentification, active=True),
            "factors": reads.count_rows(self.store, SuccessFactor),
            "recommendations": len(recommendations),
            "recommendations_with_an_approach": int(recommendations["recommended_approach"].notna().sum()),
            "member_patterns": reads.count_rows(self.store, MemberPattern, is_active=True),
            "last_ingest": None if last is None else {"file": last["file_name"], "at": last["finished_at"]},
            "last_rebuild": None if rebuilt is None else rebuilt[1],
            "newest_outcome": reads.latest(self.store, PackagingOutcome, "occurred_at"),
            "names_read_as_another": reads.count_rows(self.store, NameMerge) - alike,
            "names_that_look_alike": alike,
            "columns_left_out": describe_left_out(self.frames.parts(OUTCOME_FEATURES)[1].get("left_out", ())),
            "open_alerts": count_open(self.store),
            "learning": self.learning_summary(),
        }


def _conditions_of(columns: Sequence[str], conditions: Sequence[str]) -> list[str]:
    """Return the conditions that columns stand for; a column of lists stands for all of its elements.

    Raises
    ------
    ValueError
        When there is no such column.
    """
    found = []
    for column in columns:
        wanted = column.casefold()
        own = [one for one in conditions if one.casefold() == wanted]
        elements = [one for one in conditions if one.casefold().startswith(f"{wanted}: ")]
        if not own and not elements:
            raise ValueError(f"columns has {column!r}; use some of {', '.join(conditions)}")
        found += own or elements
    return found


def current_month() -> str:
    """Return the month that is not over, in UTC, as `2026-06`: an explanation without dates leaves it out."""
    return f"{datetime.now(UTC):%Y-%m}"
