"""Which patterns can advice name as a reason?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def nameable_patterns(patterns: pd.DataFrame | None) -> tuple[dict[str, Any], ...]:
    """Return the patterns (as in `fit_policy`) that raise success, with what advice needs to name them."""
    if patterns is None or patterns.empty:
        return ()
    table = patterns.reset_index(drop=True)
    if "pattern_type" in table:
        table = table[table["pattern_type"] == "success"]
    if "risk_difference" in table:
        table = table[table["risk_difference"] > 0]
    table = table.sort_values("q_value", kind="stable")
    return tuple(
        {
            "conditions": {str(column): str(level) for column, level in row["conditions"].items()},
            "label": str(row["id"]) if "id" in table else str(row["sentence"]),
            "sentence": str(row["sentence"]),
        }
        for row in table.to_dict("records")
    )
