"""What if other settings were chosen: the approaches of an answer that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.text import setting_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def settings_of(candidates: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what can be chosen: for each setting its values by how they are written.

    Parameters
    ----------
    candidates
        The approaches that an answer compared (`Advice.candidates`).
    """
    found: dict[str, dict[str, Any]] = {}
    for one in candidates:
        for name, value in one["approach"].items():
            found.setdefault(name, {})[setting_text(value)] = value
    return {name: dict(sorted(values.items())) for name, values in sorted(found.items())}


def approaches_with(
    candidates: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the approaches that have all of some settings, those that are usual first.

    The first of them is what is mostly done with these settings, so that its expected success is what to
    expect of them.

    Parameters
    ----------
    candidates
        The approaches that an answer compared, each with its expected success (`Advice.candidates`).
    settings
        Settings and values.
    """
    wanted = {name: setting_text(value) for name, value in settings.items()}
    found = [
        one
        for one in candidates
        if all(
            name in one["approach"] and setting_text(one["approach"][name]) == text
            for name, text in wanted.items()
        )
    ]
    return sorted(found, key=lambda one: (-one["usual_share"], -one["success_rate"]))
