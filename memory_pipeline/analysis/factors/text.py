"""How is a factor written as a sentence?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.names import MISSING, NO, YES, split_element_column
from memory_pipeline.analysis.text import count_units, listed, lower_first, points_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def describe_factor(row: Mapping[str, Any], *, unit: str) -> str:
    """Write what a factor changes, against what, with its interval and sample size.

    Parameters
    ----------
    row
        A row of `estimate_factors`, with `is_determined` (whether an effect could be estimated).
        `settings` and `reference_settings` have several columns for a pair of settings.
    unit
        Name of the unit column.
    """
    choice = _choice(row["settings"], row["reference_settings"])
    companions: Sequence[str] = row["not_separable_from"]
    evidence = f"{row['sample_size']:,} attempts, {count_units(row['units'], unit)}"
    if not row["is_determined"]:
        why = (
            "the two were not chosen in comparable contexts, so that they cannot be compared"
            if not row["is_comparable"]
            else f"it never varied apart from {listed(companions)}"
            if companions
            else "there is nothing to compare: all attempts ended alike, or were one and the same case"
        )
        return f"What {lower_first(choice)} changes cannot be told: {why} ({evidence})."
    together = f", always together with {listed(companions)}," if companions else ""
    points, low, high = (100 * row[key] for key in ("effectiveness", "ci_low", "ci_high"))
    interval = f"95% CI {points_text(low)} to {points_text(high)}"
    is_apart = low > 0 or high < 0
    if row["is_factor"] or is_apart:
        verb = "raises" if points > 0 else "lowers"
        result = f"{verb} success by {points_text(abs(points))} points"
        if points < 0:
            interval = f"95% CI {points_text(-high)} to {points_text(-low)}"
        if not row["is_factor"]:
            result = f"may be one of the chance finds that so many comparisons bring: it {result}"
    else:
        result = f"makes no difference that could be shown: {points_text(points, signed=True)} points"
    sentence = (
        f"{choice}{together} {result}, from {row['reference_rate']:.0%} to {row['expected_rate']:.0%} "
        f"({interval}; {evidence})."
    )
    return sentence + _interaction(row["interaction"]) + _place(row["applicability"]) + _flip(row)


def _choice(settings: Mapping[str, str], reference: Mapping[str, str]) -> str:
    parts = [_one_choice(column, value, reference[column]) for column, value in settings.items()]
    return " and ".join([parts[0], *map(lower_first, parts[1:])])


def _interaction(interaction: Mapping[str, float]) -> str:
    if not interaction:
        return ""
    points, low, high = (100 * interaction[key] for key in ("difference", "ci_low", "ci_high"))
    side = "more" if points > 0 else "less"
    if points < 0:
        points, low, high = -points, -high, -low
    return (
        f" The two matter together: that is {points_text(points)} points {side} than what each changes alone "
        f"adds up to (95% CI {points_text(low)} to {points_text(high)})."
    )


def _one_choice(column: str, value: str, reference: str) -> str:
    source, element = split_element_column(column)
    if element and value in {YES, NO}:
        start = "Having" if value == YES else "Leaving out"
        return f"{start} {element} {'in' if value == YES else 'of'} {source}"
    against = "instead of leaving it unset" if reference == MISSING else f"instead of {reference}"
    return f"Choosing {value} as {column} {against}"


def _place(applicability: Mapping[str, Any]) -> str:
    parts = []
    for column, levels in applicability.items():
        holds = f"it was found for {listed(levels)}" if levels else "it could not be shown for any one alone"
        parts.append(f" The effect differs by {column}: {holds}.")
    return "".join(parts)


def _flip(row: Mapping[str, Any]) -> str:
    if not row["is_factor"] or not row["is_sign_flipped"]:
        return ""
    crude = points_text(100 * row["crude_difference"], signed=True)
    return f" Unadjusted it looks the other way round ({crude} points), because of where it is chosen."
