"""What persons decide about findings, and what becomes of the advice by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.service.advice import AdviceService
from memory_pipeline.service.records import to_records
from memory_pipeline.store import decisions, reads
from memory_pipeline.store.findings import save_advice_changes, save_recommendations
from memory_pipeline.store.frames import POLICY
from memory_pipeline.store.models import ApproachRecommendation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.recommendations import Policy

_REFRESHED_AT_ONCE = 250
"""Contexts of the recommendation table that are worked out anew when a person decides."""


class DecisionService(AdviceService):
    """Decisions of persons; the advice follows them."""

    def decide(
        self,
        kind: str,
        identity: str,
        decision: str | None = None,
        *,
        by: str,
        note: str | None = None,
        is_whole_id: bool = False,
    ) -> dict[str, Any]:
        """Decide about a finding, or note something about it, so that it survives every rebuild.

        Parameters and errors are those of `store.decisions.decide`: patterns and member patterns can be
        told to `activate` or `retire`, factors to `confirm` or `suppress`; `reset` takes it back. Advice
        follows at once, in the recommendation table too.
        """
        held = decisions.decide(
            self.store, kind, identity, by=by, decision=decision, note=note, is_whole_id=is_whole_id
        )
        if kind in {"pattern", "factor"}:
            self.refresh_advice()
        return held

    def decision_log(
        self,
        *,
        kind: str | None = None,
        finding_id: str | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """Read decisions and notes, the newest first; see `store.decisions.read_decision_log`."""
        return decisions.read_decision_log(
            self.store, kind=kind, finding_id=finding_id, limit=limit, before=before
        )

    def refresh_advice(self) -> int:
        """Write the recommendation table anew by what persons decided since the last rebuild.

        Nothing is learnt anew. What changes is logged as of a rebuild (`advice_changes`).

        Returns
        -------
        int
            How many contexts are advised otherwise; 0 where there is nothing to bring up to date yet, and
            where the next rebuild will: another version of the project learnt the policy, or there are more
            than 250 contexts. `recommend` knows of decisions in any case.
        """
        try:
            with self.store.advice_lock():
                return self._advise_anew(self.frames.read_json(POLICY), self.current_policy.read())
        except (FileNotFoundError, RuntimeError):
            return 0

    def _advise_anew(self, stored: Mapping[str, Any], policy: Policy) -> int:
        """Write the recommendation table by a policy, in place of the stored one's; count the changes."""
        from memory_pipeline.analysis.recommendations.table import advise_contexts  # noqa: PLC0415 - needs scipy

        table = reads.read_table(self.store, ApproachRecommendation)
        if len(table) > _REFRESHED_AT_ONCE:
            return 0
        before = to_records(table)
        rows, changes = advise_contexts(
            policy, [row["conditions"] for row in before], before=before, policy_before=stored
        )
        self.frames.write_json(POLICY, policy.to_dict())
        save_recommendations(self.store, rows)
        save_advice_changes(self.store, changes)
        return len(changes)
