"""Which approach to advise in a described context, how sure that is, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.recommendations.advice import Advice
from memory_pipeline.analysis.recommendations.policy import Policy

if TYPE_CHECKING:
    from memory_pipeline.analysis.recommendations.fit import fit_policy

__all__ = ["Advice", "Policy", "fit_policy"]


def __getattr__(name: str) -> Any:
    """Return `fit_policy`: its module takes half a second to load, and an answer needs no fit."""
    if name == "fit_policy":
        from memory_pipeline.analysis.recommendations.fit import fit_policy  # noqa: PLC0415 - see above

        return fit_policy
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
