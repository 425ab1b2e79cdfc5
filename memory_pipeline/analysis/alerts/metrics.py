"""What a rule can watch, and which way it has to go to be an alert."""

from __future__ import annotations

from typing import Literal, get_args

Metric = Literal[
    "success",
    "advice_gain",
    "pattern_success",
    "days_without_outcomes",
    "records_quarantined",
    "failed_rebuilds",
    "rebuild_seconds",
    "contract_violations",
    "discovery_cost",
]
Direction = Literal["fell", "rose", "changed", "below", "above", "stopped"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
ALERT_METRICS: dict[Metric, tuple[Direction, ...]] = {
    "success": ("fell", "rose", "changed"),
    "advice_gain": ("below", "above"),
    "pattern_success": ("stopped",),
    "days_without_outcomes": ("above",),
    "records_quarantined": ("above",),
    "failed_rebuilds": ("above",),
    "rebuild_seconds": ("above",),
    "contract_violations": ("above",),
    "discovery_cost": ("above",),
}
"""By metric, the directions in which it can be watched."""
TESTED_METRICS: tuple[Metric, ...] = ("success", "advice_gain", "pattern_success")
"""Metrics that chance moves: a rule about one has an error rate."""
