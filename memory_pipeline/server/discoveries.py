"""Discoveries that are asked for: what they may look for and cost, checked the same at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.agent.prompt import checked_focus
from memory_pipeline.server.problems import FieldError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memory_pipeline.settings import Settings


def cost_of_discovery(settings: Settings) -> str | None:
    """Return what a discovery may cost at most, in words; None without a key, when it costs nothing."""
    key = settings.anthropic_api_key
    if key is None or not key.get_secret_value().strip():
        return None
    return (
        f"{settings.discovery_model} may use up to {settings.discovery_max_tokens:,} tokens "
        f"and US$ {settings.discovery_max_cost:.2f}"
    )


def discovery_arguments(
    settings: Settings, focus_areas: Sequence[str], *, statistics_only: bool, confirm_cost: bool
) -> dict[str, Any]:
    """Return the arguments of the job of a discovery.

    Parameters
    ----------
    settings
        Those in force.
    focus_areas
        Areas that Claude looks at first.
    statistics_only
        Whether Claude is left out.
    confirm_cost
        Whether whoever asks agreed to the cost.

    Raises
    ------
    ProblemError
        When Claude would be asked and nobody agreed to the cost.
    ValueError
        When there are too many areas, or one is too long.
    """
    focus = checked_focus(focus_areas)
    cost = cost_of_discovery(settings)
    if cost is not None and not statistics_only and not confirm_cost:
        remedy = f"send true: {cost}; or send statistics_only, which costs nothing"
        error = FieldError("body.confirm_cost", "False", remedy)
        raise ProblemError(422, f"the discovery may cost money; confirm_cost: {remedy}", (error,))
    return {"focus_areas": list(focus), "statistics_only": statistics_only}
