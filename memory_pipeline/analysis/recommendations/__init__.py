"""Which approach to advise in a described context, how sure that is, and why."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from memory_pipeline.analysis.recommendations.advice import Advice
from memory_pipeline.analysis.recommendations.policy import Policy

if TYPE_CHECKING:
    from memory_pipeline.analysis.recommendations.fit import fit_policy

__all__ = ["Advice", "Policy", "fit_policy"]


def __getattr__(name: str) -> Any:
    """Return `fit_policy`, which loads half a second long: an answer needs no fit."""
    if name != "fit_policy":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.fit").fit_policy
