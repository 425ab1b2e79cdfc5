"""How is a finding written as a sentence?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.text import condition_text, percent, plain_name, signed_points, unit_plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


_ENDS = {
    "success": "succeed",
    "failure": "fail",
    "partial": "succeed only in part",
    "intervention": "need a person to step in",
}


_MOST_OF_IT = 0.85
"""Share of a difference that is likely, above which the sentence does not mention that it may be less."""
_LEAST_SEPARABLE = 0.5
"""Share of the information left between attempts of the same time below which the sentence says so."""


def pattern_sentence(row: pd.Series, unit: str | None) -> str:
    """Write a finding as a sentence with its numbers; `row` as in `patterns.table.COLUMNS`."""
    column, _, value = str(row["target"]).partition("=")
    end = _ENDS.get(column) or f"end with {plain_name(column)} {value}"
    points = 100 * float(row["risk_difference"])
    outside = float(row["rate"]) - float(row["risk_difference"])
    units = "" if unit is None else f", {row['units']} {unit_plural(unit)}"
    return (
        f"When {condition_text(row['conditions'])}, {row['rate']:.0%} of attempts {end}, "
        f"against {outside:.0%} of the others ({signed_points(points)} points, 95% interval "
        f"{signed_points(100 * row['ci_low'])} to {signed_points(100 * row['ci_high'])}; "
        f"{row['sample_size']:,} attempts{units})."
        f"{_selection_sentence(row)}{_confounding_sentence(row)}{_time_sentence(row)}"
    )


def _selection_sentence(row: pd.Series) -> str:
    """Write what is likely of a difference that was picked as a large one; empty where it is most of it."""
    likely, difference = float(row["likely_difference"]), float(row["risk_difference"])
    if likely / difference > _MOST_OF_IT:
        return ""
    return (
        " As one picked from many, it is likely smaller than it looks: "
        f"about {signed_points(100 * likely)} points."
    )


def _time_sentence(row: pd.Series) -> str:
    """Write that conditions and time can hardly be told apart; empty where most attempts allow for it."""
    left = float(row["separable_from_time"])
    if left >= _LEAST_SEPARABLE:
        return ""
    return (
        " It can hardly be told apart from the time: of the comparison, "
        f"{percent(left)} is left between attempts of the same time."
    )


def _confounding_sentence(row: pd.Series) -> str:
    """Write what adjustment for other columns changes; empty where more than half of it is left."""
    difference, stratified = float(row["risk_difference"]), row["stratified_difference"]
    by = row["stratified_by"]
    if by is None or by != by or stratified / difference > 0.5:  # noqa: PLR0124, PLR2004 - NaN; halved
        if row["turns"]:
            return (
                " With everything else recorded equal it is the other way round: "
                f"{signed_points(100 * row['adjusted_difference'])} points."
            )
        return ""
    left = f"{signed_points(100 * stratified)} points"
    if stratified * difference < 0:
        return f" Among attempts with the same {plain_name(by)} it is the other way round: {left}."
    return f" Much of it goes with {plain_name(by)}: among attempts alike in that it is {left}."


LITTLE, MUCH = 0.05, 0.25
"""Brier skill below which conditions explain little, and from which they explain much."""


def predictability_sentence(row: Mapping[str, Any] | pd.Series, target: str, unit: str | None) -> str:
    """Write how much of an outcome the conditions explain; `row` as in `patterns.predictability.COLUMNS`."""
    low, high = float(row["ci_low"]), float(row["ci_high"])
    units = "attempts" if unit is None else unit_plural(unit)
    share = f"{percent(row['brier_skill'])} of the scatter of {plain_name(target)}"
    of_units = "" if unit is None else f", {row['units']:,} {units}"
    interval = f"95% interval {percent(low)} to {percent(high)}"
    evidence = f"{interval}; {row['attempts']:,} attempts{of_units}"
    is_later = str(row["question"]).endswith("later")
    what = "later attempts" if unit is None else f"later attempts of {units}"
    where = f"For {what if is_later else units} not seen before"
    if low <= 0 and high >= MUCH:
        return f"{where}, it cannot be told how much the conditions explain: {share} ({evidence})."
    if low <= 0:
        return f"{where}, the conditions explain nothing that can be shown: {share} ({evidence})."
    much = "much" if row["brier_skill"] >= MUCH else "little" if row["brier_skill"] < LITTLE else "some"
    return f"{where}, the conditions explain {much}: {share} ({evidence})."
