"""Rules about what chance moves: success, the gain of advice, and whether patterns hold, tested by looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import pandas as pd

from memory_pipeline.analysis.alerts.advice import compared_attempts
from memory_pipeline.analysis.alerts.text import change_sentence, gain_sentence, pattern_sentence
from memory_pipeline.analysis.alerts.watch import strongest, watch_gain, watch_pattern, watch_success
from memory_pipeline.analysis.text import plain_name
from memory_pipeline.rebuild.alert_counts import RecentAttempts, last_whole_day, recent_attempts
from memory_pipeline.rebuild.evidence import read_evidence
from memory_pipeline.rebuild.verification import read_advised_attempts
from memory_pipeline.store.alerts import Finding
from memory_pipeline.store.models import PatternIdentification
from memory_pipeline.store.reads import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memory_pipeline.analysis.alerts.watch import Direction, Sighting
    from memory_pipeline.store.alert_rules import Rule
    from memory_pipeline.store.session import Session


def find_success_changes(session: Session, rule: Rule, now: datetime) -> list[Finding]:
    """Test whether success changed: of all attempts, of one segment, or of each value of a column."""
    column = rule.segment_column
    recent = recent_attempts(session, now=now, columns=() if column is None else (column,))
    direction = cast("Direction", rule.direction)
    if column is None:
        segments: dict[str, Any] = {"": None}
    else:
        values = recent.frame[column].astype(object).astype(str)
        chosen = sorted(values.unique()) if rule.segment_value is None else [rule.segment_value]
        segments = {one: (values == one).to_numpy() for one in chosen}
    findings = []
    for value, mask in segments.items():
        seen = watch_success(
            recent.counts(mask),
            today=recent.today,
            direction=direction,
            error_rate=_rate_of(rule),
            beyond=rule.threshold,
            parts=len(segments),
        )
        of = "" if column is None else f"{plain_name(column)} {value}"
        subject = "" if column is None else f"{column}={value}"
        findings += _findings(seen, subject, lambda one, of=of: change_sentence(one, unit=recent.unit, of=of))
    return findings


def find_gain(session: Session, rule: Rule, now: datetime) -> list[Finding]:
    """Test whether attempts with advice end otherwise than those without, of the same unit and stratum.

    Answers that were withheld at random are the comparison where there are any; else those not followed.
    """
    advised = read_advised_attempts(session)
    compared = compared_attempts(advised.frame, unit=advised.unit)
    recent = RecentAttempts(advised.frame, last_whole_day(session, now), advised.unit)
    direction: Literal["fell", "rose"] = "fell" if rule.direction == "below" else "rose"
    seen = watch_gain(
        recent.counts(compared.without, strata=advised.strata),
        recent.counts(compared.advised, strata=advised.strata),
        today=recent.today,
        direction=direction,
        error_rate=_rate_of(rule),
        beyond=rule.threshold,
    )
    return _findings(
        seen, "", lambda one: gain_sentence(one, unit=recent.unit, is_randomised=compared.is_randomised)
    )


def find_stopped_patterns(session: Session, rule: Rule, now: datetime) -> list[Finding]:
    """Test whether the difference of an active pattern moved against it by more than half of what it says."""
    patterns = read_table(session.store, PatternIdentification, active=True, target="success")
    if patterns.empty:
        return []
    _, encoding = read_evidence(session.frames)
    recent = recent_attempts(session, now=now, columns=None)
    encoded = encoding.apply(recent.frame)
    findings = []
    for pattern in patterns.to_dict("records"):
        conditions, difference = pattern["conditions"], float(pattern["impact"]["risk_difference"])
        if not set(conditions) <= set(encoded):
            continue
        inside = pd.concat([encoded[column] == value for column, value in conditions.items()], axis=1)
        mask = inside.all(axis=1).to_numpy()
        seen = watch_pattern(
            recent.counts(mask),
            recent.counts(~mask),
            difference=difference,
            today=recent.today,
            error_rate=_rate_of(rule),
            beyond=rule.threshold,
            parts=len(patterns),
        )
        said = str(pattern["description"])
        findings += _findings(
            seen,
            str(pattern["id"]),
            lambda one, said=said: pattern_sentence(one, unit=recent.unit, description=said),
        )
    return findings


def _rate_of(rule: Rule) -> float:
    if rule.error_rate is None:
        raise ValueError(f"error_rate of the rule {rule.name} is missing; use 0.05")
    return rule.error_rate


def _findings(seen: Sequence[Sighting], subject: str, sentence: Any) -> list[Finding]:
    """Return the strongest look as a finding, where it is an alarm."""
    best = strongest(seen)
    if best is None or not best.is_alarm:
        return []
    details = {
        "difference": best.difference,
        "units": best.units,
        "first_day": best.look.begins,
        "days": best.look.ends - best.look.begins,
        "e_value": min(best.e_value, 1e12),
        "needed": best.needed,
    }
    return [Finding(subject, sentence(best), details)]
