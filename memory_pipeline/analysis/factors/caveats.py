"""What limits the interpretation of a factor (its caveats)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.factors.overlap import POOR
from memory_pipeline.analysis.models.change_text import change_clause
from memory_pipeline.analysis.text import count_units, name_factor

if TYPE_CHECKING:
    from collections.abc import Mapping


_FEW_UNITS = 10


def list_caveats(row: Mapping[str, Any], *, unit: str) -> list[str]:
    """List the caveats of a factor as sentences, the most general first.

    Parameters
    ----------
    row
        A row of `estimate_factors`, with `is_determined`.
    unit
        Name of the unit column.

    Returns
    -------
    list of str
        Sentences: the kind of comparison, poor overlap, few units, a reversed sign, settings that it cannot
        be separated from, a change during the history.
    """
    if not row["is_determined"]:
        return ["Nothing can be said about it from this history."]
    noun = count_units(1, unit).partition(" ")[2]
    found = [_kind(row, noun)]
    if row["overlap"] < POOR:
        where = f"of {noun}s that had both" if row["is_within_units"] else "in contexts where both are chosen"
        found.append(
            f"Poor overlap: only {row['overlap']:.0%} of the attempts are {where}; the rest hangs on the "
            "model."
        )
    rarer = min(("value", "reference"), key=lambda side: row[f"units_with_{side}"])
    if row[f"units_with_{rarer}"] < _FEW_UNITS:
        settings = row["settings"] if rarer == "value" else row["reference_settings"]
        names = " and ".join(name_factor(column, value) for column, value in settings.items())
        found.append(f"Few witnesses: only {count_units(row[f'units_with_{rarer}'], unit)} had {names}.")
    if row["is_sign_flipped"]:
        found.append(
            "Unadjusted it points the other way: it is chosen where attempts are easier or harder, and the "
            "adjustment is all that tells."
        )
    if row["not_separable_from"]:
        found.append(
            f"Always chosen together with {', '.join(row['not_separable_from'])}: the effect is that of all."
        )
    if row["drift"]:
        found.append(
            f"Changed on the way: {change_clause(row['drift'])}; the effect is that of the whole history."
        )
    return found


def _kind(row: Mapping[str, Any], noun: str) -> str:
    if row["is_within_units"]:
        return (
            f"Observational, within {noun}s: attempts of the same {noun} are compared, so what stays the "
            "same about each plays no part; what changed along with the choice, unrecorded, still can."
        )
    return (
        f"Observational: {noun}s with and without it are compared, adjusted for what is recorded; what "
        "nobody recorded can be in the figure."
    )
