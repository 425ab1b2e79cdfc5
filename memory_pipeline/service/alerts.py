"""Alerts and the log of the analysis: what needs attention, by which rules, and what ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from memory_pipeline.service.session import Service
from memory_pipeline.store import alert_messages, alert_rules, alerts, analysis_log, reads
from memory_pipeline.store.analysis_log import is_dagsters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.rebuild.alerts import EvaluatedAlerts


class AlertService(Service):
    """Questions about alerts, and what persons do about them."""

    def alerts(
        self,
        *,
        state: str = "open",
        rule_name: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """Read alerts, the newest first, and count all; see `store.alerts.read_alerts`."""
        return alerts.read_alerts(self.store, state=state, rule_name=rule_name, limit=limit, before=before)

    def acknowledge_alert(self, identity: int, *, by: str) -> dict[str, Any]:
        """Record that somebody knows of an alert, so that nothing more is sent about it, and return it.

        Raises
        ------
        KeyError
            When there is no such alert.
        """
        return alerts.acknowledge(self.store, identity, by=by)

    def silence_alert(self, identity: int, days: float) -> dict[str, Any]:
        """Send nothing about an alert, and what follows about the same subject, for some days; return it.

        Parameters
        ----------
        identity
            Of the alert.
        days
            How long, up to ten years; 0 ends a silence.

        Raises
        ------
        KeyError
            When there is no such alert.
        ValueError
            When the days are not in the range.
        """
        if not 0 <= days <= _MOST_DAYS:
            raise ValueError(f"days is {days:g}; use 0 to {_MOST_DAYS:,} days, 0 to end a silence")
        until = datetime.now(tz=UTC) + timedelta(days=days) if days else None
        return alerts.silence(self.store, identity, until=until)

    def alert_rules(self) -> list[dict[str, Any]]:
        """Read the rules of alerts; see `store.alert_rules.read_rules`."""
        return alert_rules.read_rules(self.store)

    def save_alert_rule(self, name: str, changes: Mapping[str, Any], *, by: str) -> dict[str, Any]:
        """Change a rule or add one, and return it; see `store.alert_rules.save_rule`."""
        return alert_rules.save_rule(self.store, name, changes, by=by)

    def remove_alert_rule(self, name: str) -> None:
        """Remove a rule, and close its alerts.

        Raises
        ------
        KeyError
            When there is no such rule.
        """
        alert_rules.remove_rule(self.store, name)

    def evaluate_alerts(self) -> EvaluatedAlerts:
        """Evaluate the rules now, and send what is new; see `rebuild.alerts.evaluate_alerts`."""
        from memory_pipeline.rebuild.alerts import evaluate_alerts  # noqa: PLC0415 - needs SciPy

        return evaluate_alerts(self.session)

    def alert_sending(self) -> dict[str, Any]:
        """Return whether alerts can be sent.

        Returns
        -------
        dict
            `addresses`: how many are set; `hint`: what stands in the way of sending at all; `problem`: what
            could not be sent (`store.alert_messages.sending_problem`). Both are None where all is well.
        """
        from memory_pipeline.rebuild.alert_sending import sending_hint  # noqa: PLC0415 - keeps answers quick

        return {
            "addresses": len(self.settings.alert_addresses),
            "hint": sending_hint(self.settings),
            "problem": alert_messages.sending_problem(self.store),
        }

    def analysis_runs(
        self, *, limit: int = 50, before: tuple[datetime, str] | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Read the log of the analysis, the newest run first; see `store.analysis_log.read_runs`."""
        return analysis_log.read_runs(self.store, limit=limit, before=before)

    def unlogged_runs(self, *, limit: int = 20) -> list[dict[str, Any]]:
        """Read those of the newest rebuilds in Dagster that are not in the log of the analysis.

        They are in progress, or ended when nothing was there to log them. Columns are those of
        `store.reads.rebuild_runs`.
        """
        runs, _ = reads.rebuild_runs(self.store, limit=limit)
        in_dagster = [one for one in runs if is_dagsters(one["run_id"])]
        known = analysis_log.recorded(self.store, [one["run_id"] for one in in_dagster])
        return [one for one in in_dagster if one["run_id"] not in known]


_MOST_DAYS = 3650
