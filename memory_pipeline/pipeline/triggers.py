"""Who or what asked for a run of Dagster?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BECAUSE_TAG = "memory_pipeline/because"
"""Tag of a run: what asked for it."""


def trigger_of(tags: Mapping[str, str]) -> str:
    """Return what asked for a run."""
    if BECAUSE_TAG in tags:
        return tags[BECAUSE_TAG]
    for kind in ("schedule", "sensor"):
        if f"dagster/{kind}_name" in tags:
            return tags[f"dagster/{kind}_name"]
    return "Dagster's UI"
