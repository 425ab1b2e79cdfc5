"""Findings as sentences that a packaging engineer would say, with their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.features import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_ENDS = {
    "success": "succeed",
    "failure": "fail",
    "partial": "succeed only in part",
    "intervention": "need a person to step in",
}


def condition_text(conditions: Mapping[str, str]) -> str:
    """Write conditions as words: `installer type is msi and transform is yes`."""
    return " and ".join(f"{_plain(column)} {_value_text(value)}" for column, value in conditions.items())


def _plain(column: str) -> str:
    return column.replace("_", " ")


def _value_text(value: str) -> str:
    return "is not recorded" if value == MISSING else f"is {value}"


def pattern_sentence(row: pd.Series, unit: str | None) -> str:
    """Say a finding as a packaging engineer would, with its numbers."""
    column, _, value = str(row["target"]).partition("=")
    end = _ENDS.get(column) or f"end with {_plain(column)} {value}"
    points = 100 * float(row["risk_difference"])
    outside = float(row["rate"]) - float(row["risk_difference"])
    witnesses = "" if unit is None else f", {row['units']} {_unit_plural(unit)}"
    return (
        f"When {condition_text(row['conditions'])}, {row['rate']:.0%} of attempts {end}, "
        f"against {outside:.0%} of the others ({_signed(points)} points, 95% interval "
        f"{_signed(100 * row['ci_low'])} to {_signed(100 * row['ci_high'])}; "
        f"{row['sample_size']:,} attempts{witnesses}).{_company_sentence(row)}"
    )


def _company_sentence(row: pd.Series) -> str:
    """Say what other columns have to do with a finding, where that changes how it should be read."""
    difference, stratified = float(row["risk_difference"]), row["stratified_difference"]
    by = row["stratified_by"]
    if by is None or by != by or stratified / difference > 0.5:  # noqa: PLR0124, PLR2004 - NaN; halved
        if row["turns"]:
            return (
                " With everything else recorded equal it is the other way round: "
                f"{_signed(100 * row['adjusted_difference'])} points."
            )
        return ""
    left = f"{_signed(100 * stratified)} points"
    if stratified * difference < 0:
        return f" Among attempts with the same {_plain(by)} it is the other way round: {left}."
    return f" Much of it goes with {_plain(by)}: among attempts alike in that it is {left}."


def _signed(points: float) -> str:
    return f"{points:+.0f}".replace("-", "−")  # noqa: RUF001 - a minus sign, as in all sentences


def _unit_plural(unit: str) -> str:
    name = _plain(unit.removesuffix("_name"))
    return name if name.endswith("s") else f"{name}s"


LITTLE, MUCH = 0.05, 0.25
"""Shares of the scatter below which conditions explain little, and from which much."""


def predictability_sentence(row: Mapping[str, Any] | pd.Series, target: str, unit: str | None) -> str:
    """Say how much of an outcome the conditions explain; `row` as in `predictability.COLUMNS`."""
    low, high = float(row["ci_low"]), float(row["ci_high"])
    units = "attempts" if unit is None else _unit_plural(unit)
    share = f"{_percent(row['brier_skill'])} of the scatter of {_plain(target)}"
    witnesses = "" if unit is None else f", {row['units']:,} {units}"
    interval = f"95% interval {_percent(low)} to {_percent(high)}"
    evidence = f"{interval}; {row['attempts']:,} attempts{witnesses}"
    is_later = str(row["question"]).endswith("later")
    what = "later attempts" if unit is None else f"later attempts of {units}"
    where = f"For {what if is_later else units} not seen before"
    if low <= 0 and high >= MUCH:
        return f"{where}, it cannot be told how much the conditions explain: {share} ({evidence})."
    if low <= 0:
        return f"{where}, the conditions explain nothing that can be shown: {share} ({evidence})."
    much = "much" if row["brier_skill"] >= MUCH else "little" if row["brier_skill"] < LITTLE else "some"
    return f"{where}, the conditions explain {much}: {share} ({evidence})."


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("-0%", "0%").replace("-", "−")  # noqa: RUF001 - a minus sign
