"""How is a detected change written as a clause or a sentence?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.text import name_factor

if TYPE_CHECKING:
    from collections.abc import Mapping


def change_clause(change: Mapping[str, Any]) -> str:
    """Write what a detected change is: `attempts with tool = b do worse since 2026-03-04 (by 31 points …)`.

    Parameters
    ----------
    change
        As `Change.to_dict` returns it.
    """
    direction = "better" if change["difference"] > 0 else "worse"
    return (
        f"attempts with {name_factor(change['column'], change['value'])} do {direction} since "
        f"{change['since'][:10]} (by {abs(100 * change['difference']):.0f} points against expectation)"
    )


def drift_sentence(change: Mapping[str, Any]) -> str:
    """Write a detected change, and what follows for advice, as a sentence."""
    what = change_clause(change)
    return (
        f"{what[0].upper()}{what[1:]}: the {change['before']:,} attempts with it from before no longer count."
    )
