"""How numbers, times and settings are written on pages; each function is a filter of the templates."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from memory_pipeline.analysis.text import (
    attempts_behind,
    confidence_text,
    describe_approach,
    percent,
    points_text,
    setting_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

NONE = "\N{EN DASH}"
"""Stands where there is nothing."""


def is_number(value: Any) -> bool:
    """Return whether a value is a number that can be shown."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def share(value: Any) -> str:
    """Write a share as a whole percentage: `87%`."""
    return percent(value) if is_number(value) else NONE


def points(value: Any) -> str:
    """Write a difference of shares as signed percentage points: `+9 points`."""
    return f"{points_text(100 * value, signed=True)} points" if is_number(value) else NONE


def share_interval(low: Any, high: Any) -> str:
    """Write the interval of a share: `65% to 75%`."""
    return f"{share(low)} to {share(high)}" if is_number(low) and is_number(high) else NONE


def points_interval(low: Any, high: Any) -> str:
    """Write the interval of a difference, in points: `+2 to +9`."""
    if not (is_number(low) and is_number(high)):
        return NONE
    return f"{points_text(100 * low, signed=True)} to {points_text(100 * high, signed=True)}"


def confidence(value: Any) -> str:
    """Write a confidence as the command line does: `0.9993`, `>0.9999`."""
    return confidence_text(value) if is_number(value) else NONE


def count(value: Any) -> str:
    """Write a whole number with separators: `4,754`."""
    return f"{value:,.0f}" if is_number(value) else NONE


def moment(value: Any) -> str:
    """Write a time as a `time` element in UTC; the script shows it in the reader's zone."""
    if value is None or value != value:  # noqa: PLR0124 - NaT differs from itself
        return NONE
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        when.isoformat(timespec="seconds"), f"{when:%Y-%m-%d %H:%M} UTC"
    )


def day(value: Any) -> str:
    """Write the day of a time, in UTC: `2026-09-18`."""
    if value is None or value != value:  # noqa: PLR0124 - NaT differs from itself
        return NONE
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{when:%Y-%m-%d}"


def duration(value: timedelta) -> str:
    """Write a duration in its two largest units: `1 h 3 min`, `45 s`."""
    seconds = max(round(value.total_seconds()), 0)
    parts = [(seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2])


def approach(settings: Mapping[str, Any] | None) -> str:
    """Write settings or a context as words: `silent_switch = /qn, wrapper = psadt`."""
    return describe_approach(settings) if settings else NONE


def setting(value: Any) -> str:
    """Write one value as words; a list with `+` between its elements."""
    return NONE if value is None else setting_text(value)


def plain(name: str) -> str:
    """Write the name of a column or kind as words: `installer type`."""
    return name.replace("_", " ")


FILTERS = {
    "share": share,
    "points": points,
    "confidence": confidence,
    "count": count,
    "moment": moment,
    "day": day,
    "duration": duration,
    "approach": approach,
    "setting": setting,
    "plain": plain,
}
FUNCTIONS = {
    "share_interval": share_interval,
    "points_interval": points_interval,
    "is_number": is_number,
    "attempts_behind": attempts_behind,
}
