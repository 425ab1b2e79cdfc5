"""Whether a monthly measure changed and since when, as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.analysis.learning.trend import find_level_shift, overall_level
from memory_pipeline.analysis.text import signed

if TYPE_CHECKING:
    import pandas as pd

    from memory_pipeline.analysis.learning.trend import LevelShift


def describe_change(measures: pd.DataFrame, *, measure: str = "success_rate") -> str:
    """Write in one sentence whether a share changed over the whole history, and since when.

    Parameters
    ----------
    measures
        Rows of `learning_measures`, shape (rows, any); those of the whole history are used.
    measure
        Which of the measures, one that is a share.
    """
    name = measure.replace("_", " ").capitalize()
    whole = measures
    if len(measures):
        whole = measures[(measures["measure"] == measure) & (measures["segment_column"] == "")]
    change = find_level_shift(whole)
    return " ".join(filter(None, (f"{change_sentence(whole, name, change)}.", change_details(change))))


def change_sentence(series: pd.DataFrame, name: str, change: LevelShift | None) -> str:
    """Write whether a share changed: `Success rate rose: 71% before October 2025, 83% since`.

    Parameters
    ----------
    series
        The periods, shape (periods, any).
    name
        What the share is called.
    change
        What `find_level_shift` found in them.
    """
    if series.empty:
        return f"{name}: no data yet"
    level, _, _ = overall_level(series)
    if change is None:
        if len(series) == 1:
            return f"{name}: {level:.0%} in {series['period_start'].iloc[0]:%B %Y}, the only month so far"
        return f"{name}: {level:.0%} over {len(series)} months, too few to tell a change"
    if not change.is_clear:
        return f"{name}: no clear change, {level:.0%} over all"
    verb = "rose" if change.difference > 0 else "fell"
    return f"{name} {verb}: {change.before:.0%} before {change.since:%B %Y}, {change.after:.0%} since"


def change_details(change: LevelShift | None) -> str:
    """Write how large a change is and when it began, with the intervals; nothing where there is none."""
    if change is None:
        return ""
    low, high = signed(100 * change.ci_low), signed(100 * change.ci_high)
    points = f"{signed(100 * change.difference)} points (95% interval {low} to {high})"
    if not change.is_clear:
        return f"The largest difference between later and earlier months is {points}; it may be chance."
    if change.earliest == change.latest:
        return f"{points}; the later level began in {change.since:%B %Y}."
    when = f"between {change.earliest:%B %Y} and {change.latest:%B %Y}"
    return f"{points}; the later level began {when} (95% range)."


def skill_sentence(series: pd.DataFrame) -> str:
    """Write whether predictions beat the base rate; skill scores of periods, shape (periods, any)."""
    level, low, high = overall_level(series)
    if low > 0:
        message = f"The memory predicts better than the base rate: skill {signed(level, 2)}"
    elif high < 0:
        message = f"The memory predicts worse than the base rate: skill {signed(level, 2)}"
    else:
        message = f"The memory predicts no better than the base rate so far: skill {signed(level, 2)}"
    change = find_level_shift(series)
    if change is None or not change.is_clear:
        return message
    verb = "rising" if change.difference > 0 else "falling"
    levels = f"from {signed(change.before, 2)} to {signed(change.after, 2)}"
    return f"{message}, {verb} {levels} since {change.since:%B %Y}"
