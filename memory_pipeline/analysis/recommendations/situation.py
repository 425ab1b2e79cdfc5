"""A described context as a policy reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.recommendations.contexts import Pattern, UnknownValue
    from memory_pipeline.analysis.recommendations.posterior import ContextPosterior


@dataclass(frozen=True)
class Situation:
    """A described context as a policy reads it: what an answer in it rests on but for chance.

    Attributes
    ----------
    context
        The description, as it was given.
    posterior
        Of the candidates in it.
    unknown
        Keys of the description that the policy does not know.
    unfamiliar
        Described values that never occurred, or too rarely to learn from.
    pattern
        The description as the policy encodes it.
    """

    context: Mapping[str, Any]
    posterior: ContextPosterior
    unknown: tuple[str, ...]
    unfamiliar: tuple[UnknownValue, ...]
    pattern: Pattern
