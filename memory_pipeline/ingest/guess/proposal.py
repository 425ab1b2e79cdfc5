"""Describe what a person says about a file, and the mapping that is proposed for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from memory_pipeline.ingest.mapping import OutcomeMapping

if TYPE_CHECKING:
    from memory_pipeline.ingest.guess.roles import Roles


@dataclass(frozen=True)
class Said:
    """What a person says about a file, which is not guessed then.

    Parameters
    ----------
    roles
        Role by column.
    states
        Meaning (`success`, `failure`, `partial`, `skip`) by the word of the status.
    constants
        Value by outcome field, for fields that no column has.
    timezone, locale, order
        Of the times; of the numbers; `day` or `month`, whichever stands first in dates.
    """

    roles: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    timezone: str | None = None
    locale: str | None = None
    order: str | None = None


@dataclass(frozen=True)
class Unknown:
    """Something that the file does not show.

    Parameters
    ----------
    what
        What is not known, and what follows.
    remedy
        How to say it.
    is_blocking
        Whether records cannot be stored rightly without it.
    """

    what: str
    remedy: str
    is_blocking: bool = True


@dataclass
class Proposal:
    """A proposed mapping.

    Parameters
    ----------
    content
        The mapping, as its YAML has it.
    comments
        What was guessed, by the path of the key in `content`.
    unknown
        What the file does not show.
    roles
        What its columns are.
    """

    content: dict[str, Any]
    comments: dict[tuple[str, ...], str]
    unknown: list[Unknown]
    roles: Roles

    def mapping(self) -> OutcomeMapping | None:
        """Return the mapping; None where something is missing without which it reads nothing."""
        try:
            return OutcomeMapping.model_validate(self.content)
        except ValidationError:
            if any(one.is_blocking for one in self.unknown):
                return None
            raise

    def to_dict(self) -> dict[str, Any]:
        """Return the proposal as JSON types."""
        return {
            "mapping": self.content,
            "columns": {
                name: {"role": role, "why": self.roles.why[name]} for name, role in self.roles.of.items()
            },
            "unknown": [
                {"what": one.what, "remedy": one.remedy, "is_blocking": one.is_blocking}
                for one in self.unknown
            ],
        }
