"""The rules of alerts: read, changed and removed here; those that are shipped are the first rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from memory_pipeline.analysis.alerts.metrics import ALERT_METRICS, TESTED_METRICS
from memory_pipeline.store.models import AlertRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from memory_pipeline.store.database import Store

DEFAULT_ERROR_RATE = 0.05
SHIPPED_RULES: tuple[dict[str, Any], ...] = (
    {"name": "success-fell", "metric": "success", "direction": "fell", "error_rate": DEFAULT_ERROR_RATE},
    {
        "name": "drift",
        "metric": "success",
        "direction": "changed",
        "segment_column": "installer_type",
        "error_rate": DEFAULT_ERROR_RATE,
    },
    {
        "name": "advice-does-harm",
        "metric": "advice_gain",
        "direction": "below",
        "error_rate": DEFAULT_ERROR_RATE,
    },
    {
        "name": "pattern-stopped",
        "metric": "pattern_success",
        "direction": "stopped",
        "error_rate": DEFAULT_ERROR_RATE,
    },
    {"name": "no-new-outcomes", "metric": "days_without_outcomes", "direction": "above", "threshold": 7},
    {"name": "quarantine-grows", "metric": "records_quarantined", "direction": "above", "threshold": 20},
    {"name": "rebuild-failed", "metric": "failed_rebuilds", "direction": "above", "threshold": 0},
    {"name": "rebuild-slow", "metric": "rebuild_seconds", "direction": "above", "threshold": 3600},
    {"name": "contract-violated", "metric": "contract_violations", "direction": "above", "threshold": 0},
    {"name": "discovery-expensive", "metric": "discovery_cost", "direction": "above", "threshold": 10},
)
"""What is watched until somebody changes it."""
EDITABLE = (
    "metric",
    "direction",
    "segment_column",
    "segment_value",
    "threshold",
    "error_rate",
    "enabled",
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_LARGEST_THRESHOLD = 1e12


@dataclass(frozen=True)
class Rule:
    """One rule, as `alert_rules` holds it.

    Attributes
    ----------
    name
        Lower-case letters, digits, `-` and `_`.
    metric, direction
        What is watched, and what of it is an alert: see `analysis.alerts.metrics`.
    segment_column, segment_value
        Only the attempts with this value; each value by itself where only the column is named; all where
        neither is.
    threshold
        How far it must go: a difference of success (0.05: five points) for what is tested; days, records,
        runs, seconds, or US dollars for the others.
    error_rate
        Expected false alarms in a year over all parts that the rule watches; None where chance has no part.
    enabled
        Whether it is evaluated.
    """

    name: str
    metric: str
    direction: str
    segment_column: str | None = None
    segment_value: str | None = None
    threshold: float = 0.0
    error_rate: float | None = None
    enabled: bool = True


def read_rules(store: Store) -> list[dict[str, Any]]:
    """Read all rules by name; where none is left, the shipped ones are there again."""
    with store.transaction() as connection:
        _ensure_shipped(connection)
        query = select(*AlertRule.__table__.columns).order_by(AlertRule.name)
        return [dict(row) for row in connection.execute(query).mappings()]


def enabled_rules(store: Store) -> list[Rule]:
    """Read the rules that are evaluated."""
    rows = [row for row in read_rules(store) if row["enabled"]]
    return [Rule(**{name: row[name] for name in Rule.__dataclass_fields__}) for row in rows]


def save_rule(store: Store, name: str, changes: Mapping[str, Any], *, by: str) -> dict[str, Any]:
    """Change a rule, or add one, and return it.

    Parameters
    ----------
    name
        Of the rule.
    changes
        Some of `EDITABLE`; what is not named stays, or has its default in a new rule.
    by
        Who does it.

    Raises
    ------
    ValueError
        When the rule that would result cannot be evaluated; the message names field, value and remedy.
    """
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown:
        raise ValueError(f"a rule has no field {unknown[0]!r}; use some of {', '.join(EDITABLE)}")
    with store.transaction() as connection:
        _ensure_shipped(connection)
        columns = [AlertRule.__table__.columns[one] for one in EDITABLE]
        found = connection.execute(select(*columns).where(AlertRule.name == name)).mappings().first()
        row = {**(found or {"threshold": 0.0, "enabled": True}), **changes}
        rule = _checked(name, row)
        values = {one: getattr(rule, one) for one in EDITABLE}
        state = {"updated_at": func.now(), "updated_by": by, "problem": None}
        connection.execute(
            insert(AlertRule)
            .values(name=name, **values, **state)
            .on_conflict_do_update(index_elements=["name"], set_={**values, **state})
        )
        every = select(*AlertRule.__table__.columns).where(AlertRule.name == name)
        return dict(connection.execute(every).mappings().one())


def remove_rule(store: Store, name: str) -> None:
    """Remove a rule; what it noticed stays in the list of alerts, closed.

    Raises
    ------
    KeyError
        When there is no such rule.
    """
    from memory_pipeline.store.alerts import close_alerts  # noqa: PLC0415 - it stands above

    with store.transaction() as connection:
        _ensure_shipped(connection)
        if not connection.execute(delete(AlertRule).where(AlertRule.name == name)).rowcount:
            raise KeyError(f"there is no alert rule {name!r}; `memory-pipeline alerts rules` lists them")
    close_alerts(store, name)


def note_evaluation(store: Store, name: str, *, now: datetime, problem: str | None) -> None:
    """Record that a rule was evaluated, or why it could not be."""
    with store.transaction() as connection:
        connection.execute(
            update(AlertRule).where(AlertRule.name == name).values(evaluated_at=now, problem=problem)
        )


def _ensure_shipped(connection: Connection) -> None:
    if connection.scalar(select(func.count()).select_from(AlertRule)):
        return
    rows = [
        {"segment_column": None, "threshold": 0.0, "error_rate": None, "updated_by": "shipped"} | one
        for one in SHIPPED_RULES
    ]
    connection.execute(insert(AlertRule).values(rows).on_conflict_do_nothing())


def _checked(name: str, row: Mapping[str, Any]) -> Rule:
    """Return the rule of a row.

    Raises
    ------
    ValueError
        When it cannot be evaluated.
    """
    metric, direction = row.get("metric"), row.get("direction")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name is {name[:120]!r}; use lower-case letters, digits, - and _, a letter or digit first"
        )
    if metric not in ALERT_METRICS:
        raise ValueError(f"metric is {metric!r}; use one of {', '.join(ALERT_METRICS)}")
    if direction not in ALERT_METRICS[metric]:
        raise ValueError(f"direction is {direction!r}; {metric} takes {', '.join(ALERT_METRICS[metric])}")
    is_tested = metric in TESTED_METRICS
    threshold = float(row["threshold"])
    if not 0 <= threshold <= (1 if is_tested else _LARGEST_THRESHOLD):
        most = "1 (a difference of success; 0.05 is five points)" if is_tested else "1e12"
        raise ValueError(f"threshold is {threshold:g}; use a number from 0 to {most}")
    error_rate = row.get("error_rate")
    if is_tested:
        error_rate = DEFAULT_ERROR_RATE if error_rate is None else float(error_rate)
        if not 0 < error_rate < 1:
            raise ValueError(f"error_rate is {error_rate:g}; use expected false alarms a year, such as 0.05")
    elif error_rate is not None:
        raise ValueError(f"error_rate is {error_rate:g}; leave it out: chance does not move {metric}")
    column, value = row.get("segment_column") or None, row.get("segment_value") or None
    if column is not None and metric != "success":
        raise ValueError(f"segment_column is {column!r}; only the metric success can be watched by segment")
    if value is not None and column is None:
        raise ValueError(f"segment_value is {value!r}; name its segment_column too")
    return Rule(name, metric, direction, column, value, threshold, error_rate, bool(row["enabled"]))
