"""Alerts: evaluate every rule, open and close what it notices, and send what is new.

A rebuild evaluates them when it ends, however it ends; nothing that goes wrong here fails it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_pipeline.rebuild import alert_facts, alert_tests
from memory_pipeline.rebuild.alert_sending import send_alerts
from memory_pipeline.store.alert_rules import enabled_rules, note_evaluation
from memory_pipeline.store.alerts import count_open, record_findings
from memory_pipeline.store.rebuilds import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from memory_pipeline.store.alert_messages import Sent
    from memory_pipeline.store.alert_rules import Rule
    from memory_pipeline.store.alerts import Finding
    from memory_pipeline.store.session import Session

_METRICS: dict[str, Callable[[Session, Rule, datetime], list[Finding]]] = {
    "success": alert_tests.find_success_changes,
    "advice_gain": alert_tests.find_gain,
    "pattern_success": alert_tests.find_stopped_patterns,
    "days_without_outcomes": alert_facts.find_old_data,
    "records_quarantined": alert_facts.find_refused_records,
    "failed_rebuilds": alert_facts.find_failed_rebuilds,
    "rebuild_seconds": alert_facts.find_slow_rebuild,
    "contract_violations": alert_facts.find_violations,
    "discovery_cost": alert_facts.find_cost,
}


@dataclass(frozen=True)
class EvaluatedAlerts:
    """What an evaluation of the rules did.

    Attributes
    ----------
    rules
        How many rules were evaluated.
    opened
        Alerts that it opened.
    still_open
        Open alerts by rule, those opened now among them.
    problems
        Why rules could not be evaluated, by name.
    sent
        What was sent; None where nothing is set up for it, or it could not begin.
    """

    rules: int
    opened: int
    still_open: Mapping[str, int]
    problems: Mapping[str, str]
    sent: Sent | None


def evaluate_alerts(session: Session, *, now: datetime | None = None) -> EvaluatedAlerts:
    """Evaluate the rules that are enabled, and send what is new.

    A rule that cannot be evaluated leaves its alerts as they are, and says why in `alert_rules.problem`. What
    rests on a rebuild waits for the first one.

    Parameters
    ----------
    now
        The time; by default the database's.
    """
    store = session.store
    moment = now or clock(store)
    problems: dict[str, str] = {}
    opened = 0
    rules = enabled_rules(store)
    for rule in rules:
        problem = None
        try:
            found = _METRICS[rule.metric](session, rule, moment)
        except FileNotFoundError:  # nothing was rebuilt yet
            problem = "waits for the first rebuild"
        except Exception as error:  # noqa: BLE001 - one rule's trouble is not another's, and is shown with the rule
            problems[rule.name] = problem = f"{type(error).__name__}: {error}"[:500]
        else:
            addresses = session.settings.alert_addresses
            opened += len(record_findings(store, rule.name, found, now=moment, addresses=addresses))
        note_evaluation(store, rule.name, now=moment, problem=problem)
    return EvaluatedAlerts(len(rules), opened, count_open(store), problems, send_alerts(session))


def evaluate_after_rebuild(session: Session) -> EvaluatedAlerts | None:
    """Evaluate the rules; whatever goes wrong is logged, and None is returned."""
    try:
        return evaluate_alerts(session)
    except Exception:  # the rebuild's own result stands
        logging.getLogger(__name__).exception("the alerts could not be evaluated")
        return None
